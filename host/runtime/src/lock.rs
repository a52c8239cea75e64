//! One `up` of a project at a time on this machine.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

/// Held while a command changes a project; released on drop, and by the system when the process dies.
#[derive(Debug)]
pub struct ProjectLock {
    _file: File,
}

/// Id of the locks of a directory: of two runs that hold a lock of the same directory and project, one after the other, the
/// first has ended. It is made of chance with the first use; a copy of the machine's disk keeps it only with the directory.
///
/// # Errors
/// When the file cannot be made or read.
pub fn directory_id(directory: &Path) -> io::Result<String> {
    use std::hash::{BuildHasher as _, RandomState};
    let path = directory.join("id");
    fs_err::create_dir_all(directory)?;
    if let Ok(mut file) = File::options().write(true).create_new(true).open(&path) {
        let chance = [RandomState::new().hash_one(0), RandomState::new().hash_one(std::process::id())];
        write!(file, "{:016x}{:016x}", chance[0], chance[1])?;
    }
    Ok(fs_err::read_to_string(&path)?.trim().to_owned())
}

/// The lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("project {project:?} is being changed by another windlass (`{holder}`)")]
    Held {
        /// Project.
        project: String,
        /// Command and process id, as that process wrote them.
        holder: String,
    },
    /// The file cannot be made or locked.
    #[error("failed to lock {}", path.display())]
    Io {
        /// Lock file.
        path: PathBuf,
        /// Cause.
        #[source]
        source: io::Error,
    },
}

impl LockError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Held { .. } => Some("wait until it ends, or stop it".to_owned()),
            Self::Io { .. } => None,
        }
    }
}

impl ProjectLock {
    /// Takes the lock of a project at once or not at all. `directory` is made when it is missing; `holder` says who we
    /// are (`up, pid 4711`), for the message that others get.
    ///
    /// # Errors
    /// When another process has it, or the file cannot be made.
    pub fn acquire(directory: &Path, project: &str, holder: &str) -> Result<Self, LockError> {
        let path = directory.join(format!("{project}.lock"));
        let failed = |source| LockError::Io { path: path.clone(), source };
        fs_err::create_dir_all(directory).map_err(failed)?;
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(failed)?;
                return Err(LockError::Held { project: project.to_owned(), holder: holder.trim().to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{holder}")).map_err(failed)?;
        Ok(Self { _file: file })
    }
}
