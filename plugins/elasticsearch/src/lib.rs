//! Probe: Elasticsearch or OpenSearch is healthy enough, and has the index.
//!
//! Asks the cluster how it is, without `wait_for_status`: waiting is the host's business, and an answer that is held back
//! says nothing about what is missing.

mod health;

use std::time::Duration;

use health::{Health, Status};
use serde::Deserialize;
use windlass_plugin::http::{NetError, Request, Response};
use windlass_plugin::{Context, Failure, Probe, Target, Verdict, failure, never, not_yet, settings};

/// Port between nodes, which people take for the one of the API.
const TRANSPORT_PORT: u16 = 9300;

/// The plugin.
#[derive(Debug)]
pub struct Plugin;

windlass_plugin::export!(Plugin: probe);
windlass_plugin::manifest!("../manifest.json");

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Settings {
    port: u16,
    scheme: String,
    min_status: Status,
    index: Option<String>,
    #[serde(deserialize_with = "settings::duration")]
    timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            port: 9200,
            scheme: "http".to_owned(),
            min_status: Status::Yellow,
            index: None,
            timeout: Duration::from_secs(2),
        }
    }
}

impl Settings {
    /// The name becomes part of a path; a pattern would "exist" while nothing matches it.
    fn check_index(&self) -> Result<(), Failure> {
        let forbidden = |c: char| c.is_whitespace() || c.is_control() || "\\/*?\"<>|,#%".contains(c);
        match &self.index {
            Some(index) if index.is_empty() || index.contains(forbidden) => {
                Err(failure(format!("`{index}` cannot be the name of an index")).code("settings"))
            }
            _ => Ok(()),
        }
    }
}

impl Probe for Plugin {
    fn check(ctx: &Context<'_>, target: &Target) -> Result<Verdict, Failure> {
        let settings: Settings = ctx.settings()?;
        settings.check_index()?;
        let (host, port) = target.endpoint(Some(settings.port))?;
        let asking = Asking { ctx, settings: &settings, authority: format!("{host}:{port}"), port };
        match asking.run() {
            Ok(verdict) => Ok(verdict),
            Err(error) => asking.unreachable(error),
        }
    }
}

struct Asking<'a> {
    ctx: &'a Context<'a>,
    settings: &'a Settings,
    authority: String,
    port: u16,
}

impl Asking<'_> {
    fn run(&self) -> Result<Verdict, NetError> {
        let Some(index) = &self.settings.index else {
            return Ok(self.health(&self.get("GET", &format!("/_cluster/health?{}", self.patience()))?, "the cluster"));
        };
        // The health of an index that does not exist is an answer held back until its time-out: ask for the index first.
        let exists = self.get("HEAD", &format!("/{index}"))?;
        if exists.status == 404 {
            return self.missing_index(index);
        }
        let path = format!("/_cluster/health/{index}?{}", self.patience());
        Ok(self.health(&self.get("GET", &path)?, &format!("index `{index}`")))
    }

    /// Without the index the cluster may still be up, or not be Elasticsearch at all.
    fn missing_index(&self, index: &str) -> Result<Verdict, NetError> {
        let cluster = self.get("GET", &format!("/_cluster/health?{}", self.patience()))?;
        Ok(match self.health(&cluster, "the cluster") {
            Verdict::Never(why) => Verdict::Never(why),
            _ => not_yet("index", format!("index `{index}` does not exist")),
        })
    }

    fn get(&self, method: &str, path: &str) -> Result<Response, NetError> {
        let request = Request::new(method, &self.settings.scheme, &self.authority, path);
        self.ctx.http.send(&request.timeout(self.ctx.patience(self.settings.timeout)))
    }

    /// The server gives up before we do, so that its own words are heard.
    fn patience(&self) -> String {
        let half = self.ctx.patience(self.settings.timeout) / 2;
        format!("timeout={0}ms&master_timeout={0}ms", half.as_millis().max(1))
    }

    fn health(&self, response: &Response, what: &str) -> Verdict {
        match response.status {
            401 | 403 => return login_wanted(response.status),
            502..=504 => return not_yet("status", busy(response)),
            _ => {}
        }
        match serde_json::from_slice::<Health>(&response.body) {
            Ok(health) => health.judge(what, self.settings.min_status),
            Err(_) if response.status == 408 => {
                not_yet("status", format!("the health of {what} was not known in time (408)"))
            }
            // It is up enough to answer errors in its own form: still starting.
            Err(_) if response.json().is_some_and(|json| json.get("error").is_some()) && response.status >= 429 => {
                not_yet("status", busy(response))
            }
            Err(_) => self.stranger(response),
        }
    }

    fn stranger(&self, response: &Response) -> Verdict {
        let status = response.status;
        never(format!("`{}` answers, but not as Elasticsearch does: {status} {}", self.authority, response.excerpt()))
            .hint("is this the right service, and the port of its HTTP API (`with: { port: 9200 }`)?")
    }

    fn unreachable(&self, error: NetError) -> Result<Verdict, Failure> {
        let answered_wrongly = error.step == "http";
        if self.port == TRANSPORT_PORT && answered_wrongly {
            return Ok(never(format!("port {TRANSPORT_PORT} is for traffic between nodes; it does not speak HTTP"))
                .hint("use the port of the HTTP API: `with: { port: 9200 }`"));
        }
        let closed = answered_wrongly && error.reason.contains("closed");
        let verdict = error.into_verdict()?;
        if closed && self.settings.scheme == "http" {
            return Ok(verdict.hint("if this Elasticsearch has security on, it wants `with: { scheme: https }`"));
        }
        Ok(verdict)
    }
}

fn login_wanted(status: u16) -> Verdict {
    never(format!("Elasticsearch wants a login (status {status})"))
        .hint("for a stack on your own machine, set `xpack.security.enabled=false` in its `environment`")
}

/// `503: master_not_discovered_exception`, in words where it is well known.
fn busy(response: &Response) -> String {
    let kind = response.json().and_then(|json| json.pointer("/error/type")?.as_str().map(str::to_owned));
    match kind.as_deref() {
        Some("master_not_discovered_exception") => "no master has been elected yet".to_owned(),
        Some(kind) => format!("it answered {}: {kind}", response.status),
        None => format!("it answered {}: {}", response.status, response.excerpt()),
    }
}

#[cfg(test)]
mod tests;
