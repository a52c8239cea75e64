//! `cargo xtask compat WHAT DIR…`: Windlass and `docker compose` side by side over every compose file below directories.
//!
//! `config` compares what `config` prints, `create` what the engine gets. A directory with a file `args` is a project: one
//! run for each line of arguments. A directory with a file of a discovery name is run as it stands. Every other YAML file is
//! run alone, with `-f`. Intended differences are listed at the top of a directory given, in a file `differences` (of
//! `create`: `differences-create`), `PATH: reason` a line, and must really differ.

mod cases;
mod config;
mod create;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use cases::Case;

/// What to compare.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to run on both sides.
    what: What,
    /// Directories with compose files.
    #[arg(required = true)]
    directories: Vec<PathBuf>,
    /// The binary to compare.
    #[arg(long, default_value = "target/debug/windlass")]
    windlass: PathBuf,
    /// Least share of agreement, percent, for exit code 0 (intended differences aside).
    #[arg(long, default_value_t = 100.0)]
    at_least: f64,
    /// `create`: files at once.
    #[arg(long, default_value_t = 4)]
    jobs: usize,
    /// `create`: nothing and an empty list or map are different.
    #[arg(long)]
    strict: bool,
    /// `config`: with this flag too (`--with=--no-interpolate`); hashes are then left out.
    #[arg(long, value_name = "FLAG", allow_hyphen_values = true)]
    with: Vec<String>,
    /// Only files whose path contains one of these.
    #[arg(long, value_name = "PART")]
    only: Vec<String>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum What {
    /// The canonical form and the config hashes.
    Config,
    /// The containers, networks and volumes that `create` makes, and whether each tool leaves the other's alone.
    Create,
}

/// Everything that a comparison needs.
struct Setup {
    windlass: PathBuf,
    /// Version of `docker compose`.
    compose: String,
    cases: Vec<Case>,
    /// Reasons of intended differences by label.
    intended: BTreeMap<String, String>,
    at_least: f64,
    jobs: usize,
    strict: bool,
    with: Vec<String>,
}

/// Runs the comparison and prints the table.
pub(crate) fn run(root: &Path, args: &Args) -> anyhow::Result<()> {
    let windlass = root.join(&args.windlass);
    if !windlass.is_file() {
        bail!("no {}: run `cargo build -p windlass`", windlass.display());
    }
    let compose =
        Command::new("docker").args(["compose", "version", "--short"]).output().context("docker does not start")?;
    if !compose.status.success() {
        bail!("`docker compose` is not installed: there is nothing to compare with");
    }
    let list = match args.what {
        What::Config => "differences",
        What::Create => "differences-create",
    };
    let mut cases = Vec::new();
    let mut intended = BTreeMap::new();
    for directory in &args.directories {
        let directory = fs_err::canonicalize(directory)?;
        intended.extend(cases::differences(&directory, list));
        cases::collect(&directory, &directory, &mut cases)?;
    }
    cases.retain(|case| args.only.is_empty() || args.only.iter().any(|part| case.label.contains(part)));
    let compose = String::from_utf8_lossy(&compose.stdout).trim().to_owned();
    let setup = Setup {
        windlass,
        compose,
        cases,
        intended,
        at_least: args.at_least,
        jobs: args.jobs,
        strict: args.strict,
        with: args.with.clone(),
    };
    match args.what {
        What::Config => config::run(&setup),
        What::Create => create::run(&setup),
    }
}

fn indent(text: &str) -> String {
    text.lines().take(24).map(|line| format!("          {line}\n")).collect()
}
