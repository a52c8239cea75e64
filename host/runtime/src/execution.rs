//! What a run is given.

use std::sync::Arc;

use windlass_model::Project;
use windlass_plan::Plan;

use crate::engine::Engine;
use crate::hooks::Hooks;

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
