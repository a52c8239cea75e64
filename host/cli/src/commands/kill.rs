//! `windlass kill`.

use clap::Args;
use windlass_plan::KillOptions;

use crate::commands::execution::run_plan;
use crate::entry::context::Context;
use crate::entry::project;
use crate::errors::CliResult;

/// Send a signal to running containers
#[derive(Debug, Args)]
pub(crate) struct KillArgs {
    /// Also to containers of services that are no longer in the file
    #[arg(long)]
    remove_orphans: bool,
    /// Signal
    #[arg(short, long, value_name = "SIGNAL", default_value = "SIGKILL")]
    signal: String,
    /// Only these services
    services: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: KillArgs) -> CliResult<()> {
    let engine = context.engine()?;
    let (project, observed) = project::known(context, &engine, false).await?;
    if !observed.containers.iter().any(windlass_plan::observed::Container::is_up) {
        context.ui.info("No container to kill");
        return Ok(());
    }
    let options = KillOptions { targets: args.services, signal: args.signal, remove_orphans: args.remove_orphans };
    run_plan(context, "kill", project, &observed, |project, observed| windlass_plan::kill(project, observed, &options))
        .await
}
