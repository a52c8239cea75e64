//! Projects from text, without files, and what an engine has of them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use windlass_model::{FileKind, FileSource, LoadOptions, Project, load};
use windlass_plan::{Action, Observed, UpOptions, labels, up};
use windlass_runtime::engine::{Cluster as _, Images as _};

use crate::FakeEngine;

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

/// The engine with the containers of a compose file, not started yet.
///
/// # Panics
/// When the file does not load or the engine does not obey: the test is wrong.
pub async fn made(engine: FakeEngine, yaml: &str) -> FakeEngine {
    let plan = up(&project(yaml), &Observed::default(), &UpOptions::default()).expect("the plan can be made");
    for step in &plan.steps {
        match &step.action {
            Action::CreateNetwork { network, .. } => {
                drop(engine.create_network(network).await.expect(OBEYS));
            }
            Action::PullImage { image, platform, .. } => {
                engine.pull_image(image, platform, &|_| ()).await.expect(OBEYS);
            }
            Action::CreateContainer(spec) => {
                let mut spec = (**spec).clone();
                labels::complete(&mut spec, &BTreeMap::new());
                drop(engine.create_container(&spec).await.expect(OBEYS));
            }
            _ => {}
        }
    }
    engine
}

const OBEYS: &str = "the fake engine obeys";
