//! `windlass restart`.

use clap::Args;
use windlass_model::Project;
use windlass_plan::{Observed, RestartOptions};

use super::run::{self, Change};
use crate::entry::context::Context;
use crate::entry::global_args::{LockArgs, grace};
use crate::errors::CliResult;

/// Restart containers, and those that depend on them with `restart: true`
#[derive(Debug, Args)]
pub(crate) struct RestartArgs {
    /// Leave dependents alone
    #[arg(long)]
    no_deps: bool,
    /// Seconds between the request to stop and the kill; -1: never kill
    #[arg(short, long, value_name = "SECONDS", allow_negative_numbers = true)]
    timeout: Option<i32>,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    /// Only these services
    services: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: RestartArgs) -> CliResult<()> {
    let change = Change::locked("restart").of(&args.services);
    let project = run::known(context, &args.services, false);
    let options = RestartOptions { targets: args.services, no_deps: args.no_deps, timeout: grace(args.timeout) };
    let plan = move |project: &Project, observed: &Observed| windlass_plan::restart(project, observed, &options);
    run::plain(context, change, project, plan).await
}
