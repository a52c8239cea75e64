//! Every environment variable that Windlass reads, and the only place that reads the process environment.

use std::collections::BTreeMap;
use std::path::PathBuf;

macro_rules! variables {
    ($($(#[doc = $doc:literal])+ $name:ident;)*) => {
        $($(#[doc = $doc])+ pub const $name: &str = stringify!($name);)*

        /// Name and meaning of every variable, for the reference page.
        pub const ALL: &[(&str, &str)] = &[$((stringify!($name), concat!($($doc),+))),*];
    };
}

variables! {
    /// Compose files, separated by `COMPOSE_PATH_SEPARATOR`; replaced by `-f`.
    COMPOSE_FILE;
    /// Separator in `COMPOSE_FILE` (default `:`).
    COMPOSE_PATH_SEPARATOR;
    /// Project name; replaced by `-p`.
    COMPOSE_PROJECT_NAME;
    /// Enabled profiles, separated by commas; `--profile` adds to them.
    COMPOSE_PROFILES;
    /// Environment files, separated by commas; replaced by `--env-file`.
    COMPOSE_ENV_FILES;
    /// `true`: do not read the default `.env`.
    COMPOSE_DISABLE_ENV_FILE;
    /// Limit of engine calls at once; replaced by `--parallel`.
    COMPOSE_PARALLEL_LIMIT;
    /// `_` as the separator in names, as `--compatibility`.
    COMPOSE_COMPATIBILITY;
    /// Kind of progress output; replaced by `--progress`.
    COMPOSE_PROGRESS;
    /// When to use colours and cursor movement; replaced by `--ansi`.
    COMPOSE_ANSI;
    /// Remove containers of services that are no longer in the file, as `--remove-orphans`.
    COMPOSE_REMOVE_ORPHANS;
    /// Say nothing about containers of services that are no longer in the file.
    COMPOSE_IGNORE_ORPHANS;
    /// Information lines go to standard output.
    COMPOSE_STATUS_STDOUT;
    /// Set to anything but the empty text: no colours.
    NO_COLOR;
    /// `dumb`: no colours and no cursor movement.
    TERM;
    /// Width of the output in columns when standard error is no terminal.
    COLUMNS;
    /// Default platform of images (`linux/arm64`).
    DOCKER_DEFAULT_PLATFORM;
    /// Address of the engine (`unix://`, `tcp://`, `ssh://`); replaced by `-H`.
    DOCKER_HOST;
    /// Docker context to take the engine's address from; replaced by `--context`.
    DOCKER_CONTEXT;
    /// Directory of the Docker client's configuration (default `~/.docker`).
    DOCKER_CONFIG;
    /// Directory of `ca.pem`, `cert.pem` and `key.pem`.
    DOCKER_CERT_PATH;
    /// Set to anything but the empty text: TLS to `DOCKER_HOST`, whoever answers there.
    DOCKER_TLS;
    /// Set to anything but the empty text: TLS to `DOCKER_HOST`, whose certificate `ca.pem` must vouch for.
    DOCKER_TLS_VERIFY;
    /// `0`: build with the engine's classic builder even where `buildx` is installed.
    DOCKER_BUILDKIT;
    /// `debug`, or `windlass=debug`: print every call of the engine with its time, as `--verbose` does.
    RUST_LOG;
    /// Home directory, for `~` in compose files and for the Docker client's configuration.
    HOME;
    /// Directory for caches (default `~/.cache`, also for a relative one); compiled plugins are kept in `windlass` below it.
    XDG_CACHE_HOME;
    /// Directory for files of this login; project locks are kept in `windlass` below it. One that is relative, missing, somebody else's, open to others or cannot be written to is not used, with a warning.
    XDG_RUNTIME_DIR;
    /// Directory for temporary files (default `/tmp`, also for a relative one); without `XDG_RUNTIME_DIR` project locks are kept in `windlass-UID` below it.
    TMPDIR;
}

/// The environment of a run, frozen at its start.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The environment of this process; variables that are not Unicode are left out.
    #[must_use]
    pub fn of_process() -> Self {
        Self(std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect())
    }

    /// Value of a variable; one that is set to the empty text counts as not set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether a variable says yes, by the rules of `docker compose` (`y`, or what Go's `ParseBool` takes).
    #[must_use]
    pub fn says_yes(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| matches!(value, "y" | "1" | "t" | "T" | "true" | "TRUE" | "True"))
    }

    /// A variable that names a directory.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from)
    }

    /// Sets a variable, as a flag of the Docker client does.
    pub fn set(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), value);
    }

    /// Chooses the engine as a flag does: an address or a context, and each ends what the other's variable says.
    pub(crate) fn choose_engine(&mut self, host: Option<&str>, context: Option<&str>) {
        let (chosen, other) = match (host, context) {
            (Some(host), _) => ((DOCKER_HOST, host), DOCKER_CONTEXT),
            (None, Some(context)) => ((DOCKER_CONTEXT, context), DOCKER_HOST),
            (None, None) => return,
        };
        self.set(chosen.0, chosen.1.to_owned());
        // Not removed, so that the programs we start read it the same way.
        self.set(other, String::new());
    }

    /// All variables.
    #[must_use]
    pub const fn all(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
    }
}
