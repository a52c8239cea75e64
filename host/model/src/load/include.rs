//! `include`: other projects' files, each with its own directory and variables, below the including document.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Context, Loader, discover, extends, windlass_file};
use crate::diagnostic::Diagnostic;
use crate::node::{Node, Span};

/// Sections that an include brings in; its name and extensions stay its own.
const IMPORTED: &[&str] = &["services", "volumes", "networks", "secrets", "configs", "models"];

/// Takes the includes of a document in: they are the base, the document is merged over them.
pub(super) fn resolve(loader: &mut Loader<'_>, mut root: Node, path: &Path, context: &Context) -> Node {
    let Some(includes) = root.as_map_mut().and_then(|map| map.shift_remove("include")) else { return root };
    let mut base: Option<Node> = None;
    for item in includes.node.as_seq().unwrap_or_default() {
        if let Some(included) = one(loader, item, path, context) {
            base = Some(loader.merge_over(base.take(), included));
        }
    }
    loader.merge_over(base, root)
}

fn texts(node: Option<&Node>) -> Vec<String> {
    match node {
        Some(node) if node.as_seq().is_some() => {
            node.as_seq().unwrap_or_default().iter().filter_map(Node::scalar_text).collect()
        }
        Some(node) => node.scalar_text().into_iter().collect(),
        None => Vec::new(),
    }
}

fn one(loader: &mut Loader<'_>, item: &Node, from: &Path, context: &Context) -> Option<Node> {
    let paths = if item.as_map().is_some() { texts(item.get("path")) } else { texts(Some(item)) };
    let mut files = Vec::new();
    for path in &paths {
        if is_remote(path) {
            refuse_remote(loader, "include", path, &item.span);
            return None;
        }
        let file = PathBuf::from(crate::paths::absolute(path, loader.base(&context.folder)));
        if !loader.files.is_file(&file) {
            let text = format!("open {}: no such file or directory", file.display());
            loader.out.error("include-missing", "include", &item.span, text);
            return None;
        }
        files.push(file);
    }
    let main = files.first()?;
    if let Some(cycle) = cycle(loader, main, from) {
        loader.out.error("include-cycle", "include", &item.span, cycle);
        return None;
    }
    let own = main.parent().map_or_else(|| context.folder.clone(), Path::to_path_buf);
    let folder = match item.get("project_directory").and_then(Node::scalar_text) {
        Some(folder) => PathBuf::from(crate::paths::absolute(&folder, loader.base(&context.folder))),
        None => own,
    };
    let variables = variables(loader, item, &folder, context)?;
    let inner = Context { folder, variables };
    if let Some(unread) = main.parent().and_then(|folder| windlass_file::unread(loader, folder)) {
        let text = format!("{} is not read: the compose file beside it is included", unread.display());
        not_read(loader, Some(item.span.clone()), text);
    }
    loader.including.push(main.clone());
    let merged = merge(loader, &files, &inner);
    loader.including.pop();
    merged
}

/// Rights and hooks are the including project's to give: those of an included file would come unseen.
fn not_read(loader: &mut Loader<'_>, span: Option<Span>, text: String) {
    let problem = Diagnostic::warning("windlass", "include", span, text);
    let hint = "move it to the including file, or to the windlass.yaml beside that";
    loader.out.0.push(problem.hinted(hint));
}

fn merge(loader: &mut Loader<'_>, files: &[PathBuf], context: &Context) -> Option<Node> {
    let mut tree: Option<Node> = None;
    for file in files {
        for document in loader.parse(file) {
            let mut document = loader.document(document, file, context);
            if let Some(map) = document.as_map_mut() {
                if let Some(settings) = map.get("x-windlass").filter(|_| loader.options.windlass_file) {
                    not_read(
                        loader,
                        Some(settings.key.clone()),
                        "the x-windlass of an included file is not read".to_owned(),
                    );
                }
                map.retain(|key, _| IMPORTED.contains(&key.as_str()));
            }
            extends::resolve(loader, &mut document, file, context);
            tree = Some(loader.merge_over(tree.take(), document));
            loader.check_nothing(tree.as_ref());
        }
    }
    let mut tree = tree?;
    loader.settle(&mut tree, &context.folder);
    environment_secrets(&mut tree, context);
    Some(tree)
}

/// Secrets and configs from variables of the include's own environment get their content now.
fn environment_secrets(tree: &mut Node, context: &Context) {
    for section in ["secrets", "configs"] {
        let Some(map) = tree.get_mut(section).and_then(Node::as_map_mut) else { continue };
        for entry in map.values_mut() {
            let Some(variable) = entry.node.get("environment").and_then(Node::scalar_text) else { continue };
            if let (Some(value), Some(map)) = (context.variables.get(&variable), entry.node.as_map_mut()) {
                let span = entry.key.clone();
                let node = Node::string(value.clone(), &span);
                map.insert("content".to_owned(), crate::node::Entry { key: span, node });
            }
        }
    }
}

fn variables(
    loader: &mut Loader<'_>,
    item: &Node,
    folder: &Path,
    context: &Context,
) -> Option<BTreeMap<String, String>> {
    let named = texts(item.get("env_file"));
    let list: Vec<PathBuf> = if named.is_empty() {
        discover::default_env(loader, folder)?
    } else {
        let resolve = |file: &String| PathBuf::from(crate::paths::absolute(file, loader.base(&context.folder)));
        named.iter().map(resolve).filter(|file| file != Path::new("/dev/null")).collect()
    };
    let mut variables = context.variables.clone();
    let mut own: BTreeMap<String, String> = BTreeMap::new();
    for path in list {
        let file = loader.read(&path)?;
        let outer = context.variables.clone();
        let lookup = |name: &str| outer.get(name).cloned();
        match loader.dotenv(&file, &lookup) {
            Ok(pairs) => {
                loader.remember_file(&file, &pairs, None);
                own.extend(pairs.into_iter().map(|pair| (pair.key, pair.value)));
            }
            Err(error) => {
                let span = Span { file: Some(file), line: error.line, column: 1, length: 1 };
                let text = format!("failed to read {}: {error}", path.display());
                loader.out.0.push(Diagnostic::error("dotenv", "", Some(span), text));
                return None;
            }
        }
    }
    for (key, value) in own {
        variables.entry(key).or_insert(value);
    }
    Some(variables)
}

fn cycle(loader: &Loader<'_>, file: &PathBuf, from: &Path) -> Option<String> {
    if file != from && !loader.including.contains(file) {
        return None;
    }
    let chain: Vec<String> = loader.including.iter().chain([file]).map(|path| path.display().to_string()).collect();
    Some(format!("include cycle detected:\n{}\n include {}", chain[0], chain[1..].join("\n include ")))
}

/// Whether a reference is fetched from elsewhere.
pub(super) fn is_remote(reference: &str) -> bool {
    ["oci://", "https://", "http://", "git://", "ssh://", "git@", "github.com/"]
        .iter()
        .any(|prefix| reference.starts_with(prefix))
}

/// Says that a reference would have to be fetched.
pub(super) fn refuse_remote(loader: &mut Loader<'_>, what: &str, reference: &str, span: &Span) {
    let text = format!("{what} of the remote \"{reference}\" is not supported yet");
    let hint = "fetch it into the project's directory and name the file";
    loader.out.0.push(Diagnostic::error("remote", what, Some(span.clone()), text).hinted(hint));
}
