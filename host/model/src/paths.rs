//! Relative paths of a canonical document become absolute (or relative to another directory). Idempotent, so that an extended or included file can be
//! resolved against its own directory before it is merged.

use std::path::{Component, Path, PathBuf};

use crate::node::{Mapping, Node, Value};

/// What paths are relative to.
#[derive(Debug, Clone, Copy)]
pub struct Base<'a> {
    /// The directory. A relative one makes relative paths of the same form (`config --no-path-resolution`).
    pub folder: &'a Path,
    /// Home directory for `~`.
    pub home: Option<&'a Path>,
}

/// Resolves every path of a document.
pub fn resolve(root: &mut Node, base: Base<'_>) {
    for_each(root, "services", |service| resolve_service(service, base));
    for section in ["secrets", "configs"] {
        for_each(root, section, |definition| file(definition, base));
    }
    for_each(root, "volumes", |volume| bind_device(volume, base));
}

/// Resolves every path of one service.
pub fn resolve_service(service: &mut Node, base: Base<'_>) {
    if let Some(context) = service.get_mut("build").and_then(|build| build.get_mut("context")) {
        context_path(context, base);
    }
    if let Some(contexts) =
        service.get_mut("build").and_then(|build| build.get_mut("additional_contexts")).and_then(Node::as_map_mut)
    {
        contexts.values_mut().for_each(|entry| context_path(&mut entry.node, base));
    }
    if let Some(keys) = service.get_mut("build").and_then(|build| build.get_mut("ssh")).and_then(Node::as_map_mut) {
        keys.values_mut().for_each(|entry| path(&mut entry.node, base));
    }
    items(service, &["env_file"], |item| at(item, &["path"], base));
    items(service, &["label_file"], |item| path(item, base));
    items(service, &["develop", "watch"], |rule| at(rule, &["path"], base));
    items(service, &["volumes"], |mount| {
        if mount.get("type").and_then(Node::as_str) == Some("bind") {
            at(mount, &["source"], base);
        }
    });
}

fn for_each(root: &mut Node, section: &str, mut visit: impl FnMut(&mut Node)) {
    let entries: Option<&mut Mapping> = root.get_mut(section).and_then(Node::as_map_mut);
    entries.into_iter().flatten().for_each(|(_, entry)| visit(&mut entry.node));
}

fn down<'n>(node: &'n mut Node, keys: &[&str]) -> Option<&'n mut Node> {
    keys.iter().try_fold(node, |node, key| node.get_mut(key))
}

fn items(node: &mut Node, keys: &[&str], visit: impl FnMut(&mut Node)) {
    if let Some(Value::Seq(items)) = down(node, keys).map(|node| &mut node.value) {
        items.iter_mut().for_each(visit);
    }
}

fn at(node: &mut Node, keys: &[&str], base: Base<'_>) {
    if let Some(node) = down(node, keys) {
        path(node, base);
    }
}

/// The file of a secret or config; the empty path is the directory.
fn file(definition: &mut Node, base: Base<'_>) {
    if let Some(Value::String(text)) = definition.get_mut("file").map(|node| &mut node.value) {
        *text = absolute(text, base);
    }
}

fn path(node: &mut Node, base: Base<'_>) {
    if let Value::String(text) = &mut node.value
        && !text.is_empty()
    {
        *text = absolute(text, base);
    }
}

/// A build context: a remote one stays.
fn context_path(node: &mut Node, base: Base<'_>) {
    if let Value::String(text) = &mut node.value
        && !text.is_empty()
        && !is_remote(text)
    {
        *text = absolute(text, base);
    }
}

/// Whether a context is fetched or refers to something else than a directory.
#[must_use]
pub fn is_remote(context: &str) -> bool {
    let prefixes = [
        "https://",
        "http://",
        "git://",
        "ssh://",
        "github.com/",
        "git@",
        "service:",
        "docker-image://",
        "target:",
        "oci-layout://",
    ];
    prefixes.iter().any(|prefix| context.starts_with(prefix))
}

/// A volume of the local driver that is a bind of a directory.
fn bind_device(volume: &mut Node, base: Base<'_>) {
    let local = volume.get("driver").and_then(Node::as_str).is_none_or(|driver| driver == "local");
    let options = volume.get("driver_opts");
    let option = |key: &str| options.and_then(|options| options.get(key)).and_then(Node::scalar_text);
    if local && option("type").as_deref() == Some("none") && option("o").as_deref() == Some("bind") {
        at(volume, &["driver_opts", "device"], base);
    }
}

/// One path, `~` and `..` resolved; Windows paths stay.
#[must_use]
pub fn absolute(text: &str, base: Base<'_>) -> String {
    if let (Some(rest), Some(home)) = (text.strip_prefix('~'), base.home) {
        return shown(&clean(&home.join(rest.trim_start_matches('/'))));
    }
    if text.starts_with('/') || is_windows_absolute(text) {
        return text.to_owned();
    }
    shown(&clean(&base.folder.join(text)))
}

/// `C:\…`, `C:/…` or `\\host\share`, on whatever system.
fn is_windows_absolute(text: &str) -> bool {
    let bytes = text.as_bytes();
    let drive =
        bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && matches!(bytes[2], b'/' | b'\\');
    drive || text.starts_with("\\\\")
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Lexical clean-up: no `.`, no `..` after a name. A relative path keeps the `..` that it begins with; nothing left is `.`.
#[must_use]
pub fn clean(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for component in path.components() {
        match (component, result.components().next_back()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, None | Some(Component::ParentDir)) => result.push(".."),
            (Component::ParentDir, _) => drop(result.pop()),
            (other, _) => result.push(other),
        }
    }
    if result.as_os_str().is_empty() { PathBuf::from(".") } else { result }
}

/// The way from one absolute directory to another: `../other`; `.` where they are the same.
#[must_use]
pub fn relative(from: &Path, to: &Path) -> PathBuf {
    let (from, to) = (clean(from), clean(to));
    let shared = from.components().zip(to.components()).take_while(|(left, right)| left == right).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    clean(&up.chain(to.components().skip(shared)).collect::<PathBuf>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lexical_clean_up() {
        for (path, expected) in [
            ("/a/./b/../c", "/a/c"),
            ("/../a", "/a"),
            ("a/../..", ".."),
            ("../../a", "../../a"),
            ("./a/..", "."),
            ("", "."),
        ] {
            assert_eq!(clean(Path::new(path)), Path::new(expected), "{path}");
        }
    }

    #[test]
    fn ways_between_directories() {
        for (from, to, expected) in [
            ("/p", "/p", "."),
            ("/p", "/p/base", "base"),
            ("/p/q", "/p/base/x", "../base/x"),
            ("/p/q/r", "/", "../../.."),
            ("/", "/a", "a"),
        ] {
            assert_eq!(relative(Path::new(from), Path::new(to)), Path::new(expected), "{from} to {to}");
        }
    }
}
