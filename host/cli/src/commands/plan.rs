//! `windlass plan`.

use clap::Args;

use super::up::ShapeArgs;
use crate::entry::context::Context;
use crate::errors::CliResult;

/// Print what `up` would do and why; change nothing
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    shape: ShapeArgs,
}

pub(crate) async fn run(context: &Context, args: PlanArgs) -> CliResult<()> {
    let options = args.shape.options(context)?;
    let engine = context.engine()?;
    // The answer to a question would change the plan: the questions are printed with it instead.
    let project = crate::entry::project::selected(context, &engine, &options.targets, options.no_deps).await?;
    crate::entry::project::not_empty(&project)?;
    let observed = engine.observe(&crate::entry::project::scope(&project)).await?;
    let plan = windlass_plan::up(&project, &observed, &options)?;
    context.ui.data(windlass_plan::render(&plan))
}
