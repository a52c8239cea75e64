//! Merges canonical documents: a later file over an earlier one, a service over the one it extends.
//!
//! Mappings merge by key, sequences append, everything else is replaced; the exceptions are in [`RULES`]. Sequences whose
//! items have an identity keep the last one ([`unique`]).

use crate::diagnostic::Diagnostics;
use crate::node::{Mapping, Merge, Node, Value};

/// How the values of one path are merged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// The later one wins whole, even `null`.
    Replace,
    /// Merged when the driver is the same or only named once; else replaced.
    SameDriver,
    /// Items with the same text before the first `=` (or the same text) count once.
    Named,
    /// Items that are equal count once.
    Distinct,
    /// Items that an earlier file has are not added again; one file may repeat itself.
    Added,
    /// Items with the same value of this key count once.
    Keyed(&'static str),
    /// Items with the same target count once; without one, it is this directory and the source.
    Mounted(&'static str),
    /// Ports: host address, published, target and protocol.
    Ports,
    /// Items with the same value of this key are merged.
    MergedBy(&'static str),
}

/// Exceptions, below `services.NAME` or below a top-level section.
const RULES: &[(&str, Rule)] = &[
    ("services.*.command", Rule::Replace),
    ("services.*.entrypoint", Rule::Replace),
    ("services.*.healthcheck.test", Rule::Replace),
    ("services.*.environment.*", Rule::Replace),
    ("services.*.build.args.*", Rule::Replace),
    ("services.*.logging", Rule::SameDriver),
    ("services.*.ulimits.*", Rule::Replace),
    ("services.*.cap_add", Rule::Named),
    ("services.*.cap_drop", Rule::Named),
    ("services.*.dns", Rule::Distinct),
    ("services.*.dns_opt", Rule::Distinct),
    ("services.*.dns_search", Rule::Distinct),
    ("services.*.tmpfs", Rule::Named),
    ("services.*.links", Rule::Named),
    ("services.*.profiles", Rule::Named),
    ("services.*.expose", Rule::Named),
    ("services.*.extra_hosts.*", Rule::Added),
    ("services.*.build.tags", Rule::Named),
    ("services.*.build.extra_hosts.*", Rule::Added),
    ("services.*.networks.*.aliases", Rule::Named),
    ("services.*.networks.*.link_local_ips", Rule::Named),
    ("services.*.ports", Rule::Ports),
    ("services.*.volumes", Rule::Keyed("target")),
    ("services.*.devices", Rule::Keyed("target")),
    ("services.*.secrets", Rule::Mounted("/run/secrets/")),
    ("services.*.configs", Rule::Mounted("/")),
    ("services.*.build.secrets", Rule::Mounted("/run/secrets/")),
    ("services.*.env_file", Rule::Keyed("path")),
    ("networks.*.ipam.config", Rule::MergedBy("subnet")),
];

/// Merges `over` (the later document) over `base`.
pub fn merge(base: Node, over: Node, path: &mut Vec<String>, out: &mut Diagnostics) -> Node {
    match over.merge {
        Merge::Reset => return Node { merge: Merge::Reset, ..over },
        Merge::Override => return Node { merge: Merge::Default, ..over },
        Merge::Default => {}
    }
    let rule = rule_at(path);
    if rule == Some(Rule::Replace) {
        return over;
    }
    if over.is_null() && !base.is_null() {
        return base;
    }
    match (base.value, over.value) {
        (Value::Map(left), Value::Map(right)) => {
            if rule == Some(Rule::SameDriver) && drivers_differ(&left, &right) {
                return Node::new(Value::Map(right), over.span);
            }
            Node::new(Value::Map(maps(left, right, path, out)), over.span)
        }
        (Value::Seq(left), Value::Seq(right)) => {
            Node::new(Value::Seq(sequences(left, right, rule, path, out)), over.span)
        }
        (Value::Null, value) => Node::new(value, over.span),
        (Value::Map(_) | Value::Seq(_), value) | (_, value @ (Value::Map(_) | Value::Seq(_))) => {
            let place = path.join(".");
            let problem = crate::Diagnostic::error(
                "cannot-override",
                &place,
                Some(over.span.clone()),
                format!("cannot override {place}"),
            );
            out.0.push(problem.related("defined here", base.span));
            Node::new(value, over.span)
        }
        (_, value) => Node::new(value, over.span),
    }
}

fn maps(mut base: Mapping, over: Mapping, path: &mut Vec<String>, out: &mut Diagnostics) -> Mapping {
    for (name, mut entry) in over {
        if entry.node.merge == Merge::Reset {
            base.shift_remove(&name);
            continue;
        }
        path.push(name.clone());
        if let Some(old) = base.get_mut(&name) {
            let before = std::mem::replace(&mut old.node, Node::new(Value::Null, entry.key.clone()));
            old.node = merge(before, entry.node, path, out);
            old.key = entry.key;
        } else {
            entry.node.merge = Merge::Default;
            base.insert(name, entry);
        }
        path.pop();
    }
    base
}

fn sequences(
    base: Vec<Node>,
    over: Vec<Node>,
    rule: Option<Rule>,
    path: &mut Vec<String>,
    out: &mut Diagnostics,
) -> Vec<Node> {
    if let Some(Rule::MergedBy(key)) = rule {
        return merged_by(key, base, over, path, out);
    }
    let resets: Vec<Node> = over.iter().filter(|item| item.merge == Merge::Reset).cloned().collect();
    let over = match rule {
        Some(Rule::Added) => over.into_iter().filter(|item| !base.iter().any(|old| old.value == item.value)).collect(),
        _ => over,
    };
    let kept = base.into_iter().filter(|item| !resets.iter().any(|reset| reset.value == item.value));
    let items: Vec<Node> = kept.chain(over.into_iter().filter(|item| item.merge != Merge::Reset)).collect();
    rule.map_or(items.clone(), |rule| unique(items, rule))
}

fn merged_by(key: &str, base: Vec<Node>, over: Vec<Node>, path: &mut Vec<String>, out: &mut Diagnostics) -> Vec<Node> {
    let mut items = base;
    for item in over {
        let wanted = item.get(key).and_then(Node::scalar_text);
        let found = items.iter().position(|old| old.get(key).and_then(Node::scalar_text) == wanted);
        if let Some(index) = found {
            let old = std::mem::replace(&mut items[index], Node::new(Value::Null, item.span.clone()));
            items[index] = merge(old, item, path, out);
        } else {
            items.push(item);
        }
    }
    items
}

/// Removes what `!reset` and `!override` mean when there is nothing to merge over, and applies the identity of items.
pub fn settle(node: &mut Node, path: &mut Vec<String>) {
    node.merge = Merge::Default;
    match &mut node.value {
        Value::Map(map) => {
            map.retain(|_, entry| entry.node.merge != Merge::Reset);
            for (name, entry) in map {
                path.push(name.clone());
                settle(&mut entry.node, path);
                path.pop();
            }
        }
        Value::Seq(items) => {
            items.retain(|item| item.merge != Merge::Reset);
            if let Some(rule) = rule_at(path) {
                *items = unique(std::mem::take(items), rule);
            }
            path.push("[]".to_owned());
            items.iter_mut().for_each(|item| settle(item, path));
            path.pop();
        }
        _ => {}
    }
}

/// Drops the items of sequences that `!reset` marks: of a service that extends another one, they remove nothing there.
pub(crate) fn without_reset_items(mut node: Node) -> Node {
    match &mut node.value {
        Value::Map(map) => {
            // An entry that was typed as an item (`- A=1`) stands where its key does.
            map.retain(|_, entry| entry.node.merge != Merge::Reset || entry.key != entry.node.span);
            for entry in map.values_mut() {
                let inner = std::mem::replace(&mut entry.node, Node::new(Value::Null, entry.key.clone()));
                entry.node = without_reset_items(inner);
            }
        }
        Value::Seq(items) => items.retain(|item| item.merge != Merge::Reset),
        _ => {}
    }
    node
}

/// Puts the tags of a mapping back that merging it over another one has used up, so that they apply once more to what
/// the result is merged over.
pub(crate) fn tag_again(merged: &mut Node, tagged: &Node) {
    let (Some(merged), Some(tagged)) = (merged.as_map_mut(), tagged.as_map()) else { return };
    for (name, entry) in tagged {
        match entry.node.merge {
            Merge::Reset => drop(merged.insert(name.clone(), entry.clone())),
            Merge::Override => {
                if let Some(found) = merged.get_mut(name) {
                    found.node.merge = Merge::Override;
                }
            }
            Merge::Default => {
                if let Some(found) = merged.get_mut(name) {
                    tag_again(&mut found.node, &entry.node);
                }
            }
        }
    }
}

fn rule_at(path: &[String]) -> Option<Rule> {
    let fits = |pattern: &str| {
        let mut segments = pattern.split('.');
        path.iter().all(|name| segments.next().is_some_and(|wanted| wanted == "*" || wanted == name))
            && segments.next().is_none()
    };
    RULES.iter().find(|(pattern, _)| fits(pattern)).map(|(_, rule)| *rule)
}

fn drivers_differ(base: &Mapping, over: &Mapping) -> bool {
    let driver = |map: &Mapping| map.get("driver").and_then(|entry| entry.node.scalar_text());
    matches!((driver(base), driver(over)), (Some(one), Some(other)) if one != other)
}

/// Keeps one item of each identity: the place of the first, the content of the last.
fn unique(items: Vec<Node>, rule: Rule) -> Vec<Node> {
    if rule == Rule::Added {
        return items;
    }
    let mut kept: indexmap::IndexMap<String, Node> = indexmap::IndexMap::new();
    for (index, item) in items.into_iter().enumerate() {
        let identity = identity(&item, rule).unwrap_or_else(|| format!("\0{index}"));
        kept.insert(identity, item);
    }
    kept.into_values().collect()
}

fn identity(item: &Node, rule: Rule) -> Option<String> {
    match rule {
        Rule::Named => {
            let text = item.scalar_text()?;
            Some(text.split('=').next().unwrap_or_default().to_owned())
        }
        Rule::Distinct => item.scalar_text(),
        Rule::Keyed(key) => item.get(key).and_then(Node::scalar_text).or_else(|| item.scalar_text()),
        Rule::Mounted(folder) => {
            let source = || item.get("source").and_then(Node::scalar_text).map(|source| format!("{folder}{source}"));
            item.get("target").and_then(Node::scalar_text).or_else(source)
        }
        // A short form that a variable keeps from being read.
        Rule::Ports if item.as_map().is_none() => item.scalar_text(),
        Rule::Ports => {
            let field = |key: &str| item.get(key).and_then(Node::scalar_text).unwrap_or_default();
            let host = Some(field("host_ip")).filter(|ip| !ip.is_empty()).unwrap_or_else(|| "0.0.0.0".to_owned());
            Some(format!("{host}:{}:{}/{}", field("published"), field("target"), field("protocol")))
        }
        Rule::Replace | Rule::SameDriver | Rule::MergedBy(_) | Rule::Added => None,
    }
}
