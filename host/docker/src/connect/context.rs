//! Docker contexts: `contexts/meta/<digest>/meta.json` in the directory of Docker's settings.

use std::path::Path;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use windlass_model::hash::hex;
use windlass_runtime::engine::{EngineError, EngineResult};

use super::Address;
use crate::error::plain;
use crate::transport::TlsFiles;

#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "Endpoints", default)]
    endpoints: std::collections::BTreeMap<String, MetaEndpoint>,
}

#[derive(Deserialize)]
struct MetaEndpoint {
    #[serde(rename = "Host", default)]
    host: String,
    #[serde(rename = "SkipTLSVerify", default)]
    skip_tls_verify: bool,
}

/// Address of a named context.
pub(super) fn load(directory: &Path, name: &str) -> EngineResult<Address> {
    let digest = hex(&Sha256::digest(name.as_bytes()));
    let path = directory.join("contexts/meta").join(&digest).join("meta.json");
    let bytes = fs_err::read(&path).map_err(|_| unknown(name))?;
    let meta: Meta = serde_json::from_slice(&bytes)
        .map_err(|error| plain(operation(name), format!("{}: {error}", path.display())))?;
    let endpoint = meta.endpoints.get("docker").ok_or_else(|| plain(operation(name), "it has no Docker endpoint"))?;
    let files = directory.join("contexts/tls").join(&digest).join("docker");
    let wanted = files.is_dir() || endpoint.skip_tls_verify;
    let skip_verify = endpoint.skip_tls_verify;
    let tls = wanted.then_some(TlsFiles { directory: files, skip_verify, system_roots: true });
    Ok(Address {
        host: super::completed(Some(endpoint.host.trim()).filter(|host| !host.is_empty()).unwrap_or("unix://")),
        tls,
    })
}

fn operation(name: &str) -> String {
    format!("use the Docker context {name}")
}

fn unknown(name: &str) -> EngineError {
    EngineError {
        hint: Some("`docker context ls` lists them; DOCKER_CONTEXT and `docker context use` choose one".to_owned()),
        ..plain(operation(name), "there is no such context")
    }
}
