//! `windlass.yaml` beside the first compose file.

use std::path::Path;

use super::Loader;
use super::discover::Found;
use crate::interpolate;
use crate::node::Node;

/// Names searched for.
const NAMES: &[&str] = &["windlass.yaml", "windlass.yml"];

/// Its interpolated tree, if there is one.
pub(super) fn find(loader: &mut Loader<'_>, found: &Found) -> Option<Node> {
    if !loader.options.windlass_file {
        return None;
    }
    let folder = found
        .files
        .first()
        .filter(|file| *file != Path::new("-"))
        .and_then(|file| file.parent())
        .unwrap_or(&found.folder);
    let path = NAMES.iter().map(|name| folder.join(name)).find(|path| loader.files.is_file(path))?;
    let mut documents = loader.parse(&path).into_iter();
    let mut root = documents.next()?;
    if let Some(second) = documents.next() {
        loader.out.error("windlass", "", &second.span, "windlass.yaml must be one document");
    }
    let lookup = |name: &str| found.variables.get(name).cloned();
    interpolate::document(&mut root, &|_| true, &lookup, &mut loader.unset, &mut loader.out);
    Some(root)
}
