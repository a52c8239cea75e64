//! What plugins can do for a run, in our own types. Implemented by `windlass-plugin-host`, and by the fake of the testkit.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value as Json;
use windlass_model::windlass::Stage;

use crate::engine::{Connection, EngineError};

/// Opens connections to services of the project for plugins: `http://es:9200` inside a plugin ends here.
#[async_trait]
pub trait Dialer: Send + Sync {
    /// Connects to a port of a replica (1 is the first) of a service.
    ///
    /// # Errors
    /// When no such container runs, or nothing listens there.
    async fn dial(&self, service: &str, number: u32, port: u16) -> Result<Connection, EngineError>;
}

/// A file that the plugin may read during this call through `inputs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// As the user wrote it.
    pub name: String,
    /// Absolute path.
    pub path: PathBuf,
    /// `from`, or the setting that names it.
    pub role: String,
    /// SHA-256 that its content must have, hex: a file that was edited since it was looked at is refused. `None`: any.
    pub sha256: Option<String>,
}

/// Takes what a plugin reports while it works.
pub trait CallSink: Send + Sync {
    /// Work done; `total` where known.
    fn progress(&self, done: u64, total: Option<u64>, label: &str);
    /// A log line of the plugin.
    fn log(&self, severity: LogSeverity, message: &str);
}

/// Severity of a plugin's log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogSeverity {
    /// For the plugin's author.
    Debug,
    /// For the curious.
    Info,
    /// Something is off.
    Warning,
    /// Something failed.
    Error,
}

/// One call of a plugin.
#[derive(Clone)]
pub struct HookCall {
    /// Plugin name, as in the project file.
    pub plugin: String,
    /// Stage.
    pub stage: Stage,
    /// Unique id of this run of Windlass.
    pub run_id: String,
    /// Project name.
    pub project: String,
    /// Service the hook stands on; `None` at project stages.
    pub service: Option<String>,
    /// Replica, from 1.
    pub number: u32,
    /// Container id, where there is one.
    pub container_id: Option<String>,
    /// Attempt, from 1.
    pub attempt: u32,
    /// `service:port` that the user wants the plugin to talk to instead of the service it stands on.
    pub target: Option<String>,
    /// Settings of this use of the plugin (`with`).
    pub settings: Json,
    /// Files of the dataset (`from`); files named by settings are added by the host.
    pub inputs: Vec<Input>,
    /// Wall-clock limit; `None`: the declaration's, or the host's default for the stage.
    pub timeout: Option<Duration>,
    /// Takes reports.
    pub sink: Arc<dyn CallSink>,
}

/// Answer of one probe attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Ready.
    Ready,
    /// Not yet.
    NotYet {
        /// Protocol step that failed (`connect`, `http`, `status`, …).
        step: String,
        /// Why.
        reason: String,
        /// What to do about it, where the plugin knows.
        hint: Option<String>,
    },
    /// It will never be.
    Never {
        /// Why.
        reason: String,
        /// What to do about it, where the plugin knows.
        hint: Option<String>,
    },
}

/// One step of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadStep {
    /// Identity within the plan.
    pub id: String,
    /// For people.
    pub title: String,
    /// Identity of what it would load.
    pub fingerprint: String,
}

/// What a plugin exports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PluginInfo {
    /// Name by its manifest.
    pub name: String,
    /// Version by its manifest.
    pub version: String,
    /// SHA-256 of the component, hex.
    pub digest: String,
    /// Stages whose interface it exports.
    pub stages: Vec<Stage>,
}

/// A hook failed. Every variant names the plugin; stage and service are added by the runtime.
#[derive(Debug, thiserror::Error)]
#[error("plugin `{plugin}` {message}")]
pub struct HookError {
    /// Plugin.
    pub plugin: String,
    /// What went wrong: `trapped: …`, `needed more than 64 MiB of memory`, `did not return within 10 s`, `is not installed`.
    pub message: String,
    /// Kind, for decisions.
    pub kind: HookErrorKind,
    /// What to do about it.
    pub hint: Option<String>,
    /// Last lines of its standard error.
    pub stderr: Vec<String>,
}

/// Kinds of hook errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookErrorKind {
    /// Not found, not a component, wrong world, does not implement the stage.
    Load,
    /// The plugin returned a failure.
    Failed {
        /// Another attempt may succeed.
        retryable: bool,
    },
    /// The plugin asked for something that is not granted.
    Denied,
    /// Trap, panic, memory.
    Trap,
    /// Time limit.
    Timeout,
}

/// Plugins. Every call runs in a fresh store with its own limits; a failure of one never affects another.
#[async_trait]
pub trait Hooks: Send + Sync {
    /// What a plugin is and exports; loads (and compiles or takes from the cache) the component.
    async fn describe(&self, plugin: &str) -> Result<PluginInfo, HookError>;
    /// The same by a cheap look at the file alone, and whether `settings` fit: nothing is compiled or run. For saying what is
    /// wrong before anything is made.
    async fn look(&self, plugin: &str, settings: &[&Json]) -> Result<PluginInfo, HookError>;
    /// Inputs that the settings name (properties with format `input-path` in the plugin's schema), resolved
    /// against the project directory.
    async fn setting_inputs(&self, plugin: &str, settings: &Json) -> Result<Vec<Input>, HookError>;
    /// One probe attempt.
    async fn probe(&self, call: &HookCall) -> Result<Verdict, HookError>;
    /// One call of `pre-create`, `pre-start`, `post-start`, `pre-stop`, `post-stop` or a project stage.
    async fn run(&self, call: &HookCall) -> Result<(), HookError>;
    /// Steps of a load.
    async fn plan_load(&self, call: &HookCall) -> Result<Vec<LoadStep>, HookError>;
    /// Applies one step.
    async fn apply_load(&self, call: &HookCall, step: &LoadStep) -> Result<(), HookError>;
}
