//! What a command can fail with, and the exit code of each kind.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | success |
//! | 1 | error: bad flags, a compose file with problems, a plugin that cannot be loaded, an engine call that failed, a dependency that did not start |
//! | 5 | a probe did not succeed in time, or its container ended |
//! | 6 | a load failed |
//! | 7 | a plugin failed at another stage |
//! | 8 | no engine answers |
//! | 70 | a defect of Windlass itself |
//! | 130 | interrupted |
//! | other | the code of the container or command: `exec`, `up --exit-code-from` and the abort flags |

use std::io;

use windlass_model::Diagnostics;
use windlass_runtime::engine::EngineErrorKind;
use windlass_runtime::{EngineError, HookError};

/// Result of a command's parts.
pub type CliResult<T> = Result<T, CliError>;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A flag or argument is wrong, or names something that the project does not have. The sentence is the one of
    /// `docker compose` where it has one.
    #[error("{message}")]
    Usage {
        /// Sentence.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// The request is right, but what it is about is in no state for it: the service is not running, the project is locked.
    #[error("{message}")]
    State {
        /// Sentence.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// Windlass contradicts itself: a defect to report, not the user's mistake.
    #[error("{0}; this is a defect of Windlass")]
    Internal(String),
    /// clap's own message: usage errors and help.
    #[error(transparent)]
    Arguments(#[from] clap::Error),
    /// The compose file has problems.
    #[error("the compose file has problems")]
    Model(Diagnostics),
    /// An engine call failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Plugins could not be prepared.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// The system refused something.
    #[error("failed to {operation}")]
    Io {
        /// Verb and object.
        operation: String,
        /// Cause.
        #[source]
        source: io::Error,
    },
    /// A run ended with failures, which its reporter has already shown.
    #[error("the run failed")]
    Run(Failure),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// A container's or command's own code.
    #[error("exit code {0}")]
    Exit(u8),
}

/// What made a run fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// An engine call, or a dependency's condition.
    Step,
    /// A probe.
    Probe,
    /// A load.
    Load,
    /// A plugin at another stage.
    Hook,
    /// No engine answered.
    Unreachable,
}

impl CliError {
    /// A usage error without a hint.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: None }
    }

    /// A usage error with a hint.
    pub fn hinted(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    /// The object of the request is in no state for it.
    pub fn state(message: impl Into<String>) -> Self {
        Self::State { message: message.into(), hint: None }
    }

    /// Something of Compose that Windlass does not do yet.
    #[must_use]
    pub fn unsupported(what: &str) -> Self {
        Self::usage(format!("{what} is not supported yet"))
    }

    /// A refusal of the system.
    pub fn io(operation: impl Into<String>, source: io::Error) -> Self {
        Self::Io { operation: operation.into(), source }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Usage { hint, .. } | Self::State { hint, .. } => hint.as_deref(),
            Self::Internal(_) => Some("please report it, with the command and the compose file"),
            Self::Engine(error) => error.hint.as_deref(),
            Self::Hook(error) => error.hint.as_deref(),
            Self::Arguments(_)
            | Self::Model(_)
            | Self::Io { .. }
            | Self::Run(_)
            | Self::Interrupted
            | Self::Exit(_) => None,
        }
    }
}

impl From<windlass_session::Error> for CliError {
    fn from(error: windlass_session::Error) -> Self {
        use windlass_session::{Error, LockError};
        match error {
            Error::Engine(error) => Self::Engine(error),
            Error::Plan(error) => error.into(),
            Error::Lock(LockError::Io { path, source }) => Self::io(format!("lock {}", path.display()), source),
            Error::Lock(error @ (LockError::Held { .. } | LockError::Unsafe { .. })) => {
                Self::State { message: error.to_string(), hint: error.hint() }
            }
            Error::Contradiction(_) | Error::Panicked(_) => Self::Internal(error.to_string()),
        }
    }
}

/// The exit code of an error.
#[must_use]
pub fn exit_code(error: &CliError) -> u8 {
    match error {
        CliError::Usage { .. } | CliError::State { .. } | CliError::Model(_) | CliError::Io { .. } => 1,
        // EX_SOFTWARE of sysexits.h: nothing that the user typed or runs can cause it.
        CliError::Internal(_) => 70,
        CliError::Arguments(error) => u8::from(error.use_stderr()),
        CliError::Engine(error) => engine_code(error.kind),
        CliError::Hook(_) => 7,
        CliError::Run(failure) => failure_code(*failure),
        CliError::Interrupted => 130,
        CliError::Exit(code) => *code,
    }
}

const fn engine_code(kind: EngineErrorKind) -> u8 {
    match kind {
        EngineErrorKind::Unreachable | EngineErrorKind::Denied => 8,
        EngineErrorKind::NotFound
        | EngineErrorKind::Conflict
        | EngineErrorKind::NotRunning
        | EngineErrorKind::BeingRemoved
        | EngineErrorKind::InUse
        | EngineErrorKind::PortInUse
        | EngineErrorKind::AddressInUse
        | EngineErrorKind::RegistryDenied
        | EngineErrorKind::LogUnreadable
        | EngineErrorKind::OutOfReach
        | EngineErrorKind::Unanswered
        | EngineErrorKind::Refused
        | EngineErrorKind::Unsupported
        | EngineErrorKind::Other => 1,
    }
}

const fn failure_code(failure: Failure) -> u8 {
    match failure {
        Failure::Step => 1,
        Failure::Probe => 5,
        Failure::Load => 6,
        Failure::Hook => 7,
        Failure::Unreachable => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(kind: EngineErrorKind) -> CliError {
        CliError::Engine(EngineError { operation: "x".into(), message: "y".into(), kind, hint: None })
    }

    #[test]
    fn codes_are_the_documented_ones() {
        assert_eq!(exit_code(&CliError::usage("x")), 1);
        assert_eq!(exit_code(&CliError::state("x")), 1);
        assert_eq!(exit_code(&CliError::Internal("x".to_owned())), 70);
        assert_eq!(exit_code(&engine(EngineErrorKind::Unreachable)), 8);
        assert_eq!(exit_code(&engine(EngineErrorKind::Conflict)), 1);
        assert_eq!(exit_code(&CliError::Interrupted), 130);
        assert_eq!(exit_code(&CliError::Exit(42)), 42);
        let failures = [Failure::Step, Failure::Probe, Failure::Load, Failure::Hook, Failure::Unreachable];
        assert_eq!(failures.map(|failure| exit_code(&CliError::Run(failure))), [1, 5, 6, 7, 8]);
    }
}
