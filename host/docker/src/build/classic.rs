//! The engine's classic builder: the context as a tar stream, the answer as lines of JSON.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use futures_util::StreamExt as _;
use http_body_util::StreamBody;
use hyper::Method;
use hyper::body::Frame;
use serde_json::Value as Json;
use tokio_util::io::{ReaderStream, SyncIoBridge};
use windlass_model::project::Build;
use windlass_runtime::engine::{BuildRequest, EngineResult, ProgressSink, TransferProgress};

use super::arguments;
use super::ignore::Ignore;
use crate::api;
use crate::engine::DockerEngine;
use crate::error::{engine_error, plain};
use crate::transport::Body;

/// Name in the archive of a Dockerfile that is not in the context.
const OUTSIDE: &str = ".windlass.Dockerfile";
/// Bytes between the thread that reads files and the request.
const PIPE: usize = 256 << 10;
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
    let (name, outside) = dockerfile(build).map_err(|error| plain(operation.clone(), error.to_string()))?;
    let query = query(request, build, &name);
    let query: Vec<(&str, &str)> = query.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let api = engine.api().await?;
    let body = if is_remote(&build.context) { api::empty() } else { context(PathBuf::from(&build.context), outside) };
    let failed = |error: &bollard::errors::Error| engine_error(operation.clone(), error);
    let mut message = api::request(Method::POST, api.uri("/build", &query), body).map_err(|error| failed(&error))?;
    message.headers_mut().insert("Content-Type", hyper::header::HeaderValue::from_static("application/x-tar"));
    let answer = api.execute(message).await.map_err(|error| failed(&error))?;
    let mut lines = std::pin::pin!(api::json_lines::<Json>(answer));
    let mut last: Vec<String> = Vec::new();
    while let Some(line) = lines.next().await {
        let line = line.map_err(|error| failed(&error))?;
        if let Some(text) = line["errorDetail"]["message"].as_str().or(line["error"].as_str()) {
            last.push(text.trim().to_owned());
            return Err(plain(operation, last.join("\n")));
        }
        let text = line["stream"].as_str().or(line["status"].as_str()).unwrap_or_default().trim_end();
        if !text.is_empty() {
            progress(TransferProgress {
                id: line["id"].as_str().unwrap_or_default().to_owned(),
                text: text.to_owned(),
                current: None,
                total: None,
            });
            last.push(text.to_owned());
            if last.len() > TAIL {
                last.remove(0);
            }
        }
    }
    Ok(())
}

/// Name of the Dockerfile in the archive, and its text when it is not a file of the context.
fn dockerfile(build: &Build) -> io::Result<(String, Option<String>)> {
    if !build.dockerfile_inline.is_empty() {
        return Ok((OUTSIDE.to_owned(), Some(build.dockerfile_inline.clone())));
    }
    if is_remote(&build.context) {
        return Ok((build.dockerfile.clone(), None));
    }
    let context = Path::new(&build.context);
    let path = windlass_model::paths::clean(&context.join(&build.dockerfile));
    match path.strip_prefix(context) {
        Ok(inside) => Ok((inside.to_string_lossy().into_owned(), None)),
        Err(_) => Ok((OUTSIDE.to_owned(), Some(fs_err::read_to_string(&path)?))),
    }
}

fn query(request: &BuildRequest<'_>, build: &Build, dockerfile: &str) -> Vec<(&'static str, String)> {
    let flag = |value: bool| if value { "1" } else { "0" }.to_owned();
    let map = |entries: BTreeMap<String, String>| serde_json::to_string(&entries).unwrap_or_default();
    let labels = build.labels.iter().chain(request.labels).map(|(key, value)| (key.clone(), value.clone())).collect();
    let mut query = vec![
        ("t", request.image.to_owned()),
        ("dockerfile", dockerfile.to_owned()),
        ("rm", "1".to_owned()),
        ("forcerm", "1".to_owned()),
        ("nocache", flag(build.no_cache || request.options.no_cache)),
        ("pull", flag(build.pull || request.options.pull)),
        ("buildargs", map(arguments(request, build).into_iter().collect())),
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
    query
}

/// The context as a stream; files are read by a thread of their own while the request is sent.
fn context(folder: PathBuf, outside: Option<String>) -> Body {
    let (near, far) = tokio::io::duplex(PIPE);
    tokio::task::spawn_blocking(move || {
        let mut archive = tar::Builder::new(SyncIoBridge::new(near));
        archive.follow_symlinks(false);
        let written = write(&folder, &mut archive, outside.as_deref()).and_then(|()| archive.into_inner());
        // An error ends the stream early; the engine then says that the archive is broken, and names no file. The
        // common one, a missing context, is told by `walk` of the first call.
        drop(written.and_then(|mut pipe| pipe.shutdown()));
    });
    let frames = ReaderStream::new(far).map(|piece| piece.map(Frame::data));
    Body::Right(StreamBody::new(Box::pin(frames)))
}

fn write(folder: &Path, archive: &mut tar::Builder<impl io::Write>, outside: Option<&str>) -> io::Result<()> {
    let ignore = Ignore::parse(&fs_err::read_to_string(folder.join(".dockerignore")).unwrap_or_default());
    walk(folder, &mut Vec::new(), &ignore, archive)?;
    if let Some(text) = outside {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, OUTSIDE, text.as_bytes())?;
    }
    Ok(())
}

fn walk(
    folder: &Path,
    below: &mut Vec<String>,
    ignore: &Ignore,
    archive: &mut tar::Builder<impl io::Write>,
) -> io::Result<()> {
    let mut entries: Vec<_> = fs_err::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs_err::DirEntry::file_name);
    for entry in entries {
        below.push(entry.file_name().to_string_lossy().into_owned());
        let parts: Vec<&str> = below.iter().map(String::as_str).collect();
        // The builder needs both, whatever the patterns say.
        let needed = parts == ["Dockerfile"] || parts == [".dockerignore"];
        let excluded = ignore.excludes(&parts) && !needed;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if !excluded {
                archive.append_dir(below.join("/"), entry.path())?;
            }
            if !excluded || ignore.has_exceptions() {
                walk(&entry.path(), below, ignore, archive)?;
            }
        } else if !excluded && (kind.is_file() || kind.is_symlink()) {
            archive.append_path_with_name(entry.path(), below.join("/"))?;
        }
        below.pop();
    }
    Ok(())
}
