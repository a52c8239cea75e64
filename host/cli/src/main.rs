//! The `windlass` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(windlass::run(windlass::World::of_process()))
}
