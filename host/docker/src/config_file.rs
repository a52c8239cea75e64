//! Docker's client settings (`config.json`): current context, registry credentials, proxies.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The settings this crate needs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ConfigFile {
    current_context: Option<String>,
    /// Registry to credentials.
    pub(crate) auths: BTreeMap<String, AuthEntry>,
    /// Helper for all registries.
    pub(crate) creds_store: Option<String>,
    /// Registry to helper.
    pub(crate) cred_helpers: BTreeMap<String, String>,
    proxies: BTreeMap<String, Proxies>,
    /// Where further CLI plugins are.
    pub(crate) cli_plugins_extra_dirs: Vec<PathBuf>,
    /// Why the file counts as empty though there is one.
    #[serde(skip)]
    pub(crate) problem: Option<String>,
    /// The directory the file is in.
    #[serde(skip)]
    pub(crate) directory: Option<PathBuf>,
}

/// Credentials of one registry.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "lowercase")]
pub(crate) struct AuthEntry {
    /// Base64 of `user:password`.
    pub(crate) auth: String,
    /// User.
    pub(crate) username: String,
    /// Password.
    pub(crate) password: String,
    /// Token instead of a password.
    pub(crate) identitytoken: String,
    /// Bearer token.
    pub(crate) registrytoken: String,
}

/// Proxies that containers and builds of an engine get.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Proxies {
    http_proxy: String,
    https_proxy: String,
    no_proxy: String,
    ftp_proxy: String,
    all_proxy: String,
}

impl ConfigFile {
    /// Reads `config.json`; a missing file is an empty one. So is one that cannot be read or understood, as for the `docker`
    /// command line: `problem` then says why.
    pub(crate) fn load(directory: Option<&Path>) -> Self {
        let Some(directory) = directory else { return Self::default() };
        let path = directory.join("config.json");
        let unread = |reason: String| Self { problem: Some(reason), ..Self::default() };
        let config = match fs_err::read(&path) {
            Ok(bytes) if bytes.is_empty() => Self::default(),
            // By way of an object: a list would be taken for the fields in their order.
            Ok(bytes) => serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&bytes)
                .and_then(|object| serde_json::from_value(object.into()))
                .unwrap_or_else(|error| unread(format!("error parsing config file ({}): {error}", path.display()))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(error) => unread(format!("error loading config file: {error}")),
        };
        Self { directory: Some(directory.to_owned()), ..config }
    }

    /// Name of the current context.
    pub(crate) fn current_context(&self) -> Option<&str> {
        self.current_context.as_deref().filter(|name| !name.is_empty())
    }

    /// Proxy variables for containers and builds on the engine at `host`, in both spellings.
    pub(crate) fn proxy_environment(&self, host: &str) -> BTreeMap<String, String> {
        let Some(proxies) = self.proxies.get(host).or_else(|| self.proxies.get("default")) else {
            return BTreeMap::new();
        };
        [
            ("HTTP_PROXY", &proxies.http_proxy),
            ("HTTPS_PROXY", &proxies.https_proxy),
            ("NO_PROXY", &proxies.no_proxy),
            ("FTP_PROXY", &proxies.ftp_proxy),
            ("ALL_PROXY", &proxies.all_proxy),
        ]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .flat_map(|(name, value)| [(name.to_owned(), value.clone()), (name.to_lowercase(), value.clone())])
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> ConfigFile {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_missing_file_is_empty_and_so_is_a_broken_one_which_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let missing = ConfigFile::load(Some(directory.path()));
        assert_eq!((missing.current_context(), missing.problem.as_deref()), (None, None));
        let file = directory.path().join("config.json");
        for broken in ["{", "[]", r#"{"currentContext":5}"#] {
            fs_err::write(&file, broken).unwrap();
            let config = ConfigFile::load(Some(directory.path()));
            assert_eq!(config.current_context(), None);
            assert!(config.problem.is_some_and(|problem| problem.contains("config.json")), "{broken}");
        }
        fs_err::remove_file(&file).unwrap();
        fs_err::create_dir(&file).unwrap();
        assert!(ConfigFile::load(Some(directory.path())).problem.is_some(), "a directory");
    }

    #[test]
    fn proxies_of_the_host_win_over_the_default() {
        let config = parse(
            r#"{"proxies":{"default":{"httpProxy":"http://a"},"unix:///x":{"httpsProxy":"http://b","noProxy":"c"}}}"#,
        );
        assert_eq!(config.proxy_environment("tcp://y")["http_proxy"], "http://a");
        let own = config.proxy_environment("unix:///x");
        assert_eq!(own["HTTPS_PROXY"], "http://b");
        assert_eq!(own["no_proxy"], "c");
        assert!(!own.contains_key("HTTP_PROXY"));
    }
}
