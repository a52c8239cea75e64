//! The requests that a load is made of.

use std::time::Duration;

use serde_json::{Value as Json, json};
use windlass_plugin::http::{Request, Response};
use windlass_plugin::{Context, Failure, Target, failure};

use crate::mapping;
use crate::settings::Settings;

/// Answers to bulk requests are the largest.
const MAX_ANSWER: usize = 16 << 20;

/// What answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    /// `6.3.2`.
    pub(crate) number: String,
    pub(crate) opensearch: bool,
}

impl Version {
    fn part(&self, index: usize) -> u32 {
        self.number.split('.').nth(index).and_then(|part| part.parse().ok()).unwrap_or(0)
    }

    /// Elasticsearch before 7 puts documents under a mapping type.
    pub(crate) fn has_types(&self) -> bool {
        !self.opensearch && self.part(0) < 7
    }

    /// Type where the user names none; before 6.2 it could not start with an underscore.
    pub(crate) fn default_type(&self) -> &'static str {
        if (self.part(0), self.part(1)) < (6, 2) { "doc" } else { "_doc" }
    }
}

/// What is known of the index.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum IndexState {
    Absent,
    /// Made by us.
    Ours,
    /// Made by somebody else, with so many documents.
    Foreign(u64),
    /// The name is an alias of this index.
    Alias(String),
}

/// The server of a load.
pub(crate) struct Server<'a> {
    ctx: &'a Context<'a>,
    scheme: String,
    authority: String,
    index: String,
    timeout: Duration,
}

impl<'a> Server<'a> {
    pub(crate) fn new(ctx: &'a Context<'a>, target: &Target, settings: &Settings) -> Result<Self, Failure> {
        let (host, port) = target.endpoint(Some(settings.port))?;
        Ok(Self {
            ctx,
            scheme: settings.scheme.clone(),
            authority: format!("{host}:{port}"),
            index: settings.index.clone(),
            timeout: settings.timeout,
        })
    }

    fn send(&self, method: &str, path: &str, body: Option<(&str, Vec<u8>)>) -> Result<Response, Failure> {
        let request = Request::new(method, &self.scheme, &self.authority, path)
            .timeout(self.ctx.patience(self.timeout))
            .max_body(MAX_ANSWER);
        let request = match body {
            Some((content_type, bytes)) => request.body(content_type, bytes),
            None => request,
        };
        self.ctx.http.send(&request).map_err(|error| {
            let mut failure = Failure::from(error);
            failure.message = format!("{method} {path} on `{}`: {}", self.authority, failure.message);
            failure
        })
    }

    /// A request whose answer must be a success.
    fn ask(&self, method: &str, path: &str, body: Option<(&str, Vec<u8>)>) -> Result<Json, Failure> {
        let response = self.send(method, path, body)?;
        if response.is_success() {
            return response.json().ok_or_else(|| self.refused(method, path, &response));
        }
        Err(self.refused(method, path, &response))
    }

    /// The server's own words about a request that it refused.
    pub(crate) fn refused(&self, method: &str, path: &str, response: &Response) -> Failure {
        let json = response.json().unwrap_or_default();
        let text = |pointer: &str| json.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
        let reason = match (text("/error/type"), text("/error/reason")) {
            (Some(kind), Some(reason)) => format!("{kind}: {reason}"),
            _ => response.excerpt(),
        };
        let path = path.split('?').next().unwrap_or(path);
        let failure = failure(format!("{method} {path} was answered with {}: {reason}", response.status));
        match response.status {
            413 => failure.hint("the request is too large for the server: lower `batch-bytes`"),
            401 | 403 => failure.hint("for a stack on your own machine, set `xpack.security.enabled=false`"),
            408 | 429 | 500..=599 => failure.retryable(),
            _ => failure,
        }
    }

    /// # Errors
    /// When it does not answer, or is not Elasticsearch.
    pub(crate) fn version(&self) -> Result<Version, Failure> {
        let info = self.ask("GET", "/", None)?;
        let text = |pointer: &str| info.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
        let number = text("/version/number").ok_or_else(|| {
            failure(format!("`{}` answers, but not as Elasticsearch does", self.authority))
                .hint("is this the right service, and the port of its HTTP API?")
        })?;
        Ok(Version { number, opensearch: text("/version/distribution").as_deref() == Some("opensearch") })
    }

    pub(crate) fn index_state(&self) -> Result<IndexState, Failure> {
        let path = format!("/{}/_mapping", self.index);
        let response = self.send("GET", &path, None)?;
        if response.status == 404 {
            return Ok(IndexState::Absent);
        }
        let Some(Json::Object(indexes)) = response.json().filter(|_| response.is_success()) else {
            return Err(self.refused("GET", &path, &response));
        };
        match indexes.get(&self.index) {
            Some(index) if mapping::is_marked(&index["mappings"]) => Ok(IndexState::Ours),
            Some(_) => Ok(IndexState::Foreign(self.count()?)),
            None => Ok(IndexState::Alias(indexes.keys().cloned().collect::<Vec<_>>().join(", "))),
        }
    }

    pub(crate) fn create(&self, body: &Json) -> Result<(), Failure> {
        let body = Some(("application/json", body.to_string().into_bytes()));
        let failed = |failure: Failure| match failure.message.contains("resource_already_exists_exception") {
            true => Failure { retryable: true, ..failure }
                .hint("something wrote to the index at the same moment; the next `windlass up` loads it again"),
            false => failure,
        };
        self.ask("PUT", &format!("/{}", self.index), body).map(drop).map_err(failed)
    }

    pub(crate) fn delete(&self) -> Result<(), Failure> {
        self.ask("DELETE", &format!("/{}", self.index), None).map(drop)
    }

    /// Sends a bulk body. Any status is an answer.
    pub(crate) fn bulk(&self, kind: Option<&str>, body: Vec<u8>) -> Result<Response, Failure> {
        self.send("POST", &self.bulk_path(kind), Some(("application/x-ndjson", body)))
    }

    pub(crate) fn bulk_path(&self, kind: Option<&str>) -> String {
        let kind = kind.map(|kind| format!("/{kind}")).unwrap_or_default();
        format!("/{}{kind}/_bulk?filter_path=items.*.status,items.*.error", self.index)
    }

    /// Makes all that was written visible, and counts it.
    pub(crate) fn refresh_and_count(&self) -> Result<u64, Failure> {
        self.ask("POST", &format!("/{}/_refresh", self.index), None)?;
        self.count()
    }

    fn count(&self) -> Result<u64, Failure> {
        let path = format!("/{}/_count", self.index);
        let body = json!({ "query": { "match_all": {} } }).to_string().into_bytes();
        let answer = self.ask("POST", &path, Some(("application/json", body)))?;
        answer["count"].as_u64().ok_or_else(|| failure(format!("POST {path} was answered without a count")))
    }
}
