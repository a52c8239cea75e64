//! `windlass build`.

use clap::Args;
use windlass_plan::BuildCommandOptions;
use windlass_plan::step::BuildOptions;

use crate::commands::execution::run_plan;
use crate::entry::context::Context;
use crate::entry::project;
use crate::errors::CliResult;

/// Build the images of services
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// Build argument: `KEY=VALUE`, or `KEY` from the environment
    #[arg(long = "build-arg", value_name = "ARG")]
    args: Vec<String>,
    /// Ignore the cache
    #[arg(long)]
    no_cache: bool,
    /// Pull newer base images
    #[arg(long)]
    pull: bool,
    /// No output of the builder
    #[arg(short, long)]
    quiet: bool,
    /// Also build dependencies
    #[arg(long)]
    with_dependencies: bool,
    /// Only these services
    services: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: BuildArgs) -> CliResult<()> {
    let project = project::load(context, |_| {})?.project;
    let engine = context.engine()?;
    let observed = engine.observe(&project::scope(&project)).await?;
    let value = |arg: &String| match arg.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (arg.clone(), context.settings.environment.get(arg).map(str::to_owned)),
    };
    let options = BuildCommandOptions {
        targets: args.services,
        with_dependencies: args.with_dependencies,
        build: BuildOptions {
            pull: args.pull,
            no_cache: args.no_cache,
            quiet: args.quiet,
            args: args.args.iter().map(value).collect(),
        },
    };
    run_plan(context, "build", project, &observed, |project, observed| {
        windlass_plan::build(project, observed, &options)
    })
    .await
}
