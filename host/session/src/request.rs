//! What a session is asked to do. Files, environment and plugins are outside of it: they come in as closures.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use windlass_model::Project;
use windlass_model::node::Node;
use windlass_plan::{Observed, Plan, PlanResult};
use windlass_runtime::{Engine, ExecuteOptions, Hooks};

use crate::lock::LockRequest;

/// What a session is asked to do. `E` is the caller's own error, which its closures may fail with.
pub struct Request<E> {
    /// Name of the command: the title of its run.
    pub command: &'static str,
    /// Engine.
    pub engine: Arc<dyn Engine>,
    /// Loads the project. Only reads: it is dropped when the run is asked to stop.
    pub load: BoxFuture<'static, Result<Subject, E>>,
    /// The lock to take before the engine is observed. With `dry_run` none is taken.
    pub lock: Option<LockRequest>,
    /// Makes the plan from what exists; called again with the answers to its questions.
    pub plan: Planner,
    /// Prepares the plugins of the project.
    pub hooks: HooksMaker<E>,
    /// How to run the plan.
    pub options: ExecuteOptions,
    /// Show the plan and end: no lock, no question, no change.
    pub dry_run: bool,
    /// Every question is answered with yes, without asking.
    pub yes: bool,
    /// How long the plan may do nothing but wait for containers to become what they are to be. Pulls, builds, starts and loads
    /// take the time that they take: what they need says nothing of the containers.
    pub deadline: Option<Duration>,
    /// What comes after the plan.
    pub after: After<E>,
}

/// Makes a plan from the project, what exists, and the answers to questions so far.
pub type Planner = Box<dyn Fn(&Project, &Observed, &Answers) -> PlanResult<Proposal> + Send + Sync>;

/// Prepares the plugins of a project.
pub type HooksMaker<E> = Box<dyn FnOnce(&Project) -> Result<Arc<dyn Hooks>, E> + Send>;

/// The project that a command is about.
pub enum Subject {
    /// Loaded from files.
    Loaded(Box<Loaded>),
    /// Known by name only: it is rebuilt from the labels of what exists.
    Named {
        /// Project name.
        name: String,
        /// The command has to know the images too, whose names are learnt from the containers.
        images: bool,
    },
}

/// A project that was loaded from files.
pub struct Loaded {
    /// The project.
    pub project: Project,
    /// The same as it was typed, with places; `None`: failures name none.
    pub typed: Option<Arc<Node>>,
}

/// Answers to the plan's questions.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Answers {
    /// Volumes that the user agreed to recreate.
    pub recreate: BTreeSet<String>,
    /// Volumes that the user wants to keep.
    pub keep: BTreeSet<String>,
}

/// A plan, with what the command has to say about it.
#[derive(Debug, Clone, PartialEq)]
pub enum Proposal {
    /// Run it.
    Run(Plan),
    /// Say the sentence, then run it.
    Tell(Plan, String),
    /// Ask the question, and run it if the answer is yes.
    Confirm(Plan, String),
    /// There is nothing to do; say so.
    Nothing(String),
}

/// Says what of a project is followed, and how.
pub type Follower<E> = Box<dyn FnOnce(&Project) -> Result<FollowRequest, E> + Send>;

/// What comes after the plan.
pub enum After<E> {
    /// Nothing.
    Nothing,
    /// The summary of an `up`; where it failed before anything was started, what it made is taken back.
    Summary,
    /// The same, and then the containers' output until they end.
    Follow(Follower<E>),
}

/// How an attached `up` stays with its containers.
#[derive(Debug, Clone, Default)]
pub struct FollowRequest {
    /// Services whose output is shown, in the order of their names.
    pub services: BTreeSet<String>,
    /// Services that are stopped at the end; empty: all.
    pub targets: Vec<String>,
    /// Time between the request to stop and the kill; `None`: each container's own.
    pub timeout: Option<windlass_plan::step::StopTimeout>,
    /// Which ends of containers end the `up`.
    pub abort: Abort,
    /// The service whose exit code is that of the command.
    pub exit_code_from: Option<String>,
}

/// Which ends of containers end an attached `up`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Abort {
    /// None: it ends when all containers have ended.
    #[default]
    Never,
    /// Any.
    OnExit,
    /// Those with an exit code other than 0.
    OnFailure,
}

impl Abort {
    /// Whether a container that ended with this code ends the `up`.
    #[must_use]
    pub const fn is_due(self, code: i64) -> bool {
        match self {
            Self::Never => false,
            Self::OnExit => true,
            Self::OnFailure => code != 0,
        }
    }
}
