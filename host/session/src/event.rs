//! What a session tells: typed facts, from the lock it waits for to the last line of output. Nothing here is text for a
//! terminal; whoever takes the events renders them.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use windlass_model::node::Node;
use windlass_plan::Plan;
use windlass_plan::observed::Container;
use windlass_runtime::Outcome;
use windlass_runtime::engine::OutputChunk;
use windlass_runtime::event::Stamped;

/// Takes events.
pub trait Sink: Send + Sync {
    /// Takes one event. It must not block: probes and signals are served by the same thread. A slow terminal belongs behind a
    /// queue; container output ([`Output`]) is limited by what the queue has not dropped yet, so the queue may be unbounded.
    fn event(&self, event: Event);
}

/// What a session tells.
#[derive(Debug)]
pub enum Event {
    /// Another run holds the project's lock, and this one waits for it.
    LockHeld {
        /// Who holds it: command and process.
        holder: String,
    },
    /// The plan is made; nothing has been done yet.
    Planned {
        /// What will be done.
        plan: Arc<Plan>,
        /// It is only to be shown: with `--dry-run` the session ends here.
        dry_run: bool,
    },
    /// A sentence of the command about its plan (`Going to remove …`).
    Say(String),
    /// Something did not go as it should, and the run goes on.
    Warning(String),
    /// A question; the run waits for the answer, and does not when it is asked to stop.
    Ask {
        /// The question. The default answer is no.
        question: String,
        /// Takes the answer.
        answer: Answer,
    },
    /// The steps of a plan are about to run. A session may run several plans, one after another: what it was started for,
    /// what stops the containers at its end, what takes back what a failed run made.
    Began {
        /// Name of the operation (`up`, `stop`).
        title: &'static str,
        /// Plan that the following events are about.
        plan: Arc<Plan>,
        /// The project as it was typed, where it was loaded from files: failures of steps name the place.
        typed: Option<Arc<Node>>,
    },
    /// A step made progress.
    Step(Stamped),
    /// The steps have ended.
    Ended(Arc<Outcome>),
    /// An `up` has succeeded.
    Summary(Summary),
    /// The output of these containers will be shown; names within the project (`web-1`).
    Attaching(Vec<String>),
    /// The logs of these containers will be shown; names within the project.
    Following(Vec<String>),
    /// A container printed something.
    Output(Output),
    /// A container's output has ended: what is left without a line feed is a line.
    OutputEnded(String),
    /// A container's output cannot be had. It is told once for a container.
    NoOutput {
        /// Name within the project.
        name: String,
        /// Why.
        reason: String,
    },
    /// A container ended.
    Exited {
        /// Name within the project.
        name: String,
        /// Exit code.
        code: i64,
        /// Its restart policy, or somebody else, starts it again.
        again: bool,
    },
    /// The user asked to stop while the containers were followed: they are stopped now.
    Stopping,
    /// A container ended, and the user asked to stop all of them then.
    Aborting,
}

/// A piece of a container's output.
#[derive(Debug)]
pub struct Output {
    /// Name within the project.
    pub name: String,
    /// Bytes; not necessarily whole lines.
    pub chunk: OutputChunk,
    /// What the piece takes of the budget of output that waits; given back when the event is dropped.
    pub(crate) _room: Option<OwnedSemaphorePermit>,
}

/// The state after a successful `up`.
#[derive(Debug)]
pub struct Summary {
    /// What was planned.
    pub plan: Arc<Plan>,
    /// What came of it.
    pub outcome: Arc<Outcome>,
    /// Something was done; else all was as it should be, and nobody has looked at the containers.
    pub changed: bool,
    /// The project's containers as they are now.
    pub containers: Vec<Container>,
    /// Last lines of those that ended with an error, by container name.
    pub last_lines: BTreeMap<String, Vec<String>>,
}

/// Takes the answer to a question; dropped without one, the answer is no.
#[derive(Debug)]
pub struct Answer(pub(crate) oneshot::Sender<bool>);

impl Answer {
    /// Gives the answer.
    pub fn give(self, yes: bool) {
        // A run that was asked to stop meanwhile does not listen any more.
        let _ = self.0.send(yes);
    }
}
