//! `windlass build`.

use clap::Args;
use windlass_model::Project;
use windlass_plan::step::BuildOptions;
use windlass_plan::{BuildCommandOptions, Observed};

use super::run::{self, Change};
use crate::entry::context::Context;
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
    let plan = move |project: &Project, observed: &Observed| windlass_plan::build(project, observed, &options);
    let change = Change { locks: false, ..Change::locked("build") };
    run::plain(context, change, run::loaded(context), plan).await
}
