//! What actions are about: containers, their specifications, builds and files.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use windlass_model::project::Service;

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

/// Options of a build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildOptions {
    /// Pull base images.
    pub pull: bool,
    /// Ignore the cache.
    pub no_cache: bool,
    /// Only start and end are told, not the builder's output.
    pub quiet: bool,
    /// `--build-arg`.
    pub args: Vec<(String, Option<String>)>,
}

/// A secret that a build may mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildSecret {
    /// The name by which `RUN --mount=type=secret,id=…` asks for it.
    pub id: String,
    /// Where its content is.
    pub source: SecretSource,
}

/// Where the content of a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A file of the host, by its absolute path.
    File(String),
    /// The value of a variable.
    Value(String),
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
    /// Base directory of the paths in the service that the engine crate reads itself (seccomp profiles).
    pub working_dir: PathBuf,
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
    /// Platform of the images (`linux/arm64`): the service's own, else the default; empty: the engine's.
    pub platform: String,
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

/// How long a container that is told to stop has for its end, before the engine kills it, where a command says so. Where none does,
/// the container's own time holds (`stop_grace_period`, else the engine's).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopTimeout {
    /// So long, in whole seconds; zero kills at once.
    After(Duration),
    /// The engine never kills it.
    Never,
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
    /// Numeric user and group where the compose file names one of them (the other is then 0); `None`: the user that the
    /// container runs as.
    pub owner: Option<(u64, u64)>,
}
