//! From transport and engine errors to `EngineError`: operation and object, kind, and what to do about it.

use std::error::Error as StdError;
use std::io;

use bollard::errors::Error;
use windlass_runtime::engine::{EngineError, EngineErrorKind};

/// An error with the operation's name (verb and object).
pub(crate) fn engine_error(operation: impl Into<String>, error: &Error) -> EngineError {
    let (kind, message) = classify(error);
    let hint = hint_for(kind, &message);
    EngineError { operation: operation.into(), message, kind, hint }
}

/// An error that is not the engine's answer.
pub(crate) fn plain(operation: impl Into<String>, message: impl Into<String>) -> EngineError {
    EngineError { operation: operation.into(), message: message.into(), kind: EngineErrorKind::Other, hint: None }
}

/// A request that this engine's version cannot honour.
pub(crate) fn unsupported(operation: impl Into<String>, message: impl Into<String>) -> EngineError {
    EngineError { kind: EngineErrorKind::Unsupported, ..plain(operation, message) }
}

fn classify(error: &Error) -> (EngineErrorKind, String) {
    match error {
        Error::DockerResponseServerError { status_code, message } => {
            (kind_of_status(*status_code), tidy(message, *status_code))
        }
        Error::DockerStreamError { error } => (EngineErrorKind::Other, error.trim().to_owned()),
        other => classify_transport(other),
    }
}

fn kind_of_status(status: u16) -> EngineErrorKind {
    match status {
        401 | 403 => EngineErrorKind::Denied,
        404 => EngineErrorKind::NotFound,
        409 => EngineErrorKind::Conflict,
        501 => EngineErrorKind::Unsupported,
        _ => EngineErrorKind::Other,
    }
}

fn tidy(message: &str, status: u16) -> String {
    let text = message.trim().trim_start_matches("Error response from daemon: ");
    if text.is_empty() { format!("the engine answered with status {status}") } else { text.to_owned() }
}

/// Nothing answered, or not in HTTP: the innermost I/O error decides.
fn classify_transport(error: &Error) -> (EngineErrorKind, String) {
    let innermost = innermost(error);
    let kind = match innermost.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(io::ErrorKind::PermissionDenied) => EngineErrorKind::Denied,
        Some(
            io::ErrorKind::NotFound
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::TimedOut
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable,
        ) => EngineErrorKind::Unreachable,
        _ if is_connect(error) => EngineErrorKind::Unreachable,
        _ => EngineErrorKind::Other,
    };
    (kind, innermost.to_string())
}

fn innermost<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let mut current = error;
    // bollard shows an I/O error as its own, without naming it as the source.
    if let Some(Error::IOError { err }) = error.downcast_ref::<Error>() {
        current = err;
    }
    while let Some(source) = current.source() {
        current = source;
    }
    // `io::Error` hides what it wraps from `source`.
    match current.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => inner,
        None => current,
    }
}

fn is_connect(error: &Error) -> bool {
    matches!(error, Error::HyperLegacyError { err } if err.is_connect())
}

/// What a person can do about the engine's frequent messages.
pub(crate) fn hint_for(kind: EngineErrorKind, message: &str) -> Option<String> {
    if matches!(kind, EngineErrorKind::Unreachable | EngineErrorKind::Denied) {
        // The address belongs into these hints; `connect` adds it.
        return None;
    }
    HINTS.iter().find(|(words, _)| words.iter().all(|word| message.contains(word))).map(|(_, hint)| (*hint).to_owned())
}

/// Words that all occur in the engine's message, and the advice.
const HINTS: &[(&[&str], &str)] = &[
    (
        &["port is already allocated"],
        "another container publishes this port: stop it, or change `published` under `ports`",
    ),
    (
        &["address already in use"],
        "another program on this machine listens on this port: stop it, or change `published` under `ports`",
    ),
    (&["pull access denied"], "check the image's name; a private one needs `docker login`"),
    (&["manifest unknown"], "the registry has no such tag: check the image's name and tag"),
    (&["manifest for", "not found"], "the registry has no such tag: check the image's name and tag"),
    (&["Get \"http", "dial tcp"], "the engine cannot reach this registry: check the image's name, and the network"),
    (&["No such image"], "pull or build the image first: `windlass pull` or `windlass build`"),
    (
        &["is already in use by container"],
        "another container has this name: remove or rename it, or change `container_name`",
    ),
    (
        &["Pool overlaps"],
        "another network uses this address range: choose another `subnet` under `ipam`, or remove that network",
    ),
    (
        &["all predefined address pools have been fully subnetted"],
        "the engine has no free address range: remove unused networks (`docker network prune`), or give a `subnet`",
    ),
    (&["bind source path does not exist"], "create this path, or set `bind.create_host_path: true` on the mount"),
    (
        &["could not select device driver"],
        "the engine has no driver for the requested devices: install it (for GPUs the NVIDIA container toolkit), or remove `gpus`/`devices`",
    ),
    (&["unknown or invalid runtime name"], "configure this runtime in the engine, or remove `runtime`"),
    (&["exec:", "not found in $PATH"], "the image has no such program: check `command` and `entrypoint`"),
    (&["exec:", "no such file or directory"], "the image has no such program: check `command` and `entrypoint`"),
    (
        &["exec:", "permission denied"],
        "the program is not executable: set its mode in the image or on the mounted file",
    ),
    (
        &["Are you trying to mount a directory onto a file"],
        "source and target of the mount must both be files, or both directories; a missing source was created as a directory",
    ),
    (&["no space left on device"], "free space on the engine's disk: `docker system df` shows what uses it"),
    (&["volume is in use"], "remove the containers that use the volume first"),
    (&["has active endpoints"], "containers are still attached to the network: stop or disconnect them"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status_code: u16, message: &str) -> EngineError {
        let error = Error::DockerResponseServerError { status_code, message: message.to_owned() };
        engine_error("start container web-1", &error)
    }

    #[test]
    fn text_names_operation_and_engine_words() {
        let error = answer(404, "No such container: abc\n");
        assert_eq!(error.to_string(), "failed to start container web-1: No such container: abc");
        assert_eq!(error.kind, EngineErrorKind::NotFound);
    }

    #[test]
    fn status_decides_the_kind() {
        assert_eq!(answer(409, "x").kind, EngineErrorKind::Conflict);
        assert_eq!(answer(401, "x").kind, EngineErrorKind::Denied);
        assert_eq!(answer(500, "").message, "the engine answered with status 500");
    }

    #[test]
    fn port_in_use_has_advice() {
        let error = answer(
            500,
            "driver failed programming external connectivity on endpoint x: Bind for 0.0.0.0:80 failed: port is already allocated",
        );
        assert!(error.hint.is_some_and(|hint| hint.contains("`published`")));
    }

    #[test]
    fn a_socket_without_rights_is_denied() {
        let refused = Error::IOError { err: io::Error::from(io::ErrorKind::PermissionDenied) };
        assert_eq!(engine_error("x", &refused).kind, EngineErrorKind::Denied);
        let absent = Error::IOError { err: io::Error::from(io::ErrorKind::NotFound) };
        assert_eq!(engine_error("x", &absent).kind, EngineErrorKind::Unreachable);
    }
}
