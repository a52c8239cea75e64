//! Then do: runs a [`windlass_plan::Plan`] against an [`Engine`] and [`Hooks`], emits [`Event`]s, obeys [`Shutdown`].
//!
//! Holds no policy: what to do, in which order and why is the planner's.

mod dialer;
pub mod engine;
pub mod event;
pub mod execute;
mod execution;
mod failure;
pub mod hooks;
pub mod inputs;
pub mod ledger;
pub mod lock;
pub mod outcome;
pub mod shutdown;
pub mod state;
mod steps;
pub mod timeline;
pub mod timeouts;

pub use dialer::ProjectDialer;
pub use engine::{Engine, EngineError};
pub use event::Event;
pub use execute::execute;
pub use execution::{ExecuteOptions, Execution, StartGate};
pub use hooks::{HookError, Hooks};
pub use outcome::{Ending, Failure, FailureKind, Outcome};
pub use shutdown::Shutdown;
pub use state::World;
