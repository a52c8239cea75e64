//! Why a step failed, on its way to the event and the outcome.

use std::error::Error;

use crate::engine::{EngineError, EngineErrorKind};
use crate::hooks::{HookError, HookErrorKind};
use crate::outcome::FailureKind;

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StepError {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    pub(crate) details: Vec<String>,
    pub(crate) kind: FailureKind,
    /// The engine was not there or did not answer: the same request may succeed later.
    pub(crate) unanswered: bool,
}

impl StepError {
    pub(crate) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, details: Vec::new(), kind, unanswered: false }
    }

    pub(crate) fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    pub(crate) fn details(mut self, details: Vec<String>) -> Self {
        self.details = details;
        self
    }

    /// A plugin's failure, with stage and place named.
    pub(crate) fn of_hook(error: HookError, place: &str) -> Self {
        Self {
            message: format!("{place}: {}", with_causes(&error)),
            hint: error.hint,
            details: error.stderr,
            kind: FailureKind::Plugin,
            unanswered: false,
        }
    }
}

impl From<EngineError> for StepError {
    fn from(error: EngineError) -> Self {
        let kind = match error.kind {
            EngineErrorKind::Unreachable | EngineErrorKind::Denied => FailureKind::Unreachable,
            EngineErrorKind::PortInUse => FailureKind::PortInUse,
            EngineErrorKind::InUse => FailureKind::InUse,
            EngineErrorKind::NotFound
            | EngineErrorKind::Conflict
            | EngineErrorKind::NotRunning
            | EngineErrorKind::BeingRemoved
            | EngineErrorKind::AddressInUse
            | EngineErrorKind::RegistryDenied
            | EngineErrorKind::LogUnreadable
            | EngineErrorKind::OutOfReach
            | EngineErrorKind::Unanswered
            | EngineErrorKind::Refused
            | EngineErrorKind::Unsupported
            | EngineErrorKind::Other => FailureKind::Engine,
        };
        let unanswered = matches!(error.kind, EngineErrorKind::Unreachable | EngineErrorKind::Unanswered);
        Self { message: with_causes(&error), hint: error.hint, details: Vec::new(), kind, unanswered }
    }
}

/// Text of an error and of its causes.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Another attempt may succeed.
pub(crate) fn is_retryable(error: &HookError) -> bool {
    matches!(error.kind, HookErrorKind::Failed { retryable: true } | HookErrorKind::Timeout)
}
