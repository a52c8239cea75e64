//! The actions that steps can have, what they are about, and the words for them.

mod spec;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use windlass_model::project::{Condition, Network, Service, ServiceHook, Volume};
use windlass_model::windlass::{Dataset, Hook, Probe, Stage};

pub use spec::{
    BuildOptions, BuildSecret, ContainerRef, ContainerSpec, InjectedFile, OneOff, SecretSource, StopTimeout,
};

/// What a step does to the world: one call of the engine or of a hook, with its waiting.
///
/// Its words stand beside it in this room; how it is run, in the runtime. Nothing else tells actions apart without naming all of them, so the compiler finds every place for a new one.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Pull an image.
    PullImage {
        /// Reference.
        image: String,
        /// `os/arch`, or empty.
        platform: String,
        /// Only start and end are told, not how far it is.
        quiet: bool,
    },
    /// Build the service's image and tag it.
    BuildImage {
        /// Tag.
        image: String,
        /// Whose `build`, resolved: contexts that are other services' images name these images, and the platforms are
        /// those to build for.
        service: Arc<Service>,
        /// Secrets that the build may mount.
        secrets: Vec<BuildSecret>,
        /// Project-level facts the builder needs (labels).
        labels: BTreeMap<String, String>,
        /// `--pull`, `--no-cache` of the command line.
        options: BuildOptions,
    },
    /// Make a network.
    CreateNetwork {
        /// Key in the model.
        key: String,
        /// Definition, with Compose's labels added.
        network: Network,
    },
    /// Remove a network.
    RemoveNetwork {
        /// Id.
        id: String,
        /// Name.
        name: String,
    },
    /// Attach an existing container to a network.
    ConnectNetwork {
        /// Engine name of the network.
        network: String,
        /// Container.
        container: ContainerRef,
        /// Its endpoint settings (aliases, addresses): never lost on reconnection.
        spec: Arc<ContainerSpec>,
    },
    /// Detach a container from a network.
    DisconnectNetwork {
        /// Engine name of the network.
        network: String,
        /// Container.
        container: ContainerRef,
    },
    /// Make a volume.
    CreateVolume {
        /// Key in the model.
        key: String,
        /// Definition, with Compose's labels added.
        volume: Volume,
    },
    /// Remove a volume.
    RemoveVolume {
        /// Name.
        name: String,
    },
    /// Make a container.
    CreateContainer(Arc<ContainerSpec>),
    /// Copy secrets and configs into a created container.
    InjectFiles {
        /// Container.
        container: ContainerRef,
        /// Files.
        files: Vec<InjectedFile>,
    },
    /// Start a container.
    StartContainer {
        /// Container.
        container: ContainerRef,
        /// Publishes a range of ports: such starts must not overlap (the engine allocates ranges without a lock).
        port_range: bool,
    },
    /// Stop a container.
    StopContainer {
        /// Container.
        container: ContainerRef,
        /// `--timeout`; `None`: the container's own.
        timeout: Option<StopTimeout>,
    },
    /// Restart a container.
    RestartContainer {
        /// Container.
        container: ContainerRef,
        /// `--timeout`; `None`: the container's own.
        timeout: Option<StopTimeout>,
    },
    /// Send a signal.
    KillContainer {
        /// Container.
        container: ContainerRef,
        /// Signal.
        signal: String,
    },
    /// Remove a container.
    RemoveContainer {
        /// Container.
        container: ContainerRef,
        /// With its anonymous volumes.
        volumes: bool,
        /// Even if it runs.
        force: bool,
    },
    /// Let a paused container go on.
    UnpauseContainer {
        /// Container.
        container: ContainerRef,
    },
    /// Give a container another name.
    RenameContainer {
        /// Container.
        container: ContainerRef,
        /// New name.
        to: String,
    },
    /// Remove an image.
    RemoveImage {
        /// Reference.
        image: String,
    },
    /// Wait until a dependency's containers satisfy a condition of the engine. [`Condition::ServiceStarted`] here means:
    /// running, and healthy where the engine checks that.
    Await {
        /// Dependency.
        service: String,
        /// What to wait for.
        condition: Condition,
        /// Its containers.
        containers: Vec<ContainerRef>,
        /// Who waits.
        dependent: String,
    },
    /// Wait until a plugin says ready; the host owns interval, back-off and deadline.
    Probe {
        /// The probe.
        probe: Arc<Probe>,
        /// The container probed (its exit ends the waiting).
        container: ContainerRef,
    },
    /// Load a dataset once; the host keeps the ledger.
    Load {
        /// The dataset.
        dataset: Arc<Dataset>,
        /// Container loaded into.
        container: ContainerRef,
    },
    /// Call a plugin at a stage.
    PluginHook {
        /// Stage.
        stage: Stage,
        /// The hook.
        hook: Arc<Hook>,
        /// Container; `None` at project stages.
        container: Option<ContainerRef>,
    },
    /// Run a command in the container (Compose's `post_start`, `pre_stop`).
    ExecHook {
        /// `post_start` or `pre_stop`.
        kind: &'static str,
        /// Command.
        hook: Arc<ServiceHook>,
        /// Container.
        container: ContainerRef,
    },
    /// Run a container of its own (Compose's `pre_start`).
    RunHookContainer {
        /// Position in `pre_start`.
        index: usize,
        /// Command.
        hook: Arc<ServiceHook>,
        /// First replica's specification.
        spec: Arc<ContainerSpec>,
    },
    /// Nothing to do; a point that others wait for (a service is UP).
    Up,
}
