//! `windlass create`.

use clap::Args;
use windlass_plan::UpOptions;

use super::run::{self, Change};
use super::up::{ShapeArgs, request};
use crate::entry::context::Context;
use crate::entry::global_args::LockArgs;
use crate::errors::CliResult;
use crate::output::logs::LogStyle;

/// Create containers, do not start them
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    shape: ShapeArgs,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
}

pub(crate) async fn run(context: &Context, args: CreateArgs) -> CliResult<()> {
    let options = UpOptions { no_start: true, ..args.shape.options(context)? };
    let change = Change { keep_going: false, ..Change::locked("create").of(&args.shape.services) };
    let request = request(context, change, options, args.shape.yes, false)?;
    run::run(context, request, LogStyle::default()).await
}
