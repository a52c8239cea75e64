//! The identity of a place for locks. The locks themselves are the session's.

use std::io;
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
    let found = fs_err::read_to_string(&path).unwrap_or_default().trim().to_owned();
    if !found.is_empty() {
        return Ok(found);
    }
    let chance = [RandomState::new().hash_one(0), RandomState::new().hash_one(std::process::id())];
    // Whole or not at all: on a full disk there would be an empty one from then on.
    let whole = directory.join(format!("id.{}", std::process::id()));
    let made =
        fs_err::write(&whole, format!("{:016x}{:016x}", chance[0], chance[1])).and_then(|()| publish(&whole, &path));
    drop(fs_err::remove_file(&whole));
    made?;
    Ok(fs_err::read_to_string(&path)?.trim().to_owned())
}

/// Gives the file its name, unless another run was faster. An empty one is what an earlier version left on a full disk.
fn publish(whole: &Path, path: &Path) -> io::Result<()> {
    match fs_err::hard_link(whole, path) {
        Err(_) if fs_err::read_to_string(path).unwrap_or_default().trim().is_empty() => fs_err::rename(whole, path),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_id_is_made_once_and_an_empty_one_is_none() {
        let place = tempfile::tempdir().expect("a directory");
        let first = super::directory_id(place.path()).expect("it can be made");
        assert_eq!(first.len(), 32);
        assert_eq!(super::directory_id(place.path()).expect("it is there"), first);
        fs_err::write(place.path().join("id"), "").expect("ours");
        let again = super::directory_id(place.path()).expect("it can be made");
        assert_eq!(again.len(), 32, "left by a run that found no room");
        assert_eq!(super::directory_id(place.path()).expect("it is there"), again);
        assert_eq!(fs_err::read_dir(place.path()).expect("there").count(), 1, "and nothing else");
    }
}
