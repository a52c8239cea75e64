//! Chores of this repository: `cargo xtask plugins`, `cargo xtask check`.
#![expect(clippy::print_stdout, reason = "a tool for the terminal")]

mod check;
mod plugins;

use std::path::Path;

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
    /// Check the walls between crates and the size of files.
    Check,
}

fn main() -> anyhow::Result<()> {
    match Args::parse().chore {
        Chore::Plugins => plugins::run(root()),
        Chore::Check => check::run(root()),
    }
}

/// The checkout.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
