//! `windlass schema`.

use clap::Args;

use crate::entry::context::Context;
use crate::errors::CliResult;

/// Print the JSON Schema of `x-windlass` and `windlass.yaml`
#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {}

pub(crate) fn run(context: &Context, _: &SchemaArgs) -> CliResult<()> {
    context.ui.data(windlass_model::windlass_schema())
}
