//! Builds: with BuildKit through `docker buildx` where it is installed, else with the engine's own classic builder.

use std::collections::VecDeque;
use std::io;

use windlass_model::project::Build;
use windlass_plan::step::InjectedFile;
use windlass_runtime::engine::{BuildRequest, EngineResult, ProgressSink};

use crate::engine::DockerEngine;
use crate::error::plain;

mod buildx;
mod classic;
mod context;
mod ignore;

/// Builds and tags an image; resolves to its id, empty where an image of several platforms is not the engine's to hold.
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
    if build.platforms.len() > 1 && found.is_none() {
        // It is with the builder, from where it can be pushed.
        return Ok(String::new());
    }
    found
        .map(|image| image.id)
        .ok_or_else(|| plain(operation, "the builder reported success, but the image is not there"))
}

/// What only BuildKit can do, refused with the attribute's name, by which its place is found.
fn refuse_buildkit_only(operation: &str, build: &Build) -> EngineResult<()> {
    let features = [
        ("SSH keys", "build.ssh", !build.ssh.is_empty()),
        ("secrets", "build.secrets", !build.secrets.is_empty()),
        ("additional contexts", "build.additional_contexts", !build.additional_contexts.is_empty()),
        ("privileged mode", "build.privileged", build.privileged),
        ("entitlements", "build.entitlements", !build.entitlements.is_empty()),
        ("multi-arch build", "build.platforms", build.platforms.len() > 1),
        ("writing a cache", "build.cache_to", !build.cache_to.is_empty()),
        ("stages without cache", "build.no_cache_filter", !build.no_cache_filter.is_empty()),
        ("provenance attestations", "build.provenance", wanted(&build.provenance)),
        ("SBOM attestations", "build.sbom", wanted(&build.sbom)),
    ];
    match features.into_iter().find(|(_, _, used)| *used) {
        Some((feature, attribute, _)) => {
            let text = format!("the classic builder doesn't support {feature} (`{attribute}`)");
            let mut error = plain(operation, text);
            error.hint = Some(
                "Windlass builds with BuildKit where the Docker CLI plugin `buildx` is installed and DOCKER_BUILDKIT is not 0"
                    .to_owned(),
            );
            Err(error)
        }
        None => Ok(()),
    }
}

/// Whether an attestation is asked for: `false` says what the classic builder does anyway.
fn wanted(attestation: &str) -> bool {
    !matches!(attestation, "" | "false" | "0")
}

/// The last lines of some output.
struct Tail {
    lines: VecDeque<String>,
    limit: usize,
}

impl Tail {
    fn new(limit: usize) -> Self {
        Self { lines: VecDeque::new(), limit }
    }

    fn push(&mut self, line: &str) {
        if self.lines.len() == self.limit {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
    }

    fn text(self) -> String {
        Vec::from(self.lines).join("\n")
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

/// Tar archives of files with absolute paths, each with the value of the engine's `copyUIDGID`: with it everything in an
/// archive becomes the property of the user that the container runs as, so that owners which a compose file names must
/// travel apart.
pub(crate) fn archives_of(files: &[InjectedFile]) -> io::Result<Vec<(&'static str, Vec<u8>)>> {
    let (owned, rest): (Vec<&InjectedFile>, Vec<&InjectedFile>) = files.iter().partition(|file| file.owner.is_some());
    let all = [("0", owned), ("1", rest)].into_iter().filter(|(_, files)| !files.is_empty());
    all.map(|(copy_owner, files)| Ok((copy_owner, archive_of(&files)?))).collect()
}

fn archive_of(files: &[&InjectedFile]) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for file in files {
        let (user, group) = file.owner.unwrap_or_default();
        let mut header = tar::Header::new_gnu();
        header.set_size(file.content.len() as u64);
        header.set_mode(file.mode);
        header.set_uid(user);
        header.set_gid(group);
        header.set_entry_type(tar::EntryType::Regular);
        archive.append_data(&mut header, file.target.trim_start_matches('/'), file.content.as_slice())?;
    }
    archive.into_inner()
}
