//! `windlass create`.

use std::sync::Arc;

use clap::Args;
use windlass_plan::UpOptions;

use super::up::{Planned, ShapeArgs, planned};
use crate::commands::execution::{Run, announce, ending, run_to_end};
use crate::entry::context::Context;
use crate::entry::{lock, project};
use crate::errors::CliResult;

/// Create containers, do not start them
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    shape: ShapeArgs,
}

pub(crate) async fn run(context: &Context, args: CreateArgs) -> CliResult<()> {
    let options = UpOptions { no_start: true, ..args.shape.options(context)? };
    let engine = context.engine()?;
    let project = project::selected(context, &engine, &options.targets, options.no_deps).await?;
    let _lock = lock::acquire(context, &project.name, "create")?;
    let Planned { project, plan, .. } = planned(context, &engine, project, &options, args.shape.yes).await?;
    if !announce(context, &plan)? {
        return Ok(());
    }
    let plan = Arc::new(plan);
    let run = Run { engine, project: Arc::new(project), plan: Arc::clone(&plan), keep_going: false };
    let outcome = run_to_end(context, "create", run).await?;
    ending(&plan, &outcome)
}
