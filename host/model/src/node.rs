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
    /// Any other number.
    Float(f64),
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
