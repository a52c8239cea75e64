//! Builds: with BuildKit through `docker buildx` where it is installed, else with the engine's own classic builder.

use std::io;

use windlass_model::project::Build;
use windlass_plan::step::InjectedFile;
use windlass_runtime::engine::{BuildRequest, EngineResult, ProgressSink};

use crate::engine::DockerEngine;
use crate::error::plain;

mod buildx;
mod classic;
mod ignore;

/// Builds and tags an image; resolves to its id.
pub(crate) async fn build(
    engine: &DockerEngine,
    request: BuildRequest<'_>,
    progress: ProgressSink<'_>,
) -> EngineResult<String> {
    let operation = format!("build image {}", request.image);
    let Some(build) = &request.service.build else {
        return Err(plain(operation, format!("service {} has no `build`", request.service.name)));
    };
    let (_, options, _) = engine.settings();
    if options.buildkit != Some(false) && buildx::installed(engine).await {
        buildx::build(engine, &request, build, progress).await?;
    } else {
        refuse_buildkit_only(&operation, build)?;
        classic::build(engine, &request, build, progress).await?;
    }
    let found = engine.image(request.image, "").await?;
    found
        .map(|image| image.id)
        .ok_or_else(|| plain(operation, "the builder reported success, but the image is not there"))
}

/// What only BuildKit can do, in the peer's words.
fn refuse_buildkit_only(operation: &str, build: &Build) -> EngineResult<()> {
    let features = [
        ("SSH keys", !build.ssh.is_empty()),
        ("secrets", !build.secrets.is_empty()),
        ("additional contexts", !build.additional_contexts.is_empty()),
        ("privileged mode", build.privileged || !build.entitlements.is_empty()),
        ("multi-arch build", build.platforms.len() > 1),
    ];
    match features.into_iter().find(|(_, used)| *used) {
        Some((feature, _)) => {
            let mut error = plain(operation, format!("the classic builder doesn't support {feature}"));
            error.hint = Some("install the Docker CLI plugin `buildx`; Windlass then builds with BuildKit".to_owned());
            Err(error)
        }
        None => Ok(()),
    }
}

/// All arguments of a build: the file's, then the command line's.
fn arguments(request: &BuildRequest<'_>, build: &Build) -> Vec<(String, String)> {
    let own = build.args.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
    let flags = request.options.args.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
    let mut all: std::collections::BTreeMap<String, String> = own.collect();
    all.extend(flags);
    all.into_iter().collect()
}

/// A tar archive of files with absolute paths.
pub(crate) fn archive_of(files: &[InjectedFile]) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for file in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(file.content.len() as u64);
        header.set_mode(file.mode);
        header.set_uid(file.uid);
        header.set_gid(file.gid);
        header.set_entry_type(tar::EntryType::Regular);
        archive.append_data(&mut header, file.target.trim_start_matches('/'), file.content.as_slice())?;
    }
    archive.into_inner()
}
