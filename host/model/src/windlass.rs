//! `x-windlass` and `windlass.yaml`: what the user asks beyond Compose.

mod stage;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::node::Span;
use crate::project::Json;

pub use stage::{Entry as StageEntry, Scope as StageScope, Stage};

/// Top-level settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProjectSettings {
    /// Declared plugins by name; built-in ones need no entry.
    pub plugins: BTreeMap<String, PluginDeclaration>,
    /// Hooks around the whole project, by stage (`pre-up`, `post-up`, `pre-down`, `post-down`).
    pub hooks: BTreeMap<Stage, Vec<Hook>>,
    /// How ports are reached that no other way leads to.
    pub relay: RelaySettings,
}

/// Image of relays where none is named.
pub const RELAY_IMAGE: &str = "busybox:1";

/// The relay: a container in a network of the project, through which plugins connect to a service that cannot be reached
/// from this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelaySettings {
    /// Its image; needs a shell and BusyBox' `nc`.
    pub image: String,
}

impl Default for RelaySettings {
    fn default() -> Self {
        Self { image: RELAY_IMAGE.to_owned() }
    }
}

/// A declared plugin.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PluginDeclaration {
    /// Where the component comes from; `None`: a built-in of the same name.
    pub source: Option<PluginSource>,
    /// Rights.
    pub grants: Grants,
    /// Limits.
    pub limits: Limits,
    /// Where it was declared: its `source`, or else all of it.
    pub span: Option<Span>,
}

/// Where a component comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginSource {
    /// Absolute path.
    File(PathBuf),
    /// `oci://…`, as written.
    Oci(String),
    /// `https://…#sha256=…`, as written.
    Https(String),
}

/// Rights of a plugin, as the project file grants them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// `host:port` or `service:port` it may connect to; `service:*` for any port.
    pub dial: Vec<String>,
    /// Absolute paths (files or directories) it may read.
    pub read: Vec<PathBuf>,
    /// Secrets it may read.
    pub secrets: Vec<String>,
}

/// Limits of one call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes; `None`: the host's default.
    pub memory: Option<u64>,
    /// Wall clock; `None`: the host's default.
    pub timeout: Option<Duration>,
}

/// Settings of one service.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServiceSettings {
    /// Declared probe.
    pub ready: Option<Probe>,
    /// `infer: false`: no probe from the image catalogue.
    pub no_infer: bool,
    /// Datasets by name, in the order written.
    pub load: Vec<Dataset>,
    /// Hooks by stage.
    pub hooks: BTreeMap<Stage, Vec<Hook>>,
}

/// A probe of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// Plugin name.
    pub plugin: String,
    /// The plugin's own settings.
    pub with: Json,
    /// How often and how long.
    pub timing: ProbeTiming,
    /// Whom to ask when it is not the service itself: `service:port`.
    pub target: Option<String>,
    /// From the catalogue, not from the user: failing in time is only a warning.
    pub inferred: bool,
    /// Where it was written.
    pub span: Option<Span>,
}

/// Timing of a probe; defaults as documented on the fields.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeTiming {
    /// Give up after (60 s).
    pub timeout: Duration,
    /// First pause (100 ms); grows by 1.5 with 20 % jitter.
    pub interval: Duration,
    /// Longest pause (2 s).
    pub max_interval: Duration,
    /// Limit of one attempt (2 s).
    pub attempt_timeout: Duration,
    /// Answers in a row that count as ready (1).
    pub success_threshold: u32,
    /// Must stay ready this long (0).
    pub stable_for: Duration,
}

impl Default for ProbeTiming {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(60),
            interval: Duration::from_millis(100),
            max_interval: Duration::from_secs(2),
            attempt_timeout: Duration::from_secs(2),
            success_threshold: 1,
            stable_for: Duration::ZERO,
        }
    }
}

/// A dataset to load into a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Name under `load`.
    pub name: String,
    /// Plugin name.
    pub plugin: String,
    /// Input files, absolute, with the text the user wrote.
    pub from: Vec<InputFile>,
    /// The plugin's own settings.
    pub with: Json,
    /// When to load.
    pub when: LoadWhen,
    /// Whom to load into when it is not the service itself: `service:port`.
    pub target: Option<String>,
    /// Give up after; `None`: the host's default for loads.
    pub timeout: Option<Duration>,
    /// Where it was written.
    pub span: Option<Span>,
}

/// A file that a plugin may read through `inputs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// As the user wrote it.
    pub name: String,
    /// Absolute path.
    pub path: PathBuf,
    /// Where it was written.
    pub span: Option<Span>,
}

/// When a dataset is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoadWhen {
    /// When it was never loaded into this volume.
    Once,
    /// When plugin, input or settings changed since the last load.
    #[default]
    Changed,
    /// At every `up`.
    Always,
    /// Only when asked by a command.
    Manual,
}

/// A plugin call at a stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Hook {
    /// Plugin name.
    pub plugin: String,
    /// The plugin's own settings.
    pub with: Json,
    /// Whom to talk to when it is not the service itself: `service:port`.
    pub target: Option<String>,
    /// Inputs (for a loader standing under `post-start`).
    pub from: Vec<InputFile>,
    /// When (for a loader standing under `post-start`).
    pub when: LoadWhen,
    /// Limit of one call; `None`: the host's default.
    pub timeout: Option<Duration>,
    /// Timing (for a probe standing under `pre-start`).
    pub timing: ProbeTiming,
    /// Further attempts after a retryable failure (0).
    pub retries: u32,
    /// What a failure means.
    pub on_failure: OnFailure,
    /// Where it was written.
    pub span: Option<Span>,
}

/// What the failure of a hook means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// The step fails.
    #[default]
    Fail,
    /// A warning; the step goes on.
    Warn,
}
