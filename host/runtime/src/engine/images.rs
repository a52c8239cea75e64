//! Images: here, in registries, and built.

use std::collections::BTreeMap;

use async_trait::async_trait;
use windlass_model::project::Service;
use windlass_plan::observed::Image;
use windlass_plan::step::{BuildOptions, BuildSecret};

use super::EngineResult;

/// Progress of a pull or build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransferProgress {
    /// Layer id or build step.
    pub id: String,
    /// The engine's words.
    pub text: String,
    /// Bytes done, where known.
    pub current: Option<u64>,
    /// Bytes in all, where known.
    pub total: Option<u64>,
}

/// Takes progress; called from inside the engine call.
pub type ProgressSink<'a> = &'a (dyn Fn(TransferProgress) + Send + Sync);

/// A build.
#[derive(Debug, Clone)]
pub struct BuildRequest<'a> {
    /// Tag.
    pub image: &'a str,
    /// Whose `build`, resolved (see the plan's action).
    pub service: &'a Service,
    /// Secrets that the build may mount.
    pub secrets: &'a [BuildSecret],
    /// Labels of the image.
    pub labels: &'a BTreeMap<String, String>,
    /// Options.
    pub options: &'a BuildOptions,
}

/// Images: here, in registries, and built. All methods are safe to run concurrently.
#[async_trait]
pub trait Images: Send + Sync {
    /// A local image; `None`: not there (or of another platform).
    async fn inspect_image(&self, reference: &str, platform: &str) -> EngineResult<Option<Image>>;
    /// Digest that a registry has for a reference (`sha256:…`); nothing is pulled.
    async fn image_digest(&self, reference: &str) -> EngineResult<String>;
    /// Pulls; resolves when the image is there.
    async fn pull_image(&self, reference: &str, platform: &str, progress: ProgressSink<'_>) -> EngineResult<()>;
    /// Builds; resolves to the image id.
    async fn build_image(&self, request: BuildRequest<'_>, progress: ProgressSink<'_>) -> EngineResult<String>;
    /// Removes a tag or image.
    async fn remove_image(&self, reference: &str) -> EngineResult<()>;
    /// A client configuration (`config.json`) with the credentials of all registries, for containers that are given the
    /// engine's API.
    async fn client_settings(&self) -> EngineResult<String>;
}
