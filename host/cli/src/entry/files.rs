//! The file system, as the loader sees it.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use windlass_model::FileSource;

/// Largest file that the loader reads, in bytes. A device such as `/dev/zero` would otherwise be read until memory ends; a pipe
/// (`-f <(…)`) is fine.
const LARGEST: u64 = 256 << 20;

/// The file system of this machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OsFiles;

impl FileSource for OsFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        // The loader names the path itself, in `docker compose`'s words, so fs_err's wording would say it twice.
        let mut content = Vec::new();
        std::fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut content)?;
        if content.len() as u64 > LARGEST {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 256 MiB"));
        }
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
