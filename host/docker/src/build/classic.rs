//! The engine's classic builder: the context as a tar stream, the answer as lines of JSON.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use futures_util::StreamExt as _;
use hyper::Method;
use hyper::body::Incoming;
use serde_json::{Value as Json, json};
use windlass_model::project::Build;
use windlass_runtime::engine::{BuildRequest, EngineResult, ProgressSink, TransferProgress};

use super::context::{self, Dockerfile, Sending};
use super::{Tail, arguments};
use crate::api;
use crate::engine::DockerEngine;
use crate::error::{engine_error, plain};

/// Lines of output that an error shows.
const TAIL: usize = 10;

/// Whether a context is fetched by the engine.
pub(super) fn is_remote(context: &str) -> bool {
    windlass_model::paths::is_remote(context)
}

/// Runs the build.
pub(super) async fn build(
    engine: &DockerEngine,
    request: &BuildRequest<'_>,
    build: &Build,
    progress: ProgressSink<'_>,
) -> EngineResult<()> {
    let operation = format!("build image {}", request.image);
    let dockerfile = dockerfile(build).map_err(|error| plain(operation.clone(), error.to_string()))?;
    let name = dockerfile.as_ref().map_or_else(|| build.dockerfile.clone(), Dockerfile::name);
    let proxies = engine.proxies();
    let query = query(request, build, &name, proxies);
    let query: Vec<(&str, &str)> = query.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let api = engine.api().await?;
    let (body, reading) = match dockerfile {
        None => (api::empty(), None),
        Some(dockerfile) => {
            let Sending { body, reading } = context::send(PathBuf::from(&build.context), dockerfile);
            (body, Some(reading))
        }
    };
    let failed = |error: &bollard::errors::Error| engine_error(operation.clone(), error);
    let mut message = api::request(Method::POST, api.uri("/build", &query), body).map_err(|error| failed(&error))?;
    message.headers_mut().insert("Content-Type", hyper::header::HeaderValue::from_static("application/x-tar"));
    let done = match api.execute(message).await {
        Ok(answer) => follow(answer, &operation, progress).await,
        Err(error) => Err(failed(&error)),
    };
    // What could not be read is the cause; that the engine got half of a request is only how it shows.
    if let Some(reading) = reading
        && let Ok(Err(error)) = reading.await
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        return Err(plain(operation, format!("the build context cannot be read: {error}")));
    }
    done
}

/// Passes the output on until the build has ended.
async fn follow(answer: hyper::Response<Incoming>, operation: &str, progress: ProgressSink<'_>) -> EngineResult<()> {
    let mut lines = std::pin::pin!(api::json_lines::<Json>(answer));
    let mut last = Tail::new(TAIL);
    while let Some(line) = lines.next().await {
        let line = line.map_err(|error| engine_error(operation.to_owned(), &error))?;
        if let Some(text) = line["errorDetail"]["message"].as_str().or(line["error"].as_str()) {
            last.push(text.trim());
            return Err(plain(operation.to_owned(), last.text()));
        }
        let text = line["stream"].as_str().or(line["status"].as_str()).unwrap_or_default().trim_end();
        if !text.is_empty() {
            let id = line["id"].as_str().unwrap_or_default().to_owned();
            progress(TransferProgress { id, text: text.to_owned(), current: None, total: None });
            last.push(text);
        }
    }
    Ok(())
}

/// The Dockerfile of a local context; the engine finds that of a remote one itself.
fn dockerfile(build: &Build) -> std::io::Result<Option<Dockerfile>> {
    if !build.dockerfile_inline.is_empty() {
        return Ok(Some(Dockerfile::Text(build.dockerfile_inline.clone().into_bytes())));
    }
    if is_remote(&build.context) {
        return Ok(None);
    }
    Dockerfile::find(Path::new(&build.context), &build.dockerfile).map(Some)
}

fn query(
    request: &BuildRequest<'_>,
    build: &Build,
    dockerfile: &str,
    proxies: BTreeMap<String, String>,
) -> Vec<(&'static str, String)> {
    let flag = |value: bool| if value { "1" } else { "0" }.to_owned();
    let map = |entries: BTreeMap<String, String>| serde_json::to_string(&entries).unwrap_or_default();
    let labels = build.labels.iter().chain(request.labels).map(|(key, value)| (key.clone(), value.clone())).collect();
    // Proxies of Docker's settings, which an argument of the same name replaces.
    let arguments = proxies.into_iter().chain(arguments(request, build)).collect();
    let mut query = vec![
        ("t", request.image.to_owned()),
        ("dockerfile", dockerfile.to_owned()),
        ("rm", "1".to_owned()),
        ("forcerm", "1".to_owned()),
        ("nocache", flag(build.no_cache || request.options.no_cache)),
        ("pull", flag(build.pull || request.options.pull)),
        ("buildargs", map(arguments)),
        ("labels", map(labels)),
    ];
    query.extend(build.tags.iter().map(|tag| ("t", tag.clone())));
    query.extend(
        build
            .extra_hosts
            .iter()
            .flat_map(|(host, list)| list.iter().map(move |ip| ("extrahosts", format!("{host}:{ip}")))),
    );
    let platform = build.platforms.first().cloned().unwrap_or_else(|| request.service.platform.clone());
    let remote = if is_remote(&build.context) { build.context.clone() } else { String::new() };
    let texts = [
        ("target", build.target.clone()),
        ("networkmode", build.network.clone()),
        ("isolation", build.isolation.clone()),
        ("platform", platform),
        ("remote", remote),
    ];
    query.extend(texts.into_iter().filter(|(_, text)| !text.is_empty()));
    if build.shm_size > 0 {
        query.push(("shmsize", build.shm_size.to_string()));
    }
    if !build.cache_from.is_empty() {
        query.push(("cachefrom", serde_json::to_string(&build.cache_from).unwrap_or_default()));
    }
    if !build.ulimits.is_empty() {
        let limits = build.ulimits.iter().map(|(name, limit)| {
            let (soft, hard) = limit.single.map_or((limit.soft, limit.hard), |both| (both, both));
            json!({ "Name": name, "Soft": soft, "Hard": hard })
        });
        query.push(("ulimits", Json::from_iter(limits).to_string()));
    }
    query
}
