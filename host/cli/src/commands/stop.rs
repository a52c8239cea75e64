//! `windlass stop`.

use clap::Args;
use windlass_model::Project;
use windlass_plan::{Observed, StopOptions};

use super::run::{self, Change};
use crate::entry::context::Context;
use crate::entry::global_args::{LockArgs, grace};
use crate::errors::CliResult;

/// Stop containers, keep them
#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    /// Seconds between the request to stop and the kill; -1: never kill
    #[arg(short, long, value_name = "SECONDS", allow_negative_numbers = true)]
    timeout: Option<i32>,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    /// Only these services
    services: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: StopArgs) -> CliResult<()> {
    let change = Change::locked("stop").of(&args.services);
    let project = run::known(context, &args.services, false);
    let options = StopOptions { targets: args.services, timeout: grace(args.timeout) };
    let plan = move |project: &Project, observed: &Observed| windlass_plan::stop(project, observed, &options);
    run::plain(context, change, project, plan).await
}
