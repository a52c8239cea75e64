//! `windlass ps`.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value as Json, json};
use windlass_plan::labels;
use windlass_plan::observed::{Container, ContainerState, Health};
use windlass_runtime::engine::ContainerFilter;

use crate::entry::context::Context;
use crate::entry::project;
use crate::errors::{CliError, CliResult};
use crate::output::{humanize, ports, table, template};

/// List containers
#[derive(Debug, Args)]
pub(crate) struct PsArgs {
    /// Also stopped and one-off ones
    #[arg(short, long)]
    all: bool,
    /// Filter: `status=STATE`
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
    /// Format: `table`, `table TEMPLATE`, `json` or TEMPLATE
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: String,
    /// Do not cut commands and ids
    #[arg(long)]
    no_trunc: bool,
    /// Also containers of services that are not in the file
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    orphans: bool,
    /// Only ids
    #[arg(short, long)]
    quiet: bool,
    /// Only names of services
    #[arg(long)]
    services: bool,
    /// Only in these states: paused, restarting, removing, running, dead, created, exited
    #[arg(long, value_name = "STATE")]
    status: Vec<String>,
    /// Only of these services
    names: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: PsArgs) -> CliResult<()> {
    let states = states(&args)?;
    let name = project::name(context)?;
    let engine = context.engine()?;
    let all = args.all || !states.is_empty();
    let one_off = if args.all { None } else { Some(false) };
    let filter = ContainerFilter { project: Some(name), all, one_off, service: None };
    let mut containers = engine.list_containers(&filter).await?;
    containers.retain(|container| !container.is_hook());
    if !args.names.is_empty() {
        known(context, &args, &containers)?;
        containers.retain(|container| args.names.iter().any(|name| name == container.service()));
    }
    if !args.orphans && !context.settings.name_only {
        let known = project::load(context, |options| options.profiles.push("*".to_owned()))?.project.services;
        containers.retain(|container| known.contains_key(container.service()));
    }
    containers.retain(|container| states.is_empty() || states.iter().any(|state| state == word(container.state)));
    print(context, &args, &containers)
}

/// Names must be in the file, or, without one, have containers.
fn known(context: &Context, args: &PsArgs, containers: &[Container]) -> CliResult<()> {
    if args.names.iter().all(|name| containers.iter().any(|container| container.service() == name)) {
        return Ok(());
    }
    if context.settings.name_only {
        return project::check_names(&args.names, containers.iter().map(Container::service));
    }
    let project = project::load(context, |options| options.profiles.push("*".to_owned()))?.project;
    project::check_names(&args.names, project.services.keys().map(String::as_str))
}

fn states(args: &PsArgs) -> CliResult<Vec<String>> {
    let mut states = args.status.clone();
    if let Some(filter) = &args.filter {
        match filter.split_once('=') {
            Some(("status", state)) => states.push(state.to_owned()),
            Some((key, _)) => return Err(CliError::usage(format!("unknown filter {key}"))),
            None => return Err(CliError::usage("arguments to --filter should be in form KEY=VAL")),
        }
    }
    Ok(states)
}

fn print(context: &Context, args: &PsArgs, containers: &[Container]) -> CliResult<()> {
    if args.quiet {
        let ids: String = containers.iter().map(|container| format!("{}\n", container.id)).collect();
        return context.ui.data(ids);
    }
    if args.services {
        let mut names: Vec<&str> = containers.iter().map(Container::service).collect();
        names.dedup();
        let mut seen = std::collections::BTreeSet::new();
        return context.ui.data(
            names.into_iter().filter(|name| seen.insert(*name)).map(|name| format!("{name}\n")).collect::<String>(),
        );
    }
    let now = context.unix_now();
    let rows: Vec<BTreeMap<&str, Json>> =
        containers.iter().map(|container| fields(container, now, args.no_trunc)).collect();
    match args.format.as_str() {
        "table" | "" => {
            let heads = ["NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"];
            let columns = ["Name", "Image", "Command", "Service", "RunningFor", "Status", "Ports"];
            let line = |row: &BTreeMap<&str, Json>| {
                columns.iter().map(|key| row[key].as_str().unwrap_or_default().to_owned()).collect()
            };
            let cells: Vec<Vec<String>> =
                std::iter::once(heads.map(str::to_owned).to_vec()).chain(rows.iter().map(line)).collect();
            context.ui.data(table::render(table::DOCKER, &cells))
        }
        "json" => context.ui.data(rows.iter().map(|row| format!("{}\n", json_line(row))).collect::<String>()),
        format => templated(context, format, &rows),
    }
}

/// Without the cut of tables, keys in `docker compose`'s order.
fn json_line(row: &BTreeMap<&str, Json>) -> Json {
    row.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect::<serde_json::Map<_, _>>().into()
}

fn templated(context: &Context, format: &str, rows: &[BTreeMap<&str, Json>]) -> CliResult<()> {
    let Some(template) = format.strip_prefix("table ") else {
        return rows.iter().try_for_each(|row| context.ui.data(format!("{}\n", template::fill(format, row)?)));
    };
    let example = fields(&Container::default(), 0, false);
    let mut cells = vec![template::headings(template, &example)?];
    for row in rows {
        cells.push(template::fill(template, row)?);
    }
    let cells: Vec<Vec<String>> = cells.iter().map(|line| line.split('\t').map(str::to_owned).collect()).collect();
    context.ui.data(table::render(table::DOCKER, &cells))
}

/// All fields of a row, by the names of `docker compose`'s JSON and templates.
fn fields(container: &Container, now: i64, whole: bool) -> BTreeMap<&'static str, Json> {
    let written: Vec<String> = container.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let volumes = container.mounts.iter().filter(|mount| mount.kind == "volume").count();
    let mounts: Vec<&str> = container
        .mounts
        .iter()
        .map(|mount| if mount.name.is_empty() { mount.source.as_str() } else { mount.name.as_str() })
        .collect();
    let networks: Vec<&str> = container.networks.keys().map(String::as_str).collect();
    let publishers: Vec<Json> = ports::sorted(&container.ports)
        .into_iter()
        .map(|port| json!({ "URL": port.host_ip, "TargetPort": port.private, "PublishedPort": port.public.unwrap_or(0), "Protocol": port.protocol }))
        .collect();
    BTreeMap::from([
        ("Command", json!(command(&container.command, whole))),
        ("CreatedAt", json!(created_at(container.created))),
        ("Engine", json!(container.label(labels::ENGINE).unwrap_or_default())),
        ("ExitCode", json!(container.exit_code.unwrap_or(0))),
        ("Health", json!(container.health.map_or("", health))),
        ("ID", json!(if whole { &container.id } else { container.id.get(..12).unwrap_or(&container.id) })),
        ("Image", json!(container.image)),
        ("Labels", json!(written.join(","))),
        ("LocalVolumes", json!(volumes.to_string())),
        ("Mounts", json!(mounts.join(","))),
        ("Name", json!(container.name)),
        ("Names", json!(container.name)),
        ("Networks", json!(networks.join(","))),
        ("Ports", json!(ports::displayed(&container.ports))),
        ("Project", json!(container.label(labels::PROJECT).unwrap_or_default())),
        ("Publishers", json!(publishers)),
        ("RunningFor", json!(format!("{} ago", humanize::age(now - container.created)))),
        ("Service", json!(container.service())),
        ("Size", json!("0B")),
        ("State", json!(word(container.state))),
        ("Status", json!(container.status)),
    ])
}

/// Quoted, cut at 20 characters.
fn command(text: &str, whole: bool) -> String {
    let cut = if whole || text.chars().count() <= 20 {
        text.to_owned()
    } else {
        format!("{}…", text.chars().take(19).collect::<String>())
    };
    format!("{cut:?}").replace("\\'", "'")
}

fn created_at(seconds: i64) -> String {
    let zone = jiff::tz::TimeZone::system();
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default().to_zoned_datetime(zone);
    time.strftime("%Y-%m-%d %H:%M:%S %z %Z").to_string()
}

/// The engine's word for a state.
pub(crate) const fn word(state: ContainerState) -> &'static str {
    match state {
        ContainerState::Created => "created",
        ContainerState::Running => "running",
        ContainerState::Paused => "paused",
        ContainerState::Restarting => "restarting",
        ContainerState::Removing => "removing",
        ContainerState::Exited => "exited",
        ContainerState::Dead => "dead",
    }
}

const fn health(health: Health) -> &'static str {
    match health {
        Health::Starting => "starting",
        Health::Healthy => "healthy",
        Health::Unhealthy => "unhealthy",
    }
}
