//! `windlass.yaml` over the `x-windlass` of the compose files: merged as an override file is, so that one key can be changed
//! without writing the rest again.

use crate::diagnostic::Diagnostics;
use crate::merge::{merge, settle};
use crate::node::{Entry, Mapping, Merge, Node, Value};

/// Settings of a service, from both places. `path` is where they stand in the compose file.
pub(super) fn service(base: Option<&Node>, over: Option<&Node>, path: &[&str], out: &mut Diagnostics) -> Option<Node> {
    let (base, mut over) = (base.map(long_form), over.map(long_form));
    if let (Some(base), Some(over)) = (&base, &mut over) {
        replace_other_plugin(base.get("ready"), over.get_mut("ready"));
        for (name, entry) in over.get_mut("load").and_then(Node::as_map_mut).into_iter().flatten() {
            replace_other_plugin(base.get("load").and_then(|load| load.get(name)), Some(&mut entry.node));
        }
    }
    settings(base, over, path, out)
}

/// Settings of the project, from both places.
pub(super) fn project(base: Option<&Node>, over: Option<&Node>, out: &mut Diagnostics) -> Option<Node> {
    settings(base.cloned(), over.cloned(), &["x-windlass"], out)
}

fn settings(base: Option<Node>, over: Option<Node>, path: &[&str], out: &mut Diagnostics) -> Option<Node> {
    let mut path: Vec<String> = path.iter().map(|&key| key.to_owned()).collect();
    let mut merged = match (base, over) {
        (Some(base), Some(over)) => merge(base, over, &mut path, out),
        (base, over) => over.or(base)?,
    };
    if merged.merge == Merge::Reset {
        return None;
    }
    settle(&mut merged, &mut path);
    Some(merged)
}

/// With `ready: NAME` written as `ready: { plugin: NAME }`, so that it can be merged.
fn long_form(settings: &Node) -> Node {
    let mut settings = settings.clone();
    if let Some(ready) = settings.get_mut("ready").filter(|ready| ready.as_str().is_some()) {
        let name = Node::new(ready.value.clone(), ready.span.clone());
        let entry = Entry { key: ready.span.clone(), node: name };
        ready.value = Value::Map(Mapping::from_iter([("plugin".to_owned(), entry)]));
    }
    settings
}

/// Settings of one plugin mean nothing to another: where another one is named, nothing is kept.
fn replace_other_plugin(base: Option<&Node>, over: Option<&mut Node>) {
    let plugin = |node: &Node| node.get("plugin").and_then(Node::scalar_text);
    if let (Some(before), Some(over)) = (base.and_then(plugin), over)
        && over.merge == Merge::Default
        && plugin(over).is_some_and(|now| now != before)
    {
        over.merge = Merge::Override;
    }
}
