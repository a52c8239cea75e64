//! `windlass kill`.

use clap::Args;
use windlass_model::Project;
use windlass_plan::observed::Container;
use windlass_plan::{KillOptions, Observed};
use windlass_session::{Answers, Proposal};

use super::run::{self, Change};
use crate::entry::context::Context;
use crate::entry::global_args::LockArgs;
use crate::errors::CliResult;
use crate::output::logs::LogStyle;

/// Send a signal to running containers
#[derive(Debug, Args)]
pub(crate) struct KillArgs {
    /// Also to containers of services that are no longer in the file
    #[arg(long)]
    remove_orphans: bool,
    /// Signal
    #[arg(short, long, value_name = "SIGNAL", default_value = "SIGKILL")]
    signal: String,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    /// Only these services
    services: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: KillArgs) -> CliResult<()> {
    let change = Change::locked("kill").of(&args.services);
    let project = run::known(context, &args.services, false);
    let options = KillOptions { targets: args.services, signal: args.signal, remove_orphans: args.remove_orphans };
    let propose = move |project: &Project, observed: &Observed, _: &Answers| {
        if !observed.containers.iter().any(Container::is_up) {
            return Ok(Proposal::Nothing("No container to kill".to_owned()));
        }
        windlass_plan::kill(project, observed, &options).map(Proposal::Run)
    };
    let engine = context.engine()?;
    let request = change.request(context, engine, project, propose)?;
    run::run(context, request, LogStyle::default()).await
}
