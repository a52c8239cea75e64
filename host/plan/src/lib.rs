//! Decide first: [`Observed`] state and a [`windlass_model::Project`] become a [`Plan`], a graph of steps with one
//! effect and one cause each. Synchronous, deterministic, without I/O.
//!
//! One function a command ([`up`], [`down`], …). [`check()`] proves what every plan must hold to, [`render`] prints it.

mod catalogue;
pub mod check;
mod converge;
mod diverge;
pub mod error;
mod graph;
pub mod hashing;
mod image_commands;
mod images;
pub mod labels;
mod lifecycle;
mod live;
pub mod observed;
pub mod options;
mod rebuild;
pub mod render;
mod resources;
mod restart;
mod select;
pub mod spec;
pub mod step;
mod teardown;
mod undo;
pub mod up;

pub use check::{Violation, check};
pub use error::{PlanError, PlanResult};
pub use image_commands::{build, pull};
pub use observed::Observed;
pub use options::{
    BuildCommandOptions, DownOptions, KillOptions, PullOptions, RemoveOptions, RestartOptions, StartOptions,
    StopOptions, UpOptions,
};
pub use rebuild::rebuild_from_labels;
pub use render::render;
pub use restart::{restart, start};
pub use step::{Action, Plan, Step, StepId};
pub use teardown::{down, kill, rm, stop};
pub use undo::undo;
pub use up::up;
