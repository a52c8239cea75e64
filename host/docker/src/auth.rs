//! Registry credentials: from the client's settings or a credential helper, as the `X-Registry-Auth` header wants them.

use std::process::Stdio;

use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use crate::config_file::{AuthEntry, ConfigFile};

/// Key of Docker Hub in the client's settings.
const HUB: &str = "https://index.docker.io/v1/";

/// The header's value for an image; `None`: nothing is known, so the pull is anonymous.
pub(crate) async fn header(config: &ConfigFile, environment: &[(String, String)], image: &str) -> Option<String> {
    let registry = registry_of(image);
    let key = if registry == "docker.io" { HUB } else { registry };
    let helper = config.cred_helpers.get(registry).or(config.creds_store.as_ref());
    let entry = match helper {
        Some(helper) => ask(helper, key, environment).await,
        None => config.auths.get(key).or_else(|| config.auths.get(&format!("https://{key}"))).cloned(),
    };
    entry.map(|entry| encode(&entry, key))
}

/// Registry of a reference: the part before the first slash, when it looks like a host.
fn registry_of(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "docker.io",
    }
}

async fn ask(helper: &str, key: &str, environment: &[(String, String)]) -> Option<AuthEntry> {
    let mut command = tokio::process::Command::new(format!("docker-credential-{helper}"));
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    if !environment.is_empty() {
        command.env_clear().envs(environment.iter().cloned());
    }
    let mut child = command.spawn().ok()?;
    child.stdin.take()?.write_all(key.as_bytes()).await.ok()?;
    let output = child.wait_with_output().await.ok()?;
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    let text = |name: &str| answer.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let (username, secret) = (text("Username"), text("Secret"));
    Some(if username == "<token>" {
        AuthEntry { identitytoken: secret, ..AuthEntry::default() }
    } else {
        AuthEntry { username, password: secret, ..AuthEntry::default() }
    })
}

fn encode(entry: &AuthEntry, key: &str) -> String {
    let (username, password) =
        decode_pair(&entry.auth).unwrap_or_else(|| (entry.username.clone(), entry.password.clone()));
    let json = json!({
        "username": username,
        "password": password,
        "serveraddress": key,
        "identitytoken": entry.identitytoken,
        "registrytoken": entry.registrytoken,
    });
    base64_url(json.to_string().as_bytes())
}

fn decode_pair(auth: &str) -> Option<(String, String)> {
    if auth.is_empty() {
        return None;
    }
    let text = String::from_utf8(unbase64(auth)?).ok()?;
    let (username, password) = text.split_once(':')?;
    Some((username.to_owned(), password.trim_end_matches('\0').to_owned()))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn base64_url(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 4 / 3 + 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for index in 0..4 {
            let digit = (group >> (18 - 6 * index)) & 63;
            text.push(if index > chunk.len() { '=' } else { char::from(ALPHABET[digit as usize]) });
        }
    }
    text
}

fn unbase64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut group, mut bits) = (0_u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let byte = match byte {
            b'+' => b'-',
            b'/' => b'_',
            other => other,
        };
        let digit = ALPHABET.iter().position(|letter| *letter == byte)?;
        group = group << 6 | u32::try_from(digit).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(group >> bits & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries() {
        assert_eq!(registry_of("busybox"), "docker.io");
        assert_eq!(registry_of("team/app:1"), "docker.io");
        assert_eq!(registry_of("localhost:5000/app"), "localhost:5000");
        assert_eq!(registry_of("docker.elastic.co/elasticsearch/elasticsearch:6.3.2"), "docker.elastic.co");
    }

    #[test]
    fn base64_round_trip() {
        for text in ["", "a", "ab", "abc", "user:pass?>"] {
            assert_eq!(unbase64(&base64_url(text.as_bytes())).as_deref(), Some(text.as_bytes()));
        }
        assert_eq!(decode_pair("dXNlcjpwYXNz"), Some(("user".to_owned(), "pass".to_owned())));
    }
}
