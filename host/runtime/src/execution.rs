//! What a run is given.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use windlass_model::Project;
use windlass_plan::Plan;
use windlass_plan::step::ContainerRef;

use crate::engine::Engine;
use crate::hooks::Hooks;
use crate::state::World;

/// How to run.
#[derive(Debug, Clone, Default)]
pub struct ExecuteOptions {
    /// Unique id of this run.
    pub run_id: String,
    /// Id of the lock on the project that is held while the plan runs: of two runs with the same id, one has ended. Empty:
    /// no such lock is held.
    pub lock_id: String,
    /// Who runs it, for those who wait: `user@host, process 4711`.
    pub who: String,
    /// After a failure go on with all that does not need the failed step (`down`, `stop`, …); else nothing new starts.
    pub keep_going: bool,
    /// Asked before every start of a container; `None`: nobody is.
    pub gate: Option<Arc<dyn StartGate>>,
}

/// Somebody who must be ready before a container starts: who shows its output attaches to it, because what it prints before
/// that is lost.
#[async_trait]
pub trait StartGate: fmt::Debug + Send + Sync {
    /// Resolves when the container may start. It must not take long, and cannot refuse.
    async fn before_start(&self, id: &str, container: &ContainerRef);
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
    /// The view of the project's containers that the run shares with others who follow it; whoever opened it runs its
    /// pump. `None`: the run opens one of its own.
    pub world: Option<World>,
    /// How.
    pub options: ExecuteOptions,
}
