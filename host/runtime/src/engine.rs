//! What a container engine can do, in our own types. Implemented by `windlass-docker`, and by the fake of the testkit.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use tokio::io::{AsyncRead, AsyncWrite};
use windlass_model::project::{Network, Service, Volume};
use windlass_plan::observed::{self, Container, EngineInfo, Image, Observed};
use windlass_plan::step::{BuildOptions, ContainerSpec, InjectedFile};

/// A byte stream to a port of a container.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}
/// An open connection.
pub type Connection = Box<dyn Duplex>;

/// An operation on the engine failed.
#[derive(Debug, thiserror::Error)]
#[error("failed to {operation}: {message}")]
pub struct EngineError {
    /// Verb and object: `start container web-1`.
    pub operation: String,
    /// The engine's own words, trimmed.
    pub message: String,
    /// Kind, for decisions.
    pub kind: EngineErrorKind,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Kinds of engine errors that decisions depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineErrorKind {
    /// Nothing answers at the engine's address.
    Unreachable,
    /// The address answers, but not to us (socket permissions, TLS).
    Denied,
    /// 404.
    NotFound,
    /// 409.
    Conflict,
    /// The request cannot be honoured by this engine's version.
    Unsupported,
    /// Anything else.
    Other,
}

/// Result of an engine call.
pub type EngineResult<T> = Result<T, EngineError>;

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

/// Which containers to list.
#[derive(Debug, Clone, Default)]
pub struct ContainerFilter {
    /// Project name; `None`: containers of any project.
    pub project: Option<String>,
    /// Stopped ones too.
    pub all: bool,
    /// `Some(false)`: no one-off containers; `Some(true)`: only those; `None`: both.
    pub one_off: Option<bool>,
    /// Only of this service.
    pub service: Option<String>,
}

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
    /// Whose `build`.
    pub service: &'a Service,
    /// Labels of the image.
    pub labels: &'a BTreeMap<String, String>,
    /// Options.
    pub options: &'a BuildOptions,
}

/// Which stream a piece of output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputStream {
    /// Standard output (everything, with a terminal).
    Stdout,
    /// Standard error.
    Stderr,
}

/// A piece of output; not necessarily whole lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputChunk {
    /// Stream.
    pub stream: OutputStream,
    /// Bytes.
    pub bytes: Bytes,
}

/// What to read of a container's log.
#[derive(Debug, Clone, Default)]
pub struct LogOptions {
    /// Go on with new output.
    pub follow: bool,
    /// Last lines only (`all` or a number).
    pub tail: Option<String>,
    /// From this time (as the engine takes it: unix seconds with fraction).
    pub since: Option<String>,
    /// Up to this time.
    pub until: Option<String>,
    /// The engine's timestamps before each line.
    pub timestamps: bool,
}

/// A command in a running container.
#[derive(Debug, Clone, Default)]
pub struct ExecSpec {
    /// Command.
    pub command: Vec<String>,
    /// `KEY=VALUE`.
    pub environment: Vec<String>,
    /// User; empty: the container's.
    pub user: String,
    /// Directory; empty: the container's.
    pub working_dir: String,
    /// Full privileges.
    pub privileged: bool,
    /// Terminal.
    pub tty: bool,
    /// Attach standard input.
    pub stdin: bool,
    /// Do not attach at all.
    pub detach: bool,
}

/// A running command.
pub struct ExecSession {
    /// Id, for `exec_exit_code` and `exec_resize`.
    pub id: String,
    /// Output; ends when the command ends.
    pub output: BoxStream<'static, EngineResult<OutputChunk>>,
    /// Input; `None` when not attached.
    pub input: Option<Pin<Box<dyn AsyncWrite + Send>>>,
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

/// State of one container from an inspection.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerDetails {
    /// As in the list.
    pub container: Container,
    /// Created with a terminal.
    pub tty: bool,
    /// Start of the current or last run, as the engine prints it.
    pub started_at: String,
    /// Times the restart policy started it.
    pub restart_count: i64,
    /// The last health check's output.
    pub health_log: Option<String>,
    /// Why the engine could not start it.
    pub error: String,
}

/// A container engine. Every method is one call of its API unless said otherwise; all are safe to run concurrently.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Version and platform; also the check that an engine answers.
    async fn info(&self) -> EngineResult<EngineInfo>;
    /// Snapshot: containers, networks, volumes and images of the scope, listed concurrently.
    async fn observe(&self, scope: &Scope) -> EngineResult<Observed>;
    /// Containers, from one list call, sorted by name.
    async fn list_containers(&self, filter: &ContainerFilter) -> EngineResult<Vec<Container>>;
    /// One container by id or name.
    async fn inspect_container(&self, id: &str) -> EngineResult<ContainerDetails>;
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
    /// Stops it; `None`: its own timeout. A container that does not run counts as success.
    async fn stop_container(&self, id: &str, timeout: Option<Duration>) -> EngineResult<()>;
    /// Restarts it.
    async fn restart_container(&self, id: &str, timeout: Option<Duration>) -> EngineResult<()>;
    /// Sends a signal.
    async fn kill_container(&self, id: &str, signal: &str) -> EngineResult<()>;
    /// Removes it; one that is gone already counts as success.
    async fn remove_container(&self, id: &str, volumes: bool, force: bool) -> EngineResult<()>;
    /// Renames it.
    async fn rename_container(&self, id: &str, name: &str) -> EngineResult<()>;
    /// Freezes it.
    async fn pause_container(&self, id: &str) -> EngineResult<()>;
    /// Thaws it.
    async fn unpause_container(&self, id: &str) -> EngineResult<()>;
    /// Waits for its next end; resolves to the exit code.
    async fn wait_container(&self, id: &str) -> EngineResult<i64>;
    /// Copies files into a container (created or running).
    async fn put_files(&self, id: &str, files: &[InjectedFile]) -> EngineResult<()>;
    /// Log of a container. `tty` as it was created (a terminal's log has no stream marks).
    async fn logs(
        &self,
        id: &str,
        tty: bool,
        options: &LogOptions,
    ) -> EngineResult<BoxStream<'static, EngineResult<OutputChunk>>>;
    /// Starts a command in a container.
    async fn exec(&self, id: &str, spec: &ExecSpec) -> EngineResult<ExecSession>;
    /// Exit code of an ended command.
    async fn exec_exit_code(&self, exec_id: &str) -> EngineResult<i64>;
    /// Tells a command's terminal its size.
    async fn exec_resize(&self, exec_id: &str, width: u16, height: u16) -> EngineResult<()>;
    /// Container events of a project (of all, with `None`), from `since` (unix seconds with fraction) or now. The
    /// subscription stands when this resolves; the stream ends with an error when the connection breaks.
    async fn events(
        &self,
        project: Option<&str>,
        since: Option<&str>,
    ) -> EngineResult<BoxStream<'static, EngineResult<ContainerEvent>>>;
    /// A client configuration (`config.json`) with the credentials of all registries, for containers that are given the
    /// engine's API.
    async fn client_settings(&self) -> EngineResult<String>;
    /// Opens a TCP connection to a port of a running container, published or not, from wherever the engine is.
    async fn dial(&self, container: &Container, port: u16) -> EngineResult<Connection>;
}
