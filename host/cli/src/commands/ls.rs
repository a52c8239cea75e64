//! `windlass ls`.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::json;
use windlass_plan::labels;
use windlass_plan::observed::Container;
use windlass_runtime::engine::ContainerFilter;

use super::ps::word;
use crate::entry::context::Context;
use crate::errors::{CliError, CliResult};
use crate::output::table;

/// List projects
#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    /// Also projects none of whose containers runs
    #[arg(short, long)]
    all: bool,
    /// Filter: `name=TEXT`
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
    /// Format: `table` or `json`
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: String,
    /// Only names
    #[arg(short, long)]
    quiet: bool,
}

pub(crate) async fn run(context: &Context, args: LsArgs) -> CliResult<()> {
    let part = match args.filter.as_deref().map(|filter| filter.split_once('=')) {
        None => None,
        Some(Some(("name", part))) => Some(part.to_owned()),
        Some(_) => return Err(CliError::usage("arguments to --filter should be in form name=TEXT")),
    };
    let filter = ContainerFilter { project: None, all: args.all, one_off: None, service: None };
    let mut projects: BTreeMap<String, Vec<Container>> = BTreeMap::new();
    for container in context.engine()?.list_containers(&filter).await? {
        let name = container.label(labels::PROJECT).unwrap_or_default().to_owned();
        if part.as_ref().is_none_or(|part| name.contains(part.as_str())) {
            projects.entry(name).or_default().push(container);
        }
    }
    if args.quiet {
        return context.ui.data(projects.keys().map(|name| format!("{name}\n")).collect::<String>());
    }
    let rows: Vec<[String; 3]> =
        projects.iter().map(|(name, containers)| [name.clone(), status(containers), files(containers)]).collect();
    match args.format.as_str() {
        "json" => {
            let list: Vec<_> = rows
                .iter()
                .map(|[name, status, files]| json!({ "Name": name, "Status": status, "ConfigFiles": files }))
                .collect();
            context.ui.data(format!("{}\n", json!(list)))
        }
        "table" => {
            let heads = ["NAME", "STATUS", "CONFIG FILES"].map(str::to_owned);
            let cells: Vec<Vec<String>> = std::iter::once(heads).chain(rows).map(Vec::from).collect();
            context.ui.data(table::render(table::PRETTY, &cells))
        }
        other => Err(CliError::usage(format!("unsupported format {other:?}: it can be `table` or `json`"))),
    }
}

/// `running(2), exited(1)`.
fn status(containers: &[Container]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    containers.iter().for_each(|container| *counts.entry(word(container.state)).or_default() += 1);
    counts.into_iter().map(|(state, count)| format!("{state}({count})")).collect::<Vec<_>>().join(", ")
}

fn files(containers: &[Container]) -> String {
    let found = containers.iter().find_map(|container| container.label(labels::CONFIG_FILES));
    found.unwrap_or("N/A").to_owned()
}
