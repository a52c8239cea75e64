//! A project in a temporary directory.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A directory with files; gone when dropped.
#[derive(Debug)]
pub struct TempProject {
    folder: TempDir,
}

impl Default for TempProject {
    fn default() -> Self {
        Self::new()
    }
}

impl TempProject {
    /// An empty directory.
    ///
    /// # Panics
    /// When the system gives no temporary directory.
    #[must_use]
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("the system gives a temporary directory") }
    }

    /// Writes a file, with its parents.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn file(self, name: &str, content: &str) -> Self {
        self.write(name, content);
        self
    }

    /// Writes a file, with its parents.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, name: &str, content: &str) {
        let path = self.join(name);
        fs_err::create_dir_all(path.parent().expect("a joined path has a parent")).expect("parents can be made");
        fs_err::write(path, content).expect("the file can be written");
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A path in it.
    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}
