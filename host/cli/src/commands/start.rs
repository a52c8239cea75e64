//! `windlass start`.

use clap::Args;
use windlass_model::Project;
use windlass_plan::{Observed, StartOptions};

use super::run::{self, Change};
use crate::entry::context::Context;
use crate::entry::global_args::LockArgs;
use crate::errors::CliResult;

/// Start stopped containers, in order, each when its dependencies are up
#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// Wait until all run, and are healthy where the engine checks that
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    /// Only these services and their dependencies
    services: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: StartArgs) -> CliResult<()> {
    let change = Change::locked("start").of(&args.services);
    let project = run::known(context, &args.services, false);
    let options = StartOptions { targets: args.services, wait: args.wait };
    let plan = move |project: &Project, observed: &Observed| windlass_plan::start(project, observed, &options);
    run::plain(context, change, project, plan).await
}
