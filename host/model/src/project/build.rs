//! `build` and `develop`.

use indexmap::IndexMap;
use serde::Serialize;

use super::{Extensions, FileReference, OptionalMap, ServiceHook, StringMap, Ulimit};

/// How to build a service's image.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Build {
    /// Directory (absolute) or remote.
    pub context: String,
    /// Path of the Dockerfile, relative to the context.
    pub dockerfile: String,
    /// Dockerfile text instead of a file.
    pub dockerfile_inline: String,
    /// Extra privileges for the build.
    pub entitlements: Vec<String>,
    /// Build arguments.
    pub args: OptionalMap,
    /// Provenance attestation.
    pub provenance: String,
    /// SBOM attestation.
    pub sbom: String,
    /// SSH agent sockets or keys: id to path (empty: the agent).
    pub ssh: IndexMap<String, String>,
    /// Image labels.
    pub labels: StringMap,
    /// Cache sources.
    pub cache_from: Vec<String>,
    /// Cache targets.
    pub cache_to: Vec<String>,
    /// Do not use the cache.
    pub no_cache: bool,
    /// Stages that do not use the cache.
    pub no_cache_filter: Vec<String>,
    /// Named contexts; `service:X` refers to a service's image.
    pub additional_contexts: StringMap,
    /// Always pull base images.
    pub pull: bool,
    /// Host name to addresses.
    pub extra_hosts: IndexMap<String, Vec<String>>,
    /// Isolation technology.
    pub isolation: String,
    /// Network of `RUN`.
    pub network: String,
    /// Stage to build.
    pub target: String,
    /// Secrets of the build.
    pub secrets: Vec<FileReference>,
    /// Size of `/dev/shm`, bytes.
    pub shm_size: i64,
    /// Additional tags.
    pub tags: Vec<String>,
    /// Limits.
    pub ulimits: IndexMap<String, Ulimit>,
    /// Platforms.
    pub platforms: Vec<String>,
    /// Privileged build.
    pub privileged: bool,
    /// `x-…`.
    #[serde(skip)]
    pub extensions: Extensions,
}

/// Development-time settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Develop {
    /// Watch rules.
    pub watch: Vec<WatchRule>,
    /// `x-…`.
    #[serde(skip)]
    pub extensions: Extensions,
}

/// One watch rule.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct WatchRule {
    /// Absolute path watched.
    pub path: String,
    /// `rebuild`, `sync`, `restart`, `sync+restart`, `sync+exec`.
    pub action: String,
    /// Path in the container.
    pub target: String,
    /// Command of `sync+exec`.
    pub exec: Option<ServiceHook>,
    /// Only these.
    pub include: Vec<String>,
    /// Not these.
    pub ignore: Vec<String>,
    /// Copy everything on start.
    pub initial_sync: bool,
}
