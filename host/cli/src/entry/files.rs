//! The file system, as the loader sees it.

use std::io;
use std::path::{Path, PathBuf};

use windlass_model::FileSource;

/// The file system of this machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OsFiles;

impl FileSource for OsFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        // The loader names the path itself, in `docker compose`'s words, so fs_err's wording would say it twice.
        let mut content = Vec::new();
        io::Read::read_to_end(&mut std::fs::File::open(path)?, &mut content)?;
        Ok(content)
    }

    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn is_dir(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn canonicalize(&self, path: &Path) -> PathBuf {
        path.canonicalize().unwrap_or_else(|_| path.to_owned())
    }
}
