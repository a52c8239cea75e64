//! One change of a project at a time, for one user of this machine and one engine.
//!
//! The lock is a file in a directory that only this user can enter. It is never removed: two processes that each hold a lock on
//! a file of the same name, one of them unlinked, would both believe that they are alone.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{FileType, Mode, OFlags};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use windlass_model::hash::hex;

use crate::timeouts::{LOCK_POLL, pause};

/// Bytes of a lock file that are read to learn who holds it.
const LONGEST_HOLDER: u64 = 4096;

/// Held while a command changes a project. It is released on drop, and by the system when the process dies.
#[derive(Debug)]
pub struct ProjectLock {
    file: File,
}

/// Where lock files may be kept, best first.
#[derive(Debug, Clone)]
pub struct LockPlace {
    /// The login's own directory (`XDG_RUNTIME_DIR`), where there is one.
    pub runtime: Option<PathBuf>,
    /// The directory for temporary files, which every user can write to.
    pub temporary: PathBuf,
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Command, services and process id, as that process wrote them.
    pub who: String,
    /// When it took the lock; `None` in the moment before it has written that.
    pub since: Option<SystemTime>,
}

impl Holder {
    /// As [`Self::write`] wrote it.
    fn read(text: &str) -> Self {
        let mut lines = text.lines();
        let who = lines.next().map(str::trim).filter(|who| !who.is_empty()).unwrap_or("another windlass").to_owned();
        let since = lines.next().and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds.parse().ok()?)));
        Self { who, since }
    }

    fn write(who: &str, file: &mut File) -> io::Result<()> {
        file.set_len(0)?;
        file.rewind()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        // In one piece: whoever waits reads all of it or nothing.
        file.write_all(format!("{}\n{now}\n", who.replace('\n', " ")).as_bytes())
    }

    /// Who it is, and for how long at the time `now`.
    fn at(&self, now: SystemTime) -> String {
        let Some(held) = self.since.and_then(|since| now.duration_since(since).ok()) else { return self.who.clone() };
        let (seconds, minutes) = (held.as_secs(), held.as_secs() / 60);
        let held = match seconds {
            0..120 => format!("{seconds}s"),
            120..7200 => format!("{minutes}m"),
            7200.. => format!("{}h", minutes / 60),
        };
        format!("{}, for {held}", self.who)
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.at(SystemTime::now()))
    }
}

/// What to do while somebody else holds the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockWait {
    /// Wait until it is free.
    Forever,
    /// Wait at most this long.
    AtMost(Duration),
    /// Fail at once.
    Never,
}

/// The lock that a command takes.
#[derive(Debug, Clone)]
pub struct LockRequest {
    /// Where lock files are kept.
    pub place: LockPlace,
    /// Which engine is meant: its address. Projects of the same name on two engines have nothing to do with each other.
    pub engine: String,
    /// Who takes it (`windlass up web, process 4711`), for those who wait.
    pub holder: String,
    /// What to do while somebody else has it.
    pub wait: LockWait,
}

/// The lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("project {project:?} is being changed by another run ({holder})")]
    Held {
        /// Project.
        project: String,
        /// Who.
        holder: Holder,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The directory or the file belongs to somebody else, or others could change it.
    #[error("{} cannot hold the project's lock: {reason}", path.display())]
    Unsafe {
        /// Directory or file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The file cannot be made or locked.
    #[error("failed to lock {}", path.display())]
    Io {
        /// Lock file, or its directory.
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
            Self::Held { waited, .. } if waited.is_zero() => {
                Some("leave out --no-wait-lock to wait until it ends".to_owned())
            }
            Self::Held { .. } => Some("wait until it ends, or stop it".to_owned()),
            Self::Unsafe { .. } => {
                Some("remove it, or set XDG_RUNTIME_DIR to a directory that only you can enter".to_owned())
            }
            Self::Io { .. } => Some(
                "locks are kept below XDG_RUNTIME_DIR, else below TMPDIR: one of them must be a directory that can be written to"
                    .to_owned(),
            ),
        }
    }
}

impl ProjectLock {
    /// Takes the lock of a project. `waiting` is called with the holder when somebody else has it, and again when the
    /// holder changes.
    ///
    /// # Errors
    /// When another process still has it after the time that the request allows, or the file cannot be made.
    ///
    /// # Cancel safety
    /// Safe: nothing is held before this resolves.
    pub async fn acquire(
        request: &LockRequest,
        project: &str,
        mut waiting: impl FnMut(&Holder) + Send,
    ) -> Result<Self, LockError> {
        let began = Instant::now();
        let mut told = None;
        loop {
            let holder = match Self::attempt(request, project)? {
                Attempt::Taken(lock) => return Ok(lock),
                Attempt::Held(holder) => holder,
            };
            let patient = match request.wait {
                LockWait::Forever => true,
                LockWait::AtMost(limit) => began.elapsed() < limit,
                LockWait::Never => false,
            };
            if !patient {
                let waited = if request.wait == LockWait::Never { Duration::ZERO } else { began.elapsed() };
                return Err(LockError::Held { project: project.to_owned(), holder, waited });
            }
            if told.as_ref() != Some(&holder) {
                waiting(&holder);
                told = Some(holder);
            }
            pause(LOCK_POLL).await;
        }
    }

    fn attempt(request: &LockRequest, project: &str) -> Result<Attempt, LockError> {
        let (directory, path) = request.place.open()?;
        let name = file_name(&request.engine, project);
        let path = path.join(&name);
        let failed = |source: io::Error| LockError::Io { path: path.clone(), source };
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&directory, name.as_str(), flags, Mode::RUSR | Mode::WUSR);
        let opened = opened.map_err(|error| match error {
            rustix::io::Errno::LOOP => LockError::Unsafe { path: path.clone(), reason: "it is a link" },
            rustix::io::Errno::ISDIR | rustix::io::Errno::NXIO => {
                LockError::Unsafe { path: path.clone(), reason: "it is not a file" }
            }
            error => failed(error.into()),
        })?;
        only_ours(&opened, &path)?;
        let mut file = File::from(opened);
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = Vec::new();
                (&mut file).take(LONGEST_HOLDER).read_to_end(&mut holder).map_err(failed)?;
                // Between taking the lock and writing the name, or between clearing it and release, the file is empty. Who
                // holds it may be any program, and may have written anything.
                return Ok(Attempt::Held(Holder::read(&String::from_utf8_lossy(&holder))));
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // The lock is ours whether or not there is room to say so: a full disk must not keep anybody from `down`.
        drop(Holder::write(&request.holder, &mut file));
        Ok(Attempt::Taken(Self { file }))
    }
}

impl Drop for ProjectLock {
    fn drop(&mut self) {
        // Whoever takes it next must not be announced under our name in the moment before it writes its own.
        drop(self.file.set_len(0));
    }
}

enum Attempt {
    Taken(ProjectLock),
    Held(Holder),
}

impl LockPlace {
    /// Why the login's own directory is not used though there is one: for the user, who has to know where the lock is and that
    /// another login, with another directory, does not see it.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        let reason = below_runtime(self.runtime.as_ref()?).err()?;
        Some(format!(
            "XDG_RUNTIME_DIR is not used: {reason}; the project's lock is kept below {}",
            self.temporary.display()
        ))
    }

    /// The directory of lock files, which is made where it is missing.
    ///
    /// # Errors
    /// When there is no directory that only this user can enter.
    pub fn directory(&self) -> Result<PathBuf, LockError> {
        self.open().map(|(_, path)| path)
    }

    /// Opens the directory of lock files, and makes it where it is missing.
    ///
    /// The login's own directory may belong to somebody else: `sudo -E` keeps the variable and changes the user. The lock is
    /// then kept in a directory of the user's own among the temporary files.
    fn open(&self) -> Result<(OwnedFd, PathBuf), LockError> {
        if let Some(found) = self.runtime.as_ref().and_then(|runtime| below_runtime(runtime).ok()) {
            return Ok(found);
        }
        let path = self.temporary.join(format!("windlass-{}", rustix::process::geteuid().as_raw()));
        private_directory(&path).map(|directory| (directory, path))
    }
}

/// The directory of lock files below a login's own directory; else why it cannot be there.
fn below_runtime(runtime: &Path) -> Result<(OwnedFd, PathBuf), String> {
    if let Some(reason) = unfit_runtime(runtime) {
        return Err(format!("{} {reason}", runtime.display()));
    }
    let path = runtime.join("windlass");
    let unusable = |source: &io::Error| format!("{} cannot be used: {source}", path.display());
    let directory = private_directory(&path).map_err(|error| match error {
        LockError::Io { source, .. } => unusable(&source),
        error @ (LockError::Unsafe { .. } | LockError::Held { .. }) => error.to_string(),
    })?;
    // Made earlier, on what can only be read by now.
    rustix::fs::access(&path, rustix::fs::Access::WRITE_OK).map_err(|error| unusable(&error.into()))?;
    Ok((directory, path))
}

/// Why a login's own directory cannot be one. What stands in a directory that others can write to can be moved away by them,
/// and two runs would then lock two files.
fn unfit_runtime(path: &Path) -> Option<String> {
    if !path.is_absolute() {
        return Some("is not an absolute path".to_owned());
    }
    let stat = match rustix::fs::stat(path) {
        Ok(stat) => stat,
        Err(rustix::io::Errno::NOENT) => return Some("does not exist".to_owned()),
        Err(error) => return Some(format!("cannot be used: {}", io::Error::from(error))),
    };
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Some("is not a directory".to_owned());
    }
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Some("belongs to another user".to_owned());
    }
    let open = Mode::from_raw_mode(stat.st_mode).intersects(Mode::WGRP | Mode::WOTH);
    open.then(|| "can be written to by other users".to_owned())
}

/// A directory that only this user can enter. Neither it nor its owner is taken on trust: everybody can make a directory, or a
/// link, of any name among the temporary files.
fn private_directory(path: &Path) -> Result<OwnedFd, LockError> {
    let failed = |source: io::Error| LockError::Io { path: path.to_owned(), source };
    let unfit = |reason| LockError::Unsafe { path: path.to_owned(), reason };
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    // `create` is content with a link to a directory, and fails on any other file; the checks below have the better words.
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| match error {
        rustix::io::Errno::LOOP | rustix::io::Errno::NOTDIR => unfit("it is not a directory of its own"),
        error => failed(error.into()),
    })?;
    let stat = rustix::fs::fstat(&directory).map_err(|error| failed(error.into()))?;
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(unfit("it belongs to another user"));
    }
    let mode = Mode::from_raw_mode(stat.st_mode);
    if mode.intersects(Mode::WGRP | Mode::WOTH) {
        return Err(unfit("other users can write to it"));
    }
    if mode.intersects(Mode::RWXG | Mode::RWXO) {
        // Made by an earlier version with the permissions of the day; nobody else could have put anything there.
        rustix::fs::fchmod(&directory, Mode::RWXU).map_err(|error| failed(error.into()))?;
    }
    Ok(directory)
}

/// Refuses a file that is not an ordinary one of our own with one name: its content is about to be overwritten.
fn only_ours(file: &OwnedFd, path: &Path) -> Result<(), LockError> {
    let unfit = |reason| Err(LockError::Unsafe { path: path.to_owned(), reason });
    let stat =
        rustix::fs::fstat(file).map_err(|error| LockError::Io { path: path.to_owned(), source: error.into() })?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return unfit("it is not a file");
    }
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return unfit("it belongs to another user");
    }
    if stat.st_nlink != 1 {
        return unfit("it has more than one name");
    }
    Ok(())
}

/// Readable for a person who looks for it, and different for every engine and project.
fn file_name(engine: &str, project: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(engine.as_bytes());
    hash.update([0]);
    hash.update(project.as_bytes());
    let short = hex(&hash.finalize()[..6]);
    let plain: String =
        project.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).take(80).collect();
    format!("{plain}-{short}.lock")
}

#[cfg(test)]
mod tests;
