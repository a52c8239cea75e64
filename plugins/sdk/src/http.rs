//! A small HTTP client.

mod wasi;

use std::time::Duration;

pub use crate::net::NetError;
pub(crate) use wasi::Deadline;
pub use wasi::WasiHttp;

/// Sends requests.
pub trait Http {
    /// Sends one request and reads the whole answer. Redirects are not followed.
    ///
    /// # Errors
    /// When there is no complete answer; any status is an answer.
    fn send(&self, request: &Request) -> Result<Response, NetError>;
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// `http` or `https`.
    pub scheme: String,
    /// `host:port`.
    pub authority: String,
    /// Path with query, starting with `/`.
    pub path: String,
    /// In order. `Host` is set by the host and may not be given.
    pub headers: Vec<(String, String)>,
    /// Empty: no body.
    pub body: Vec<u8>,
    /// For all of it: name look-up to the last byte of the answer.
    pub timeout: Duration,
    /// Bytes of the answer's body that are kept; what is beyond is not read.
    pub max_body: usize,
}

impl Request {
    /// A request with the defaults: no headers, no body, 10 s, 1 MiB of answer.
    pub fn new(method: &str, scheme: &str, authority: &str, path: &str) -> Self {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Self {
            method: method.to_owned(),
            scheme: scheme.to_owned(),
            authority: authority.to_owned(),
            path,
            headers: Vec::new(),
            body: Vec::new(),
            timeout: Duration::from_secs(10),
            max_body: 1 << 20,
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets body and content type.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: Vec<u8>) -> Self {
        self.body = body;
        self.header("content-type", content_type)
    }

    /// Sets the limit for all of it.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how much of the answer is kept.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// At most [`Request::max_body`] bytes.
    pub body: Vec<u8>,
}

impl Response {
    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body as JSON; none when it is not.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The start of the body on one line, for messages.
    pub fn excerpt(&self) -> String {
        let text = self.text();
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(200) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_always_start_with_a_slash() {
        assert_eq!(Request::new("GET", "http", "es:9200", "_cat").path, "/_cat");
        assert_eq!(Request::new("GET", "http", "es:9200", "/").path, "/");
    }

    #[test]
    fn excerpts_are_one_short_line() {
        let answer = |body: &str| Response { body: body.as_bytes().to_vec(), ..Response::default() }.excerpt();
        assert_eq!(answer("{\n  \"a\": 1\n}\n"), "{ \"a\": 1 }");
        assert_eq!(answer(&"ä".repeat(300)).chars().count(), 201);
    }
}
