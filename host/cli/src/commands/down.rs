//! `windlass down`.

use clap::Args;
use windlass_model::Project;
use windlass_plan::options::RemoveImages;
use windlass_plan::{DownOptions, Observed};

use super::run::{self, Change};
use crate::entry::context::Context;
use crate::entry::global_args::{LockArgs, grace};
use crate::errors::{CliError, CliResult};

/// Stop and remove containers and networks
#[derive(Debug, Args)]
pub(crate) struct DownArgs {
    /// Also remove containers of services that are no longer in the file, and one-off containers
    #[arg(long)]
    remove_orphans: bool,
    /// Also remove images: `local` (those without a name of their own) or `all`
    #[arg(long, value_name = "TYPE")]
    rmi: Option<String>,
    /// Seconds between the request to stop and the kill; -1: never kill
    #[arg(short, long, value_name = "SECONDS", allow_negative_numbers = true)]
    timeout: Option<i32>,
    /// Also remove the project's volumes, anonymous ones and the ledger of loads included
    #[arg(short, long, alias = "volume")]
    volumes: bool,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    /// Only these services and what depends on them
    services: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: DownArgs) -> CliResult<()> {
    let images = match args.rmi.as_deref() {
        None => None,
        Some("local") => Some(RemoveImages::Local),
        Some("all") => Some(RemoveImages::All),
        Some(other) => return Err(CliError::usage(format!("invalid value for --rmi: {other:?}"))),
    };
    let change = Change::locked("down").of(&args.services);
    let load = run::known(context, &args.services, images.is_some());
    let options = DownOptions {
        targets: args.services,
        remove_orphans: args.remove_orphans || context.settings.remove_orphans,
        ignore_orphans: context.settings.ignore_orphans,
        volumes: args.volumes,
        images,
        timeout: grace(args.timeout),
    };
    let plan = move |project: &Project, observed: &Observed| windlass_plan::down(project, observed, &options);
    run::plain(context, change, load, plan).await
}
