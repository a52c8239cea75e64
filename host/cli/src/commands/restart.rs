//! `windlass restart`.

use clap::Args;
use windlass_plan::RestartOptions;

use crate::commands::execution::run_plan;
use crate::entry::context::Context;
use crate::entry::global_args::seconds;
use crate::entry::{lock, project};
use crate::errors::CliResult;

/// Restart containers, and those that depend on them with `restart: true`
#[derive(Debug, Args)]
pub(crate) struct RestartArgs {
    /// Leave dependents alone
    #[arg(long)]
    no_deps: bool,
    /// Seconds between the request to stop and the kill
    #[arg(short, long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// Only these services
    services: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: RestartArgs) -> CliResult<()> {
    let engine = context.engine()?;
    let (project, observed) = project::known(context, &engine, false).await?;
    let _lock = lock::acquire(context, &project.name, "restart")?;
    let options = RestartOptions { targets: args.services, no_deps: args.no_deps, timeout: seconds(args.timeout) };
    run_plan(context, "restart", project, &observed, |project, observed| {
        windlass_plan::restart(project, observed, &options)
    })
    .await
}
