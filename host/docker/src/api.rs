//! The engine's API: bollard's client on our transport, in the newest version that both sides know.

use bollard::errors::Error;
use bollard::{BollardRequest, ClientVersion, Docker};
use hyper::header::HeaderValue;
use hyper::{Method, Uri};

use crate::own_requests;
pub(crate) use crate::own_requests::{empty, full, json_lines, percent_encode, pieces, request};
use crate::transport::HttpClient;

/// Result of a call, in bollard's error type.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// URI base: the connector ignores the host, the engine does too.
pub(crate) const BASE: &str = "http://docker";

/// Seconds until bollard gives a call up. Stopping a container takes as long as its own timeout says, so this is no limit;
/// what limits a call is the run that makes it.
const PATIENCE: u64 = 60 * 60 * 24 * 365;

/// What `/_ping` tells about the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ping {
    /// API version to use: the engine's newest that we know.
    pub(crate) api: (u32, u32),
    /// Version of the engine.
    pub(crate) engine: String,
    /// `linux` or `windows`.
    pub(crate) os: String,
    /// A swarm node.
    pub(crate) swarm: bool,
}

/// A way to call an engine.
#[derive(Clone)]
pub(crate) struct Api {
    /// What the engine said of itself.
    pub(crate) ping: Ping,
    docker: Docker,
    http: HttpClient,
}

impl Api {
    /// Asks the engine for its version (the one round trip that connecting costs).
    pub(crate) async fn negotiate(http: HttpClient) -> Result<Self> {
        let request = request(Method::HEAD, format!("{BASE}/_ping"), empty())?;
        let answer = own_requests::execute(&http, request).await?;
        let ping = read_ping(answer.headers());
        let docker = client(&http, ping.api)?;
        Ok(Self { ping, docker, http })
    }

    /// bollard's typed calls.
    pub(crate) fn docker(&self) -> &Docker {
        &self.docker
    }

    /// bollard's typed calls with the credentials for a registry. Ours, because bollard writes them in base64's standard
    /// alphabet, of which engines take only the URL's.
    pub(crate) fn signed_in(&self, credentials: Option<String>) -> Docker {
        let value = credentials.and_then(|credentials| HeaderValue::from_str(&credentials).ok());
        let Some(value) = value else { return self.docker.clone() };
        self.docker.clone().with_request_modifier(move |mut request| {
            request.headers_mut().insert("X-Registry-Auth", value.clone());
            request
        })
    }

    /// The HTTP client, for requests of our own.
    pub(crate) fn http(&self) -> &HttpClient {
        &self.http
    }

    /// The engine's API version is at least this.
    pub(crate) fn at_least(&self, major: u32, minor: u32) -> bool {
        self.ping.api >= (major, minor)
    }
}

fn client(http: &HttpClient, version: (u32, u32)) -> Result<Docker> {
    let http = http.clone();
    let send = move |mut request: BollardRequest| {
        let http = http.clone();
        let uri = versioned(request.uri(), version);
        async move {
            *request.uri_mut() = uri?;
            Ok(http.request(request).await?)
        }
    };
    let known = ClientVersion { major_version: version.0 as usize, minor_version: version.1 as usize };
    Docker::connect_with_custom_transport(send, Some(BASE), PATIENCE, &known)
}

/// bollard joins path and version such that the path alone is left; without a version an engine answers in its newest.
fn versioned(uri: &Uri, (major, minor): (u32, u32)) -> Result<Uri> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if path.starts_with("/v1.") {
        return Ok(uri.clone());
    }
    Ok(format!("{BASE}/v{major}.{minor}{path}").parse::<Uri>()?)
}

fn read_ping(headers: &hyper::HeaderMap) -> Ping {
    let newest = bollard::API_DEFAULT_VERSION;
    let newest = (newest.major_version as u32, newest.minor_version as u32);
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ping {
        api: parse_version(header("api-version")).map_or((1, 41), |version| version.min(newest)),
        engine: engine_version(header("server")),
        os: if header("ostype").is_empty() { "linux".to_owned() } else { header("ostype").to_owned() },
        swarm: header("swarm").starts_with("active"),
    }
}

/// `1.51` as numbers.
pub(crate) fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// `28.5.2` of `Docker/28.5.2 (linux)`.
fn engine_version(server: &str) -> String {
    let product = server.split_whitespace().next().unwrap_or_default();
    product.split_once('/').map_or(product, |(_, version)| version).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_version_of_docker_and_podman() {
        assert_eq!(engine_version("Docker/28.5.2+dfsg4 (linux)"), "28.5.2+dfsg4");
        assert_eq!(engine_version("Libpod/4.3.1 (linux)"), "4.3.1");
        assert_eq!(engine_version(""), "");
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(parse_version("1.51"), Some((1, 51)));
        assert!(parse_version("1.9") < parse_version("1.41"));
        assert_eq!(parse_version("x"), None);
    }

    #[test]
    fn every_request_names_the_negotiated_version() {
        let versioned = |uri: &str| versioned(&uri.parse().unwrap(), (1, 51)).unwrap().to_string();
        assert_eq!(versioned("http://docker/containers/a/stop?t=1"), "http://docker/v1.51/containers/a/stop?t=1");
        assert_eq!(versioned("http://docker/v1.51/info"), "http://docker/v1.51/info");
    }
}
