//! Files in memory, for tests of the loader.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use windlass_model::{Diagnostics, FileKind, FileSource, LoadOptions, Loaded};

/// Files below `/p`.
pub(crate) struct Files(pub(crate) BTreeMap<PathBuf, Vec<u8>>);

impl Files {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(name, text)| (Path::new("/p").join(name), text.as_bytes().to_vec())).collect())
    }

    pub(crate) fn load(&self, change: impl FnOnce(&mut LoadOptions)) -> Result<Loaded, Diagnostics> {
        let mut options = LoadOptions { cwd: "/p".into(), windlass_file: true, ..LoadOptions::default() };
        change(&mut options);
        windlass_model::load(self, &options)
    }
}

impl FileSource for Files {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn kind(&self, path: &Path) -> io::Result<Option<FileKind>> {
        // A name with `@` is of a file that is there and cannot be had.
        let broken = |error| self.0.contains_key(Path::new(&format!("{}@{error:?}", path.display()))).then_some(error);
        if let Some(error) = [io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied].into_iter().find_map(broken) {
            return Err(error.into());
        }
        let folder = self.0.keys().any(|file| file.starts_with(path) && file != path);
        let regular = self.0.contains_key(path).then_some(FileKind::Regular);
        Ok(regular.or(folder.then_some(FileKind::Directory)))
    }

    fn canonicalize(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }
}
