//! `windlass down`.

use clap::Args;
use windlass_plan::DownOptions;
use windlass_plan::options::RemoveImages;

use crate::commands::execution::run_plan;
use crate::entry::context::Context;
use crate::entry::global_args::seconds;
use crate::entry::{lock, project};
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
    /// Seconds between the request to stop and the kill
    #[arg(short, long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// Also remove the project's volumes, anonymous ones and the ledger of loads included
    #[arg(short, long, alias = "volume")]
    volumes: bool,
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
    let engine = context.engine()?;
    let (project, observed) = project::known(context, &engine, args.rmi.is_some()).await?;
    let _lock = lock::acquire(context, &project.name, "down")?;
    let options = DownOptions {
        targets: args.services,
        remove_orphans: args.remove_orphans || context.settings.remove_orphans,
        ignore_orphans: context.settings.ignore_orphans,
        volumes: args.volumes,
        images,
        timeout: seconds(args.timeout),
    };
    run_plan(context, "down", project, &observed, |project, observed| windlass_plan::down(project, observed, &options))
        .await
}
