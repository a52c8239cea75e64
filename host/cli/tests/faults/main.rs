//! Breaks things on purpose: a proxy between Windlass and an engine spoils one call of a run, for every call, and what
//! happens then is judged. See `docs/design/faults.md`.
//!
//! `make faults` runs all of it. Without the rights to start an engine of its own the harness says so and does nothing.
#![expect(clippy::print_stdout, reason = "the table is the result")]
#![expect(clippy::print_stderr, reason = "progress and wrong cases are told while they come")]

mod api;
mod case;
mod engine;
mod judge;
mod kinds;
mod options;
mod projects;
mod run;
mod table;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use options::Options;

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(what) => {
            eprintln!("{what}\n\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    if options.list {
        print!("{}", table::lists());
        return ExitCode::SUCCESS;
    }
    if let Some(why) = engine::missing() {
        skip(why);
        return ExitCode::SUCCESS;
    }
    match run::run(&options) {
        Ok(table) => {
            print!("{}", table.text());
            if table.wrong() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("faults: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Says so here, and in the file that `make test` counts.
fn skip(why: &str) {
    eprintln!("skipped faults: {why}");
    if let Some(path) = std::env::var_os("WINDLASS_SKIPPED") {
        let file = fs_err::OpenOptions::new().create(true).append(true).open(Path::new(&path));
        drop(file.and_then(|mut file| writeln!(file, "faults: {why}")));
    }
}
