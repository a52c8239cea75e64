//! `config --explain`: every value that was typed for a path, in the order of the files.

use super::{Loaded, Loader};
use crate::node::{Node, Span, Value};

/// One value that was typed for a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// The value, as text.
    pub value: String,
    /// Where.
    pub span: Span,
}

impl Loader<'_> {
    /// Remembers every scalar of a document.
    pub(crate) fn record_layers(&mut self, node: &Node, path: &mut Vec<String>) {
        match &node.value {
            Value::Map(map) => {
                for (key, entry) in map {
                    path.push(key.clone());
                    self.record_layers(&entry.node, path);
                    path.pop();
                }
            }
            Value::Seq(items) => {
                for (index, item) in items.iter().enumerate() {
                    path.push(index.to_string());
                    self.record_layers(item, path);
                    path.pop();
                }
            }
            value => self.layers.push((path.join("."), Layer { value: value.describe(), span: node.span.clone() })),
        }
    }
}

impl Loaded {
    /// Every value typed for a path (or below it), the winning one of each path last. Empty: nobody typed it, so it is a
    /// default.
    #[must_use]
    pub fn explain(&self, path: &str) -> Vec<(&str, &Layer)> {
        let below = format!("{path}.");
        let wanted = |found: &str| found == path || found.starts_with(&below);
        let mut layers: Vec<_> = self
            .layers
            .iter()
            .filter(|(found, _)| wanted(found))
            .map(|(found, layer)| (found.as_str(), layer))
            .collect();
        layers.sort_by_key(|(found, _)| *found);
        layers
    }
}
