//! From options (`DOCKER_HOST`, contexts, TLS files) to an engine.

use std::path::PathBuf;
use std::sync::Arc;

use windlass_runtime::engine::{EngineError, EngineErrorKind, EngineResult};

use crate::config_file::ConfigFile;
use crate::engine::DockerEngine;
use crate::error::plain;
use crate::transport::{self, Endpoint, Ssh, Tls, TlsFiles};

mod context;

/// What to do about TLS that does not come about.
const TLS_HINT: &str = "check the TLS files: DOCKER_CERT_PATH with ca.pem, cert.pem and key.pem, and DOCKER_TLS_VERIFY";

/// Socket of a local engine.
const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// How to reach the engine. The command line fills this from flags and environment; nothing is read behind its back.
#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    /// `DOCKER_HOST`: `unix://…`, `tcp://host:port`, `ssh://user@host`. Wins over contexts.
    pub host: Option<String>,
    /// `DOCKER_CONTEXT`; `None`: the config file's current context.
    pub context: Option<String>,
    /// Directory of Docker's client settings (`DOCKER_CONFIG` or `~/.docker`): contexts, registry credentials, proxies.
    pub docker_config_dir: Option<PathBuf>,
    /// `DOCKER_TLS` is set: TLS, whoever answers. Only for `host`; a context says it itself.
    pub tls: bool,
    /// `DOCKER_TLS_VERIFY` is set: TLS with a checked certificate. Only for `host`; a context says it itself.
    pub tls_verify: bool,
    /// `DOCKER_CERT_PATH`: directory of `ca.pem`, `cert.pem`, `key.pem`; `None`: the settings directory.
    pub cert_path: Option<PathBuf>,
    /// `DOCKER_BUILDKIT`: `Some(false)` builds with the classic builder even where `buildx` is installed.
    pub buildkit: Option<bool>,
    /// Engine calls at once; `None`: a default sized for one engine.
    pub parallel: Option<usize>,
    /// Environment for programs this crate starts (`docker buildx`, credential helpers): `PATH`, `HOME`, and so on.
    /// Empty: they inherit the process's own.
    pub environment: Vec<(String, String)>,
}

/// What `resolve` finds: an address and, with TLS, its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// `unix://…`, `tcp://…`, `ssh://…`.
    pub(crate) host: String,
    /// With TLS.
    pub(crate) tls: Option<TlsFiles>,
}

/// Prepares an engine. Costs no round trip: the first call does (version negotiation), and reports an engine that does
/// not answer as `Unreachable` or `Denied` with what to do about it.
///
/// # Errors
/// The address or the context is wrong, or TLS files cannot be read.
pub fn connect(options: ConnectOptions) -> EngineResult<DockerEngine> {
    let config = ConfigFile::load(options.docker_config_dir.as_deref());
    let address = resolve(&options, &config)?;
    let endpoint = endpoint(&address, &options.environment)?;
    Ok(DockerEngine::new(endpoint, address.host, config, options))
}

/// Where the engine is that [`connect`] would reach.
///
/// # Errors
/// As [`connect`].
pub fn address(options: &ConnectOptions) -> EngineResult<String> {
    let config = ConfigFile::load(options.docker_config_dir.as_deref());
    resolve(options, &config).map(|address| address.host)
}

/// Why Docker's settings are not used though they are there: without them there are no credentials, no contexts and no proxies.
#[must_use]
pub fn settings_problem(options: &ConnectOptions) -> Option<String> {
    ConfigFile::load(options.docker_config_dir.as_deref()).problem
}

/// Precedence as in the `docker` command line: host, named context, current context, the local socket.
fn resolve(options: &ConnectOptions, config: &ConfigFile) -> EngineResult<Address> {
    if let Some(host) = options.host.as_deref().map(str::trim).filter(|host| !host.is_empty()) {
        return Ok(Address { host: completed(host), tls: tls_files(options) });
    }
    let named = options.context.as_deref().filter(|name| !name.is_empty());
    match (named.or(config.current_context()), options.docker_config_dir.as_deref()) {
        (None | Some("default"), _) => Ok(Address { host: completed("unix://"), tls: None }),
        (Some(name), Some(directory)) => context::load(directory, name),
        (Some(name), None) => Err(plain(
            format!("use the Docker context {name}"),
            "the directory of Docker's settings is not known; set DOCKER_CONFIG",
        )),
    }
}

/// With what the `docker` command line fills in: the usual socket, and this machine.
fn completed(host: &str) -> String {
    match host.split_once("://") {
        Some(("unix", "")) => format!("unix://{DEFAULT_SOCKET}"),
        Some(("tcp", rest)) if rest.is_empty() || rest.starts_with(':') => format!("tcp://localhost{rest}"),
        _ => host.to_owned(),
    }
}

/// As the `docker` command line: files alone ask for nothing.
fn tls_files(options: &ConnectOptions) -> Option<TlsFiles> {
    let directory = options.cert_path.clone().or_else(|| options.docker_config_dir.clone()).unwrap_or_default();
    let files = TlsFiles { directory, skip_verify: !options.tls_verify, system_roots: false };
    (options.tls || options.tls_verify).then_some(files)
}

fn endpoint(address: &Address, environment: &[(String, String)]) -> EngineResult<Endpoint> {
    let Some((scheme, rest)) = address.host.split_once("://") else {
        return Err(bad_host(&address.host, "it has no scheme"));
    };
    match scheme {
        "unix" => Ok(Endpoint::Unix(PathBuf::from(rest))),
        "tcp" | "http" | "https" => tcp_endpoint(address, scheme, rest),
        "ssh" => Ok(Endpoint::Ssh(Arc::new(ssh(&address.host, rest, environment)?))),
        "npipe" => Err(bad_host(&address.host, "named pipes are not supported yet")),
        _ => Err(bad_host(&address.host, "this scheme is not known")),
    }
}

fn tcp_endpoint(address: &Address, scheme: &str, rest: &str) -> EngineResult<Endpoint> {
    let authority = rest.trim_end_matches('/');
    // `https` without files: the system's authorities, and no certificate of our own.
    let public = TlsFiles { system_roots: true, ..TlsFiles::default() };
    let files = address.tls.as_ref().or((scheme == "https").then_some(&public));
    if authority.contains(['/', '?', '@']) {
        return Err(bad_host(&address.host, "only a host and a port are expected"));
    }
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of an IPv6 address are not those of a port.
        Some((host, port)) if !port.ends_with(']') => {
            port.parse::<u16>().map_err(|_| bad_host(&address.host, "the port is no number up to 65535"))?;
            (host, port)
        }
        _ => (authority, if files.is_some() { "2376" } else { "2375" }),
    };
    let whole = format!("{host}:{port}");
    let Some(files) = files else { return Ok(Endpoint::Tcp { address: whole }) };
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let tls = Tls::new(files, name).map_err(|error| EngineError {
        kind: EngineErrorKind::Denied,
        hint: Some(TLS_HINT.to_owned()),
        ..plain(format!("prepare TLS for the engine at {}", address.host), error.to_string())
    })?;
    Ok(Endpoint::Tls { address: whole, tls })
}

/// `ssh://[user@]host[:port]` as a call of `ssh`.
fn ssh(host: &str, rest: &str, environment: &[(String, String)]) -> EngineResult<Ssh> {
    let authority = rest.trim_end_matches('/');
    let (user, host_port) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let (name, port) = match host_port.rsplit_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host_port, None),
    };
    if let Some((user, _)) = user.and_then(|user| user.split_once(':')) {
        let shown = format!("ssh://{user}:…@{host_port}");
        return Err(bad_host(&shown, "a password in the address is not supported; sign in with a key"));
    }
    // A leading dash would be read as an option of ssh.
    if name.is_empty() || name.contains('/') || authority.starts_with('-') || name.starts_with('-') {
        return Err(bad_host(host, "write ssh://user@host:port"));
    }
    let mut options = vec!["-o".to_owned(), "ConnectTimeout=30".to_owned()];
    if let Some(user) = user {
        options.extend(["-l".to_owned(), user.to_owned()]);
    }
    if let Some(port) = port {
        options.extend(["-p".to_owned(), port.to_owned()]);
    }
    Ok(Ssh::new(options, name.to_owned(), environment.to_vec()))
}

fn bad_host(host: &str, why: &str) -> EngineError {
    EngineError {
        operation: format!("use the engine address {host}"),
        message: why.to_owned(),
        kind: EngineErrorKind::Other,
        hint: Some("set DOCKER_HOST to unix:///path/to/docker.sock, tcp://host:port or ssh://user@host".to_owned()),
    }
}

/// Adds to an error of the first call what to do about an engine that does not answer.
pub(crate) fn with_address(mut error: EngineError, host: &str) -> EngineError {
    let hint = match error.kind {
        EngineErrorKind::Unreachable => Some(unreachable_hint(host)),
        EngineErrorKind::Denied => Some(denied_hint(host)),
        _ => return error,
    };
    error.operation = format!("reach the engine at {host}");
    error.hint = hint;
    error
}

fn unreachable_hint(host: &str) -> String {
    if host.starts_with("unix://") {
        "is it running? Start it with `sudo systemctl start docker` (or Docker Desktop); \
         if it listens elsewhere, set DOCKER_HOST or choose a context with `docker context use`"
            .to_owned()
    } else if host.starts_with("ssh://") {
        "try `ssh` to this host by hand; there `docker system dial-stdio` must work without a terminal".to_owned()
    } else {
        "check that the engine listens there and that DOCKER_HOST or the Docker context is right".to_owned()
    }
}

fn denied_hint(host: &str) -> String {
    if host.starts_with("unix://") {
        "add yourself to the group that owns the socket: `sudo usermod -aG docker $USER`, then log in again".to_owned()
    } else {
        TLS_HINT.to_owned()
    }
}

/// The shared client of an endpoint.
pub(crate) fn http(endpoint: &Endpoint) -> transport::HttpClient {
    transport::client(endpoint.clone())
}

#[cfg(test)]
mod tests;
