//! `windlass completion`.

use clap::Args;
use clap_complete::Shell;

use crate::entry::context::Context;
use crate::errors::CliResult;

/// Print the completion script of a shell
///
/// For bash: `source <(windlass completion bash)`.
#[derive(Debug, Args)]
pub(crate) struct CompletionArgs {
    /// Shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(context: &Context, args: &CompletionArgs) -> CliResult<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::entry::args::complete_command(), "windlass", &mut script);
    context.ui.data(script)
}
