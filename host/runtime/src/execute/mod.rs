//! Runs a plan: one event loop, a capped set of tasks, no policy.
//!
//! The loop in [`dispatch`] owns the state of all steps and is the only one that emits events. Tasks ([`task`]) do the
//! effects; they report to the loop through one channel. When a run is ending (a failure, a request to stop) nothing new
//! starts but steps that complete what was begun.

mod containers;
mod dispatch;
mod engine_step;
mod exec;
mod graph;
mod hook;
mod input;
mod ledger;
mod load;
mod probe;
mod run;
mod task;
mod wait;

use std::sync::Arc;

use windlass_model::Project;
use windlass_plan::Plan;

use crate::engine::Engine;
use crate::event::EventSink;
use crate::hooks::Hooks;
use crate::outcome::Outcome;
use crate::shutdown::Shutdown;

pub use ledger::{Ledger, LedgerEntry, LedgerState};

/// How to run.
#[derive(Debug, Clone, Default)]
pub struct ExecuteOptions {
    /// Most engine steps at once; `None`: [`crate::timeouts::PARALLEL`].
    pub parallel: Option<usize>,
    /// Unique id of this run.
    pub run_id: String,
    /// After a failure go on with all that does not need the failed step (`down`, `stop`, …); else nothing new starts.
    pub keep_going: bool,
}

/// Everything a run needs.
#[derive(Clone)]
pub struct Execution {
    /// What to do.
    pub plan: Arc<Plan>,
    /// The model it was made from.
    pub project: Arc<Project>,
    /// Engine.
    pub engine: Arc<dyn Engine>,
    /// Plugins.
    pub hooks: Arc<dyn Hooks>,
    /// How.
    pub options: ExecuteOptions,
}

/// Runs the plan to its end, or until nothing more may be done.
///
/// # Cancel safety
/// Not cancel safe: steps in flight would be dropped half-way. Ask through `shutdown` instead.
pub async fn execute(execution: Execution, shutdown: Shutdown, sink: &dyn EventSink) -> Outcome {
    dispatch::Dispatcher::new(execution, shutdown, sink).run().await
}
