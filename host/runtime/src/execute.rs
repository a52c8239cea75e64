//! Runs a plan: one event loop, a capped set of tasks, no policy.

use std::sync::Arc;

use windlass_model::Project;
use windlass_plan::Plan;

use crate::engine::Engine;
use crate::event::EventSink;
use crate::hooks::Hooks;
use crate::outcome::Outcome;
use crate::shutdown::Shutdown;

/// How to run.
#[derive(Debug, Clone, Default)]
pub struct ExecuteOptions {
    /// Most steps at once; `None`: the default of [`crate::timeouts`].
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
pub async fn execute(_execution: Execution, _shutdown: Shutdown, _sink: &dyn EventSink) -> Outcome {
    Outcome::default()
}
