//! Chores of this repository: `cargo xtask plugins`, `check`, `compat` and `parts`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for the terminal")]

mod check;
mod compat;
mod parts;
mod plugins;

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Chores of this repository")]
struct Args {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Build all plugins into plugins/dist.
    Plugins,
    /// Compare Windlass with `docker compose` over compose files.
    Compat(compat::Args),
    /// List the parts of a release with their licences.
    Parts(parts::Args),
    /// Check the walls between crates and the size of files.
    Check,
}

fn main() -> ExitCode {
    let result = match Args::parse().chore {
        Chore::Plugins => plugins::run(root()),
        Chore::Compat(args) => compat::run(root(), &args),
        Chore::Parts(args) => parts::run(root(), &args),
        Chore::Check => check::run(root()),
    };
    let Err(error) = result else { return ExitCode::SUCCESS };
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

/// The checkout.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
