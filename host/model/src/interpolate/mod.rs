//! Fills variables into the values of a document (never into keys), then casts the text at typed paths.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::node::{Node, Span, Value};

mod casts;
pub mod template;

pub use template::{Lookup, Operator, TemplateError, Usage, substitute, usages};

/// A variable that was used but not set, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unset {
    /// Name.
    pub name: String,
    /// First use.
    pub span: Span,
}

/// Interpolates and casts the values of a document whose path is `wanted`. Unset variables are collected in `unset`.
pub fn document(
    root: &mut Node,
    wanted: &dyn Fn(&[String]) -> bool,
    lookup: Lookup<'_>,
    unset: &mut Vec<Unset>,
    out: &mut Diagnostics,
) {
    let (mut path, mut names) = (Vec::new(), Vec::new());
    walk(root, &mut path, &mut |node, path| {
        let Value::String(text) = &node.value else { return };
        if !wanted(path) {
            return;
        }
        let filled = template::fill(text, lookup, &mut names);
        unset.extend(names.drain(..).map(|name| Unset { name, span: node.span.clone() }));
        match filled {
            Ok(filled) => cast(node, filled, path, out),
            Err(errors) => out.0.extend(errors.iter().map(|error| problem(error, text, node, path))),
        }
    });
}

/// Every variable that the values of a document use, with the node that uses it and its path.
pub fn each_usage(root: &Node, visit: &mut dyn FnMut(&Usage<'_>, &Node, &[String])) {
    usages_below(root, &mut Vec::new(), visit);
}

fn usages_below(node: &Node, path: &mut Vec<String>, visit: &mut dyn FnMut(&Usage<'_>, &Node, &[String])) {
    let mut below = |name: String, inner: &Node| {
        path.push(name);
        usages_below(inner, path, visit);
        path.pop();
    };
    match &node.value {
        Value::String(text) => {
            for usage in usages(text).unwrap_or_default() {
                visit(&usage, node, path);
            }
        }
        Value::Seq(items) => items.iter().enumerate().for_each(|(index, item)| below(index.to_string(), item)),
        Value::Map(map) => map.iter().for_each(|(key, entry)| below(key.clone(), &entry.node)),
        _ => {}
    }
}

fn cast(node: &mut Node, filled: String, path: &[String], out: &mut Diagnostics) {
    let Some(kind) = casts::kind_at(path) else {
        node.value = Value::String(filled);
        return;
    };
    match casts::cast(kind, &filled) {
        Ok((value, warning)) => {
            if let Some(text) = warning {
                out.warning("yaml-1.1-boolean", &path.join("."), &node.span, text);
            }
            node.value = value;
        }
        Err(reason) => {
            let place = path.join(".");
            let text = format!("error while interpolating {place}: failed to cast to expected type: {reason}");
            out.error("cast", &place, &node.span, text);
        }
    }
}

fn problem(error: &TemplateError, text: &str, node: &Node, path: &[String]) -> Diagnostic {
    let place = path.join(".");
    let span = Some(node.span.clone());
    match error {
        TemplateError::Invalid => {
            let message = format!("invalid interpolation format for {place}: \"{text}\"");
            Diagnostic::error("interpolation", &place, span, message).hinted("escape a literal $ as $$")
        }
        TemplateError::Required { name, .. } => {
            let message = format!("error while interpolating {place}: {error}");
            let hint = format!("set {name} in the environment or in .env");
            Diagnostic::error("required-variable", &place, span, message).hinted(hint)
        }
    }
}

/// Visits every node below (and at) `node`, with its path; items of sequences by index.
fn walk(node: &mut Node, path: &mut Vec<String>, visit: &mut dyn FnMut(&mut Node, &[String])) {
    match &mut node.value {
        Value::Map(map) => {
            for (key, entry) in map {
                path.push(key.clone());
                walk(&mut entry.node, path, visit);
                path.pop();
            }
        }
        Value::Seq(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                path.push(index.to_string());
                walk(item, path, visit);
                path.pop();
            }
        }
        _ => visit(node, path),
    }
}
