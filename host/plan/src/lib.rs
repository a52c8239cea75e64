//! Decide first: [`Observed`] state and a [`windlass_model::Project`] become a [`Plan`], a graph of steps with one
//! effect and one cause each. Synchronous, deterministic, without I/O.
//!
//! One function a command ([`up`], [`down`], …). [`check()`] proves what every plan must hold to, [`render`] prints it.

pub mod commands;
pub mod error;
pub mod observed;
pub mod options;
pub mod step;

pub use commands::{build, down, kill, pull, rebuild_from_labels, render, restart, rm, start, stop, up};
pub use error::{PlanError, PlanResult};
pub use observed::Observed;
pub use options::{
    BuildCommandOptions, DownOptions, KillOptions, PullOptions, RemoveOptions, RestartOptions, StartOptions,
    StopOptions, UpOptions,
};
pub use step::{Action, Plan, Step, StepId};
