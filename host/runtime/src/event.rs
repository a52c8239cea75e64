//! What happens during a run, as typed facts. Reporters turn them into text; nothing else prints.

use std::time::{Duration, SystemTime};

use windlass_plan::StepId;

use crate::engine::{OutputStream, TransferProgress};
use crate::hooks::{LogSeverity, Verdict};
use crate::outcome::FailureKind;

/// An event with its time.
#[derive(Debug, Clone)]
pub struct Stamped {
    /// Wall clock, for logs.
    pub at: SystemTime,
    /// Since the run began, for durations.
    pub elapsed: Duration,
    /// What happened.
    pub event: Event,
}

/// What happened. Step texts and causes are in the plan that the reporter was given.
#[derive(Debug, Clone)]
pub enum Event {
    /// The step's turn came.
    StepStarted(StepId),
    /// Its guard did not hold, or it was already done.
    StepSkipped(StepId, String),
    /// It succeeded.
    StepDone(StepId, Duration),
    /// It failed; for an optional step a warning.
    StepFailed {
        /// Step.
        step: StepId,
        /// Message, with causes.
        message: String,
        /// Hint.
        hint: Option<String>,
        /// More lines (standard error of a plugin, last log lines of a container).
        details: Vec<String>,
        /// What kind of thing failed.
        kind: FailureKind,
        /// The run goes on.
        warning: bool,
    },
    /// It was given up, or its turn never came: what it needs failed, or the run is ending.
    StepCancelled(StepId),
    /// Progress of a pull or build.
    Transfer(StepId, TransferProgress),
    /// Answer of a probe attempt.
    ProbeAttempt {
        /// Step.
        step: StepId,
        /// From 1.
        attempt: u32,
        /// Answer.
        verdict: Verdict,
    },
    /// Progress of a load.
    LoadProgress {
        /// Step.
        step: StepId,
        /// Units done.
        done: u64,
        /// Units in all.
        total: Option<u64>,
        /// What.
        label: String,
    },
    /// A plugin's log line.
    PluginLog {
        /// Step.
        step: StepId,
        /// Severity.
        severity: LogSeverity,
        /// Text.
        message: String,
    },
    /// Output of a Compose hook (`post_start`, …).
    HookOutput {
        /// Step.
        step: StepId,
        /// Stream.
        stream: OutputStream,
        /// One line.
        line: String,
    },
    /// Something worth a sentence (a dirty load found, a lock waited for).
    Note {
        /// A warning.
        warning: bool,
        /// Sentence.
        text: String,
    },
    /// The user asked to stop: `false` gracefully, `true` at once.
    ShutdownRequested(bool),
}

/// Takes events. Called from the executor's loop only, so events are in one order.
pub trait EventSink: Send + Sync {
    /// Takes one event; must not block.
    fn emit(&self, event: Stamped);
}
