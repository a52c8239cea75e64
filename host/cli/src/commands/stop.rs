//! `windlass stop`.

use clap::Args;
use windlass_plan::StopOptions;

use crate::commands::execution::run_plan;
use crate::entry::context::Context;
use crate::entry::global_args::seconds;
use crate::entry::{lock, project};
use crate::errors::CliResult;

/// Stop containers, keep them
#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    /// Seconds between the request to stop and the kill
    #[arg(short, long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// Only these services
    services: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: StopArgs) -> CliResult<()> {
    let engine = context.engine()?;
    let (project, observed) = project::known(context, &engine, false).await?;
    let _lock = lock::acquire(context, &project.name, "stop")?;
    let options = StopOptions { targets: args.services, timeout: seconds(args.timeout) };
    run_plan(context, "stop", project, &observed, |project, observed| windlass_plan::stop(project, observed, &options))
        .await
}
