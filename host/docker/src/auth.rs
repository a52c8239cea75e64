//! Registry credentials: from the client's settings or a credential helper, as the `X-Registry-Auth` header wants them.

use std::collections::BTreeMap;
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use serde::Serialize as _;
use serde_json::{Value as Json, json};
use tokio::io::AsyncWriteExt as _;
use windlass_model::reference::Reference;

use crate::config_file::{AuthEntry, ConfigFile};

/// Key of Docker Hub in the client's settings.
const HUB: &str = "https://index.docker.io/v1/";
/// What every helper says of a registry that it does not know.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// The header's value for an image; `None`: nothing is known, so the pull is anonymous.
///
/// # Errors
/// A credential helper that is configured for the registry does not work: an anonymous pull instead would fail with a
/// misleading answer, or bring another image.
pub(crate) async fn header(
    config: &ConfigFile,
    environment: &[(String, String)],
    image: &str,
) -> Result<Option<String>, HelperError> {
    let registry = registry_of(image);
    let registry = registry.as_str();
    let key = if registry == "docker.io" { HUB } else { registry };
    // Hub's helper may stand under its address, as `docker login` writes it, or under its name.
    let helper = config.cred_helpers.get(key).or_else(|| config.cred_helpers.get(registry));
    let helper = helper.or(config.creds_store.as_ref()).filter(|helper| !helper.is_empty());
    let entry = match helper {
        Some(helper) => ask(helper, key, environment).await?,
        None => config.auths.get(key).or_else(|| config.auths.get(&format!("https://{key}"))).cloned(),
    };
    Ok(entry.map(|entry| encode(&entry, key)))
}

/// A credential helper that does not work.
#[derive(Debug, thiserror::Error)]
#[error("credential helper `docker-credential-{helper}`: {why}")]
pub(crate) struct HelperError {
    helper: String,
    why: String,
}

/// Host of the registry that has the image. What is no reference is asked for nowhere; Hub's name stands for it.
fn registry_of(image: &str) -> String {
    Reference::parse(image).map_or_else(|| "docker.io".to_owned(), |reference| reference.registry().to_owned())
}

/// A client configuration with the credentials of all registries, those in helpers too, as `docker` would write it.
///
/// # Errors
/// A credential helper does not work.
pub(crate) async fn all(config: &ConfigFile, environment: &[(String, String)]) -> Result<String, HelperError> {
    let mut entries: BTreeMap<String, AuthEntry> = match config.creds_store.as_ref().filter(|store| !store.is_empty()) {
        None => config.auths.clone(),
        Some(store) => {
            let mut stored = BTreeMap::new();
            let listed = call(store, "list", "", environment).await?.unwrap_or_default();
            for key in listed.as_object().into_iter().flat_map(serde_json::Map::keys) {
                stored.extend(ask(store, key, environment).await?.map(|entry| (key.clone(), entry)));
            }
            stored
        }
    };
    for (registry, helper) in config.cred_helpers.iter().filter(|(_, helper)| !helper.is_empty()) {
        entries.extend(ask(helper, registry, environment).await?.map(|entry| (registry.clone(), entry)));
    }
    let auths: serde_json::Map<String, Json> = entries.iter().map(|(key, entry)| (key.clone(), plain(entry))).collect();
    let mut text = Vec::new();
    let tabs = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, tabs);
    json!({ "auths": auths }).serialize(&mut serializer).expect("JSON can be written to memory");
    Ok(String::from_utf8(text).expect("JSON is UTF-8"))
}

/// An entry of `auths`.
fn plain(entry: &AuthEntry) -> Json {
    let pair = || STANDARD.encode(format!("{}:{}", entry.username, entry.password));
    let auth = if entry.auth.is_empty() && !entry.username.is_empty() { pair() } else { entry.auth.clone() };
    let fields = [("auth", &auth), ("identitytoken", &entry.identitytoken), ("registrytoken", &entry.registrytoken)];
    let given = fields.into_iter().filter(|(_, value)| !value.is_empty());
    given.map(|(name, value)| (name.to_owned(), Json::from(value.clone()))).collect::<serde_json::Map<_, _>>().into()
}

/// Runs a credential helper; `None`: it works, and knows nothing.
async fn call(
    helper: &str,
    verb: &str,
    input: &str,
    environment: &[(String, String)],
) -> Result<Option<Json>, HelperError> {
    let failed = |why: String| HelperError { helper: helper.to_owned(), why };
    let output = run(helper, verb, input, environment).await.map_err(|error| failed(error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() {
        return serde_json::from_slice(&output.stdout).map(Some).map_err(|error| failed(error.to_string()));
    }
    // Helpers say everything on standard output, also that they know nothing.
    if said.contains(NOT_FOUND) {
        return Ok(None);
    }
    let words = if said.is_empty() { String::from_utf8_lossy(&output.stderr).trim().to_owned() } else { said };
    Err(failed(if words.is_empty() { output.status.to_string() } else { words }))
}

async fn run(
    helper: &str,
    verb: &str,
    input: &str,
    environment: &[(String, String)],
) -> std::io::Result<std::process::Output> {
    let mut command = tokio::process::Command::new(format!("docker-credential-{helper}"));
    command.arg(verb).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    if !environment.is_empty() {
        command.env_clear().envs(environment.iter().cloned());
    }
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that ends without reading its input says why in its output.
        drop(stdin.write_all(input.as_bytes()).await);
    }
    child.wait_with_output().await
}

async fn ask(helper: &str, key: &str, environment: &[(String, String)]) -> Result<Option<AuthEntry>, HelperError> {
    let Some(answer) = call(helper, "get", key, environment).await? else { return Ok(None) };
    let text = |name: &str| answer.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let (username, secret) = (text("Username"), text("Secret"));
    Ok(Some(if username == "<token>" {
        AuthEntry { identitytoken: secret, ..AuthEntry::default() }
    } else {
        AuthEntry { username, password: secret, ..AuthEntry::default() }
    }))
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
        let text = all(&config, &[]).await.unwrap();
        let expected = "{\n\t\"auths\": {\n\t\t\"a\": {\n\t\t\t\"auth\": \"dTpw\",\n\t\t\t\"identitytoken\": \"t\"\n\t\t},\n\t\t\"r\": {\n\t\t\t\"auth\": \"dT86cD4=\"\n\t\t}\n\t}\n}";
        assert_eq!(text, expected);
        assert_eq!(all(&ConfigFile::default(), &[]).await.unwrap(), "{\n\t\"auths\": {}\n}");
    }

    /// A directory with a helper `fake` that prints `output` and ends with `code`, and an environment that finds it.
    fn helper(output: &str, code: u8) -> (tempfile::TempDir, Vec<(String, String)>) {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("docker-credential-fake");
        // It says which registry it was asked for, as the user.
        let script = format!("#!/bin/sh\nread key\nprintf '{output}' \"$key\"\nexit {code}\n");
        fs_err::write(&path, script).unwrap();
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", directory.path().display(), "/usr/bin:/bin");
        (directory, vec![("PATH".to_owned(), path)])
    }

    fn decoded(header: &str) -> Json {
        assert_eq!(header.trim_end_matches('='), URL_SAFE_NO_PAD.encode(URL_SAFE.decode(header).unwrap()));
        serde_json::from_slice(&URL_SAFE.decode(header).unwrap()).unwrap()
    }

    fn config(json: &str) -> ConfigFile {
        serde_json::from_str(json).unwrap()
    }

    #[tokio::test]
    async fn hub_is_known_by_its_address() {
        // `auth` as `docker login` writes it; the password makes both special letters of base64.
        let auth = STANDARD.encode("me:>>>???");
        let config = config(&json!({ "auths": { HUB: { "auth": auth } } }).to_string());
        let told = decoded(&header(&config, &[], "team/app:1").await.unwrap().unwrap());
        assert_eq!((&told["username"], &told["password"]), (&json!("me"), &json!(">>>???")));
        assert_eq!(told["serveraddress"], HUB);
        assert_eq!(header(&config, &[], "elsewhere.example/app").await.unwrap(), None);
    }

    #[tokio::test]
    async fn hubs_own_helper_is_found_by_either_name() {
        let (_directory, environment) = helper(r#"{"Username":"%s","Secret":"s"}"#, 0);
        for key in [HUB, "docker.io"] {
            let config = config(&json!({ "credHelpers": { key: "fake" } }).to_string());
            let told = decoded(&header(&config, &environment, "busybox").await.unwrap().unwrap());
            assert_eq!((&told["username"], &told["password"]), (&json!(HUB), &json!("s")), "{key}");
        }
    }

    #[tokio::test]
    async fn a_helper_that_fails_is_told_and_one_that_knows_nothing_is_not() {
        let config = config(r#"{"credsStore":"fake"}"#);
        let (_directory, environment) = helper("the keychain is locked", 1);
        let error = header(&config, &environment, "busybox").await.unwrap_err();
        assert_eq!(error.to_string(), "credential helper `docker-credential-fake`: the keychain is locked");
        let (_directory, environment) = helper(NOT_FOUND, 1);
        assert_eq!(header(&config, &environment, "busybox").await.unwrap(), None);
        let missing = header(&config, &[("PATH".to_owned(), "/nowhere".to_owned())], "busybox").await;
        assert!(missing.unwrap_err().to_string().contains("docker-credential-fake"));
    }

    #[tokio::test]
    async fn an_empty_store_is_none() {
        let config = config(r#"{"credsStore":"","auths":{"r.example":{"auth":"dTpw"}}}"#);
        assert_eq!(decoded(&header(&config, &[], "r.example/a").await.unwrap().unwrap())["username"], "u");
        assert!(all(&config, &[]).await.unwrap().contains("dTpw"));
    }

    #[test]
    fn base64_round_trip() {
        for text in ["", "a", "ab", "abc", "user:pass?>"] {
            assert_eq!(unbase64(&URL_SAFE.encode(text)).as_deref(), Some(text.as_bytes()));
        }
        assert_eq!(decode_pair("dXNlcjpwYXNz"), Some(("user".to_owned(), "pass".to_owned())));
    }
}
