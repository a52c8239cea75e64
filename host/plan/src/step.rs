//! The graph: steps with one effect and a cause each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use windlass_model::project::{Condition, Network, Service, ServiceHook, Volume};
use windlass_model::windlass::{Dataset, Hook, Probe, Stage};

/// Index of a step in its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub usize);

/// What will happen, and why.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// Project name.
    pub project: String,
    /// Steps; `needs` only refers to earlier ones, so the order is a topological one, and stable.
    pub steps: Vec<Step>,
    /// Sentences for the user (orphans, foreign resources, inferred probes, …).
    pub notes: Vec<Note>,
    /// Questions whose answers change the plan; the command line asks, then plans again with the answers.
    pub questions: Vec<Question>,
    /// Containers that stay as they are and run.
    pub untouched: Vec<String>,
}

/// A sentence for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// `true`: a warning; `false`: information.
    pub warning: bool,
    /// The sentence.
    pub text: String,
}

/// A question; the default answer is always no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The volume's configuration changed; recreating it loses its data.
    RecreateVolume {
        /// Engine name.
        volume: String,
    },
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its place in the plan.
    pub id: StepId,
    /// The one effect.
    pub action: Action,
    /// Why, for a person: `environment.DEBUG changed`, `container missing`, `web depends on es`.
    pub cause: String,
    /// Steps that must have succeeded (or been skipped by their guard) before.
    pub needs: Vec<StepId>,
    /// Steps that must have ended before, whatever came of them.
    pub after: Vec<StepId>,
    /// Service it belongs to; `None` for networks, volumes and project stages.
    pub service: Option<String>,
    /// Run only if this holds when its turn comes.
    pub guard: Option<Guard>,
    /// `true`: a failure is reported as a warning and dependents go on.
    pub optional: bool,
    /// Part of a change that must not be left half done: once what it needs is done it runs, even when the run is ending.
    pub completes: bool,
}

/// A condition known only while the plan runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// The image's content digest now differs from the one given (a pull or build step ran before).
    ImageChanged {
        /// Reference.
        image: String,
        /// `os/arch`, or empty.
        platform: String,
        /// Digest recorded on the existing container.
        from: String,
    },
    /// The image is not there (pulling it before did not work).
    ImageMissing {
        /// Reference.
        image: String,
        /// `os/arch`, or empty.
        platform: String,
    },
    /// The load's ledger entry is not committed for the current input, checked when the target's identity is known.
    LoadDue,
}

/// A container of the plan: an existing one by id, or one that an earlier step creates, by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContainerRef {
    /// Id of an existing container.
    pub id: Option<String>,
    /// Name (final name).
    pub name: String,
    /// Service; empty for orphans.
    pub service: String,
    /// Replica number, from 1.
    pub number: u32,
}

/// Effects. Each is one engine call or one hook call (with its waiting).
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Pull an image.
    PullImage {
        /// Reference.
        image: String,
        /// `os/arch`, or empty.
        platform: String,
    },
    /// Build the service's image and tag it.
    BuildImage {
        /// Tag.
        image: String,
        /// Whose `build`.
        service: Arc<Service>,
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
        timeout: Option<Duration>,
    },
    /// Restart a container.
    RestartContainer {
        /// Container.
        container: ContainerRef,
        /// `--timeout`; `None`: the container's own.
        timeout: Option<Duration>,
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
    /// Give a container its final name.
    RenameContainer {
        /// Container (by temporary name).
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
        /// Engine names of the container's named volumes, sorted: where the data lives.
        volumes: Vec<String>,
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

/// Options of a build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildOptions {
    /// Pull base images.
    pub pull: bool,
    /// Ignore the cache.
    pub no_cache: bool,
    /// Do not print the output.
    pub quiet: bool,
    /// `--build-arg`.
    pub args: Vec<(String, Option<String>)>,
}

/// All that is needed to create one container; the engine crate maps it to its API in one literal.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerSpec {
    /// Name to create it under (temporary while an old one still has the final name).
    pub create_name: String,
    /// Container, with its final name.
    pub container: ContainerRef,
    /// Project name.
    pub project: String,
    /// The service, normalised.
    pub service: Arc<Service>,
    /// Image reference.
    pub image: String,
    /// All labels, the user's and Compose's, but `com.docker.compose.image`, which the executor adds from the local image.
    pub labels: BTreeMap<String, String>,
    /// Networks in order of priority: model key and engine name. Empty with `network_mode`.
    pub networks: Vec<(String, String)>,
    /// Engine names of the named volumes used, by model key.
    pub volumes: BTreeMap<String, String>,
    /// Secrets and configs mounted from files: host path and path in the container.
    pub file_mounts: Vec<(String, String)>,
    /// Container whose anonymous volumes are kept (recreation); `None`: new ones.
    pub inherit_from: Option<String>,
    /// Containers that `service:X` in network_mode, ipc, pid, volumes_from and links stand for, by service.
    pub peers: BTreeMap<String, Vec<ContainerRef>>,
    /// Default for `platform`.
    pub default_platform: String,
    /// One-off settings of `run`; `None` for service containers.
    pub one_off: Option<OneOff>,
}

/// What `run` changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OneOff {
    /// Attach standard input.
    pub stdin: bool,
    /// Remove when it ends.
    pub auto_remove: bool,
    /// Add the service's aliases.
    pub use_aliases: bool,
}

/// A file copied into a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectedFile {
    /// Absolute path in the container.
    pub target: String,
    /// Content.
    pub content: Vec<u8>,
    /// Mode.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
}
