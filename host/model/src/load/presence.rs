//! Files that a project may go without: there, missing, or there and of no use, which is never the same as missing.

use std::path::Path;

use super::{Loader, io_text};
use crate::source::FileKind;

/// Whether a file is there.
pub(super) enum Presence {
    /// It can be read: a file, a pipe or a device.
    There,
    /// Nothing stands there.
    Missing,
    /// A link that leads nowhere.
    Dangling,
    /// A directory.
    Directory,
    /// Nobody can say: a circle of links, a directory that may not be searched. In `docker compose`'s words.
    Unreachable(String),
}

impl Loader<'_> {
    /// Looks whether a file is there.
    pub(super) fn presence(&self, path: &Path) -> Presence {
        match self.files.kind(path) {
            Ok(Some(FileKind::Directory)) => Presence::Directory,
            Ok(Some(FileKind::Regular | FileKind::Special)) => Presence::There,
            Ok(None) => Presence::Missing,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Presence::Dangling,
            Err(error) => Presence::Unreachable(format!("open {}: {}", path.display(), io_text(&error))),
        }
    }

    /// As [`Self::presence`], for a file that is named: `Ok` says whether it is there. A link that leads nowhere is a missing file,
    /// as it is for `docker compose`.
    ///
    /// # Errors
    /// Why it is of no use although something stands there.
    pub(super) fn named_file(&self, path: &Path) -> Result<bool, String> {
        match self.presence(path) {
            Presence::There => Ok(true),
            Presence::Missing | Presence::Dangling => Ok(false),
            Presence::Directory => Err(format!("failed to read {p}: read {p}: is a directory", p = path.display())),
            Presence::Unreachable(reason) => Err(reason),
        }
    }
}
