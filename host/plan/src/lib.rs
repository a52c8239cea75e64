//! Decide first: [`Observed`] state and a [`windlass_model::Project`] become a [`Plan`], a graph of steps with one
//! effect and one cause each. Synchronous, deterministic, without I/O.

pub mod observed;
pub mod step;

pub use observed::Observed;
pub use step::{Action, Plan, Step, StepId};
