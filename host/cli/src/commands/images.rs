//! `windlass images`.

use clap::Args;
use serde_json::json;
use windlass_runtime::engine::ContainerFilter;

use crate::entry::context::Context;
use crate::entry::project;
use crate::errors::{CliError, CliResult};
use crate::output::table;

/// List the images that containers use
#[derive(Debug, Args)]
pub(crate) struct ImagesArgs {
    /// Format: `table` or `json`
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: String,
    /// Only ids
    #[arg(short, long)]
    quiet: bool,
    /// Only of these services
    services: Vec<String>,
}

struct Row {
    container: String,
    repository: String,
    tag: String,
    platform: String,
    id: String,
}

pub(crate) async fn run(context: &Context, args: ImagesArgs) -> CliResult<()> {
    let name = project::name(context)?;
    let engine = context.engine()?;
    let filter = ContainerFilter { project: Some(name), all: true, one_off: Some(false), service: None };
    let mut containers = engine.list_containers(&filter).await?;
    containers
        .retain(|container| args.services.is_empty() || args.services.iter().any(|name| name == container.service()));
    let mut rows = Vec::new();
    for container in containers {
        let image = engine.inspect_image(&container.image_id, "").await?;
        let (repository, tag) = split(&container.image);
        let platform = image.map(|image| image.platform).unwrap_or_default();
        rows.push(Row { container: container.name, repository, tag, platform, id: container.image_id });
    }
    if args.quiet {
        let mut ids: Vec<String> =
            rows.iter().map(|row| format!("{}\n", row.id.trim_start_matches("sha256:"))).collect();
        ids.sort();
        ids.dedup();
        return context.ui.data(ids.concat());
    }
    match args.format.as_str() {
        "json" => {
            let list: Vec<_> = rows
                .iter()
                .map(|row| json!({ "ID": row.id, "ContainerName": row.container, "Repository": row.repository, "Tag": row.tag, "Platform": row.platform }))
                .collect();
            context.ui.data(format!("{}\n", json!(list)))
        }
        "table" => {
            let heads = ["CONTAINER", "REPOSITORY", "TAG", "PLATFORM", "IMAGE ID"].map(str::to_owned).to_vec();
            let line = |row: Row| {
                let id = row.id.trim_start_matches("sha256:").chars().take(12).collect();
                vec![row.container, row.repository, row.tag, row.platform, id]
            };
            let cells: Vec<Vec<String>> = std::iter::once(heads).chain(rows.into_iter().map(line)).collect();
            context.ui.data(table::render(table::PRETTY, &cells))
        }
        other => Err(CliError::usage(format!("unsupported format {other:?}: it can be `table` or `json`"))),
    }
}

/// Repository and tag of a reference.
fn split(image: &str) -> (String, String) {
    match image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository.to_owned(), tag.to_owned()),
        _ => (image.to_owned(), "latest".to_owned()),
    }
}
