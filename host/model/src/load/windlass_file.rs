//! `windlass.yaml` beside the first compose file.

use std::path::{Path, PathBuf};

use super::Loader;
use super::discover::Found;
use super::presence::Presence;
use crate::diagnostic::Diagnostic;
use crate::interpolate;
use crate::node::Node;

/// Names searched for.
const NAMES: &[&str] = &["windlass.yaml", "windlass.yml"];

/// Its interpolated tree, if there is one.
pub(super) fn find(loader: &mut Loader<'_>, found: &Found) -> Option<Node> {
    if !loader.options.windlass_file {
        return None;
    }
    let folder = home(&found.files, &found.folder).to_owned();
    let path = NAMES.iter().map(|name| folder.join(name)).find_map(|path| there(loader, path))?;
    let mut documents = loader.parse(&path).into_iter();
    let mut root = documents.next()?;
    if let Some(second) = documents.next() {
        loader.out.error("windlass", "", &second.span, "windlass.yaml must be one document");
    }
    let lookup = |name: &str| found.variables.get(name).cloned();
    interpolate::document(&mut root, &|_| true, &lookup, &mut loader.unset, &mut loader.out);
    Some(root)
}

/// The directory that it is looked for in: that of the first compose file, or of the project.
fn home<'f>(files: &'f [PathBuf], project: &'f Path) -> &'f Path {
    let first = files.first().filter(|file| *file != Path::new("-"));
    first.and_then(|file| file.parent()).unwrap_or(project)
}

/// A file in a directory that it is not looked for in.
pub(super) fn unread(loader: &Loader<'_>, folder: &Path) -> Option<PathBuf> {
    if !loader.options.windlass_file || folder == home(&loader.origins.files, &loader.folder) {
        return None;
    }
    NAMES.iter().map(|name| folder.join(name)).find(|path| loader.files.is_file(path))
}

/// The path, where something can be read there. What is there and cannot be read is a problem: probes and loads that somebody wrote
/// must not be missing in silence.
fn there(loader: &mut Loader<'_>, path: PathBuf) -> Option<PathBuf> {
    let shown = path.display();
    let reason = match loader.presence(&path) {
        Presence::There => return Some(path),
        Presence::Missing => return None,
        Presence::Dangling => format!("open {shown}: it is a link to nothing"),
        Presence::Directory => format!("open {shown}: it is a directory"),
        Presence::Unreachable(reason) => reason,
    };
    loader.out.0.push(Diagnostic::error("unreadable-file", "", None, reason));
    None
}
