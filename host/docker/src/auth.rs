//! Registry credentials: from the client's settings or a credential helper, as the `X-Registry-Auth` header wants them.

use std::collections::BTreeMap;
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use serde::Serialize as _;
use serde_json::{Value as Json, json};
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

/// A client configuration with the credentials of all registries, those in helpers too, as `docker` would write it.
pub(crate) async fn all(config: &ConfigFile, environment: &[(String, String)]) -> String {
    let mut entries: BTreeMap<String, AuthEntry> = match &config.creds_store {
        None => config.auths.clone(),
        Some(store) => {
            let mut stored = BTreeMap::new();
            let listed = call(store, "list", "", environment).await.unwrap_or_default();
            for key in listed.as_object().into_iter().flat_map(serde_json::Map::keys) {
                stored.extend(ask(store, key, environment).await.map(|entry| (key.clone(), entry)));
            }
            stored
        }
    };
    for (registry, helper) in &config.cred_helpers {
        entries.extend(ask(helper, registry, environment).await.map(|entry| (registry.clone(), entry)));
    }
    let auths: serde_json::Map<String, Json> = entries.iter().map(|(key, entry)| (key.clone(), plain(entry))).collect();
    let mut text = Vec::new();
    let tabs = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, tabs);
    json!({ "auths": auths }).serialize(&mut serializer).expect("JSON can be written to memory");
    String::from_utf8(text).expect("JSON is UTF-8")
}

/// An entry of `auths`.
fn plain(entry: &AuthEntry) -> Json {
    let pair = || STANDARD.encode(format!("{}:{}", entry.username, entry.password));
    let auth = if entry.auth.is_empty() && !entry.username.is_empty() { pair() } else { entry.auth.clone() };
    let fields = [("auth", &auth), ("identitytoken", &entry.identitytoken), ("registrytoken", &entry.registrytoken)];
    let given = fields.into_iter().filter(|(_, value)| !value.is_empty());
    given.map(|(name, value)| (name.to_owned(), Json::from(value.clone()))).collect::<serde_json::Map<_, _>>().into()
}

/// Runs a credential helper.
async fn call(helper: &str, verb: &str, input: &str, environment: &[(String, String)]) -> Option<Json> {
    let mut command = tokio::process::Command::new(format!("docker-credential-{helper}"));
    command.arg(verb).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    if !environment.is_empty() {
        command.env_clear().envs(environment.iter().cloned());
    }
    let mut child = command.spawn().ok()?;
    child.stdin.take()?.write_all(input.as_bytes()).await.ok()?;
    let output = child.wait_with_output().await.ok()?;
    serde_json::from_slice(&output.stdout).ok()
}

async fn ask(helper: &str, key: &str, environment: &[(String, String)]) -> Option<AuthEntry> {
    let answer = call(helper, "get", key, environment).await?;
    let text = |name: &str| answer.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
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
    URL_SAFE.encode(json.to_string())
}

fn decode_pair(auth: &str) -> Option<(String, String)> {
    if auth.is_empty() {
        return None;
    }
    let text = String::from_utf8(unbase64(auth)?).ok()?;
    let (username, password) = text.split_once(':')?;
    Some((username.to_owned(), password.trim_end_matches('\0').to_owned()))
}

/// As other tools may have written it: with or without padding, in either alphabet.
fn unbase64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    URL_SAFE_NO_PAD.decode(text).ok()
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

    #[tokio::test]
    async fn all_credentials_as_a_configuration() {
        let config: ConfigFile = serde_json::from_str(
            r#"{"auths":{"r":{"username":"u?","password":"p>"},"a":{"auth":"dTpw","identitytoken":"t"}},"currentContext":"x"}"#,
        )
        .unwrap();
        let text = all(&config, &[]).await;
        let expected = "{\n\t\"auths\": {\n\t\t\"a\": {\n\t\t\t\"auth\": \"dTpw\",\n\t\t\t\"identitytoken\": \"t\"\n\t\t},\n\t\t\"r\": {\n\t\t\t\"auth\": \"dT86cD4=\"\n\t\t}\n\t}\n}";
        assert_eq!(text, expected);
        assert_eq!(all(&ConfigFile::default(), &[]).await, "{\n\t\"auths\": {}\n}");
    }

    #[test]
    fn base64_round_trip() {
        for text in ["", "a", "ab", "abc", "user:pass?>"] {
            assert_eq!(unbase64(&URL_SAFE.encode(text)).as_deref(), Some(text.as_bytes()));
        }
        assert_eq!(decode_pair("dXNlcjpwYXNz"), Some(("user".to_owned(), "pass".to_owned())));
    }
}
