//! Projects from text, without files.

use std::io;
use std::path::{Path, PathBuf};

use windlass_model::{FileKind, FileSource, LoadOptions, Project, load};

/// One compose file in memory, at `/project/compose.yaml`.
struct OneFile<'a>(&'a str);

impl FileSource for OneFile<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if self.is_file(path) { Ok(self.0.as_bytes().to_vec()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn kind(&self, path: &Path) -> io::Result<Option<FileKind>> {
        Ok((path == Path::new("/project/compose.yaml")).then_some(FileKind::Regular))
    }

    fn canonicalize(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }
}

/// The project `demo` of a compose file.
///
/// # Panics
/// When the file does not load: the test is wrong.
#[must_use]
pub fn project(yaml: &str) -> Project {
    let options =
        LoadOptions { cwd: PathBuf::from("/project"), project_name: Some("demo".to_owned()), ..LoadOptions::default() };
    match load(&OneFile(yaml), &options) {
        Ok(loaded) => loaded.project,
        Err(problems) => panic!("the test's compose file does not load: {problems:?}"),
    }
}
