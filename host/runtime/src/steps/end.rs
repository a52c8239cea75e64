//! How a step ended.

use crate::failure::StepError;

/// How a step ended.
#[derive(Debug)]
pub(crate) enum End {
    Done,
    /// Nothing to do; why.
    Skipped(String),
    /// Given up because the user asked to stop.
    Cancelled,
    Failed(StepError),
}

impl<E: Into<StepError>> From<Result<(), E>> for End {
    fn from(result: Result<(), E>) -> Self {
        match result {
            Ok(()) => Self::Done,
            Err(error) => Self::Failed(error.into()),
        }
    }
}
