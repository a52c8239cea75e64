//! `windlass rm`.

use clap::Args;
use windlass_model::Project;
use windlass_plan::step::Action;
use windlass_plan::{Observed, RemoveOptions};
use windlass_session::{Answers, Proposal};

use super::run::{self, Change};
use crate::entry::context::Context;
use crate::entry::global_args::LockArgs;
use crate::errors::CliResult;
use crate::output::logs::LogStyle;

/// Remove stopped containers
#[derive(Debug, Args)]
pub(crate) struct RmArgs {
    /// Do not ask
    #[arg(short, long)]
    force: bool,
    /// Stop running ones first
    #[arg(short, long)]
    stop: bool,
    /// With their anonymous volumes
    #[arg(short, long)]
    volumes: bool,
    #[arg(short, long, hide = true)]
    all: bool,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    /// Only these services
    services: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: RmArgs) -> CliResult<()> {
    let change = Change::locked("rm").of(&args.services);
    let project = run::known(context, &args.services, false);
    let options = RemoveOptions { targets: args.services, stop: args.stop, volumes: args.volumes };
    let force = args.force;
    let propose = move |project: &Project, observed: &Observed, _: &Answers| {
        let plan = windlass_plan::rm(project, observed, &options)?;
        let removed = plan.steps.iter().filter_map(|step| {
            let Action::RemoveContainer { container, .. } = &step.action else { return None };
            Some(container.name.as_str())
        });
        let names: Vec<&str> = removed.collect();
        if names.is_empty() {
            return Ok(Proposal::Nothing("No stopped containers".to_owned()));
        }
        let sentence = format!("Going to remove {}", names.join(", "));
        Ok(if force { Proposal::Tell(plan, sentence) } else { Proposal::Confirm(plan, sentence) })
    };
    let engine = context.engine()?;
    let request = change.request(context, engine, project, propose)?;
    run::run(context, request, LogStyle::default()).await
}
