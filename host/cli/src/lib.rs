//! The `windlass` command line: wires model, planner, executor, engine and plugins together.
//!
//! [`run`] is the whole program: arguments → [`Settings`] → a command → an exit code. Everything it touches
//! comes in through [`World`], so that tests run it in their own process over a fake engine.

mod commands;
mod entry;
pub mod errors;
mod output;

pub use entry::args::Cli;
pub use entry::backend::{Backend, HooksRequest};
pub use entry::env_vars;
pub use entry::settings::Settings;
pub use entry::world::World;
pub use output::ui::{Size, Streams, Terminals};

use std::sync::Arc;

use clap::FromArgMatches as _;

use crate::entry::context::Context;
use crate::errors::{CliError, CliResult, exit_code};
use crate::output::ui::{Ui, UiOptions};

/// Runs the program; the result is its exit code.
#[must_use]
pub fn run(world: World) -> u8 {
    let World { args, environment, cwd, streams, backend, now } = world;
    let terminals = streams.terminals;
    let invocation = match entry::invoked::read(args, environment) {
        Ok(invocation) => invocation,
        Err(error) => return finish(&Ui::new(streams, UiOptions::plain()), &error),
    };
    let settings = parse(&invocation.args)
        .and_then(|(cli, global)| Ok((cli, Settings::resolve(global, invocation.environment, cwd, terminals)?)));
    let (cli, settings) = match settings {
        Ok(parsed) => parsed,
        Err(error) => return finish(&Ui::new(streams, UiOptions::plain()), &error),
    };
    let ui = Arc::new(Ui::new(streams, settings.ui_options()));
    ui.stand_in(&settings.cwd);
    let context = Context {
        ui: Arc::clone(&ui),
        settings: Arc::new(settings),
        backend: Arc::from(backend),
        input: Arc::default(),
        now,
    };
    // Of this thread, on which every command runs: two programs in one process (tests) do not see each other's calls.
    let printer = || entry::trace::Printer::new(Arc::clone(&ui));
    let _trace = context.traced().then(|| tracing::subscriber::set_default(printer()));
    match block_on(commands::dispatch(&context, cli)) {
        Ok(()) => 0,
        Err(error) => finish(&ui, &error),
    }
}

fn parse(args: &[String]) -> CliResult<(Cli, entry::global_args::GlobalArgs)> {
    let matches = entry::args::complete_command().try_get_matches_from(args).map_err(entry::args::refusal)?;
    let cli = Cli::from_arg_matches(&matches)?;
    let global = cli.global(matches.subcommand_name().unwrap_or("windlass"))?;
    Ok((cli, global))
}

/// One thread is enough to wait for an engine, and starts faster than many.
fn block_on(future: impl Future<Output = CliResult<()>>) -> CliResult<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| CliError::io("start the event loop", source))?;
    let result = runtime.block_on(future);
    // A thread that waits for standard input must not hold up the end.
    runtime.shutdown_background();
    result
}

fn finish(ui: &Ui, error: &CliError) -> u8 {
    output::diagnostics::show_error(ui, error);
    exit_code(error)
}
