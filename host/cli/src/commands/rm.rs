//! `windlass rm`.

use clap::Args;
use windlass_plan::RemoveOptions;
use windlass_plan::step::Action;

use crate::commands::execution::run_plan;
use crate::entry::context::Context;
use crate::entry::{lock, project};
use crate::errors::CliResult;

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
    /// Only these services
    services: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: RmArgs) -> CliResult<()> {
    let engine = context.engine()?;
    let (project, observed) = project::known(context, &engine, false).await?;
    let _lock = lock::acquire(context, &project.name, "rm")?;
    let options = RemoveOptions { targets: args.services, stop: args.stop, volumes: args.volumes };
    let planned = windlass_plan::rm(&project, &observed, &options)?;
    let removed = planned.steps.iter().filter_map(|step| match &step.action {
        Action::RemoveContainer { container, .. } => Some(container.name.as_str()),
        _ => None,
    });
    let names: Vec<&str> = removed.collect();
    if names.is_empty() {
        context.ui.info("No stopped containers");
        return Ok(());
    }
    let question = format!("Going to remove {}", names.join(", "));
    if args.force {
        context.ui.info(question);
    } else if !context.ui.ask(&question)? {
        return Ok(());
    }
    run_plan(context, "rm", project, &observed, |project, observed| windlass_plan::rm(project, observed, &options))
        .await
}
