//! `windlass version`.

use clap::Args;
use serde_json::json;

use crate::entry::context::Context;
use crate::errors::{CliError, CliResult};

/// Print the version
#[derive(Debug, Default, Args)]
pub(crate) struct VersionArgs {
    /// Format: `pretty` or `json`
    #[arg(short, long, value_name = "FORMAT")]
    format: Option<String>,
    /// Print the number only
    #[arg(long)]
    short: bool,
}

pub(crate) fn run(context: &Context, args: &VersionArgs) -> CliResult<()> {
    let version = env!("CARGO_PKG_VERSION");
    let text = match args.format.as_deref() {
        _ if args.short => format!("{version}\n"),
        None | Some("pretty") => format!("Windlass version v{version}\n"),
        Some("json") => format!("{}\n", json!({ "version": format!("v{version}") })),
        Some(other) => {
            return Err(CliError::usage(format!("unsupported format {other:?}: it can be `pretty` or `json`")));
        }
    };
    context.ui.data(text)
}
