//! Files that loads and hooks read: found, checked, opened and hashed. Blocking: for a thread of its own.
//!
//! A file is hashed through the handle that it is read through, so what a plugin reads is what was hashed, whatever happens
//! to the name meanwhile; and every reading compares the time of the last change, so an edit in place is noticed.

use std::collections::BTreeSet;
use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use windlass_model::hash::hex;

use crate::hooks::Input;

/// Most files of one call: a directory with more is not meant to be an input.
const FILES: usize = 10_000;
/// Attempts to read a part while somebody changes the file's attributes.
const READS: u32 = 8;

/// An input cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It is not there, or may not be read.
    #[error("cannot be read")]
    Unreadable {
        /// As the user wrote it.
        name: String,
        /// Cause.
        #[source]
        source: io::Error,
    },
    /// A pipe, socket or device: reading it may never end, and twice does not give the same.
    #[error("is {kind}; inputs are files and directories")]
    Special {
        /// As the user wrote it.
        name: String,
        /// `a pipe`, `a socket`, `a device`.
        kind: &'static str,
    },
    /// A symbolic link in a directory leads out of it.
    #[error("leads out of the directory that `{directory}` names")]
    Outside {
        /// As the user wrote it, with the path inside the directory.
        name: String,
        /// As the user wrote it.
        directory: String,
    },
    /// Too many files below a directory.
    #[error("holds more than {FILES} files")]
    TooMany {
        /// As the user wrote it.
        name: String,
    },
    /// It has other content than was expected, or was written to while it was read.
    #[error("was edited while it was loaded")]
    Changed {
        /// As the user wrote it.
        name: String,
    },
}

impl InputError {
    /// The input, as the user wrote it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Unreadable { name, .. }
            | Self::Special { name, .. }
            | Self::Outside { name, .. }
            | Self::TooMany { name }
            | Self::Changed { name } => name,
        }
    }
}

/// An input that is open, and whose content is known by its hash.
#[derive(Debug, Clone)]
pub struct OpenInput {
    /// As the user wrote it; for a file of a directory with its path inside, parts divided by `/`.
    pub name: String,
    /// `from`, or the setting that names it.
    pub role: String,
    /// Where it was found.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the content, hex.
    pub sha256: String,
    open: Arc<Mutex<Open>>,
}

/// A file, and the state in which it had the content that was hashed.
#[derive(Debug)]
struct Open {
    file: File,
    stamp: Stamp,
}

/// What changes with every writing to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: Option<std::time::SystemTime>,
    /// Seconds and nanoseconds of the last change of content or attributes, which nobody can set; device and number.
    #[cfg(unix)]
    change: (i64, i64, u64, u64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Self {
            size: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            change: (metadata.ctime(), metadata.ctime_nsec(), metadata.dev(), metadata.ino()),
        }
    }
}

impl OpenInput {
    /// Up to `max` bytes from `offset`.
    ///
    /// # Errors
    /// When it cannot be read, or was written to since it was opened.
    pub fn read(&self, offset: u64, max: u64) -> Result<Vec<u8>, InputError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |source| unreadable(&self.name, source);
        for _ in 0..READS {
            let mut part = Vec::new();
            open.file.seek(SeekFrom::Start(offset)).map_err(failed)?;
            (&mut open.file).take(max).read_to_end(&mut part).map_err(failed)?;
            let now = Stamp::of(&open.file.metadata().map_err(failed)?);
            if now == open.stamp {
                return Ok(part);
            }
            // Its name was given to another file, say, or its content: only the content counts. What was read just now may
            // be neither the old nor the new content, so it is read again.
            open.file.seek(SeekFrom::Start(0)).map_err(failed)?;
            if hash(&mut open.file).map_err(failed)? != self.sha256 {
                break;
            }
            open.stamp = now;
        }
        Err(InputError::Changed { name: self.name.clone() })
    }
}

/// Opens and hashes inputs: in the order given, the files of a directory sorted by their paths inside it.
///
/// # Errors
/// When one cannot be used, or its content is not what it says it expects.
pub fn open(inputs: &[Input]) -> Result<Vec<OpenInput>, InputError> {
    let mut opened = Vec::new();
    for input in inputs {
        for (name, path) in files(input)? {
            let found = open_file(name, &input.role, path)?;
            if input.sha256.as_ref().is_some_and(|expected| *expected != found.sha256) {
                return Err(InputError::Changed { name: found.name });
            }
            opened.push(found);
        }
    }
    Ok(opened)
}

fn unreadable(name: &str, source: io::Error) -> InputError {
    InputError::Unreadable { name: name.to_owned(), source }
}

/// The file itself, or all files below a directory with their names.
fn files(input: &Input) -> Result<Vec<(String, PathBuf)>, InputError> {
    let found = fs_err::metadata(&input.path).map_err(|source| unreadable(&input.name, source))?;
    if !found.is_dir() {
        return Ok(vec![(input.name.clone(), input.path.clone())]);
    }
    let root = fs_err::canonicalize(&input.path).map_err(|source| unreadable(&input.name, source))?;
    let mut found = BTreeSet::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        let entries = fs_err::read_dir(&directory).map_err(|source| unreadable(&input.name, source))?;
        for entry in entries {
            let entry = entry.map_err(|source| unreadable(&input.name, source))?;
            let kind = entry.file_type().map_err(|source| unreadable(&input.name, source))?;
            if kind.is_dir() {
                directories.push(entry.path());
            } else if !kind.is_symlink() || leads_to_file(input, &root, &entry.path())? {
                found.insert(entry.path());
            }
            if found.len() > FILES {
                return Err(InputError::TooMany { name: input.name.clone() });
            }
        }
    }
    let prefix = input.name.trim_end_matches('/');
    let named = |path: PathBuf| (format!("{prefix}/{}", inside(&root, &path)), path);
    let mut files: Vec<(String, PathBuf)> = found.into_iter().map(named).collect();
    // By name and not by path: the order must not depend on where the directory is, or on how the system divides paths.
    files.sort();
    Ok(files)
}

/// A link to a directory is passed over: what it leads to inside is seen at its own place.
fn leads_to_file(input: &Input, root: &Path, link: &Path) -> Result<bool, InputError> {
    let name = format!("{}/{}", input.name.trim_end_matches('/'), inside(root, link));
    let end = fs_err::canonicalize(link).map_err(|source| unreadable(&name, source))?;
    if !end.starts_with(root) {
        return Err(InputError::Outside { name, directory: input.name.clone() });
    }
    Ok(!end.is_dir())
}

fn inside(root: &Path, path: &Path) -> String {
    let rest = path.strip_prefix(root).unwrap_or(path);
    rest.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn open_file(name: String, role: &str, path: PathBuf) -> Result<OpenInput, InputError> {
    let failed = |source| unreadable(&name, source);
    // Looked at before it is opened: opening a pipe waits for a writer.
    special(&name, &fs_err::metadata(&path).map_err(failed)?)?;
    let mut file = File::open(&path).map_err(failed)?;
    let before = file.metadata().map_err(failed)?;
    special(&name, &before)?;
    let sha256 = hash(&mut file).map_err(failed)?;
    let stamp = Stamp::of(&before);
    if Stamp::of(&file.metadata().map_err(failed)?) != stamp {
        return Err(InputError::Changed { name });
    }
    let size = stamp.size;
    let open = Arc::new(Mutex::new(Open { file, stamp }));
    Ok(OpenInput { name, role: role.to_owned(), path, size, sha256, open })
}

fn hash(file: &mut File) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}

fn special(name: &str, metadata: &Metadata) -> Result<(), InputError> {
    if metadata.is_file() {
        return Ok(());
    }
    #[cfg(unix)]
    let kind = {
        use std::os::unix::fs::FileTypeExt as _;
        let kind = metadata.file_type();
        match (kind.is_fifo(), kind.is_socket()) {
            (true, _) => "a pipe",
            (_, true) => "a socket",
            _ => "a device",
        }
    };
    #[cfg(not(unix))]
    let kind = "a device";
    Err(InputError::Special { name: name.to_owned(), kind })
}

#[cfg(test)]
mod tests;
