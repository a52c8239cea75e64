//! HTTP over `wasi:http`.

use std::time::Duration;

use super::{Http, NetError, Request, Response};
use crate::bindings::imports::wasi::clocks::monotonic_clock::{self, subscribe_duration};
use crate::bindings::imports::wasi::http::outgoing_handler;
use crate::bindings::imports::wasi::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    RequestOptions, Scheme,
};
use crate::bindings::imports::wasi::io::poll::{Pollable, poll};
use crate::bindings::imports::wasi::io::streams::StreamError;

/// The real network.
#[derive(Debug, Clone, Copy)]
pub struct WasiHttp;

impl Http for WasiHttp {
    fn send(&self, request: &Request) -> Result<Response, NetError> {
        let deadline = Deadline::after(request.timeout);
        let outgoing = build(request)?;
        let body = if request.body.is_empty() { None } else { Some(outgoing.body().map_err(|()| internal("body"))?) };
        let future = outgoing_handler::handle(outgoing, Some(options(request.timeout)))
            .map_err(|code| explain(&code, &request.authority))?;
        if let Some(body) = body {
            write_body(body, &request.body, &deadline)?;
        }
        let response = wait(&future, &deadline, &request.authority)?;
        read_response(&response, request.max_body, &deadline)
    }
}

/// A point in time that ends every wait.
pub(crate) struct Deadline {
    at: u64,
    limit: Duration,
}

impl Deadline {
    pub(crate) fn after(limit: Duration) -> Self {
        Self { at: monotonic_clock::now().saturating_add(nanos(limit)), limit }
    }

    /// Waits for the pollable; an error of `step` when the deadline comes first.
    pub(crate) fn wait(&self, pollable: &Pollable, step: &'static str, what: &str) -> Result<(), NetError> {
        let timer = subscribe_duration(self.at.saturating_sub(monotonic_clock::now()));
        if poll(&[pollable, &timer]).contains(&0) {
            return Ok(());
        }
        Err(NetError::new(step, format!("{what} within {} ms", self.limit.as_millis())))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn build(request: &Request) -> Result<OutgoingRequest, NetError> {
    let mut headers: Vec<(String, Vec<u8>)> =
        request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone().into_bytes())).collect();
    if !request.body.is_empty() {
        headers.push(("content-length".to_owned(), request.body.len().to_string().into_bytes()));
    }
    let fields = Fields::from_list(&headers).map_err(|error| NetError::new("http", format!("bad header: {error}")))?;
    let outgoing = OutgoingRequest::new(fields);
    let refused = |part: &str| NetError::new("http", format!("`{part}` cannot be used in a request"));
    outgoing.set_method(&method(&request.method)).map_err(|()| refused(&request.method))?;
    outgoing.set_scheme(Some(&scheme(&request.scheme))).map_err(|()| refused(&request.scheme))?;
    outgoing.set_authority(Some(&request.authority)).map_err(|()| refused(&request.authority))?;
    outgoing.set_path_with_query(Some(&request.path)).map_err(|()| refused(&request.path))?;
    Ok(outgoing)
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

fn scheme(name: &str) -> Scheme {
    match name {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    }
}

fn options(timeout: Duration) -> RequestOptions {
    let options = RequestOptions::new();
    // A host that does not know one of these only has the deadline below.
    options.set_connect_timeout(Some(nanos(timeout))).unwrap_or_default();
    options.set_first_byte_timeout(Some(nanos(timeout))).unwrap_or_default();
    options.set_between_bytes_timeout(Some(nanos(timeout))).unwrap_or_default();
    options
}

/// Writes the body. A peer that closes early has answered already: its answer says why.
fn write_body(body: OutgoingBody, mut bytes: &[u8], deadline: &Deadline) -> Result<(), NetError> {
    let stream = body.write().map_err(|()| internal("body stream"))?;
    let ready = stream.subscribe();
    while !bytes.is_empty() {
        let Ok(room) = stream.check_write() else { break };
        if room == 0 {
            deadline.wait(&ready, "http", "the request was not taken")?;
            continue;
        }
        let (now, later) = bytes.split_at(bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
        if stream.write(now).is_err() {
            break;
        }
        bytes = later;
    }
    if bytes.is_empty() && stream.flush().is_ok() {
        deadline.wait(&ready, "http", "the request was not taken")?;
    }
    drop(ready);
    drop(stream);
    // An error here means that the peer went away, which waiting for its answer reports better.
    OutgoingBody::finish(body, None).unwrap_or_default();
    Ok(())
}

fn wait(future: &FutureIncomingResponse, deadline: &Deadline, authority: &str) -> Result<IncomingResponse, NetError> {
    deadline.wait(&future.subscribe(), "http", "no answer")?;
    match future.get() {
        Some(Ok(Ok(response))) => Ok(response),
        Some(Ok(Err(code))) => Err(explain(&code, authority)),
        Some(Err(())) | None => Err(internal("answer")),
    }
}

fn read_response(response: &IncomingResponse, max: usize, deadline: &Deadline) -> Result<Response, NetError> {
    let headers = response.headers().entries().into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
    let mut answer = Response { status: response.status(), headers: headers.collect(), body: Vec::new() };
    let body = response.consume().map_err(|()| internal("answer body"))?;
    read_body(&body, max, deadline, &mut answer.body)?;
    Ok(answer)
}

fn read_body(body: &IncomingBody, max: usize, deadline: &Deadline, into: &mut Vec<u8>) -> Result<(), NetError> {
    let stream = body.stream().map_err(|()| internal("answer stream"))?;
    while into.len() < max {
        deadline.wait(&stream.subscribe(), "http", "the answer was not complete")?;
        match stream.read(64 * 1024) {
            Ok(bytes) => into.extend_from_slice(&bytes),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(NetError::new("http", format!("the answer broke off: {}", error.to_debug_string())));
            }
        }
    }
    into.truncate(max);
    Ok(())
}

fn internal(what: &str) -> NetError {
    NetError::new("http", format!("the host gave no {what}"))
}

/// Which protocol step an error code belongs to, in words.
fn explain(code: &ErrorCode, authority: &str) -> NetError {
    let unknown = || format!("the name of `{authority}` is not known");
    match code {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => NetError::denied(authority),
        ErrorCode::DnsTimeout => NetError::new("dns", "name look-up timed out"),
        ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => NetError::new("dns", unknown()),
        ErrorCode::ConnectionRefused => NetError::new("connect", "connection refused"),
        ErrorCode::ConnectionTimeout => NetError::new("connect", "connection timed out"),
        ErrorCode::DestinationUnavailable | ErrorCode::DestinationIpUnroutable | ErrorCode::ConnectionLimitReached => {
            NetError::new("connect", format!("`{authority}` cannot be reached"))
        }
        ErrorCode::TlsProtocolError => NetError::new("tls", "the peer does not speak TLS as expected"),
        ErrorCode::TlsCertificateError => NetError::new("tls", "the certificate is not trusted"),
        ErrorCode::TlsAlertReceived(_) => NetError::new("tls", "the peer refused the TLS handshake"),
        ErrorCode::ConnectionTerminated => NetError::new("http", "the connection was closed before an answer came"),
        ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout => NetError::new("http", "no answer in time"),
        ErrorCode::HttpProtocolError => NetError::new("http", "the answer is not HTTP"),
        ErrorCode::InternalError(Some(text)) => NetError::new("http", text.clone()),
        other => NetError::new("http", other.to_string()),
    }
}
