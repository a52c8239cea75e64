//! `extends`: a service is merged over the one it names, in this file or another.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Context, Loader, include};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::node::{Mapping, Node, Value};

/// Longest chain of services that extend each other.
const MAX_CHAIN: usize = 500;

/// What one document's `extends` have led to so far: every file is prepared, and every service resolved, once.
#[derive(Default)]
struct Chain {
    /// Services being resolved, for cycles: file and name.
    open: Vec<(PathBuf, String)>,
    /// Services of other files.
    others: BTreeMap<PathBuf, Option<Arc<Mapping>>>,
    /// What is wrong in other files.
    held: BTreeMap<PathBuf, Diagnostics>,
    /// Resolved services, `None` where that failed; whether of another file, file and name.
    done: BTreeMap<(bool, PathBuf, String), Option<Node>>,
}

/// Resolves every `extends` of a document.
pub(super) fn resolve(loader: &mut Loader<'_>, tree: &mut Node, file: &Path, context: &Context) {
    let Some(services) = tree.get("services").and_then(Node::as_map) else { return };
    if !services.values().any(|entry| entry.node.get("extends").is_some()) {
        return;
    }
    let names: Vec<String> = services.keys().cloned().collect();
    let snapshot = services.clone();
    let mut chain = Chain::default();
    for name in names {
        let source = Source { services: &snapshot, file, context, other: false };
        if let Some(node) = service(loader, &name, source, &mut chain)
            && let Some(slot) = tree.get_mut("services").and_then(|services| services.get_mut(&name))
        {
            *slot = node;
        }
    }
}

/// Where a service is looked up.
#[derive(Clone, Copy)]
struct Source<'s> {
    services: &'s Mapping,
    file: &'s Path,
    context: &'s Context,
    /// Another file than the document's.
    other: bool,
}

fn service(loader: &mut Loader<'_>, name: &str, source: Source<'_>, chain: &mut Chain) -> Option<Node> {
    let entry = source.services.get(name)?;
    let mut own = entry.node.clone();
    if source.other {
        release(loader, name, source.file, chain);
    }
    let Some(extends) = own.as_map_mut().and_then(|map| map.shift_remove("extends")) else {
        return Some(if source.other { settled(own, name) } else { own });
    };
    let extends = extends.node;
    let here = (source.file.to_path_buf(), name.to_owned());
    let key = (source.other, here.0.clone(), here.1.clone());
    if let Some(done) = chain.done.get(&key) {
        return done.clone();
    }
    if chain.open.contains(&here) {
        loader.out.error("extends-cycle", &format!("services.{name}.extends"), &extends.span, cycle(chain, &here));
        return None;
    }
    if chain.open.len() == MAX_CHAIN {
        let text = format!("more than {MAX_CHAIN} services extend each other in a row");
        loader.out.error("extends-depth", &format!("services.{name}.extends"), &extends.span, text);
        return None;
    }
    chain.open.push(here);
    let base = base(loader, name, &extends, source, chain);
    chain.open.pop();
    let mut path = vec!["services".to_owned(), name.to_owned()];
    if let Some(base) = &base {
        loader.remember(base, &mut path);
        let of = |other: bool, file: &Path| other.then(|| file.to_path_buf());
        let named = extends.get("file").and_then(Node::scalar_text);
        let from = match named {
            Some(file) => Some(PathBuf::from(crate::paths::absolute(&file, loader.base(&source.context.folder)))),
            None => of(source.other, source.file),
        };
        let target = extends.get("service").and_then(Node::scalar_text).unwrap_or_default();
        let to = of(source.other, source.file);
        loader.inherit_forms((from.as_deref(), &target), (to.as_deref(), name));
    }
    let merged = base.map(|base| over(base, own, &mut path, source.other, &mut loader.out));
    chain.done.insert(key, merged.clone());
    merged
}

/// Merges a service over what it extends. Its `!reset` and `!override` apply here and go no further, but for a service
/// of the document itself: there they also apply to what earlier files say of the service.
fn over(base: Node, own: Node, path: &mut Vec<String>, other: bool, out: &mut Diagnostics) -> Node {
    let name = path.last().cloned().unwrap_or_default();
    let base = settled(base, &name);
    let own = crate::merge::without_reset_items(own);
    if other {
        return settled(crate::merge::merge(base, own, path, out), &name);
    }
    let tags = own.clone();
    let mut merged = crate::merge::merge(base, own, path, out);
    crate::merge::tag_again(&mut merged, &tags);
    merged
}

/// A service whose tags have been applied.
fn settled(mut service: Node, name: &str) -> Node {
    crate::merge::settle(&mut service, &mut vec!["services".to_owned(), name.to_owned()]);
    service
}

fn base(loader: &mut Loader<'_>, name: &str, extends: &Node, source: Source<'_>, chain: &mut Chain) -> Option<Node> {
    let place = format!("services.{name}.extends");
    let Some(target) = extends.get("service").and_then(Node::scalar_text) else {
        loader.out.error("extends-service", &place, &extends.span, format!("extends.{name}.service is required"));
        return None;
    };
    let Some(reference) = extends.get("file").and_then(Node::scalar_text) else {
        if !source.services.contains_key(&target) {
            missing(loader, name, &target, extends, source, None);
            return None;
        }
        return service(loader, &target, source, chain);
    };
    if include::is_remote(&reference) {
        include::refuse_remote(loader, "extends", &reference, &extends.span);
        return None;
    }
    let file = PathBuf::from(crate::paths::absolute(&reference, loader.base(&source.context.folder)));
    if !loader.files.is_file(&file) {
        let text = format!("open {}: no such file or directory", file.display());
        loader.out.error("extends-file", &place, &extends.span, text);
        return None;
    }
    let folder = file.parent().map_or_else(|| source.context.folder.clone(), Path::to_path_buf);
    let context = Context { folder, variables: source.context.variables.clone() };
    let services = match chain.others.get(&file) {
        Some(known) => known.clone(),
        None => {
            loader.extended.push(Diagnostics::default());
            let found = services_of(loader, &file, &context).map(Arc::new);
            chain.held.insert(file.clone(), loader.extended.pop().unwrap_or_default());
            chain.others.insert(file.clone(), found.clone());
            found
        }
    }?;
    if !services.contains_key(&target) {
        missing(loader, name, &target, extends, source, Some((&file, &services)));
        return None;
    }
    service(loader, &target, Source { services: &services, file: &file, context: &context, other: true }, chain)
}

/// Tells what is wrong with a service of another file, once.
fn release(loader: &mut Loader<'_>, name: &str, file: &Path, chain: &mut Chain) {
    let Some(held) = chain.held.get_mut(file) else { return };
    let own = format!("services.{name}");
    let of_service = |problem: &Diagnostic| {
        problem.path.strip_prefix(&own).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let (told, rest) = std::mem::take(&mut held.0).into_iter().partition(of_service);
    held.0 = rest;
    let told: Vec<Diagnostic> = told;
    loader.out.0.extend(told);
}

/// Services of another file: interpolated, canonical, paths absolute, but without its includes.
fn services_of(loader: &mut Loader<'_>, file: &Path, context: &Context) -> Option<Mapping> {
    let mut tree: Option<Node> = None;
    for mut document in loader.parse(file) {
        if let Some(map) = document.as_map_mut() {
            map.shift_remove("include");
        }
        let document = loader.document(document, file, context);
        tree = Some(loader.merge_over(tree.take(), document));
    }
    // Not settled yet: what `!override` and `!reset` say here applies to what these services extend themselves.
    let mut tree = tree?;
    match tree.get_mut("services").map(|services| std::mem::replace(&mut services.value, Value::Null)) {
        Some(Value::Map(services)) => Some(services),
        _ => {
            let text = format!("cannot extend a service of {}: no services section", file.display());
            loader.out.0.push(Diagnostic::error("extends-file", "", None, text));
            None
        }
    }
}

fn missing(
    loader: &mut Loader<'_>,
    name: &str,
    target: &str,
    extends: &Node,
    source: Source<'_>,
    other: Option<(&PathBuf, &Mapping)>,
) {
    let place = other.map(|(file, _)| format!(" in {}", file.display())).unwrap_or_default();
    let text =
        format!("cannot extend service \"{name}\" in {}: service \"{target}\" not found{place}", source.file.display());
    let span = extends.get("service").map_or(&extends.span, |node| &node.span);
    let mut problem =
        Diagnostic::error("extends-service", &format!("services.{name}.extends"), Some(span.clone()), text);
    let names = other.map_or(source.services, |(_, services)| services).keys().map(String::as_str);
    if let Some(close) = crate::suggest::closest(target, names) {
        problem = problem.hinted(format!("did you mean `{close}`?"));
    }
    loader.out.0.push(problem);
}

fn cycle(chain: &Chain, again: &(PathBuf, String)) -> String {
    let line = |(file, name): &(PathBuf, String)| format!("{name} in {}", file.display());
    let steps: Vec<String> = chain.open.iter().chain([again]).map(line).collect();
    format!("Circular reference:\n  {}", steps.join("\n  extends "))
}
