//! `config --explain`: where every value and every variable came from, in the order of the files.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::{Loaded, Loader};
use crate::decode;
use crate::diagnostic::Diagnostics;
use crate::dotenv::Pair;
use crate::interpolate::Usage;
use crate::node::{Node, SourceFile, Span, Value};
use crate::render;

/// Longest list that is shown whole, in characters.
const LONG: usize = 100;

/// Everything that was typed, remembered while loading.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins {
    /// The project's compose files: a later one overrides an earlier one.
    pub(super) files: Vec<PathBuf>,
    values: Vec<Typed>,
    variables: Vec<(String, Source)>,
}

/// A value that was typed somewhere.
#[derive(Debug, Clone, PartialEq)]
struct Typed {
    path: String,
    value: String,
    span: Span,
    /// Places of the items of a list: some may be left when others are not.
    items: Vec<Span>,
    /// Typed outside of the compose file, which wins over it.
    outside: bool,
}

/// Where a variable was met.
#[derive(Debug, Clone, PartialEq)]
enum Source {
    Set { value: String, span: Span },
    Used { text: String, span: Span },
}

/// One layer of an explanation.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Path, or variable.
    pub path: String,
    /// The value, as text.
    pub value: String,
    /// Where; `None`: in no file.
    pub span: Option<Span>,
    /// What this layer came to.
    pub fate: Fate,
}

/// What a layer came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It counts.
    Counts,
    /// A later layer replaced it.
    Overridden,
    /// Nobody typed it: Compose fills it in.
    FilledIn,
    /// The process environment says so.
    Environment,
    /// Not a value: the place uses the variable.
    Used,
}

impl Origins {
    /// Which of the project's files a place is in.
    fn place(&self, span: &Span) -> Option<usize> {
        let file = span.file.as_ref()?;
        self.files.iter().position(|path| *path == file.path)
    }

    /// Adds to every problem of a value the places of values that it replaced.
    pub(super) fn tell_overridden(&self, problems: &mut Diagnostics) {
        for problem in problems.0.iter_mut().filter(|problem| problem.related.is_empty()) {
            let Some(own) = problem.span.as_ref().and_then(|span| self.place(span)) else { continue };
            let earlier = |typed: &&Typed| {
                typed.path == problem.path && !typed.outside && self.place(&typed.span).is_some_and(|place| place < own)
            };
            let before =
                self.values.iter().filter(earlier).map(|typed| ("it overrides".to_owned(), typed.span.clone()));
            problem.related.extend(before);
        }
    }
}

impl Loader<'_> {
    /// Remembers every value of a canonical document.
    pub(crate) fn remember(&mut self, node: &Node, path: &mut Vec<String>) {
        if self.options.origins {
            leaves(node, path, &mut self.origins.values);
        }
    }

    /// Remembers the variables of a file that fill `environment` of a service (a path), or the project's variables.
    pub(crate) fn remember_file(&mut self, file: &std::sync::Arc<SourceFile>, pairs: &[Pair], path: Option<&str>) {
        if !self.options.origins {
            return;
        }
        for Pair { key, value, line } in pairs {
            let span = Span { file: Some(file.clone()), line: *line, column: 1, length: 1 };
            match path {
                Some(path) => self.origins.values.push(Typed {
                    path: format!("{path}.{key}"),
                    value: format!("{value:?}"),
                    span,
                    items: Vec::new(),
                    outside: true,
                }),
                None => self.origins.variables.push((key.clone(), Source::Set { value: value.clone(), span })),
            }
        }
    }

    /// Remembers that a place uses a variable.
    pub(crate) fn remember_use(&mut self, usage: &Usage<'_>, span: &Span) {
        if self.options.origins {
            let used = Source::Used { text: usage.to_string(), span: span.clone() };
            self.origins.variables.push((usage.name.to_owned(), used));
        }
    }
}

/// Scalars and lists at and below a node.
fn leaves(node: &Node, path: &mut Vec<String>, into: &mut Vec<Typed>) {
    let items = match &node.value {
        Value::Map(map) => {
            // What `extends` names is what counts, not the name.
            let own = |key: &str| path.len() != 2 || path[0] != "services" || key != "extends";
            for (key, entry) in map.iter().filter(|(key, _)| own(key)).collect::<Vec<_>>() {
                path.push(key.clone());
                leaves(&entry.node, path, into);
                path.pop();
            }
            return;
        }
        Value::Seq(items) => items.iter().map(|item| item.span.clone()).collect(),
        _ => Vec::new(),
    };
    into.push(Typed { path: path.join("."), value: text(node), span: node.span.clone(), items, outside: false });
}

/// A value in one line.
fn text(node: &Node) -> String {
    let Value::Seq(_) = node.value else { return node.value.describe() };
    let mut text = decode::json(node).to_string();
    if text.chars().count() > LONG {
        text = text.chars().take(LONG - 1).chain(['…']).collect();
    }
    text
}

impl Loaded {
    /// Every value that was typed for a path or below it, layer by layer; what nobody typed is told too. Empty: there is no
    /// such path. Needs a load with [`crate::LoadOptions::origins`].
    #[must_use]
    pub fn explain(&self, path: &str) -> Vec<Layer> {
        let below = format!("{path}.");
        let wanted = |found: &str| found == path || found.starts_with(&below);
        let mut now = Vec::new();
        leaves(&self.tree, &mut Vec::new(), &mut now);
        now.retain(|leaf| wanted(&leaf.path));
        let mut paths: Vec<&str> = now.iter().map(|leaf| leaf.path.as_str()).collect();
        paths.extend(self.origins.values.iter().map(|typed| typed.path.as_str()).filter(|found| wanted(found)));
        paths.sort_unstable();
        paths.dedup();
        let mut layers: Vec<Layer> =
            paths.iter().flat_map(|path| self.layers(path, now.iter().find(|leaf| leaf.path == *path))).collect();
        layers.extend(self.filled_in(&wanted, &paths));
        layers.dedup();
        layers
    }

    /// The layers of one path; `now`: what is there after everything was merged.
    fn layers(&self, path: &str, now: Option<&Typed>) -> Vec<Layer> {
        let typed: Vec<&Typed> = self.origins.values.iter().filter(|typed| typed.path == path).collect();
        let last = typed.iter().rposition(|typed| typed.outside);
        let layer = |typed: &Typed, counts: bool| Layer {
            path: path.to_owned(),
            value: typed.value.clone(),
            span: Some(typed.span.clone()).filter(|span| span.file.is_some()),
            fate: if counts { Fate::Counts } else { Fate::Overridden },
        };
        let counts = |index: usize, typed: &Typed| match now {
            // What the compose file says of a variable wins over its files; among those, the last one.
            None => Some(index) == last,
            Some(now) => typed.span == now.span || typed.items.iter().any(|item| now.items.contains(item)),
        };
        let mut layers: Vec<Layer> =
            typed.iter().enumerate().map(|(index, typed)| layer(typed, counts(index, typed))).collect();
        if layers.iter().all(|layer| layer.fate == Fate::Overridden)
            && let Some(now) = now.filter(|now| now.span.file.is_some())
        {
            layers.push(layer(now, true));
        }
        layers.sort_by_key(|layer| layer.fate == Fate::Counts);
        layers
    }

    /// What the project has and nobody typed.
    fn filled_in(&self, wanted: &dyn Fn(&str) -> bool, typed: &[&str]) -> Vec<Layer> {
        let mut found = Vec::new();
        flatten(&render::project_value(&self.project), &mut String::new(), &mut found);
        let told = |path: &str| {
            typed
                .iter()
                .any(|typed| path == *typed || path.strip_prefix(typed).is_some_and(|rest| rest.starts_with('.')))
        };
        let new = found.into_iter().filter(|(path, _)| wanted(path) && !told(path));
        new.map(|(path, value)| Layer { path, value: value.to_string(), span: None, fate: Fate::FilledIn }).collect()
    }

    /// Where a variable was set, what won, and who uses it. Empty: nobody knows it.
    #[must_use]
    pub fn explain_variable(&self, name: &str) -> Vec<Layer> {
        let met = self.origins.variables.iter().filter(|(found, _)| found == name).map(|(_, source)| source);
        let layer = |value: &str, span: Option<Span>, fate| Layer {
            path: name.to_owned(),
            value: value.to_owned(),
            span,
            fate,
        };
        let mut layers = Vec::new();
        for source in met.clone() {
            if let Source::Set { value, span } = source {
                layers.push(layer(&format!("{value:?}"), Some(span.clone()), Fate::Overridden));
            }
        }
        let now = self.project.environment.get(name);
        match (self.outer.contains(name), now) {
            (true, Some(value)) => layers.push(layer(&format!("{value:?}"), None, Fate::Environment)),
            (false, Some(_)) if !layers.is_empty() => layers.last_mut().expect("not empty").fate = Fate::Counts,
            (false, Some(value)) => layers.push(layer(&format!("{value:?}"), None, Fate::FilledIn)),
            (_, None) => {}
        }
        for source in met {
            if let Source::Used { text, span } = source {
                layers.push(layer(text, Some(span.clone()), Fate::Used));
            }
        }
        layers.dedup();
        layers
    }
}

/// Every scalar and list of a JSON value by its path.
fn flatten(value: &serde_json::Value, path: &mut String, into: &mut Vec<(String, serde_json::Value)>) {
    let serde_json::Value::Object(map) = value else {
        into.push((path.clone(), value.clone()));
        return;
    };
    for (key, value) in map {
        let length = path.len();
        let dot = if path.is_empty() { "" } else { "." };
        write!(path, "{dot}{key}").expect("writing to a string cannot fail");
        flatten(value, path, into);
        path.truncate(length);
    }
}
