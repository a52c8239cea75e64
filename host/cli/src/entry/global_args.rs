//! The global flags, which stand before the subcommand, and values that several commands share.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use windlass_plan::step::StopTimeout;

/// Flags that every command shares.
#[derive(Debug, Clone, Default, Args)]
pub struct GlobalArgs {
    /// Compose file; later ones are merged over earlier ones, `-` is standard input
    #[arg(short, long = "file", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Project name
    #[arg(short, long, value_name = "NAME")]
    pub(crate) project_name: Option<String>,
    /// Base directory of relative paths (default: the directory of the first compose file)
    #[arg(long, value_name = "DIR", alias = "workdir")]
    pub(crate) project_directory: Option<PathBuf>,
    /// Environment file for `${…}` in the compose file, instead of `.env`; later ones win
    #[arg(long = "env-file", value_name = "FILE")]
    pub(crate) env_files: Vec<PathBuf>,
    /// Enable a profile; `*` enables all
    #[arg(long = "profile", value_name = "NAME")]
    pub(crate) profiles: Vec<String>,
    /// Address of the engine: `unix:///path`, `tcp://host:port`, `ssh://user@host`; wins over `DOCKER_HOST` and contexts
    #[arg(short = 'H', long, value_name = "ADDRESS")]
    pub(crate) host: Option<String>,
    /// Docker context to take the engine's address from; wins over `DOCKER_HOST`
    #[arg(long, value_name = "NAME", conflicts_with = "host")]
    pub(crate) context: Option<String>,
    /// Kind of progress output: `tty`, `plain`, `json` or `quiet` (default: `tty` on a terminal, else `plain`)
    #[arg(long, value_name = "KIND")]
    pub(crate) progress: Option<String>,
    /// When to use colours and cursor movement: `always`, `never` or `auto`, on a terminal (default)
    #[arg(long, value_name = "WHEN")]
    pub(crate) ansi: Option<String>,
    /// Limit of engine calls at once; 0 and less is no limit of ours
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) parallel: Option<i64>,
    /// Use `_` as the separator in names, as Compose's first version did
    #[arg(long)]
    pub(crate) compatibility: bool,
    /// Print what would be done, and why; do nothing
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    /// Keep networks, volumes, secrets and configs that no service uses
    #[arg(long)]
    pub(crate) all_resources: bool,
    /// Print more, and every call of the engine with its time
    #[arg(long)]
    pub(crate) verbose: bool,
    /// No colours and no cursor movement
    #[arg(long, hide = true)]
    pub(crate) no_ansi: bool,
}

/// What to do while another run is changing the project. The commands that take the lock have these flags; before the
/// subcommand they stand for the same, and a command that takes no lock refuses them.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct LockArgs {
    /// Fail at once when another run is changing the project
    #[arg(long, conflicts_with = "wait_lock")]
    pub(crate) no_wait_lock: bool,
    /// Wait at most so long for another run that is changing the project (default: until it ends)
    #[arg(long, value_name = "SECONDS")]
    pub(crate) wait_lock: Option<u64>,
}

impl LockArgs {
    /// The flag that was given.
    pub(crate) const fn given(&self) -> Option<&'static str> {
        match (self.no_wait_lock, self.wait_lock) {
            (true, _) => Some("--no-wait-lock"),
            (false, Some(_)) => Some("--wait-lock"),
            (false, None) => None,
        }
    }
}

/// `--timeout` in whole seconds.
pub(crate) fn seconds(timeout: Option<u64>) -> Option<Duration> {
    timeout.map(Duration::from_secs)
}

/// The time that a container has for its end, as the engine takes it: a negative number is no limit.
pub(crate) fn grace(seconds: Option<i32>) -> Option<StopTimeout> {
    let timeout = |seconds| StopTimeout::After(Duration::from_secs(seconds));
    seconds.map(|seconds| u64::try_from(seconds).map_or(StopTimeout::Never, timeout))
}
