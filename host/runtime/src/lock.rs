//! The identity of a place for locks. The locks themselves are the session's.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

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
