//! The state of an engine as a whole, and the operations that change it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use windlass_model::project::{Network, Volume};
use windlass_plan::observed::{self, EngineInfo, Observed};
use windlass_plan::step::{ContainerSpec, StopTimeout};

use super::EngineResult;

/// Which resources to list.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Project name; `None`: all projects (`ls`).
    pub project: Option<String>,
    /// Networks to look up by engine name besides those with the project's label.
    pub network_names: Vec<String>,
    /// Volumes to look up by engine name besides those with the project's label.
    pub volume_names: Vec<String>,
    /// Images to look up: reference and wanted platform (or empty).
    pub images: Vec<(String, String)>,
}

/// A new container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Created {
    /// Full id.
    pub id: String,
    /// What the engine will not honour, in its own words.
    pub warnings: Vec<String>,
}

/// What happened to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerEvent {
    /// Container id.
    pub id: String,
    /// `create`, `start`, `die`, `health_status: healthy`, …
    pub action: String,
    /// Attributes (labels, `exitCode`, `name`).
    pub attributes: BTreeMap<String, String>,
    /// Nanoseconds since the epoch.
    pub time_nano: i64,
}

/// What exists, what changes, and one operation at a time that changes it. Every method is one call of the engine's API
/// unless it says otherwise; all are safe to run concurrently.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// Version and platform; also the check that an engine answers.
    async fn info(&self) -> EngineResult<EngineInfo>;
    /// Snapshot: containers, networks, volumes and images of the scope, listed concurrently.
    async fn observe(&self, scope: &Scope) -> EngineResult<Observed>;
    /// Container events of a project (of all, with `None`), from `since` (unix seconds with fraction) or now. The
    /// subscription stands when this resolves; the stream ends with an error when the connection breaks.
    async fn events(
        &self,
        project: Option<&str>,
        since: Option<&str>,
    ) -> EngineResult<BoxStream<'static, EngineResult<ContainerEvent>>>;
    /// Makes a network; a network of the same name that appeared meanwhile counts as success. Resolves to the id.
    async fn create_network(&self, network: &Network) -> EngineResult<String>;
    /// Removes a network.
    async fn remove_network(&self, id: &str) -> EngineResult<()>;
    /// Attaches a container with the endpoint settings that `spec` gives for that network.
    async fn connect_network(&self, network: &str, id: &str, spec: &ContainerSpec) -> EngineResult<()>;
    /// Detaches a container, by force.
    async fn disconnect_network(&self, network: &str, id: &str) -> EngineResult<()>;
    /// Makes a volume.
    async fn create_volume(&self, volume: &Volume) -> EngineResult<observed::Volume>;
    /// Looks a volume up.
    async fn inspect_volume(&self, name: &str) -> EngineResult<Option<observed::Volume>>;
    /// Removes a volume.
    async fn remove_volume(&self, name: &str) -> EngineResult<()>;
    /// Creates a container and attaches it to all its networks; nothing is left behind on failure.
    async fn create_container(&self, spec: &ContainerSpec) -> EngineResult<Created>;
    /// Starts it.
    async fn start_container(&self, id: &str) -> EngineResult<()>;
    /// Stops it; `None`: within its own time. One that does not run, or is gone, counts as success.
    async fn stop_container(&self, id: &str, timeout: Option<StopTimeout>) -> EngineResult<()>;
    /// Restarts it.
    async fn restart_container(&self, id: &str, timeout: Option<StopTimeout>) -> EngineResult<()>;
    /// Removes it; resolves when it is gone, and one that was gone already counts as success.
    async fn remove_container(&self, id: &str, volumes: bool, force: bool) -> EngineResult<()>;
    /// Renames it.
    async fn rename_container(&self, id: &str, name: &str) -> EngineResult<()>;
    /// How many calls it takes at once: the only limit there is. The engine owns it, because it alone knows what its transport
    /// carries (a session of ssh is not a local socket) and sees all calls; a run asks for it, and begins no more steps than
    /// this: those beyond it would only queue here while their clocks run, and builds, which are not counted as calls, would
    /// have no limit at all.
    fn parallel(&self) -> usize;
    /// Freezes it.
    async fn pause_container(&self, id: &str) -> EngineResult<()>;
    /// Thaws it.
    async fn unpause_container(&self, id: &str) -> EngineResult<()>;
}
