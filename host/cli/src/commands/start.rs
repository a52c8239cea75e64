//! `windlass start`.

use clap::Args;
use windlass_plan::StartOptions;

use crate::commands::execution::run_plan;
use crate::entry::context::Context;
use crate::entry::{lock, project};
use crate::errors::CliResult;

/// Start stopped containers, in order, each when its dependencies are up
#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// Wait until all run, and are healthy where the engine checks that
    #[arg(long)]
    wait: bool,
    /// Only these services and their dependencies
    services: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: StartArgs) -> CliResult<()> {
    let engine = context.engine()?;
    let (project, observed) = project::known(context, &engine, false).await?;
    let _lock = lock::acquire(context, &project.name, "start")?;
    let options = StartOptions { targets: args.services, wait: args.wait };
    run_plan(context, "start", project, &observed, |project, observed| {
        windlass_plan::start(project, observed, &options)
    })
    .await
}
