//! What can go wrong on the network, by protocol step.

use crate::{Failure, Verdict, failure, not_yet};

/// A connection or exchange failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetError {
    /// The protocol step that was not passed: `dns`, `connect`, `tls` or `http`.
    pub step: &'static str,
    /// Why, for a person.
    pub reason: String,
    /// Not granted: another attempt cannot help.
    pub denied: bool,
}

impl NetError {
    /// An error at a step.
    pub fn new(step: &'static str, reason: impl Into<String>) -> Self {
        Self { step, reason: reason.into(), denied: false }
    }

    /// The project file does not grant to dial `authority`.
    pub fn denied(authority: &str) -> Self {
        Self { step: "connect", reason: format!("connecting to `{authority}` is not granted"), denied: true }
    }

    /// For probes: not yet, or a failure where the network is not granted.
    ///
    /// # Errors
    /// When it is not granted.
    pub fn into_verdict(self) -> Result<Verdict, Failure> {
        if self.denied { Err(self.into()) } else { Ok(not_yet(self.step, self.reason)) }
    }
}

impl From<NetError> for Failure {
    fn from(error: NetError) -> Self {
        if error.denied {
            let hint = "add it to `dial` under the plugin's `grants` in the project file";
            return failure(error.reason).code("denied").hint(hint);
        }
        failure(format!("{}: {}", error.step, error.reason)).code(error.step).retryable()
    }
}
