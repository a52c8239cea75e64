//! What a session itself can fail with; the caller's own errors come in through its closures.

use windlass_plan::{PlanError, Violation};
use windlass_runtime::EngineError;

use crate::lock::LockError;

/// Why a session could not do its work. A run that failed is no error of the session: see [`crate::Ended::Failed`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine could not be asked what exists.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// What is asked for cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The lock was not taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The plan breaks a rule that every plan must hold to.
    #[error("the plan contradicts itself ({0:?})")]
    Contradiction(Violation),
    /// The session's task ended without a result.
    #[error("the run ended unexpectedly: {0}")]
    Panicked(String),
}
