//! A YAML value that knows where the user typed it.

use std::sync::Arc;

use indexmap::IndexMap;

/// A file (or standard input) that took part in a load.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Path as shown to the user.
    pub path: std::path::PathBuf,
    /// Whole text, for excerpts.
    pub text: String,
}

/// A place in a file. Lines and columns count from 1; columns are characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The file; `None` for values that Windlass made up (defaults, command line).
    pub file: Option<Arc<SourceFile>>,
    /// First line.
    pub line: usize,
    /// First column.
    pub column: usize,
    /// Length in characters of what to underline on the first line; at least 1.
    pub length: usize,
}

impl Span {
    /// The span of a value that stands in no file.
    #[must_use]
    pub fn synthetic() -> Self {
        Self { file: None, line: 0, column: 0, length: 1 }
    }
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where the user typed it. After a merge: the place of the winning value.
    pub span: Span,
    /// How it is merged over an earlier file (`!reset`, `!override`).
    pub merge: Merge,
}

/// What a tag says about merging.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Merge {
    /// By the rules of the attribute.
    #[default]
    Default,
    /// `!reset`: removes the attribute.
    Reset,
    /// `!override`: replaces it.
    Override,
}

/// The YAML data model that Compose uses: mappings have string keys and keep their order.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number beyond what [`Value::Int`] holds. No attribute takes one, but free values do.
    Large(u64),
    /// Any other number.
    Float(f64),
    /// A date or a date with a time.
    Time(crate::yaml::Timestamp),
    /// Text.
    String(String),
    /// A sequence.
    Seq(Vec<Node>),
    /// A mapping.
    Map(Mapping),
}

/// A mapping with the span of each key beside its value.
pub type Mapping = IndexMap<String, Entry>;

/// One entry of a [`Mapping`].
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Where the key stands.
    pub key: Span,
    /// The value.
    pub node: Node,
}

impl Node {
    /// A value that stands where `span` says.
    #[must_use]
    pub fn new(value: Value, span: Span) -> Self {
        Self { value, span, merge: Merge::Default }
    }

    /// Text that stands where `span` says.
    #[must_use]
    pub fn string(text: impl Into<String>, span: &Span) -> Self {
        Self::new(Value::String(text.into()), span.clone())
    }

    /// A mapping that stands where `span` says; its keys stand there too.
    #[must_use]
    pub fn map<const N: usize>(entries: [(&str, Value); N], span: &Span) -> Self {
        let mut map = Mapping::new();
        for (name, value) in entries {
            map.insert(name.to_owned(), Entry { key: span.clone(), node: Self::new(value, span.clone()) });
        }
        Self::new(Value::Map(map), span.clone())
    }

    /// The mapping, if it is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&Mapping> {
        if let Value::Map(map) = &self.value { Some(map) } else { None }
    }

    /// The mapping, if it is one.
    pub fn as_map_mut(&mut self) -> Option<&mut Mapping> {
        if let Value::Map(map) = &mut self.value { Some(map) } else { None }
    }

    /// The items, if it is a sequence.
    #[must_use]
    pub fn as_seq(&self) -> Option<&[Self]> {
        if let Value::Seq(items) = &self.value { Some(items) } else { None }
    }

    /// The text, if it is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Value::String(text) = &self.value { Some(text) } else { None }
    }

    /// The entry of a mapping.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_map().and_then(|map| map.get(key)).map(|entry| &entry.node)
    }

    /// The entry of a mapping.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        self.as_map_mut().and_then(|map| map.get_mut(key)).map(|entry| &mut entry.node)
    }

    /// The items of a sequence below a key; none, if there is none.
    pub fn items_mut(&mut self, key: &str) -> impl Iterator<Item = &mut Self> {
        let items = match self.get_mut(key).map(|node| &mut node.value) {
            Some(Value::Seq(items)) => items.as_mut_slice(),
            _ => &mut [],
        };
        items.iter_mut()
    }

    /// `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The scalar as text, as Go prints it: what an environment or label value becomes. `None`: null or a collection.
    #[must_use]
    pub fn scalar_text(&self) -> Option<String> {
        match &self.value {
            Value::String(text) => Some(text.clone()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Int(value) => Some(value.to_string()),
            Value::Large(value) => Some(value.to_string()),
            Value::Float(value) => Some(float_text(*value)),
            Value::Time(time) => Some(time.to_string()),
            Value::Null | Value::Seq(_) | Value::Map(_) => None,
        }
    }
}

/// A float as Go's `%v` prints it: shortest form, with an exponent from a million on and below 1e-4.
#[must_use]
pub fn float_text(value: f64) -> String {
    let text = format!("{value:e}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    if exponent.parse::<i32>().is_ok_and(|exponent| (-4..6).contains(&exponent)) {
        return format!("{value}");
    }
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

impl Value {
    /// Name of the type and, for scalars, the value: for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Large(value) => value.to_string(),
            Self::Float(value) => float_text(*value),
            Self::Time(time) => time.to_string(),
            Self::String(text) => format!("\"{text}\""),
            Self::Seq(_) => "a sequence".to_owned(),
            Self::Map(_) => "a mapping".to_owned(),
        }
    }
}
