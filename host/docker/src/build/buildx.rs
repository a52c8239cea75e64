//! BuildKit through the Docker client's plugin `buildx`, the way the peer builds.

use std::collections::BTreeMap;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use windlass_model::project::{Build, FileReference};
use windlass_runtime::engine::{BuildRequest, EngineResult, ProgressSink, TransferProgress};

use super::arguments;
use crate::engine::DockerEngine;
use crate::error::plain;

/// Lines of output that an error shows.
const TAIL: usize = 20;

fn docker(engine: &DockerEngine) -> Command {
    let (_, options, host) = engine.settings();
    let mut command = Command::new("docker");
    if !options.environment.is_empty() {
        command.env_clear().envs(options.environment.iter().cloned());
    }
    command.env("DOCKER_HOST", host).env_remove("DOCKER_CONTEXT").stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Whether the plugin is there.
pub(super) async fn installed(engine: &DockerEngine) -> bool {
    let version = docker(engine).args(["buildx", "version"]).stdout(Stdio::null()).stderr(Stdio::null()).status().await;
    version.is_ok_and(|status| status.success())
}

/// Runs the build; its lines are the progress, the last ones the error.
pub(super) async fn build(
    engine: &DockerEngine,
    request: &BuildRequest<'_>,
    build: &Build,
    progress: ProgressSink<'_>,
) -> EngineResult<()> {
    let operation = format!("build image {}", request.image);
    let failed = |error: std::io::Error| plain(operation.clone(), error.to_string());
    let mut command = docker(engine);
    command.args(["buildx", "build", "--progress", "plain", "--load"]).args(flags(request, build));
    let inline = (!build.dockerfile_inline.is_empty()).then_some(build.dockerfile_inline.as_str());
    if inline.is_some() {
        command.args(["-f", "-"]).stdin(Stdio::piped());
    } else {
        command.arg("-f").arg(dockerfile(build));
    }
    let mut child = command.arg(&build.context).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    if let (Some(text), Some(mut stdin)) = (inline, child.stdin.take()) {
        tokio::io::AsyncWriteExt::write_all(&mut stdin, text.as_bytes()).await.map_err(failed)?;
    }
    let mut last = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        let mut lines = BufReader::new(stderr).lines();
        while let Some(line) = lines.next_line().await.map_err(failed)? {
            let id = line.split_whitespace().next().filter(|word| word.starts_with('#')).unwrap_or_default().to_owned();
            progress(TransferProgress { id, text: line.clone(), current: None, total: None });
            last.push(line);
            if last.len() > TAIL {
                last.remove(0);
            }
        }
    }
    let status = child.wait().await.map_err(failed)?;
    if status.success() { Ok(()) } else { Err(plain(operation, last.join("\n"))) }
}

fn dockerfile(build: &Build) -> String {
    if super::classic::is_remote(&build.context) || build.dockerfile.starts_with('/') {
        return build.dockerfile.clone();
    }
    std::path::Path::new(&build.context).join(&build.dockerfile).to_string_lossy().into_owned()
}

fn flags(request: &BuildRequest<'_>, build: &Build) -> Vec<String> {
    let mut flags = vec!["--tag".to_owned(), request.image.to_owned()];
    let mut add = |flag: &str, value: String| flags.extend([flag.to_owned(), value]);
    build.tags.iter().for_each(|tag| add("--tag", tag.clone()));
    let labels: BTreeMap<&String, &String> = build.labels.iter().chain(request.labels).collect();
    labels.iter().for_each(|(key, value)| add("--label", format!("{key}={value}")));
    arguments(request, build).iter().for_each(|(key, value)| add("--build-arg", format!("{key}={value}")));
    build.cache_from.iter().for_each(|source| add("--cache-from", source.clone()));
    build.cache_to.iter().for_each(|target| add("--cache-to", target.clone()));
    build.no_cache_filter.iter().for_each(|stage| add("--no-cache-filter", stage.clone()));
    build.entitlements.iter().for_each(|right| add("--allow", right.clone()));
    build.additional_contexts.iter().for_each(|(name, place)| add("--build-context", format!("{name}={place}")));
    build
        .ssh
        .iter()
        .for_each(|(id, path)| add("--ssh", if path.is_empty() { id.clone() } else { format!("{id}={path}") }));
    build.secrets.iter().for_each(|secret| add("--secret", secret_flag(secret)));
    for (host, addresses) in &build.extra_hosts {
        addresses.iter().for_each(|address| add("--add-host", format!("{host}={address}")));
    }
    for (name, limit) in &build.ulimits {
        let (soft, hard) = limit.single.map_or((limit.soft, limit.hard), |both| (both, both));
        add("--ulimit", format!("{name}={soft}:{hard}"));
    }
    let platform = build.platforms.first().or(Some(&request.service.platform)).filter(|platform| !platform.is_empty());
    platform.into_iter().for_each(|platform| add("--platform", platform.clone()));
    for (flag, value) in [
        ("--target", &build.target),
        ("--network", &build.network),
        ("--provenance", &build.provenance),
        ("--sbom", &build.sbom),
    ] {
        if !value.is_empty() {
            add(flag, value.clone());
        }
    }
    if build.shm_size > 0 {
        add("--shm-size", build.shm_size.to_string());
    }
    if build.privileged {
        add("--allow", "security.insecure".to_owned());
    }
    if build.no_cache || request.options.no_cache {
        flags.push("--no-cache".to_owned());
    }
    if build.pull || request.options.pull {
        flags.push("--pull".to_owned());
    }
    flags
}

/// The loader put the file's path or the variable's name into `source` where it knows them.
fn secret_flag(secret: &FileReference) -> String {
    let id = if secret.target.is_empty() { &secret.source } else { &secret.target };
    format!("id={id},src={}", secret.source)
}
