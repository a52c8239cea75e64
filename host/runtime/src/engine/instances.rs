//! Containers that exist: what they are, what they print, and ways into them.

use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use tokio::io::{AsyncRead, AsyncWrite};
use windlass_plan::observed::Container;
use windlass_plan::step::InjectedFile;

use super::EngineResult;

/// A byte stream to a port of a container.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// An open connection.
pub type Connection = Box<dyn Duplex>;

/// What an engine needs to know when it has to put a relay into a network of the project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Relay {
    /// Whose relay it is.
    pub project: String,
    /// Its image.
    pub image: String,
    /// Addresses that services ask for: it must not take one of them.
    pub keep_free: Vec<String>,
}

/// What a container or a command prints, piece by piece. Ends when its source ends.
pub type Output = BoxStream<'static, EngineResult<OutputChunk>>;

/// Which containers to list.
#[derive(Debug, Clone, Default)]
pub struct ContainerFilter {
    /// Project name; `None`: containers of any project.
    pub project: Option<String>,
    /// Stopped ones too.
    pub all: bool,
    /// `Some(false)`: only containers of services; `Some(true)`: only one-off ones; `None`: both, and those that run hooks
    /// ([`Container::is_hook`]).
    pub one_off: Option<bool>,
    /// Only of this service.
    pub service: Option<String>,
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
    pub output: Output,
    /// Input; `None` when not attached.
    pub input: Option<Pin<Box<dyn AsyncWrite + Send>>>,
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
    /// The kernel killed one of its processes for want of memory in the current or last run.
    pub oom_killed: bool,
    /// When what is told here happened.
    pub times: Times,
}

/// Moments of a container's life by the engine's own clock, in nanoseconds since the epoch; `None`: never so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// Begin of the current or last run.
    pub started: Option<i64>,
    /// End of the last run that ended.
    pub finished: Option<i64>,
    /// End of the last health check.
    pub checked: Option<i64>,
}

impl Times {
    /// The latest of them; 0: nothing happened so far.
    #[must_use]
    pub fn latest(&self) -> i64 {
        self.started.max(self.finished).max(self.checked).unwrap_or_default()
    }
}

/// Containers that exist. All methods are safe to run concurrently.
#[async_trait]
pub trait Instances: Send + Sync {
    /// Containers, from one list call, sorted by name.
    async fn list_containers(&self, filter: &ContainerFilter) -> EngineResult<Vec<Container>>;
    /// One container by id or name.
    async fn inspect_container(&self, id: &str) -> EngineResult<ContainerDetails>;
    /// Log of a container. `tty` as it was created (a terminal's log has no stream marks).
    async fn logs(&self, id: &str, tty: bool, options: &LogOptions) -> EngineResult<Output>;
    /// Output of a container as it is printed, without its log: also where the logging driver keeps none. To be attached
    /// before the container starts, so that nothing is missed; the subscription stands when this resolves. The stream ends
    /// with the container's run. `tty` as for [`Self::logs`].
    async fn attach(&self, id: &str, tty: bool) -> EngineResult<Output>;
    /// Starts a command in a container.
    async fn exec(&self, id: &str, spec: &ExecSpec) -> EngineResult<ExecSession>;
    /// Exit code of an ended command.
    async fn exec_exit_code(&self, exec_id: &str) -> EngineResult<i64>;
    /// Tells a command's terminal its size.
    async fn exec_resize(&self, exec_id: &str, width: u16, height: u16) -> EngineResult<()>;
    /// Sends a signal.
    async fn kill_container(&self, id: &str, signal: &str) -> EngineResult<()>;
    /// Waits for its next end; resolves to the exit code.
    async fn wait_container(&self, id: &str) -> EngineResult<i64>;
    /// Copies files into a container (created or running).
    async fn put_files(&self, id: &str, files: &[InjectedFile]) -> EngineResult<()>;
    /// Opens a TCP connection to a port of a running container, published or not, from wherever the engine is. Where no
    /// other way leads there, an engine may put a relay beside the container; [`Self::end_dialling`] removes it.
    async fn dial(&self, container: &Container, port: u16, relay: &Relay) -> EngineResult<Connection>;
    /// Removes what dialling left on the engine for a project: by this run, or by one that was killed. Costs nothing on an
    /// engine that needs no relays.
    async fn end_dialling(&self, project: &str) -> EngineResult<()>;
}
