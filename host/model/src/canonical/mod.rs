//! Short syntaxes to long ones, on the tree, before merging: one form of every attribute from here on.

use crate::diagnostic::Diagnostics;
use crate::node::{Entry, Mapping, Node, Span, Value};

mod ports;
mod volumes;

/// One conversion.
type Convert = fn(Node, &str, &mut Diagnostics) -> Node;

/// Attributes of a service and how they become canonical.
const SERVICE: &[(&str, Convert)] = &[
    ("annotations", key_values),
    ("build", build),
    ("configs", file_references),
    ("depends_on", depends_on),
    ("devices", devices),
    ("dns", servers),
    ("dns_search", sequence),
    ("env_file", env_file),
    ("environment", key_values),
    ("extends", extends),
    ("extra_hosts", extra_hosts),
    ("gpus", gpus),
    ("label_file", sequence),
    ("labels", key_values),
    ("models", names_to_map),
    ("networks", names_to_map),
    ("ports", ports::canonical),
    ("secrets", file_references),
    ("sysctls", key_values),
    ("tmpfs", sequence),
    ("volumes", volumes::canonical),
];

/// Attributes of a build.
const BUILD: &[(&str, Convert)] = &[
    ("additional_contexts", contexts),
    ("args", key_values),
    ("extra_hosts", extra_hosts),
    ("labels", key_values),
    ("no_cache_filter", sequence),
    ("secrets", file_references),
    ("ssh", ssh),
];

/// Makes a document canonical. Problems go to `out`; what cannot be read stays as it is.
pub fn canonicalise(root: &mut Node, out: &mut Diagnostics) {
    let Some(map) = root.as_map_mut() else { return };
    each(map, "services", |service, path| convert_all(service, SERVICE, path, out));
    for section in ["networks", "volumes", "secrets", "configs"] {
        each(map, section, |definition, path| top_level(definition, path, out));
    }
}

/// One service of a document.
pub fn service(node: &mut Node, path: &str, out: &mut Diagnostics) {
    convert_all(node, SERVICE, path, out);
}

/// A build without a context has this one.
pub fn build_contexts(root: &mut Node, context: &str) {
    let Some(map) = root.as_map_mut() else { return };
    each(map, "services", |service, _| {
        let Some(build) = service.get_mut("build").and_then(Node::as_map_mut) else { return };
        let span = Span::synthetic();
        let node = Node::string(context, &span);
        build.entry("context".to_owned()).or_insert(Entry { key: span, node });
    });
}

fn each(map: &mut Mapping, section: &str, mut visit: impl FnMut(&mut Node, &str)) {
    let Some(entries) = map.get_mut(section).and_then(|entry| entry.node.as_map_mut()) else { return };
    for (name, entry) in entries {
        visit(&mut entry.node, &format!("{section}.{name}"));
    }
}

fn convert_all(node: &mut Node, table: &[(&str, Convert)], path: &str, out: &mut Diagnostics) {
    let Some(map) = node.as_map_mut() else { return };
    for (name, convert) in table {
        let Some(entry) = map.get_mut(*name) else { continue };
        if entry.node.is_null() {
            continue;
        }
        let merge = entry.node.merge;
        let taken = std::mem::replace(&mut entry.node, Node::new(Value::Null, entry.key.clone()));
        entry.node = Node { merge, ..convert(taken, &format!("{path}.{name}"), out) };
    }
    nested(map, path, out);
}

/// Key-value attributes deeper inside a service.
fn nested(map: &mut Mapping, path: &str, out: &mut Diagnostics) {
    if let Some(labels) = map.get_mut("deploy").and_then(|deploy| deploy.node.get_mut("labels")) {
        convert_in_place(labels, key_values, &format!("{path}.deploy.labels"), out);
    }
    device_options(map.get_mut("gpus").map(|entry| &mut entry.node), path, out);
    let reserved = map.get_mut("deploy").and_then(|deploy| deploy.node.get_mut("resources"));
    let reserved = reserved.and_then(|resources| resources.get_mut("reservations"));
    device_options(reserved.and_then(|reservations| reservations.get_mut("devices")), path, out);
    for hooks in ["pre_start", "post_start", "pre_stop"] {
        let Some(Value::Seq(items)) = map.get_mut(hooks).map(|entry| &mut entry.node.value) else { continue };
        for (index, item) in items.iter_mut().enumerate() {
            if let Some(environment) = item.get_mut("environment") {
                convert_in_place(environment, key_values, &format!("{path}.{hooks}.{index}.environment"), out);
            }
        }
    }
    if let Some(Value::Seq(rules)) =
        map.get_mut("develop").and_then(|d| d.node.get_mut("watch")).map(|node| &mut node.value)
    {
        for rule in rules {
            for list in ["ignore", "include"] {
                if let Some(node) = rule.get_mut(list) {
                    convert_in_place(node, sequence, path, out);
                }
            }
            if let Some(environment) = rule.get_mut("exec").and_then(|exec| exec.get_mut("environment")) {
                convert_in_place(environment, key_values, &format!("{path}.develop.watch.exec.environment"), out);
            }
        }
    }
}

/// Options of device requests.
fn device_options(requests: Option<&mut Node>, path: &str, out: &mut Diagnostics) {
    let Some(Value::Seq(items)) = requests.map(|node| &mut node.value) else { return };
    for options in items.iter_mut().filter_map(|item| item.get_mut("options")) {
        convert_in_place(options, key_values, path, out);
    }
}

fn convert_in_place(node: &mut Node, convert: Convert, path: &str, out: &mut Diagnostics) {
    let span = node.span.clone();
    let merge = node.merge;
    let taken = std::mem::replace(node, Node::new(Value::Null, span));
    *node = if taken.is_null() { taken } else { Node { merge, ..convert(taken, path, out) } };
}

fn top_level(definition: &mut Node, path: &str, out: &mut Diagnostics) {
    if let Some(labels) = definition.get_mut("labels") {
        convert_in_place(labels, key_values, &format!("{path}.labels"), out);
    }
    legacy_external(definition, path, out);
}

/// `external: { name: X }` is the old form of `external: true` and `name: X`.
fn legacy_external(definition: &mut Node, path: &str, out: &mut Diagnostics) {
    let Some(external) = definition.get("external").filter(|node| node.as_map().is_some()) else { return };
    let (span, name) = (external.span.clone(), external.get("name").cloned());
    out.warning(
        "external-name",
        path,
        &span,
        format!("{path}: external.name is deprecated. Please set name and external: true"),
    );
    let Some(map) = definition.as_map_mut() else { return };
    map.insert("external".to_owned(), Entry { key: span.clone(), node: Node::new(Value::Bool(true), span.clone()) });
    if let Some(name) = name {
        map.entry("name".to_owned()).or_insert(Entry { key: span, node: name });
    }
}

/// `[K=V, K]` to `{K: V, K: null}`.
fn key_values(node: Node, path: &str, out: &mut Diagnostics) -> Node {
    let Value::Seq(items) = node.value else { return node };
    let mut map = Mapping::new();
    for item in items {
        let Some(text) = item.scalar_text() else { continue };
        let (key, value) = text.split_once('=').map_or((text.as_str(), None), |(key, value)| (key, Some(value)));
        let variables = path.ends_with("environment") || path.ends_with("args");
        if variables && key.ends_with(char::is_whitespace) {
            let message = format!("environment variable {key} is declared with a trailing space");
            out.error("trailing-space", path, &item.span, message);
        }
        let value = value.map_or(Value::Null, |value| Value::String(value.to_owned()));
        let merge = item.merge;
        let entry = Entry { key: item.span.clone(), node: Node { merge, ..Node::new(value, item.span) } };
        map.insert(key.to_owned(), entry);
    }
    Node::new(Value::Map(map), node.span)
}

/// One value to a sequence of one.
fn sequence(node: Node, _: &str, _: &mut Diagnostics) -> Node {
    match node.value {
        Value::Seq(_) | Value::Map(_) => node,
        _ => {
            let span = node.span.clone();
            Node::new(Value::Seq(vec![node]), span)
        }
    }
}

/// Addresses of name servers; empty ones (a variable that is not set) do not count.
fn servers(node: Node, path: &str, out: &mut Diagnostics) -> Node {
    let mut node = sequence(node, path, out);
    if let Value::Seq(items) = &mut node.value {
        items.retain(|item| item.as_str() != Some(""));
    }
    node
}

/// `[a, b]` to `{a: null, b: null}`.
fn names_to_map(node: Node, _: &str, _: &mut Diagnostics) -> Node {
    let Value::Seq(items) = node.value else { return node };
    let mut map = Mapping::new();
    for item in items {
        if let Some(name) = item.scalar_text() {
            let node = Node { merge: item.merge, ..Node::new(Value::Null, item.span.clone()) };
            map.insert(name, Entry { key: item.span, node });
        }
    }
    Node::new(Value::Map(map), node.span)
}

fn build(node: Node, path: &str, out: &mut Diagnostics) -> Node {
    let mut node = match &node.value {
        Value::String(context) => Node::map([("context", Value::String(context.clone()))], &node.span),
        _ => node,
    };
    convert_all(&mut node, BUILD, path, out);
    node
}

fn extends(node: Node, _: &str, _: &mut Diagnostics) -> Node {
    match &node.value {
        Value::String(service) => Node::map([("service", Value::String(service.clone()))], &node.span),
        _ => node,
    }
}

fn depends_on(node: Node, _: &str, _: &mut Diagnostics) -> Node {
    let span = node.span.clone();
    let mut map = Mapping::new();
    match node.value {
        Value::Seq(items) => {
            for item in items {
                let Some(name) = item.scalar_text() else { continue };
                let long =
                    [("condition", Value::String("service_started".to_owned())), ("required", Value::Bool(true))];
                let node = Node { merge: item.merge, ..Node::map(long, &item.span) };
                map.insert(name, Entry { key: item.span, node });
            }
        }
        Value::Map(entries) => map = entries,
        _ => return node,
    }
    Node::new(Value::Map(map), span)
}

fn env_file(node: Node, path: &str, out: &mut Diagnostics) -> Node {
    let mut node = sequence(node, path, out);
    if let Value::Map(_) = node.value {
        let span = node.span.clone();
        node = Node::new(Value::Seq(vec![node]), span);
    }
    map_items(node, |item| match &item.value {
        Value::String(path) => {
            Node::map([("path", Value::String(path.clone())), ("required", Value::Bool(true))], &item.span)
        }
        _ => item,
    })
}

/// Secrets and configs: `name` to `{source: name}`, with the target that the attribute implies.
fn file_references(node: Node, path: &str, _: &mut Diagnostics) -> Node {
    let secret = path.ends_with("secrets");
    map_items(node, |item| {
        let mut item = match &item.value {
            Value::String(source) => Node::map([("source", Value::String(source.clone()))], &item.span),
            _ => item,
        };
        if secret && !path.contains(".build.") && item.get("target").is_none() {
            let source = item.get("source").and_then(Node::scalar_text);
            let span = item.span.clone();
            if let (Some(source), Some(map)) = (source, item.as_map_mut()) {
                let target = Value::String(format!("/run/secrets/{source}"));
                map.insert("target".to_owned(), Entry { key: span.clone(), node: Node::new(target, span) });
            }
        }
        item
    })
}

fn devices(node: Node, path: &str, out: &mut Diagnostics) -> Node {
    map_items(node, |item| {
        let Value::String(text) = &item.value else {
            if item.get("target").is_none() && item.as_map().is_some() {
                out.error(
                    "device-target",
                    path,
                    &item.span,
                    format!("service device {path} is missing a mount target"),
                );
            }
            return item;
        };
        let parts: Vec<&str> = text.split(':').collect();
        let (source, target, permissions) = match parts.as_slice() {
            [source] => (*source, *source, "rwm"),
            [source, target] => (*source, *target, "rwm"),
            [source, target, permissions] => (*source, *target, *permissions),
            _ => {
                out.error(
                    "device",
                    path,
                    &item.span,
                    format!("confusing device mapping, please use long syntax: {text}"),
                );
                return item;
            }
        };
        let field = |text: &str| Value::String(text.to_owned());
        Node::map(
            [("source", field(source)), ("target", field(target)), ("permissions", field(permissions))],
            &item.span,
        )
    })
}

fn gpus(node: Node, _: &str, _: &mut Diagnostics) -> Node {
    let all = |span: &Span| Node::map([("count", Value::Int(-1))], span);
    match &node.value {
        Value::String(_) => {
            let item = all(&node.span);
            Node::new(Value::Seq(vec![item]), node.span)
        }
        _ => node,
    }
}

/// List or mapping to `{host: [address, …]}`.
fn extra_hosts(node: Node, path: &str, out: &mut Diagnostics) -> Node {
    let span = node.span.clone();
    let mut hosts = Mapping::new();
    match node.value {
        Value::Seq(items) => {
            for item in items {
                let Some(text) = item.scalar_text() else { continue };
                let Some((host, address)) = text.split_once('=').or_else(|| text.split_once(':')) else {
                    out.error("extra-host", path, &item.span, format!("invalid additional host, missing IP: {text}"));
                    continue;
                };
                if host.is_empty() {
                    out.error("extra-host", path, &item.span, "bad host name ''");
                }
                add_host(&mut hosts, host, Node::string(unbracket(address), &item.span));
            }
        }
        Value::Map(entries) => {
            for (host, entry) in entries {
                let list = match entry.node.value {
                    Value::Seq(items) => items,
                    _ => vec![entry.node],
                };
                for address in list {
                    let text = address.scalar_text().unwrap_or_default();
                    add_host(&mut hosts, &host, Node::string(unbracket(&text), &address.span));
                }
            }
        }
        _ => return node,
    }
    Node::new(Value::Map(hosts), span)
}

fn add_host(hosts: &mut Mapping, host: &str, address: Node) {
    let span = address.span.clone();
    let entry = hosts
        .entry(host.to_owned())
        .or_insert_with(|| Entry { key: span.clone(), node: Node::new(Value::Seq(Vec::new()), span) });
    if let Value::Seq(list) = &mut entry.node.value {
        list.push(address);
    }
}

fn unbracket(address: &str) -> &str {
    address.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(address)
}

/// `[default, id=path]` to `{default: null, id: path}`.
fn ssh(node: Node, path: &str, out: &mut Diagnostics) -> Node {
    for item in node.as_seq().unwrap_or_default() {
        if let Some(text) = item.scalar_text().filter(|text| text != "default" && !text.contains('=')) {
            out.error("ssh-key", path, &item.span, format!("invalid ssh key \"{text}\""));
        }
    }
    key_values(node, path, out)
}

/// `[name=context]` to `{name: context}`.
fn contexts(node: Node, path: &str, out: &mut Diagnostics) -> Node {
    for item in node.as_seq().unwrap_or_default() {
        if let Some(text) = item.scalar_text().filter(|text| !text.contains('=')) {
            out.error("context", path, &item.span, format!("{path}: invalid value {text}, expected key=value"));
        }
    }
    for (name, entry) in node.as_map().into_iter().flatten().filter(|(_, entry)| entry.node.is_null()) {
        out.error("context", path, &entry.key, format!("{path}.{name} must be a path or a reference"));
    }
    key_values(node, path, out)
}

fn map_items(node: Node, mut convert: impl FnMut(Node) -> Node) -> Node {
    let Value::Seq(items) = node.value else { return node };
    let items = items.into_iter().map(|item| {
        let merge = item.merge;
        Node { merge, ..convert(item) }
    });
    Node::new(Value::Seq(items.collect()), node.span)
}
