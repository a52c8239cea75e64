//! Probe: an HTTP endpoint answers as expected.

mod status;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use status::StatusSet;
use windlass_plugin::http::{Request, Response};
use windlass_plugin::{Context, Failure, Probe, Target, Verdict, failure, not_yet, settings};

/// The plugin.
#[derive(Debug)]
pub struct Plugin;

windlass_plugin::export!(Plugin: probe);
windlass_plugin::manifest!("../manifest.json");

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Settings {
    method: String,
    scheme: String,
    port: Option<u16>,
    path: String,
    status: StatusSet,
    body_contains: Option<String>,
    headers: BTreeMap<String, String>,
    #[serde(deserialize_with = "settings::duration")]
    timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            method: "GET".to_owned(),
            scheme: "http".to_owned(),
            port: None,
            path: "/".to_owned(),
            status: StatusSet::default(),
            body_contains: None,
            headers: BTreeMap::new(),
            timeout: Duration::from_secs(2),
        }
    }
}

impl Settings {
    fn default_port(&self) -> Result<u16, Failure> {
        match (self.port, self.scheme.as_str()) {
            (Some(port), "http" | "https") => Ok(port),
            (None, "http") => Ok(80),
            (None, "https") => Ok(443),
            (_, other) => Err(failure(format!("scheme `{other}` is neither `http` nor `https`")).code("settings")),
        }
    }

    fn request(&self, target: &Target) -> Result<Request, Failure> {
        let (host, port) = target.endpoint(Some(self.default_port()?))?;
        let method = self.method.to_ascii_uppercase();
        let request = Request::new(&method, &self.scheme, &format!("{host}:{port}"), &self.path);
        Ok(self.headers.iter().fold(request, |request, (name, value)| request.header(name, value)))
    }

    fn judge(&self, response: &Response) -> Verdict {
        if !self.status.contains(response.status) {
            return not_yet("status", self.status_reason(response));
        }
        match &self.body_contains {
            Some(text) if !response.text().contains(text.as_str()) => {
                not_yet("body", format!("the body does not contain `{text}`: {}", response.excerpt()))
            }
            _ => Verdict::Ready,
        }
    }

    fn status_reason(&self, response: &Response) -> String {
        let line = format!("{} {} answered {}, not {}", self.method, self.path, response.status, self.status);
        match response.excerpt() {
            text if text.is_empty() || text.starts_with('<') => line,
            text => format!("{line}: {text}"),
        }
    }
}

impl Probe for Plugin {
    fn check(ctx: &Context<'_>, target: &Target) -> Result<Verdict, Failure> {
        let settings: Settings = ctx.settings()?;
        let request = settings.request(target)?.timeout(ctx.patience(settings.timeout));
        match ctx.http.send(&request) {
            Ok(response) => Ok(settings.judge(&response)),
            Err(error) => error.into_verdict(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use windlass_plugin::http::NetError;
    use windlass_plugin::testing::{World, target, text};

    use super::*;

    fn check(settings: &Value, status: u16, body: &'static str) -> (Verdict, Request) {
        let world = World::new(settings).answering(move |_| text(status, body));
        let verdict = Plugin::check(&world.context(), &target("web")).unwrap();
        let request = world.http.requests.borrow()[0].clone();
        (verdict, request)
    }

    #[test]
    fn any_answer_below_400_is_ready_without_settings() {
        let (verdict, request) = check(&json!({}), 302, "");
        assert_eq!(verdict, Verdict::Ready);
        assert_eq!(
            (request.method.as_str(), request.authority.as_str(), request.path.as_str()),
            ("GET", "web:80", "/")
        );
    }

    #[test]
    fn a_wrong_status_is_told_with_what_was_expected() {
        let settings = json!({"port": 5000, "path": "/health", "status": [200, "204-206"]});
        let (verdict, _) = check(&settings, 503, "{\"state\":\n \"starting\"}");
        let reason = "GET /health answered 503, not 200, 204-206: {\"state\": \"starting\"}";
        assert_eq!(verdict, not_yet("status", reason));
    }

    #[test]
    fn the_body_is_looked_at_after_the_status() {
        let settings = json!({"body-contains": "pong"});
        assert_eq!(check(&settings, 200, "ping pong").0, Verdict::Ready);
        assert_eq!(check(&settings, 200, "starting").0, not_yet("body", "the body does not contain `pong`: starting"));
    }

    #[test]
    fn method_headers_scheme_and_target_are_used() {
        let settings = json!({"method": "head", "scheme": "https", "headers": {"X-Team": "a"}, "timeout": "500ms"});
        let world = World::new(&settings).answering(|_| text(200, ""));
        let other = Target { authority: Some("api.example.com".into()), ..target("web") };
        assert_eq!(Plugin::check(&world.context(), &other).unwrap(), Verdict::Ready);
        let request = world.http.requests.borrow()[0].clone();
        assert_eq!((request.method.as_str(), request.authority.as_str()), ("HEAD", "api.example.com:443"));
        assert_eq!(request.headers, [("X-Team".to_owned(), "a".to_owned())]);
        assert_eq!(request.timeout, Duration::from_millis(500));
    }

    #[test]
    fn the_step_that_failed_is_named_and_a_denial_is_a_failure() {
        let refused = World::new(&json!({})).answering(|_| Err(NetError::new("dns", "unknown")));
        let verdict = Plugin::check(&refused.context(), &target("web")).unwrap();
        assert_eq!(verdict, not_yet("dns", "unknown"));
        let denied = World::new(&json!({})).answering(|request| Err(NetError::denied(&request.authority)));
        let failure = Plugin::check(&denied.context(), &target("web")).unwrap_err();
        assert_eq!(failure.code.as_deref(), Some("denied"));
    }

    #[test]
    fn an_attempt_ends_before_the_call_does() {
        let mut world = World::new(&json!({"timeout": "30s"})).answering(|_| text(200, ""));
        world.host.limit = Duration::from_secs(2);
        Plugin::check(&world.context(), &target("web")).unwrap();
        assert_eq!(world.http.requests.borrow()[0].timeout, Duration::from_millis(1900));
    }

    #[test]
    fn the_manifest_names_every_setting() {
        let manifest: Value = serde_json::from_str(MANIFEST).unwrap();
        let mut keys: Vec<_> = manifest["settings"]["properties"].as_object().unwrap().keys().cloned().collect();
        keys.sort();
        assert_eq!(keys, ["body-contains", "headers", "method", "path", "port", "scheme", "status", "timeout"]);
    }
}
