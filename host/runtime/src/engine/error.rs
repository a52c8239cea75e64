//! What an engine call can fail with.

/// An operation on the engine failed.
#[derive(Debug, thiserror::Error)]
#[error("failed to {operation}: {message}")]
pub struct EngineError {
    /// Verb and object: `start container web-1`.
    pub operation: String,
    /// The engine's own words, trimmed.
    pub message: String,
    /// Kind, for decisions.
    pub kind: EngineErrorKind,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Kinds of engine errors that decisions depend on. Engines say most of this only in words; those are read in one place,
/// where the engine's answer becomes an [`EngineError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineErrorKind {
    /// Nothing answers at the engine's address.
    Unreachable,
    /// The address answers, but not to us (socket permissions, TLS, a sign-in).
    Denied,
    /// The engine, or a guard before it, does not allow this one request (status 403). Asking again does not help.
    Refused,
    /// The object does not exist.
    NotFound,
    /// The object's state, or another object of the same name, forbids it.
    Conflict,
    /// Others use the object, so that it cannot be removed.
    InUse,
    /// The container does not run, which the operation needs.
    NotRunning,
    /// The object is being removed by somebody; it still exists.
    BeingRemoved,
    /// A host port that the container publishes is taken.
    PortInUse,
    /// An address of a network that the container asks for is taken.
    AddressInUse,
    /// A registry does not give us the image (it wants a sign-in, or refuses ours).
    RegistryDenied,
    /// The container's logging driver keeps nothing that could be read.
    LogUnreadable,
    /// No way leads from here to the container's port; trying again cannot help.
    OutOfReach,
    /// The connection ended after the request and before the answer: the engine may have done it, or not.
    Unanswered,
    /// The request cannot be honoured by this engine's version.
    Unsupported,
    /// Anything else.
    Other,
}

/// Result of an engine call.
pub type EngineResult<T> = Result<T, EngineError>;
