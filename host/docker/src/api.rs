//! The engine's API: requests over the transport's client with one negotiated version; bollard's models and errors.

use bollard::errors::Error;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, UPGRADE};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::transport::{Body, HttpClient};

/// Result of a call, in bollard's error type.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Newest API whose models this crate's client knows.
const NEWEST: (u32, u32) = (1, 53);
/// URI base: the connector ignores the host, the engine does too.
const BASE: &str = "http://docker";

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
pub(crate) struct Api {
    /// What the engine said of itself.
    pub(crate) ping: Ping,
    http: HttpClient,
}

impl Api {
    /// Asks the engine for its version (the one round trip that connecting costs).
    pub(crate) async fn negotiate(http: HttpClient) -> Result<Self> {
        let request = request(Method::HEAD, format!("{BASE}/_ping"), empty())?;
        let response = accept(http.request(request).await?).await?;
        let ping = read_ping(&response);
        Ok(Self { ping, http })
    }

    /// The engine's API version is at least this.
    pub(crate) fn at_least(&self, major: u32, minor: u32) -> bool {
        self.ping.api >= (major, minor)
    }

    /// GET, decoded from JSON.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T> {
        let response = self.send(Method::GET, path, query, empty()).await?;
        decode(&collect(response).await?)
    }

    /// POST of JSON, answer decoded from JSON.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        body: &impl Serialize,
    ) -> Result<T> {
        let body = full(serde_json::to_vec(body)?);
        let response = self.send(Method::POST, path, query, body).await?;
        decode(&collect(response).await?)
    }

    /// Any request with a body; resolves when the engine answers with headers.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Body,
    ) -> Result<Response<Incoming>> {
        self.execute(request(method, self.uri(path, query), body)?).await
    }

    /// A request made by the caller (own headers).
    pub(crate) async fn execute(&self, request: Request<Body>) -> Result<Response<Incoming>> {
        accept(self.http.request(request).await?).await
    }

    /// POST that turns the connection into a byte stream in both directions.
    pub(crate) async fn hijack(
        &self,
        path: &str,
        query: &[(&str, &str)],
        body: &impl Serialize,
    ) -> Result<TokioIo<hyper::upgrade::Upgraded>> {
        let mut request = request(Method::POST, self.uri(path, query), full(serde_json::to_vec(body)?))?;
        request.headers_mut().insert(CONNECTION, hyper::header::HeaderValue::from_static("Upgrade"));
        request.headers_mut().insert(UPGRADE, hyper::header::HeaderValue::from_static("tcp"));
        let response = self.execute(request).await?;
        Ok(TokioIo::new(hyper::upgrade::on(response).await?))
    }

    /// Absolute URI of a path.
    pub(crate) fn uri(&self, path: &str, query: &[(&str, &str)]) -> String {
        let (major, minor) = self.ping.api;
        format!("{BASE}/v{major}.{minor}{path}{}", encode_query(query))
    }
}

/// A body of known size.
pub(crate) fn full(bytes: Vec<u8>) -> Body {
    bollard::body_full(bytes.into())
}

/// No body.
pub(crate) fn empty() -> Body {
    bollard::body_full(Bytes::new())
}

/// A request with the headers that every call has.
pub(crate) fn request(method: Method, uri: String, body: Body) -> Result<Request<Body>> {
    Ok(Request::builder()
        .method(method)
        .uri(uri)
        .header(HOST, "docker")
        .header(CONTENT_TYPE, "application/json")
        .body(body)?)
}

/// The body as pieces.
pub(crate) fn pieces(response: Response<Incoming>) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    response.into_body().into_data_stream().map_err(std::io::Error::other)
}

/// The body as JSON values, one a line.
pub(crate) fn json_lines<T: DeserializeOwned + Send + 'static>(
    response: Response<Incoming>,
) -> impl Stream<Item = Result<T>> + Send + 'static {
    let codec = tokio_util::codec::LinesCodec::new();
    let reader = tokio_util::io::StreamReader::new(Box::pin(pieces(response)));
    tokio_util::codec::FramedRead::new(reader, codec).filter_map(async |line| match line {
        Ok(line) if line.trim().is_empty() => None,
        Ok(line) => Some(decode(line.as_bytes())),
        Err(error) => Some(Err(Error::IOError { err: std::io::Error::other(error) })),
    })
}

async fn accept(response: Response<Incoming>) -> Result<Response<Incoming>> {
    let status = response.status();
    let fine = status.is_success() || status == StatusCode::NOT_MODIFIED || status == StatusCode::SWITCHING_PROTOCOLS;
    if fine {
        return Ok(response);
    }
    let body = collect(response).await?;
    Err(Error::DockerResponseServerError { status_code: status.as_u16(), message: message_of(&body) })
}

/// Engines answer errors as `{"message": …}`; proxies and old ones as text.
fn message_of(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Answer {
        message: String,
    }
    match serde_json::from_slice::<Answer>(body) {
        Ok(answer) => answer.message,
        Err(_) => String::from_utf8_lossy(body).trim().to_owned(),
    }
}

async fn collect(response: Response<Incoming>) -> Result<Bytes> {
    Ok(response.into_body().collect().await?.to_bytes())
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    Ok(serde_json::from_slice(bytes)?)
}

fn read_ping(response: &Response<Incoming>) -> Ping {
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ping {
        api: parse_version(header("api-version")).map_or((1, 41), |version| version.min(NEWEST)),
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

fn encode_query(query: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = query.iter().map(|(key, value)| format!("{key}={}", percent_encode(value))).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

/// Text as one part of a path or query.
pub(crate) fn percent_encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a String cannot fail");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_values_are_encoded() {
        assert_eq!(encode_query(&[]), "");
        assert_eq!(
            encode_query(&[("filters", r#"{"a":["b c"]}"#), ("all", "1")]),
            "?filters=%7B%22a%22%3A%5B%22b%20c%22%5D%7D&all=1"
        );
    }

    #[test]
    fn engine_version_of_docker_and_podman() {
        assert_eq!(engine_version("Docker/28.5.2+dfsg4 (linux)"), "28.5.2+dfsg4");
        assert_eq!(engine_version("Libpod/4.3.1 (linux)"), "4.3.1");
        assert_eq!(engine_version(""), "");
    }

    #[test]
    fn error_text_with_and_without_json() {
        assert_eq!(message_of(br#"{"message":"no such thing"}"#), "no such thing");
        assert_eq!(message_of(b"404 page not found\n"), "404 page not found");
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(parse_version("1.51"), Some((1, 51)));
        assert!(parse_version("1.9") < parse_version("1.41"));
        assert_eq!(parse_version("x"), None);
    }
}
