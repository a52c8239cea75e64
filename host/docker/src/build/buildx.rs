//! BuildKit through the Docker client's plugin `buildx`, the way the peer builds.

use std::collections::BTreeMap;
use std::process::Stdio;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;
use windlass_model::project::Build;
use windlass_plan::step::{BuildSecret, SecretSource};
use windlass_runtime::engine::{BuildRequest, EngineResult, ProgressSink, TransferProgress};

use super::{Tail, arguments};
use crate::engine::DockerEngine;
use crate::error::plain;

/// Lines of output that an error shows.
const TAIL: usize = 20;
/// Bytes after which a line without a line feed is passed on in pieces.
const LONGEST_LINE: u64 = 64 << 10;

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
    command.args(["buildx", "build", "--progress", "plain"]).args(flags(request, build));
    let secrets = variables(request);
    command.envs(secrets.iter().map(|(name, value)| (name.as_str(), *value)));
    let inline = (!build.dockerfile_inline.is_empty()).then_some(build.dockerfile_inline.as_str());
    if inline.is_some() {
        command.args(["-f", "-"]).stdin(Stdio::piped());
    } else {
        command.arg("-f").arg(dockerfile(build));
    }
    let mut child = command.arg(&build.context).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    let (input, output) = (child.stdin.take(), child.stderr.take());
    // At once: a builder that fails early closes its input and has much to say.
    let feed = async {
        if let (Some(text), Some(mut input)) = (inline, input) {
            // That it reads no further is told by its exit code.
            drop(input.write_all(text.as_bytes()).await);
        }
    };
    let read = async {
        match output {
            Some(output) => follow(BufReader::new(output), progress).await,
            None => Ok(Tail::new(TAIL)),
        }
    };
    let ((), last) = tokio::join!(feed, read);
    let status = child.wait().await.map_err(failed)?;
    if status.success() { Ok(()) } else { Err(plain(operation.clone(), last.map_err(failed)?.text())) }
}

/// Passes the lines on as they come. What a program of the build prints may be in any encoding, and of any length.
async fn follow(mut output: impl AsyncBufRead + Unpin, progress: ProgressSink<'_>) -> std::io::Result<Tail> {
    let mut last = Tail::new(TAIL);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut output).take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
        if read == 0 {
            return Ok(last);
        }
        let text = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
        let id = text.split_whitespace().next().filter(|word| word.starts_with('#')).unwrap_or_default().to_owned();
        last.push(&text);
        progress(TransferProgress { id, text, current: None, total: None });
    }
}

fn dockerfile(build: &Build) -> String {
    if super::classic::is_remote(&build.context) || build.dockerfile.starts_with('/') {
        return build.dockerfile.clone();
    }
    std::path::Path::new(&build.context).join(&build.dockerfile).to_string_lossy().into_owned()
}

fn flags(request: &BuildRequest<'_>, build: &Build) -> Vec<String> {
    let several = build.platforms.len() > 1;
    // One image of several platforms stays with the builder: not every engine can hold it.
    let output = if several { "--output=type=image,push=false" } else { "--load" };
    let mut flags = vec![output.to_owned(), "--tag".to_owned(), request.image.to_owned()];
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
    request.secrets.iter().enumerate().for_each(|(index, secret)| add("--secret", secret_flag(index, secret)));
    for (host, addresses) in &build.extra_hosts {
        addresses.iter().for_each(|address| add("--add-host", format!("{host}={address}")));
    }
    for (name, limit) in &build.ulimits {
        let (soft, hard) = limit.single.map_or((limit.soft, limit.hard), |both| (both, both));
        add("--ulimit", format!("{name}={soft}:{hard}"));
    }
    let own = Some(&request.service.platform).filter(|platform| build.platforms.is_empty() && !platform.is_empty());
    build.platforms.iter().chain(own).for_each(|platform| add("--platform", platform.clone()));
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

/// `id=NAME` and where its content is. The value of a variable goes through the environment of the program, because
/// arguments can be read by everybody on the machine.
fn secret_flag(index: usize, secret: &BuildSecret) -> String {
    let (kind, source) = match &secret.source {
        SecretSource::File(path) => ("type=file", format!("src={path}")),
        SecretSource::Value(_) => ("type=env", format!("env={}", variable(index))),
    };
    [format!("id={}", secret.id), kind.to_owned(), source].map(|field| csv(&field)).join(",")
}

fn variable(index: usize) -> String {
    format!("WINDLASS_BUILD_SECRET_{index}")
}

fn variables<'r>(request: &'r BuildRequest<'_>) -> Vec<(String, &'r str)> {
    let value = |(index, secret): (usize, &'r BuildSecret)| match &secret.source {
        SecretSource::Value(value) => Some((variable(index), value.as_str())),
        SecretSource::File(_) => None,
    };
    request.secrets.iter().enumerate().filter_map(value).collect()
}

/// A field as the flag's parser, which reads comma-separated values, wants it.
fn csv(field: &str) -> String {
    if field.contains([',', '"', '\n']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_owned() }
}

#[cfg(test)]
mod tests;
