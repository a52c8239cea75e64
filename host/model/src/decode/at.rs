//! A place in the tree with its path: the readers of scalars, lists and mappings that decoding is made of.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use indexmap::IndexMap;

use crate::diagnostic::Diagnostics;
use crate::node::{Node, Value};
use crate::project::{Extensions, Json};
use crate::units;

/// A node that may be absent, with its path for messages.
#[derive(Clone)]
pub(crate) struct At<'a> {
    node: Option<&'a Node>,
    path: String,
    out: &'a RefCell<Diagnostics>,
}

impl<'a> At<'a> {
    pub(crate) fn root(node: &'a Node, out: &'a RefCell<Diagnostics>) -> Self {
        Self { node: Some(node), path: String::new(), out }
    }

    /// The entry of a mapping; `null` counts as absent.
    pub(crate) fn at(&self, key: &str) -> Self {
        let node = self.node.and_then(|node| node.get(key)).filter(|node| !node.is_null());
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Self { node, path, out: self.out }
    }

    pub(crate) fn node(&self) -> Option<&'a Node> {
        self.node
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn fail(&self, code: &'static str, message: impl Into<String>) {
        if let Some(node) = self.node {
            self.out.borrow_mut().error(code, &self.path, &node.span, message);
        }
    }

    /// `read`, if the value is there.
    pub(crate) fn optional<T>(&self, read: impl FnOnce(&Self) -> T) -> Option<T> {
        self.node.map(|_| read(self))
    }

    pub(crate) fn text(&self) -> String {
        self.node.and_then(Node::scalar_text).unwrap_or_default()
    }

    pub(crate) fn bool(&self) -> bool {
        self.optional_bool().unwrap_or(false)
    }

    pub(crate) fn optional_bool(&self) -> Option<bool> {
        match &self.node?.value {
            Value::Bool(value) => Some(*value),
            Value::String(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "y" | "on" => Some(true),
                "false" | "no" | "n" | "off" => Some(false),
                _ => {
                    self.fail("bool", format!("'{}' invalid boolean: {text}", bracketed(&self.path)));
                    None
                }
            },
            _ => None,
        }
    }

    pub(crate) fn int(&self) -> i64 {
        self.optional_int().unwrap_or(0)
    }

    pub(crate) fn optional_int(&self) -> Option<i64> {
        let node = self.node?;
        let text = match &node.value {
            Value::Int(value) => return Some(*value),
            #[expect(clippy::cast_possible_truncation, reason = "the fraction is dropped, as the peer does")]
            Value::Float(value) => return Some(*value as i64),
            _ => node.scalar_text().unwrap_or_default(),
        };
        let parsed = text.trim().parse().ok();
        if parsed.is_none() {
            self.fail("integer", format!("{} must be an integer", self.path));
        }
        parsed
    }

    /// A non-negative number that fits; anything else is an error and counts as absent.
    pub(crate) fn unsigned<T: TryFrom<i64>>(&self) -> Option<T> {
        let value = self.optional_int()?;
        let fits = T::try_from(value).ok();
        if fits.is_none() {
            let text = if value < 0 { "must be greater than or equal to 0" } else { "is out of range" };
            self.fail("integer", format!("{}: {text}", self.path));
        }
        fits
    }

    pub(crate) fn float(&self) -> f32 {
        let Some(node) = self.node else { return 0.0 };
        match node.scalar_text().and_then(|text| text.trim().parse::<f32>().ok()) {
            Some(value) => value,
            None => {
                self.fail("number", format!("{} must be a number", self.path));
                0.0
            }
        }
    }

    pub(crate) fn bytes(&self) -> i64 {
        let Some(node) = self.node else { return 0 };
        match &node.value {
            Value::Int(value) => *value,
            Value::Float(value) if value.fract() != 0.0 => {
                self.fail("scalar", format!("'{}' {value} is not a whole number of bytes", bracketed(&self.path)));
                0
            }
            _ => self.parsed(&node.scalar_text().unwrap_or_default(), units::bytes),
        }
    }

    pub(crate) fn duration(&self) -> Option<Duration> {
        let node = self.node?;
        Some(self.parsed(&node.scalar_text().unwrap_or_default(), units::duration))
    }

    /// Reads text with a parser whose error is the message.
    fn parsed<T: Default>(&self, text: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> T {
        parse(text).unwrap_or_else(|message| {
            self.fail("scalar", format!("'{}' {message}", bracketed(&self.path)));
            T::default()
        })
    }

    pub(crate) fn list(&self) -> Vec<Self> {
        let items = self.node.and_then(Node::as_seq).unwrap_or_default();
        let child = |(index, node)| Self { node: Some(node), path: format!("{}[{index}]", self.path), out: self.out };
        items.iter().enumerate().map(child).collect()
    }

    pub(crate) fn each<T>(&self, read: impl Fn(&Self) -> T) -> Vec<T> {
        self.list().iter().map(read).collect()
    }

    pub(crate) fn strings(&self) -> Vec<String> {
        match self.node.map(|node| &node.value) {
            Some(Value::Seq(_)) => self.each(Self::text),
            Some(Value::Map(_)) | None => Vec::new(),
            Some(_) => vec![self.text()],
        }
    }

    /// Entries of a mapping, those with `null` too (as absent nodes).
    pub(crate) fn entries(&self) -> Vec<(String, Self)> {
        let Some(map) = self.node.and_then(Node::as_map) else { return Vec::new() };
        map.keys().map(|key| (key.clone(), self.at(key))).collect()
    }

    pub(crate) fn index_map<T>(&self, read: impl Fn(&Self) -> T) -> IndexMap<String, T> {
        self.entries().into_iter().map(|(key, at)| (key, read(&at))).collect()
    }

    pub(crate) fn sorted_map<T>(&self, read: impl Fn(&Self) -> T) -> BTreeMap<String, T> {
        self.entries().into_iter().map(|(key, at)| (key, read(&at))).collect()
    }

    pub(crate) fn string_map(&self) -> BTreeMap<String, String> {
        self.sorted_map(Self::text)
    }

    pub(crate) fn optional_map(&self) -> BTreeMap<String, Option<String>> {
        self.sorted_map(|at| at.node.and_then(Node::scalar_text))
    }

    /// A command: a list as it is, text split as a shell splits words; `None` when absent.
    pub(crate) fn command(&self) -> Option<Vec<String>> {
        let node = self.node?;
        match &node.value {
            Value::Seq(_) => Some(self.strings()),
            _ => {
                let text = node.scalar_text().unwrap_or_default();
                Some(super::words::split(&text).unwrap_or_else(|reason| {
                    self.fail("command", format!("'{}' {reason}", bracketed(&self.path)));
                    Vec::new()
                }))
            }
        }
    }

    /// `x-…` entries of a mapping.
    pub(crate) fn extensions(&self) -> Extensions {
        let Some(map) = self.node.and_then(Node::as_map) else { return Extensions::new() };
        let own = map.iter().filter(|(key, _)| key.starts_with("x-"));
        own.map(|(key, entry)| (key.clone(), json(&entry.node))).collect()
    }

    pub(crate) fn json(&self) -> Json {
        self.node.map_or(Json::Null, json)
    }
}

/// `services.a.mem_limit` as the peer writes it: `services[a].mem_limit`.
fn bracketed(path: &str) -> String {
    let mut parts = path.splitn(3, '.');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(section), Some(name), Some(rest)) => format!("{section}[{name}].{rest}"),
        _ => path.to_owned(),
    }
}

/// A tree as JSON, spans dropped.
pub(crate) fn json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => Json::from(*value),
        Value::Large(value) => Json::from(*value),
        Value::Float(value) => serde_json::Number::from_f64(*value).map_or(Json::Null, Json::Number),
        Value::Time(time) => Json::String(time.rfc3339()),
        Value::String(text) => Json::String(text.clone()),
        Value::Seq(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(map) => Json::Object(map.iter().map(|(key, entry)| (key.clone(), json(&entry.node))).collect()),
    }
}
