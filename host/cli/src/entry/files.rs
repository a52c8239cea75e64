//! The file system, as the loader sees it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use windlass_model::{FileKind, FileSource};

/// Largest file that the loader reads, in bytes. A device such as `/dev/zero` would otherwise be read until memory ends; a pipe
/// (`-f <(…)`) is fine.
const LARGEST: u64 = 256 << 20;

/// The file system of this machine, during one load.
#[derive(Debug, Default)]
pub(crate) struct OsFiles {
    /// What pipes gave. A load that fails reads its files once more, to say where values came from; a pipe is empty then.
    read_once: RefCell<BTreeMap<PathBuf, Vec<u8>>>,
}

impl FileSource for OsFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if let Some(content) = self.read_once.borrow().get(path) {
            return Ok(content.clone());
        }
        // The loader names the path itself, in `docker compose`'s words, so fs_err's wording would say it twice.
        let mut content = Vec::new();
        let file = std::fs::File::open(path)?;
        let regular = file.metadata()?.is_file();
        file.take(LARGEST + 1).read_to_end(&mut content)?;
        if content.len() as u64 > LARGEST {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 256 MiB"));
        }
        if !regular {
            self.read_once.borrow_mut().insert(path.to_owned(), content.clone());
        }
        Ok(content)
    }

    fn kind(&self, path: &Path) -> io::Result<Option<FileKind>> {
        match path.metadata() {
            Ok(there) if there.is_file() => Ok(Some(FileKind::Regular)),
            Ok(there) if there.is_dir() => Ok(Some(FileKind::Directory)),
            Ok(_) => Ok(Some(FileKind::Special)),
            // A link that leads nowhere is not nothing.
            Err(error) if error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn canonicalize(&self, path: &Path) -> PathBuf {
        path.canonicalize().unwrap_or_else(|_| path.to_owned())
    }
}
