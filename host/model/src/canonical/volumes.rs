//! `[SOURCE:]TARGET[:OPTIONS]` to long form.

use crate::diagnostic::Diagnostics;
use crate::node::{Entry, Mapping, Node, Span, Value};

/// Converts the list.
pub(super) fn canonical(node: Node, path: &str, out: &mut Diagnostics) -> Node {
    let Value::Seq(items) = node.value else { return node };
    let mut volumes = Vec::new();
    for item in items {
        let merge = item.merge;
        let converted = match &item.value {
            Value::Map(_) => Ok(item),
            _ => short(&item.scalar_text().unwrap_or_default(), &item.span)
                .map_err(|message| (message, item.span.clone())),
        };
        match converted {
            Ok(mut volume) => {
                clean_target(&mut volume);
                volumes.push(Node { merge, ..volume });
            }
            Err((message, span)) => out.error("volume", path, &span, message),
        }
    }
    Node::new(Value::Seq(volumes), node.span)
}

/// The target without `//`, `.` and `..`, so that one mount point has one name.
fn clean_target(volume: &mut Node) {
    if let Some(Value::String(target)) = volume.get_mut("target").map(|node| &mut node.value) {
        *target = clean(target);
    }
}

/// Lexical clean-up of a slash-separated path; nothing left is the directory itself.
fn clean(path: &str) -> String {
    let root = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if root => {}
            _ => parts.push(part),
        }
    }
    match (root, parts.join("/")) {
        (true, rest) => format!("/{rest}"),
        (false, rest) if rest.is_empty() => ".".to_owned(),
        (false, rest) => rest,
    }
}

/// The peer's reading of the short form, its texts included.
fn short(spec: &str, span: &Span) -> Result<Node, String> {
    if spec.is_empty() {
        return Err("invalid empty volume spec".to_owned());
    }
    let parts = split(spec)?;
    let text = |text: &str| Value::String(text.to_owned());
    let (source, target, options) = match parts.as_slice() {
        [target] => ("", target.as_str(), ""),
        [source, target] => (source.as_str(), target.as_str(), ""),
        [source, target, options] => (source.as_str(), target.as_str(), options.as_str()),
        _ => return Err(format!("invalid spec: {spec}: too many colons")),
    };
    let bind = is_path(source);
    let mut node = Node::map([("type", text(if bind { "bind" } else { "volume" }))], span);
    let mut put = |key: &str, value: Value| insert(&mut node, key, value, span);
    if !source.is_empty() {
        put("source", text(source));
    }
    put("target", text(target));
    let mut bind_options = Mapping::new();
    let mut volume_options = Mapping::new();
    let field = |value: Value| Entry { key: span.clone(), node: Node::new(value, span.clone()) };
    if bind {
        bind_options.insert("create_host_path".to_owned(), field(Value::Bool(true)));
    }
    for option in options.split(',') {
        match option {
            "ro" => put("read_only", Value::Bool(true)),
            "nocopy" => drop(volume_options.insert("nocopy".to_owned(), field(Value::Bool(true)))),
            "z" | "Z" => drop(bind_options.insert("selinux".to_owned(), field(text(option)))),
            "shared" | "rshared" | "slave" | "rslave" | "private" | "rprivate" => {
                drop(bind_options.insert("propagation".to_owned(), field(text(option))));
            }
            _ => {}
        }
    }
    if bind || !bind_options.is_empty() {
        put("bind", Value::Map(bind_options));
    }
    // Two characters can only be a target, which is told apart from a volume without options. Options of the other type
    // are kept: they count in the config hash, and the commands that create tell that they mean nothing.
    if !volume_options.is_empty() || (!bind && spec.len() > 2) {
        put("volume", Value::Map(volume_options));
    }
    Ok(node)
}

fn insert(node: &mut Node, key: &str, value: Value, span: &Span) {
    if let Some(map) = node.as_map_mut() {
        map.insert(key.to_owned(), Entry { key: span.clone(), node: Node::new(value, span.clone()) });
    }
}

/// Parts between colons, but a single letter before a colon is a Windows drive, and `${A:-b}` stays whole.
fn split(spec: &str) -> Result<Vec<String>, String> {
    let mut parts: Vec<String> = Vec::new();
    let mut current = String::new();
    let mut braces = 0_usize;
    for c in spec.chars() {
        match c {
            '{' if braces > 0 || current.ends_with('$') => braces += 1,
            '}' => braces = braces.saturating_sub(1),
            _ => {}
        }
        let drive = current.len() == 1 && current.starts_with(|c: char| c.is_ascii_alphabetic());
        if c == ':' && !drive && braces == 0 {
            if current.is_empty() {
                return Err(format!("invalid spec: {spec}: empty section between colons"));
            }
            parts.push(std::mem::take(&mut current));
        } else {
            current.push(c);
        }
    }
    if current.is_empty() {
        return Err(format!("invalid spec: {spec}: empty section between colons"));
    }
    parts.push(current);
    Ok(parts)
}

/// Whether a source is a host path rather than a volume's name.
#[must_use]
pub(crate) fn is_path(source: &str) -> bool {
    let drive = source.as_bytes().get(1) == Some(&b':') && source.as_bytes()[0].is_ascii_alphabetic();
    source.starts_with(['.', '/', '~']) || source.starts_with("\\\\") || drive
}
