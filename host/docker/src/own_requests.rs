//! Requests that bollard cannot make for us, each with its reason. All others are bollard's typed calls.
//!
//! | request | why it is our own |
//! |---|---|
//! | `HEAD /_ping` | bollard gives the body; API version, platform and swarm state are in the headers, and they spare a round trip for `/version` |
//! | `GET /containers/json`, `GET /containers/{id}/json` | bollard's models refuse a whole answer for one word they do not know (states of Podman, of newer engines) |
//! | `GET /images/{name}/json` | bollard's call has no `manifests`, which tells what a tag has for each platform |
//! | volumes: list, inspect, create | bollard reads `Status` as a list; engines send a map, and one such volume would spoil every list |
//! | `GET /events`, `GET …/logs` | bollard's streams connect when they are first polled: nobody knows when the subscription stands, and a refusal looks like output |
//! | `GET …/logs`, `exec` and `attach` with a terminal | bollard guesses from the first byte whether output is framed (a terminal may send that byte), and holds a log line back until its end |
//! | `POST /containers/create` before API 1.44 | `MacAddress` of the container itself is missing in bollard's model |
//! | `POST /networks/create` before API 1.44 | `CheckDuplicate` is missing in bollard's model |
//! | `POST /build` | bollard builds its archive header for itself; ours is streamed, and its errors name the file |

use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, ContainerCreateResponse, NetworkCreateRequest, NetworkCreateResponse};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, UPGRADE};
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use windlass_runtime::engine::LogOptions;

use crate::api::{Api, BASE, Result};
use crate::transport::{Body, HttpClient};

impl Api {
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
        execute(self.http(), request).await
    }

    /// POST that turns the connection into a byte stream in both directions.
    pub(crate) async fn hijack(
        &self,
        path: &str,
        query: &[(&str, &str)],
        body: &impl Serialize,
    ) -> Result<TokioIo<Upgraded>> {
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

/// Creates a container with its own MAC address, for engines that do not take it with the endpoint.
pub(crate) async fn create_with_mac_address(
    api: &Api,
    (name, platform): (&str, &str),
    body: &ContainerCreateBody,
    address: &str,
) -> Result<ContainerCreateResponse> {
    let mut body = serde_json::to_value(body)?;
    body["MacAddress"] = Json::from(address);
    let mut query = vec![("name", name)];
    if !platform.is_empty() {
        query.push(("platform", platform));
    }
    api.post("/containers/create", &query, &body).await
}

/// The log of a container; resolves when the engine begins to answer.
pub(crate) async fn logs(api: &Api, id: &str, options: &LogOptions) -> Result<Response<Incoming>> {
    let flag = |value: bool| if value { "1" } else { "0" };
    let mut query = vec![
        ("stdout", "1"),
        ("stderr", "1"),
        ("follow", flag(options.follow)),
        ("timestamps", flag(options.timestamps)),
    ];
    for (key, value) in [("tail", &options.tail), ("since", &options.since), ("until", &options.until)] {
        if let Some(value) = value {
            query.push((key, value));
        }
    }
    api.send(Method::GET, &format!("/containers/{id}/logs"), &query, empty()).await
}

/// Raw output of a container with a terminal.
pub(crate) async fn attach(api: &Api, id: &str) -> Result<TokioIo<Upgraded>> {
    let query = [("stream", "1"), ("stdout", "1"), ("stderr", "1")];
    api.hijack(&format!("/containers/{id}/attach"), &query, &json!({})).await
}

/// Starts a prepared command with a terminal; resolves to its raw input and output.
pub(crate) async fn exec_with_terminal(api: &Api, exec: &str) -> Result<TokioIo<Upgraded>> {
    api.hijack(&format!("/exec/{exec}/start"), &[], &json!({ "Detach": false, "Tty": true })).await
}

/// Creates a network unless one of its name exists. Newer engines see to that by themselves.
pub(crate) async fn create_network_once(api: &Api, network: &NetworkCreateRequest) -> Result<NetworkCreateResponse> {
    let mut body = serde_json::to_value(network)?;
    body["CheckDuplicate"] = Json::from(true);
    api.post("/networks/create", &[], &body).await
}

/// Makes a request; an answer that is no success is an error.
pub(crate) async fn execute(http: &HttpClient, request: Request<Body>) -> Result<Response<Incoming>> {
    accept(http.request(request).await?).await
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
    fn error_text_with_and_without_json() {
        assert_eq!(message_of(br#"{"message":"no such thing"}"#), "no such thing");
        assert_eq!(message_of(b"404 page not found\n"), "404 page not found");
    }
}
