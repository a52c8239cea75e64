//! What the user asked for, resolved to plain values by the command line.

use std::collections::{BTreeMap, BTreeSet};

use crate::step::{BuildOptions, StopTimeout};

/// When a container that exists is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Recreate {
    /// When its configuration, image, networks or volumes differ from the model.
    #[default]
    Diverged,
    /// Always (`--force-recreate`, `--always-recreate-deps`).
    Force,
    /// Never (`--no-recreate`).
    Never,
}

/// Which images are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Build {
    /// Those that are missing, and those with `pull_policy: build`.
    #[default]
    Missing,
    /// All that can be built (`--build`).
    Always,
    /// None (`--no-build`).
    Never,
}

/// `up` and `create`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UpOptions {
    /// Services named by the user; empty: all.
    pub targets: Vec<String>,
    /// Leave dependencies alone (`--no-deps`).
    pub no_deps: bool,
    /// Policy for the targets.
    pub recreate: Recreate,
    /// Policy for services that are only there as dependencies of the targets.
    pub recreate_deps: Recreate,
    /// Create, do not start (`--no-start`, `create`).
    pub no_start: bool,
    /// Which images are built.
    pub build: Build,
    /// Options of those builds.
    pub build_options: BuildOptions,
    /// `--pull`: overrides every service's `pull_policy`.
    pub pull: Option<String>,
    /// Do not tell how far the pulls are (`--quiet-pull`).
    pub quiet_pull: bool,
    /// `--scale`.
    pub scale: BTreeMap<String, u32>,
    /// `--timeout` for every stop.
    pub timeout: Option<StopTimeout>,
    /// New anonymous volumes instead of the old ones (`--renew-anon-volumes`).
    pub renew_anon_volumes: bool,
    /// Remove containers of services that are not in the model.
    pub remove_orphans: bool,
    /// Say nothing about them.
    pub ignore_orphans: bool,
    /// At the end wait until all run, and are healthy where the engine checks that (`--wait`).
    pub wait: bool,
    /// Volumes (engine names) that the user agreed to recreate: answers to [`crate::step::Question::RecreateVolume`].
    pub recreate_volumes: BTreeSet<String>,
    /// Volumes (engine names) that the user wants to keep: no question is asked again.
    pub keep_volumes: BTreeSet<String>,
    /// Now, seconds since the epoch: `pull_policy: daily` depends on it.
    pub now: i64,
}

/// Which images `down` removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoveImages {
    /// Those that Compose named itself (`--rmi local`).
    Local,
    /// All that services use (`--rmi all`).
    All,
}

/// `down`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DownOptions {
    /// Services named by the user, with their dependents; empty: all.
    pub targets: Vec<String>,
    /// Remove containers of services that are not in the model, and one-off containers.
    pub remove_orphans: bool,
    /// Say nothing about them.
    pub ignore_orphans: bool,
    /// Remove volumes, the ledger of loads with them (`-v`).
    pub volumes: bool,
    /// `--rmi`.
    pub images: Option<RemoveImages>,
    /// `--timeout`.
    pub timeout: Option<StopTimeout>,
}

/// `stop`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StopOptions {
    /// Services named by the user; empty: all.
    pub targets: Vec<String>,
    /// `--timeout`.
    pub timeout: Option<StopTimeout>,
}

/// `start`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StartOptions {
    /// Services named by the user, with their dependencies; empty: all.
    pub targets: Vec<String>,
    /// As in [`UpOptions::wait`].
    pub wait: bool,
}

/// `restart`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RestartOptions {
    /// Services named by the user, with their dependents that say `restart: true`; empty: all.
    pub targets: Vec<String>,
    /// Not those dependents.
    pub no_deps: bool,
    /// `--timeout`.
    pub timeout: Option<StopTimeout>,
}

/// `kill`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KillOptions {
    /// Services named by the user; empty: all.
    pub targets: Vec<String>,
    /// `--signal`; empty: `SIGKILL`.
    pub signal: String,
    /// Those of services that are not in the model, too.
    pub remove_orphans: bool,
}

/// `rm`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RemoveOptions {
    /// Services named by the user; empty: all.
    pub targets: Vec<String>,
    /// Stop running ones first (`-s`); else they are left alone.
    pub stop: bool,
    /// With their anonymous volumes (`-v`).
    pub volumes: bool,
}

/// `pull`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PullOptions {
    /// Services named by the user; empty: all.
    pub targets: Vec<String>,
    /// Their dependencies, too.
    pub include_deps: bool,
    /// Not those that can be built.
    pub ignore_buildable: bool,
    /// Failures are warnings.
    pub ignore_failures: bool,
    /// `--policy`: overrides every service's `pull_policy`.
    pub policy: Option<String>,
    /// Do not tell how far the pulls are (`--quiet`).
    pub quiet: bool,
    /// Now, seconds since the epoch.
    pub now: i64,
}

/// `build`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BuildCommandOptions {
    /// Services named by the user; empty: all.
    pub targets: Vec<String>,
    /// Their dependencies, too.
    pub with_dependencies: bool,
    /// How to build.
    pub build: BuildOptions,
}
