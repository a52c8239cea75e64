//! Probe: a TCP port accepts connections, and says what is expected.

use std::time::Duration;

use serde::Deserialize;
use windlass_plugin::tcp::TcpStream;
use windlass_plugin::{Context, Failure, Probe, Target, Verdict, not_yet, settings};

/// Bytes of a greeting that are looked at.
const MAX_GREETING: usize = 64 * 1024;

/// The plugin.
#[derive(Debug)]
pub struct Plugin;

windlass_plugin::export!(Plugin: probe);
windlass_plugin::manifest!("../manifest.json");

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Settings {
    port: Option<u16>,
    banner: Option<String>,
    #[serde(deserialize_with = "settings::duration")]
    timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { port: None, banner: None, timeout: Duration::from_secs(2) }
    }
}

impl Probe for Plugin {
    fn check(ctx: &Context<'_>, target: &Target) -> Result<Verdict, Failure> {
        let settings: Settings = ctx.settings()?;
        let (host, port) = target.endpoint(settings.port)?;
        let timeout = ctx.patience(settings.timeout);
        match (ctx.tcp.connect(&host, port, timeout), &settings.banner) {
            (Err(error), _) => error.into_verdict(),
            (Ok(_), None) => Ok(Verdict::Ready),
            (Ok(mut stream), Some(banner)) => Ok(await_banner(stream.as_mut(), banner, timeout)),
        }
    }
}

/// Reads until the text appears.
fn await_banner(stream: &mut dyn TcpStream, banner: &str, timeout: Duration) -> Verdict {
    let mut greeting = Vec::new();
    while greeting.len() < MAX_GREETING {
        match stream.read(MAX_GREETING, timeout) {
            Ok(bytes) if bytes.is_empty() => return not_yet("banner", closed(&greeting, banner)),
            Ok(bytes) => greeting.extend_from_slice(&bytes),
            Err(error) => return not_yet("banner", format!("{}; {}", error.reason, heard(&greeting, banner))),
        }
        if contains(&greeting, banner) {
            return Verdict::Ready;
        }
    }
    not_yet("banner", heard(&greeting, banner))
}

fn contains(greeting: &[u8], banner: &str) -> bool {
    greeting.windows(banner.len().max(1)).any(|window| window == banner.as_bytes())
}

fn closed(greeting: &[u8], banner: &str) -> String {
    format!("the peer closed the connection; {}", heard(greeting, banner))
}

fn heard(greeting: &[u8], banner: &str) -> String {
    if greeting.is_empty() {
        return format!("it sent nothing where `{banner}` was expected");
    }
    let text = String::from_utf8_lossy(&greeting[..greeting.len().min(80)]);
    format!("it sent `{}` where `{banner}` was expected", text.trim().escape_debug())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use windlass_plugin::testing::{World, target};

    use super::*;

    fn check(settings: &Value, banner: Option<&[&str]>, closes: bool) -> Result<Verdict, Failure> {
        let mut world = World::new(settings);
        world.tcp.banner = banner.map(|pieces| pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect());
        world.tcp.closes = closes;
        let verdict = Plugin::check(&world.context(), &target("db"));
        if verdict.is_ok() {
            assert_eq!(*world.tcp.dialled.borrow(), [("db".to_owned(), 5432)]);
        }
        verdict
    }

    #[test]
    fn a_connection_is_enough() {
        assert_eq!(check(&json!({"port": 5432}), Some(&[]), false).unwrap(), Verdict::Ready);
    }

    #[test]
    fn nobody_listening_is_not_yet_at_connect() {
        let verdict = check(&json!({"port": 5432}), None, false).unwrap();
        assert_eq!(verdict, not_yet("connect", "connection refused"));
    }

    #[test]
    fn a_banner_may_come_in_pieces() {
        let settings = json!({"port": 5432, "banner": "220 ready"});
        assert_eq!(check(&settings, Some(&["220 re", "ady\r\n"]), false).unwrap(), Verdict::Ready);
        let Verdict::NotYet(pending) = check(&settings, Some(&["421 busy\r\n"]), true).unwrap() else { panic!() };
        assert_eq!(pending.step, "banner");
        assert_eq!(pending.reason, "the peer closed the connection; it sent `421 busy` where `220 ready` was expected");
        let Verdict::NotYet(pending) = check(&settings, Some(&[]), false).unwrap() else { panic!() };
        assert_eq!(
            pending.reason,
            "nothing was received within 2000 ms; it sent nothing where `220 ready` was expected"
        );
    }

    #[test]
    fn a_missing_port_is_a_failure_that_says_what_to_write() {
        let failure = check(&json!({}), None, false).unwrap_err();
        assert!(failure.message.contains("no port is known for `db`"), "{failure:?}");
        assert!(failure.hint.unwrap().contains("port:"));
    }

    #[test]
    fn the_manifest_names_every_setting() {
        let manifest: Value = serde_json::from_str(MANIFEST).unwrap();
        let keys: Vec<_> = manifest["settings"]["properties"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["banner", "port", "timeout"]);
    }
}
