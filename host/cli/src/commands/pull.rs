//! `windlass pull`.

use clap::Args;
use windlass_model::Project;
use windlass_plan::{Observed, PullOptions};

use super::run::{self, Change};
use crate::entry::context::Context;
use crate::errors::{CliError, CliResult};

/// Pull the images of services
#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    /// Not those that can be built
    #[arg(long)]
    ignore_buildable: bool,
    /// Go on when an image cannot be pulled
    #[arg(long)]
    ignore_pull_failures: bool,
    /// Also those of dependencies
    #[arg(long)]
    include_deps: bool,
    /// When to pull: `missing` or `always`
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
    /// No progress
    #[arg(short, long)]
    quiet: bool,
    /// Only these services
    services: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: PullArgs) -> CliResult<()> {
    if let Some(other) = args.policy.as_deref().filter(|policy| !matches!(*policy, "missing" | "always")) {
        return Err(CliError::usage(format!("invalid --policy {other:?}: it can be `missing` or `always`")));
    }
    let options = PullOptions {
        targets: args.services,
        include_deps: args.include_deps,
        ignore_buildable: args.ignore_buildable,
        ignore_failures: args.ignore_pull_failures,
        policy: args.policy,
        quiet: args.quiet,
        now: context.unix_now(),
    };
    let plan = move |project: &Project, observed: &Observed| windlass_plan::pull(project, observed, &options);
    let change = Change { locks: false, ..Change::locked("pull") };
    run::plain(context, change, run::loaded(context), plan).await
}
