//! What the loader is given: files through [`FileSource`], everything else through [`LoadOptions`].

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A pipe or a device: it can be read as a file can, perhaps only once.
    Special,
}

/// The only way in which the loader sees the file system.
pub trait FileSource {
    /// Content of a file; `-` never gets here (see [`LoadOptions::stdin`]).
    ///
    /// # Errors
    /// As the file system reports them; `NotFound` is told apart from the rest.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// What stands there, links followed; `None` when nothing does.
    ///
    /// # Errors
    /// When nobody can say: a link that leads nowhere or in a circle, a directory that may not be searched.
    fn kind(&self, path: &Path) -> io::Result<Option<FileKind>>;
    /// Whether a regular file (or a link to one) stands there.
    fn is_file(&self, path: &Path) -> bool {
        matches!(self.kind(path), Ok(Some(FileKind::Regular)))
    }
    /// The path with symbolic links resolved, or the path itself where that fails.
    fn canonicalize(&self, path: &Path) -> PathBuf;
}

impl LoadOptions {
    /// Whether standard input is one of the compose files, by `-f -` or `COMPOSE_FILE=-`.
    #[must_use]
    pub fn reads_stdin(&self) -> bool {
        let listed = crate::load::discover::listed(&self.environment);
        let files = if self.files.is_empty() { &listed } else { &self.files };
        files.iter().any(|file| file.as_os_str() == "-")
    }
}

/// Arguments of one load. Flags, variables and defaults are already resolved to plain values by the caller.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Current directory, absolute: explicit files are relative to it, discovery starts in it.
    pub cwd: PathBuf,
    /// Home directory for `~`.
    pub home: Option<PathBuf>,
    /// `-f`, in order; empty: `COMPOSE_FILE` or discovery. `-` is standard input.
    pub files: Vec<PathBuf>,
    /// Content of standard input, read by the caller when `files` holds `-`.
    pub stdin: Option<Vec<u8>>,
    /// `--project-directory`.
    pub project_directory: Option<PathBuf>,
    /// `-p`; must already be a valid name.
    pub project_name: Option<String>,
    /// `--env-file`, in order; empty: `COMPOSE_ENV_FILES` or `.env`.
    pub env_files: Vec<PathBuf>,
    /// `--profile`, in order; merged with `COMPOSE_PROFILES`.
    pub profiles: Vec<String>,
    /// Process environment.
    pub environment: BTreeMap<String, String>,
    /// Services named on the command line; empty: all.
    pub services: Vec<String>,
    /// For commands about containers that exist: services named on the command line, whose profiles are enabled. Unlike `services`
    /// they narrow nothing, and a dependency that no profile enables is no error: nothing is going to be started for it.
    pub existing: Option<Vec<String>>,
    /// Do not keep dependencies of `services` (`--no-deps`).
    pub no_deps: bool,
    /// Keep networks, volumes, secrets and configs that no service uses (`--all-resources`).
    pub all_resources: bool,
    /// `--compatibility`: `_` as the separator in names.
    pub compatibility: bool,
    /// `config --no-interpolate`.
    pub no_interpolate: bool,
    /// `config --no-normalize`.
    pub no_normalize: bool,
    /// `config --no-path-resolution`.
    pub no_path_resolution: bool,
    /// `config --no-env-resolution`.
    pub no_env_resolution: bool,
    /// `config --no-consistency`.
    pub no_consistency: bool,
    /// Built services without a platform take `DOCKER_DEFAULT_PLATFORM` for their own, as `docker compose` does in commands that
    /// build or create, and in `config --hash`; the output of `config` does not show it.
    pub default_platform: bool,
    /// Remember where every value came from, for `config --explain`.
    pub origins: bool,
    /// Read `windlass.yaml` beside the first compose file (default of the command line: yes).
    pub windlass_file: bool,
}
