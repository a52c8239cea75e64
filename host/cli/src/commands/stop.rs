//! `windlass stop`.

use clap::Args;
use windlass_model::Project;
use windlass_plan::{Observed, StopOptions};

use super::run::{self, Change};
use crate::entry::context::Context;
use crate::entry::global_args::seconds;
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
    let options = StopOptions { targets: args.services, timeout: seconds(args.timeout) };
    let plan = move |project: &Project, observed: &Observed| windlass_plan::stop(project, observed, &options);
    run::plain(context, Change::locked("stop"), run::known(context, false), plan).await
}
