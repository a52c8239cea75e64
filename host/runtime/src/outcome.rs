//! What came of a run.

use std::time::Duration;

use windlass_plan::StepId;

use crate::shutdown::Urgency;

/// What came of a run.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// One record a step, in the order of the plan.
    pub steps: Vec<StepRecord>,
    /// What went wrong, warnings left out, in the order of time.
    pub failures: Vec<Failure>,
    /// How far the user asked to stop.
    pub interrupted: Urgency,
    /// From the first to the last step.
    pub elapsed: Duration,
}

/// What came of one step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRecord {
    /// How it ended.
    pub result: StepResult,
    /// When its turn came, since the run began; `None`: it never did.
    pub started: Option<Duration>,
    /// When it ended, since the run began.
    pub finished: Option<Duration>,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepResult {
    /// It did what it was for.
    Done,
    /// There was nothing to do; why.
    Skipped(String),
    /// It failed, and others could go on (an optional step).
    Warned,
    /// It failed.
    Failed,
    /// What it needed failed, or the run ended before its turn.
    Cancelled,
}

impl StepResult {
    /// Those that need the step may run.
    #[must_use]
    pub fn satisfied(&self) -> bool {
        matches!(self, Self::Done | Self::Skipped(_) | Self::Warned)
    }
}

/// A failed step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Step.
    pub step: StepId,
    /// Service, where it belongs to one.
    pub service: Option<String>,
    /// Message, with causes.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// More lines (standard error of a plugin, last log lines of a container).
    pub details: Vec<String>,
    /// What kind of thing failed.
    pub kind: FailureKind,
}

/// What kind of thing failed, for exit codes and for the place that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// A call of the engine.
    Engine,
    /// The engine refused a start since a port of its host is taken.
    PortInUse,
    /// The engine did not remove something that others use.
    InUse,
    /// The engine could not be reached at all.
    Unreachable,
    /// A plugin, a probe or a load.
    Plugin,
    /// A dependency did not come to the state that others wait for.
    Dependency,
    /// A command of a Compose hook.
    Hook,
}

/// How the whole run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All steps are satisfied.
    Success,
    /// Something failed.
    Failed,
    /// The user stopped it.
    Interrupted,
}

impl Outcome {
    /// How it ended; an interruption wins over the failures that it caused.
    #[must_use]
    pub fn ending(&self) -> Ending {
        if self.interrupted > Urgency::None {
            Ending::Interrupted
        } else if self.failures.is_empty() {
            Ending::Success
        } else {
            Ending::Failed
        }
    }
}
