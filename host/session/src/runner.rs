//! Runs plans of one session, one after another.

use std::sync::Arc;

use windlass_model::Project;
use windlass_model::node::Node;
use windlass_plan::Plan;
use windlass_runtime::state::World;
use windlass_runtime::{Engine, ExecuteOptions, Execution, Hooks, Outcome, Shutdown, execute};

use crate::event::Event;
use crate::feed::Feed;
use crate::stop::Stops;

/// Everything that a session's plans need to run.
pub(crate) struct Runner {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) project: Arc<Project>,
    pub(crate) typed: Option<Arc<Node>>,
    pub(crate) hooks: Arc<dyn Hooks>,
    /// The view of the containers that is shared with whoever follows them; `None`: each plan has one of its own.
    pub(crate) world: Option<World>,
    pub(crate) options: ExecuteOptions,
    pub(crate) feed: Feed,
    pub(crate) stops: Stops,
}

impl Runner {
    /// Runs the plan that the session was started for.
    pub(crate) async fn main(&self, title: &'static str, plan: &Arc<Plan>) -> Arc<Outcome> {
        self.run(title, plan, self.options.keep_going, self.stops.shutdown()).await
    }

    /// Runs a plan of cleaning up: what fails keeps nothing else from being done.
    pub(crate) async fn clean_up(&self, title: &'static str, plan: &Arc<Plan>, shutdown: Shutdown) -> Arc<Outcome> {
        self.run(title, plan, true, shutdown).await
    }

    /// # Cancel safety
    /// Not cancel safe, as [`execute`].
    async fn run(&self, title: &'static str, plan: &Arc<Plan>, keep_going: bool, shutdown: Shutdown) -> Arc<Outcome> {
        self.feed.event(Event::Began { title, plan: Arc::clone(plan), typed: self.typed.clone() });
        let execution = Execution {
            plan: Arc::clone(plan),
            project: Arc::clone(&self.project),
            engine: Arc::clone(&self.engine),
            hooks: Arc::clone(&self.hooks),
            world: self.world.clone(),
            options: ExecuteOptions { keep_going, ..self.options.clone() },
        };
        let outcome = Arc::new(execute(execution, shutdown, &self.feed.of_plan(plan)).await);
        self.feed.plan_is_over();
        self.feed.event(Event::Ended(Arc::clone(&outcome)));
        outcome
    }
}
