//! `windlass plan`.

use clap::Args;

use super::up::{ReachArgs, ShapeArgs};
use crate::entry::context::Context;
use crate::errors::CliResult;

/// Print what `up` would do and why; change nothing
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    shape: ShapeArgs,
    #[command(flatten)]
    reach: ReachArgs,
}

pub(crate) async fn run(context: &Context, args: PlanArgs) -> CliResult<()> {
    let options = args.reach.apply(args.shape.options(context)?)?;
    let engine = context.engine()?;
    // The answer to a question would change the plan: the questions are printed with it instead.
    let project = crate::entry::project::selected(context, &engine, &options.targets, options.no_deps).await?.project;
    crate::entry::project::not_empty(&project)?;
    let observed = engine.observe(&windlass_session::scope(&project)).await?;
    let plan = windlass_plan::up(&project, &observed, &options)?;
    context.ui.data(windlass_plan::render(&plan))
}
