//! The `windlass` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    windlass::run(windlass::World::of_process())
}
