//! `config --no-interpolate` prints attributes as they were typed, list or mapping, unless files were merged: then as lists.

use std::path::{Path, PathBuf};

use super::Loader;
use crate::node::{Entry, Merge, Node, Value};

/// Attributes of a service that have several forms, as paths below it.
const FORMS: &[&[&str]] = &[
    &["annotations"],
    &["build", "args"],
    &["build", "extra_hosts"],
    &["build", "labels"],
    &["dns_search"],
    &["environment"],
    &["extra_hosts"],
    &["labels"],
    &["sysctls"],
    &["tmpfs"],
];

/// An attribute as it was typed.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    /// The file, where it was read for `extends` only.
    file: Option<PathBuf>,
    service: String,
    attribute: &'static [&'static str],
    node: Node,
}

impl Loader<'_> {
    /// Remembers the forms of a document, before it is made canonical.
    pub(super) fn remember_forms(&mut self, root: &Node, path: &Path) {
        let file = if self.extended.is_empty() { None } else { Some(path.to_path_buf()) };
        for (name, entry) in root.get("services").and_then(Node::as_map).into_iter().flatten() {
            for attribute in FORMS {
                if let Some(node) = attribute.iter().try_fold(&entry.node, |node, key| node.get(key)) {
                    let (file, service, node) = (file.clone(), name.clone(), node.clone());
                    self.forms.push(Form { file, service, attribute, node });
                }
            }
        }
    }

    /// A service takes over what the one it extends had.
    pub(super) fn inherit_forms(&mut self, from: (Option<&Path>, &str), to: (Option<&Path>, &str)) {
        let of_base = |form: &&Form| form.file.as_deref() == from.0 && form.service == from.1;
        let inherited: Vec<Form> = self.forms.iter().filter(of_base).cloned().collect();
        let renamed = inherited.into_iter().map(|form| Form {
            file: to.0.map(Path::to_path_buf),
            service: to.1.to_owned(),
            ..form
        });
        // What is extended comes first.
        self.forms.splice(0..0, renamed);
    }

    /// Gives the attributes of the merged tree their forms back.
    pub(super) fn restore_forms(&self, tree: &mut Node) {
        let Some(services) = tree.get_mut("services").and_then(Node::as_map_mut) else { return };
        for (name, entry) in services {
            for attribute in FORMS {
                let own = |form: &&Form| form.file.is_none() && form.service == *name && form.attribute == *attribute;
                let mut typed: Vec<&Form> = self.forms.iter().filter(own).collect();
                // `!override` starts anew.
                let first = typed.iter().rposition(|form| form.node.merge == Merge::Override).unwrap_or(0);
                typed.drain(..first);
                let found = attribute.iter().try_fold(&mut entry.node, |node, key| node.get_mut(key));
                let Some(node) = found.filter(|node| !node.is_null()) else { continue };
                match typed.as_slice() {
                    [] => {}
                    // A host may have several addresses.
                    [one] if attribute.contains(&"extra_hosts") => node.value = without_tags(&one.node).value,
                    [one] => node.value = once_each(without_tags(&one.node)).value,
                    several => listed(node, several),
                }
            }
        }
    }
}

/// A merged mapping as the list that the peer merges.
fn listed(node: &mut Node, typed: &[&Form]) {
    let Value::Map(map) = &node.value else { return };
    let mut entries: Vec<(&String, &Entry)> = map.iter().collect();
    // Keys of a mapping are sorted when it becomes a list; those of later files follow.
    let sorted = |key: &str| {
        let place = typed.iter().position(|form| form.node.get(key).is_some());
        place.map(|place| (place, key.to_owned()))
    };
    if typed.iter().all(|form| form.node.as_map().is_some()) {
        entries.sort_by_key(|(key, _)| sorted(key));
    }
    let lines = entries.into_iter().flat_map(|(key, entry)| match &entry.node.value {
        Value::Seq(values) => values.iter().map(|value| line(key, value, typed)).collect(),
        _ => vec![line(key, &entry.node, typed)],
    });
    node.value = Value::Seq(lines.collect());
}

/// As it was typed in a list, else with `=`.
fn line(key: &str, value: &Node, typed: &[&Form]) -> Node {
    let items = typed.iter().flat_map(|form| form.node.as_seq().unwrap_or_default());
    let same = items.filter(|item| item.span == value.span).find_map(Node::scalar_text);
    let text =
        same.unwrap_or_else(|| value.scalar_text().map_or_else(|| key.to_owned(), |value| format!("{key}={value}")));
    Node::string(text, &value.span)
}

/// Of lines with the same key, the place of the first and the text of the last, as merging leaves them.
fn once_each(mut node: Node) -> Node {
    if let Value::Seq(items) = &mut node.value {
        let mut lines: indexmap::IndexMap<String, Node> = indexmap::IndexMap::new();
        for item in std::mem::take(items) {
            let text = item.scalar_text().unwrap_or_default();
            lines.insert(text.split('=').next().unwrap_or_default().to_owned(), item);
        }
        *items = lines.into_values().collect();
    }
    node
}

/// What `!reset` tags does not count; a tag itself is not printed.
fn without_tags(node: &Node) -> Node {
    let mut node = node.clone();
    crate::merge::settle(&mut node, &mut Vec::new());
    node
}
