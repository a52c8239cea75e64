//! Is every key known and of the right type? A table of shapes ([`shapes`]) and one walk over the document as it was typed.
//!
//! What must be present is checked after merging ([`check_required`], [`check_nothing`]), because an override file may give
//! parts only, and nothing in it leaves what is there.

use std::path::Path;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::node::{Mapping, Node, Span, Value};

mod shapes;

use shapes::{Key, Shape};

/// Checks a document as it was typed. All problems are reported. `raw`: its variables have no values yet, so that a text
/// with one may become any scalar.
pub fn check(root: &Node, file: &Path, raw: bool, out: &mut Diagnostics) {
    let Value::Map(map) = &root.value else {
        let text = format!("{} must be a mapping of attributes like `services`", file.display());
        out.0.push(Diagnostic::error("not-a-mapping", "", Some(root.span.clone()), text));
        return;
    };
    for section in ["services"] {
        if let Some(entry) = map.get(section).filter(|entry| entry.node.as_map().is_none()) {
            out.error("type", section, &entry.node.span, format!("{section} must be a mapping"));
        }
    }
    Walk { out, nothing: false, raw }.object(map, shapes::ROOT, "");
}

/// Checks the tree merged so far for attributes that say nothing where something is wanted.
pub fn check_nothing(tree: &Node, out: &mut Diagnostics) {
    if let Some(map) = tree.as_map() {
        Walk { out, nothing: true, raw: false }.object(map, shapes::ROOT, "");
    }
}

/// Names that people give to attributes, too far from the right ones for a slip of the finger.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("cmd", "command"),
    ("container", "container_name"),
    ("cpu", "cpus"),
    ("depends", "depends_on"),
    ("dockerfile", "build"),
    ("env", "environment"),
    ("env_vars", "environment"),
    ("envs", "environment"),
    ("memory", "mem_limit"),
    ("mounts", "volumes"),
    ("needs", "depends_on"),
    ("replicas", "scale"),
    ("requires", "depends_on"),
    ("workdir", "working_dir"),
];

struct Walk<'o> {
    out: &'o mut Diagnostics,
    /// `true`: report only misplaced `null`s; `false`: everything else.
    nothing: bool,
    /// The document is not interpolated.
    raw: bool,
}

impl Walk<'_> {
    fn object(&mut self, map: &Mapping, keys: &[Key], path: &str) {
        for (name, entry) in map {
            if name.starts_with("x-") {
                continue;
            }
            let place = join(path, name);
            match keys.iter().find(|key| key.name == name) {
                Some(key) if entry.node.is_null() && key.nullable => {}
                Some(key) => self.node(&entry.node, &key.shape, &place),
                None if self.nothing || entry.node.merge == crate::node::Merge::Reset => {}
                None => self.unknown(name, &entry.key, keys, (path, map)),
            }
        }
    }

    fn unknown(&mut self, name: &str, span: &Span, keys: &[Key], (path, map): (&str, &Mapping)) {
        let text = format!("{path} additional properties '{name}' not allowed");
        let mut problem = Diagnostic::error("unknown-key", &join(path, name), Some(span.clone()), text.trim_start());
        let known = |wanted: &str| keys.iter().any(|key| key.name == wanted);
        let meant = OTHER_NAMES.iter().find(|(other, meant)| *other == name && known(meant)).map(|(_, meant)| *meant);
        if known("extends") && map.contains_key("extends") && matches!(name, "service" | "file") {
            problem = problem.hinted(format!("indent it: `{name}` belongs below `extends`"));
        } else if let Some(close) = meant.or_else(|| crate::suggest::closest(name, keys.iter().map(|key| key.name))) {
            problem = problem.hinted(format!("did you mean `{close}`?"));
        }
        self.out.0.push(problem);
    }

    fn node(&mut self, node: &Node, shape: &Shape, path: &str) {
        if node.merge == crate::node::Merge::Reset || (node.merge != crate::node::Merge::Default && node.is_null()) {
            return;
        }
        if self.raw && shape.takes_text() && node.as_str().is_some_and(has_variable) {
            return;
        }
        match shape {
            _ if matches!(node.value, Value::Float(value) if !value.is_finite()) => {
                self.fail(node, path, format!("{path} must be a finite number"));
            }
            Shape::Object(keys) => match &node.value {
                Value::Map(map) => self.object(map, keys, path),
                _ => self.wrong(node, "a mapping", path),
            },
            Shape::Map(inner) => self.map(node, inner, path),
            Shape::Named(inner) => self.named(node, inner, path),
            Shape::List(inner) => match &node.value {
                Value::Seq(items) => {
                    for (index, item) in items.iter().enumerate() {
                        self.inner(item, inner, &format!("{path}.{index}"));
                    }
                }
                _ => self.wrong(node, "a list", path),
            },
            Shape::UniqueList(inner) => {
                self.node(node, &Shape::List(inner), path);
                self.unique(node, path);
            }
            Shape::OneOf(options, wanted) => self.one_of(node, options, wanted, path),
            Shape::Enum(values) => self.one_of_texts(node, values, path),
            Shape::Pattern(fits, text) => {
                if !node.as_str().is_some_and(fits) {
                    let value = node.value.describe();
                    self.fail(node, path, format!("{path} {value} does not match pattern '{text}'"));
                }
            }
            // Text was cast to a float before, and only whole numbers are accepted.
            Shape::Range(..) if !matches!(node.value, Value::String(_)) && !shape.fits(&node.value) => {
                self.wrong(node, "a string", path);
            }
            Shape::Range(low, high) => {
                let value = node.scalar_text().and_then(|text| text.parse::<f64>().ok());
                if !value.is_some_and(|value| (*low..=*high).contains(&value)) {
                    self.fail(node, path, format!("{path} must be between {low} and {high}"));
                }
            }
            scalar => {
                if !scalar.fits(&node.value) {
                    self.wrong(node, scalar.name(), path);
                }
            }
        }
    }

    fn map(&mut self, node: &Node, inner: &Shape, path: &str) {
        let Value::Map(map) = &node.value else {
            self.wrong(node, "a mapping", path);
            return;
        };
        for (name, entry) in map {
            if name.is_empty() && !self.nothing {
                let text = format!("{path} additional properties '' not allowed");
                self.out.error("name", path, &entry.key, text);
            }
            self.inner(&entry.node, inner, &join(path, name));
        }
    }

    /// An item of a list or free mapping: `null` is no attribute that another file may give.
    fn inner(&mut self, node: &Node, shape: &Shape, path: &str) {
        match (node.is_null(), self.nothing) {
            (true, true) => {}
            (true, false) => {
                self.nothing = true;
                self.node(node, shape, path);
                self.nothing = false;
            }
            _ => self.node(node, shape, path),
        }
    }

    /// A mapping whose keys are names of resources.
    fn named(&mut self, node: &Node, inner: &Shape, path: &str) {
        let Value::Map(map) = &node.value else {
            self.wrong(node, "a mapping", path);
            return;
        };
        for (name, entry) in map {
            if name.starts_with("x-") && inner.is_definition() {
                continue;
            }
            let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            if self.nothing {
                self.node(&entry.node, inner, &join(path, name));
                continue;
            }
            if name.is_empty() || !name.chars().all(valid) {
                let text = format!("{path} additional properties '{name}' not allowed");
                let problem = Diagnostic::error("name", &join(path, name), Some(entry.key.clone()), text);
                self.out.0.push(problem.hinted("names are made of letters, digits, `.`, `_` and `-`"));
                continue;
            }
            self.node(&entry.node, inner, &join(path, name));
        }
    }

    /// The option of the same kind (mapping, list, scalar) is checked in depth, so that the message says what is wrong.
    fn one_of(&mut self, node: &Node, options: &[Shape], wanted: &str, path: &str) {
        let same_kind = options.iter().find(|option| match &node.value {
            Value::Map(_) => matches!(option, Shape::Map(_) | Shape::Object(_) | Shape::Named(_)),
            Value::Seq(_) => matches!(option, Shape::List(_) | Shape::UniqueList(_)),
            value => option.fits(value),
        });
        match same_kind {
            Some(option) => self.node(node, option, path),
            None => self.wrong(node, wanted, path),
        }
    }

    fn one_of_texts(&mut self, node: &Node, values: &[&str], path: &str) {
        let text = node.as_str();
        if text.is_some_and(|text| values.contains(&text)) || node.is_null() != self.nothing {
            return;
        }
        let list: Vec<String> = values.iter().map(|value| format!("'{value}'")).collect();
        let message = format!("{path} value must be one of {}", list.join(", "));
        let mut problem = Diagnostic::error("value", path, Some(node.span.clone()), message);
        let close = |text: &str| {
            let part = |value: &&&str| text.len() > 3 && value.contains(text);
            crate::suggest::closest(text, values.iter().copied()).or_else(|| values.iter().find(part).copied())
        };
        if let Some(close) = text.and_then(close) {
            problem = problem.hinted(format!("did you mean `{close}`?"));
        }
        self.out.0.push(problem);
    }

    fn unique(&mut self, node: &Node, path: &str) {
        let mut seen: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
        for (index, item) in node.as_seq().unwrap_or_default().iter().enumerate() {
            if item.scalar_text().is_none() {
                continue;
            }
            if let Some(first) = seen.insert(item.value.describe(), index) {
                self.fail(item, path, format!("{path} items at {first} and {index} are equal"));
            }
        }
    }

    fn wrong(&mut self, node: &Node, wanted: &str, path: &str) {
        self.fail(node, path, format!("{path} must be {wanted}"));
    }

    fn fail(&mut self, node: &Node, path: &str, message: String) {
        if node.is_null() != self.nothing {
            return;
        }
        self.out.error("type", path, &node.span, message);
    }
}

fn has_variable(text: &str) -> bool {
    crate::interpolate::usages(text).is_ok_and(|usages| !usages.is_empty())
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Attributes that must be there once everything is merged: path below a service, keys.
const REQUIRED: &[(&str, &[&str])] = &[
    ("depends_on.*", &["condition"]),
    ("develop.watch.*", &["path", "action"]),
    ("devices.*", &["source"]),
    ("env_file.*", &["path"]),
    ("post_start.*", &["command"]),
    ("pre_stop.*", &["command"]),
    ("deploy.resources.reservations.devices.*", &["capabilities"]),
    ("volumes.*", &["type"]),
    ("provider", &["type"]),
    ("develop.watch.*.exec", &["command"]),
    ("ulimits.*", &["soft", "hard"]),
    ("build.ulimits.*", &["soft", "hard"]),
];

/// Checks the merged canonical tree for what must be present.
pub fn check_required(tree: &Node, out: &mut Diagnostics) {
    if let Some(models) = tree.get("models") {
        require(models, &["*"], &["model"], "models", out);
    }
    let Some(services) = tree.get("services").and_then(Node::as_map) else { return };
    for (name, entry) in services {
        let path = format!("services.{name}");
        if entry.node.as_map().is_none() {
            continue;
        }
        repeated(&entry.node, &path, out);
        for (pattern, keys) in REQUIRED {
            let segments: Vec<&str> = pattern.split('.').collect();
            require(&entry.node, &segments, keys, &path, out);
        }
    }
}

/// Lists that may not repeat an item even when two files make them up.
const UNIQUE: &[&str] = &["device_cgroup_rules", "external_links", "group_add", "security_opt", "volumes_from"];

fn repeated(service: &Node, path: &str, out: &mut Diagnostics) {
    for key in UNIQUE {
        if let Some(list) = service.get(key) {
            Walk { out, nothing: false, raw: false }.unique(list, &join(path, key));
        }
    }
}

fn require(node: &Node, segments: &[&str], keys: &[&str], path: &str, out: &mut Diagnostics) {
    match segments {
        [] => {
            let Some(map) = node.as_map() else { return };
            for key in keys.iter().filter(|key| !map.contains_key(**key)) {
                out.error("missing-key", path, &node.span, format!("{path} missing property '{key}'"));
            }
        }
        ["*", rest @ ..] => match &node.value {
            Value::Map(map) => {
                map.iter().for_each(|(name, entry)| require(&entry.node, rest, keys, &join(path, name), out));
            }
            Value::Seq(items) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(index, item)| require(item, rest, keys, &format!("{path}.{index}"), out));
            }
            _ => {}
        },
        [segment, rest @ ..] => {
            if let Some(inner) = node.get(segment) {
                require(inner, rest, keys, &join(path, segment), out);
            }
        }
    }
}
