//! `windlass manual`: what `make install` and `make dist` call to get the pages for `man`.

use std::path::PathBuf;

use clap::Args;

use crate::entry::args::complete_command;
use crate::entry::context::Context;
use crate::errors::{CliError, CliResult};

/// Write the manual pages into a directory
///
/// One page for the program and one for each command, for `man windlass` and `man windlass-up`.
#[derive(Debug, Args)]
pub(crate) struct ManualArgs {
    /// Directory that exists
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub(crate) fn run(context: &Context, args: &ManualArgs) -> CliResult<()> {
    let directory = context.settings.cwd.join(&args.directory);
    let program = complete_command().disable_help_subcommand(true);
    clap_mangen::generate_to(program, &directory)
        .map_err(|source| CliError::io(format!("write the manual pages into {}", directory.display()), source))
}
