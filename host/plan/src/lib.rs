//! Decide first: [`Observed`] state and a [`windlass_model::Project`] become a [`Plan`], a graph of steps with one
//! effect and one cause each. Synchronous, deterministic, without I/O.
//!
//! One function a command ([`up`], [`down`], …). [`check()`] proves what every plan must hold to, [`render`] prints it.

mod action;
mod containers;
pub mod error;
mod graph;
mod image_commands;
pub mod labels;
pub mod ledger;
mod lifecycle;
pub mod observed;
pub mod options;
pub mod step;
mod teardown;
mod undo;
pub mod up;

pub use containers::rebuild::rebuild_from_labels;
pub use containers::{hashing, spec};
pub use error::{PlanError, PlanErrorKind, PlanResult};
pub use graph::check::{Violation, check};
pub use graph::render::render;
pub use graph::{check, claims, render, units};
pub use image_commands::{build, pull};
pub use lifecycle::restart::{restart, start};
pub use observed::Observed;
pub use options::{
    BuildCommandOptions, DownOptions, KillOptions, PullOptions, RemoveOptions, RestartOptions, StartOptions,
    StopOptions, UpOptions,
};
pub use step::{Action, Plan, Step, StepId};
pub use teardown::{down, kill, rm, stop};
pub use undo::undo;
pub use up::up;
