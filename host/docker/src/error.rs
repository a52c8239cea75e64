//! From transport and engine errors to `EngineError`: operation and object, kind, and what to do about it.

use std::error::Error as StdError;
use std::io;

use bollard::errors::Error;
use windlass_runtime::engine::{EngineError, EngineErrorKind};

use crate::transport::SshFailed;

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

/// As [`engine_error`], for a request that the engine passes on to a registry: there a 401 or 403 is the registry's.
pub(crate) fn registry_error(operation: impl Into<String>, error: &Error) -> EngineError {
    let mut told = engine_error(operation, error);
    if let Error::DockerResponseServerError { status_code: 401 | 403, .. } = error {
        told.kind = EngineErrorKind::RegistryDenied;
        told.hint = hint_for(told.kind, &told.message);
    }
    told
}

/// What the engine says went wrong in the middle of an answer that began well (pulls, builds).
pub(crate) fn told(operation: impl Into<String>, message: &str) -> EngineError {
    let message = message.trim().to_owned();
    let kind = kind_of_words(&message).unwrap_or(EngineErrorKind::Other);
    EngineError { operation: operation.into(), hint: hint_for(kind, &message), message, kind }
}

/// What ssh says of an address that the other side cannot connect to whoever listens there, or may not.
pub(crate) fn is_no_way(words: &str) -> bool {
    let told = ["administratively prohibited", "No route to host", "Network is unreachable", "Connection timed out"];
    told.iter().any(|told| words.contains(told))
}

fn classify(error: &Error) -> (EngineErrorKind, String) {
    match error {
        Error::DockerResponseServerError { status_code, message } => {
            let kind = kind_of_words(message).unwrap_or_else(|| kind_of_status(*status_code));
            (kind, tidy(message, *status_code))
        }
        Error::DockerStreamError { error } => {
            (kind_of_words(error).unwrap_or(EngineErrorKind::Other), error.trim().to_owned())
        }
        other => classify_transport(other),
    }
}

/// A 403 is no lack of rights to use the engine, which answered: it refuses this one request.
fn kind_of_status(status: u16) -> EngineErrorKind {
    match status {
        401 => EngineErrorKind::Denied,
        403 => EngineErrorKind::Refused,
        404 => EngineErrorKind::NotFound,
        409 => EngineErrorKind::Conflict,
        501 => EngineErrorKind::Unsupported,
        _ => EngineErrorKind::Other,
    }
}

/// What only the engine's words tell: its status codes are the same for these and for other troubles.
fn kind_of_words(message: &str) -> Option<EngineErrorKind> {
    let found = WORDS.iter().find(|(words, _)| words.iter().all(|word| message.contains(word)));
    found.map(|(_, kind)| *kind)
}

/// Words that all occur in the engine's message, and the kind of error they tell.
const WORDS: &[(&[&str], EngineErrorKind)] = &[
    (&["port is already allocated"], EngineErrorKind::PortInUse),
    (&["bind: address already in use"], EngineErrorKind::PortInUse),
    (&["failed to bind host port"], EngineErrorKind::PortInUse),
    // The address manager's, with a capital letter; sent with the status 403.
    (&["Address already in use"], EngineErrorKind::AddressInUse),
    (&["has active endpoints"], EngineErrorKind::InUse),
    (&["volume is in use"], EngineErrorKind::InUse),
    (&["unable to ", "image is being used by"], EngineErrorKind::InUse),
    (&["removal of container", "already in progress"], EngineErrorKind::BeingRemoved),
    (&["is marked for removal"], EngineErrorKind::BeingRemoved),
    (&["ontainer", "is not running"], EngineErrorKind::NotRunning),
    (&["logging driver does not support reading"], EngineErrorKind::LogUnreadable),
    (&["pull access denied"], EngineErrorKind::RegistryDenied),
    (&["no basic auth credentials"], EngineErrorKind::RegistryDenied),
    (&["unauthorized: "], EngineErrorKind::RegistryDenied),
    (&["denied: requested access"], EngineErrorKind::RegistryDenied),
];

fn tidy(message: &str, status: u16) -> String {
    let text = message.trim().trim_start_matches("Error response from daemon: ");
    if text.is_empty() { format!("the engine answered with status {status}") } else { text.to_owned() }
}

/// Nothing answered, or not in HTTP: the innermost I/O error decides.
fn classify_transport(error: &Error) -> (EngineErrorKind, String) {
    let innermost = innermost(error);
    if innermost.is::<SshFailed>() {
        return (EngineErrorKind::Unreachable, innermost.to_string());
    }
    if innermost.is::<tokio_rustls::rustls::Error>() {
        return (EngineErrorKind::Denied, format!("TLS: {innermost}"));
    }
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
        _ if is_unanswered(error) => EngineErrorKind::Unanswered,
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

/// The engine got the request, perhaps, but the connection ended before its answer.
pub(crate) fn is_unanswered(error: &Error) -> bool {
    let innermost = innermost(error);
    let cut = innermost.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message);
    let kind = innermost.downcast_ref::<io::Error>().map(io::Error::kind);
    cut || matches!(
        kind,
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof)
    )
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
    if kind == EngineErrorKind::RegistryDenied {
        return Some("check the image's name; a private one needs `docker login`".to_owned());
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
        &["Address already in use"],
        "another container has this address in the network: choose another `ipv4_address`, or remove that container",
    ),
    (
        &["address already in use"],
        "another program on this machine listens on this port: stop it, or change `published` under `ports`",
    ),
    (
        &["HTTP request to an HTTPS server"],
        "the engine wants TLS: set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to the directory of ca.pem, cert.pem and key.pem",
    ),
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
        assert_eq!(answer(403, "x").kind, EngineErrorKind::Refused);
        assert_eq!(answer(500, "").message, "the engine answered with status 500");
    }

    #[test]
    fn words_decide_where_the_status_says_too_little() {
        let kind = |status, message| answer(status, message).kind;
        assert_eq!(
            kind(403, "failed to set up container networking: Address already in use"),
            EngineErrorKind::AddressInUse
        );
        let proxy = "failed to bind host port for 0.0.0.0:80:172.18.0.2:80/tcp: address already in use";
        assert_eq!(kind(500, proxy), EngineErrorKind::PortInUse);
        assert_eq!(kind(409, "removal of container abc is already in progress"), EngineErrorKind::BeingRemoved);
        assert_eq!(kind(409, "container abc is not running"), EngineErrorKind::NotRunning);
        assert_eq!(kind(409, "Conflict. The container name \"/web\" is already in use"), EngineErrorKind::Conflict);
        let unread = "configured logging driver does not support reading";
        assert_eq!(kind(501, unread), EngineErrorKind::LogUnreadable);
    }

    #[test]
    fn a_registry_that_refuses_is_not_an_engine_that_does() {
        let refused = Error::DockerResponseServerError { status_code: 401, message: "who are you".into() };
        assert_eq!(registry_error("x", &refused).kind, EngineErrorKind::RegistryDenied);
        assert_eq!(engine_error("x", &refused).kind, EngineErrorKind::Denied);
        let error = told("pull image a", "Head \"https://r/v2/\": unauthorized: no");
        assert_eq!(error.kind, EngineErrorKind::RegistryDenied);
        assert!(error.hint.unwrap().contains("docker login"));
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
