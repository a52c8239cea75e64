//! `windlass config`.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use serde::Serialize as _;
use serde_json::json;
use windlass_model::load::{Fate, Layer};
use windlass_model::project::Service;
use windlass_model::{Loaded, Project, hash, render};

use crate::commands::digests;
use crate::entry::context::Context;
use crate::entry::{plugins, project};
use crate::errors::{CliError, CliResult};
use crate::output::table;

/// Check the compose file and print it in canonical form
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one flag a variant, as `docker compose` has them")]
pub(crate) struct ConfigArgs {
    /// Print the variables that `${…}` may use
    #[arg(long)]
    environment: bool,
    /// Print where a value (`services.web.image`) or a variable (`TAG`) came from, layer by layer
    #[arg(long, value_name = "PATH_OR_VAR")]
    explain: Option<String>,
    /// Format: `yaml` or `json`; with `json`, problems are JSON too: an object a line, on standard error
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Print the config hashes of these services (separated by commas), or of all with `*`
    #[arg(long, value_name = "SERVICES")]
    hash: Option<String>,
    /// Print the images
    #[arg(long)]
    images: bool,
    /// Print a file of images only, held fast by their digests: an override for later runs
    #[arg(long)]
    lock_image_digests: bool,
    /// Print the keys of models
    #[arg(long)]
    models: bool,
    /// Print the keys of networks
    #[arg(long)]
    networks: bool,
    /// Skip the checks of references between parts of the file
    #[arg(long)]
    no_consistency: bool,
    /// Keep `env_file`, do not merge it into `environment`
    #[arg(long)]
    no_env_resolution: bool,
    /// Keep `${…}`
    #[arg(long)]
    no_interpolate: bool,
    /// Do not fill in what the file means without saying
    #[arg(long)]
    no_normalize: bool,
    /// Keep relative paths
    #[arg(long)]
    no_path_resolution: bool,
    /// Write to a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<std::path::PathBuf>,
    /// Print the profiles
    #[arg(long)]
    profiles: bool,
    /// Print nothing, only check
    #[arg(short, long)]
    quiet: bool,
    /// Ask the registries, and print every image with its digest
    #[arg(long)]
    resolve_image_digests: bool,
    /// Print the services
    #[arg(long)]
    services: bool,
    /// Print the variables that the file uses
    #[arg(long)]
    variables: bool,
    /// Print the keys of volumes
    #[arg(long)]
    volumes: bool,
    /// Only these services and their dependencies
    names: Vec<String>,
}

impl ConfigArgs {
    /// Keys of the file only: what environment files say does not matter.
    const fn prints_keys(&self) -> bool {
        self.services || self.volumes || self.networks || self.models
    }

    fn is_json(&self) -> bool {
        self.format.as_deref() == Some("json")
    }

    /// The whole file, not one of the lists.
    const fn prints_the_file(&self) -> bool {
        let lists = self.services || self.volumes || self.networks || self.models || self.profiles || self.images;
        !lists && !self.environment && !self.variables && self.hash.is_none() && self.explain.is_none()
    }
}

pub(crate) async fn run(context: &Context, args: ConfigArgs) -> CliResult<()> {
    if let Some(other) = args.format.as_deref().filter(|format| !matches!(*format, "yaml" | "json")) {
        return Err(CliError::usage(format!("unsupported format {other:?}")));
    }
    if args.is_json() {
        context.ui.problems_as_json();
    }
    let mut loaded = project::load(context, |options| {
        if !args.prints_keys() {
            options.services.clone_from(&args.names);
        }
        options.origins = args.explain.is_some();
        options.default_platform = args.hash.is_some();
        // Variables are asked for before they have values: a required one that is missing is what people look for.
        options.no_interpolate = args.no_interpolate || args.variables;
        options.no_normalize = args.no_normalize;
        options.no_path_resolution = args.no_path_resolution;
        options.no_env_resolution = args.no_env_resolution || options.no_interpolate || args.prints_keys();
        options.no_consistency = args.no_consistency || options.no_interpolate;
    })?;
    if args.prints_the_file() && (args.resolve_image_digests || args.lock_image_digests) {
        digests::pin(context, &mut loaded).await?;
        if args.lock_image_digests {
            digests::only_images(context, &mut loaded);
        }
    }
    if args.quiet {
        // Asked whether the file is right: then its plugins must be right too. Other forms of `config` only print.
        return plugins::check(context, &loaded.project).await;
    }
    let text = text(context, &args, &loaded)?;
    match &args.output {
        Some(path) => fs_err::write(path, text).map_err(|source| CliError::io("write the configuration", source)),
        None => context.ui.data(text),
    }
}

fn text(context: &Context, args: &ConfigArgs, loaded: &Loaded) -> CliResult<String> {
    let project = &loaded.project;
    if let Some(path) = &args.explain {
        return explain(context, loaded, path);
    }
    if let Some(names) = &args.hash {
        return hashes(project, names);
    }
    let lists: [(bool, Vec<String>); 6] = [
        (args.services, by_dependency(project)),
        (args.volumes, project.volumes.keys().cloned().collect()),
        (args.networks, project.networks.keys().cloned().collect()),
        (args.models, project.models.values().map(|model| model.model.clone()).collect()),
        (args.profiles, loaded.profiles.clone()),
        (args.images, images(project)),
    ];
    if let Some((_, list)) = lists.into_iter().find(|(wanted, _)| *wanted) {
        return Ok(list.into_iter().map(|name| format!("{name}\n")).collect());
    }
    if args.environment {
        return Ok(project.environment.iter().map(|(name, value)| format!("{name}={value}\n")).collect());
    }
    if args.variables {
        return Ok(variables(args, loaded));
    }
    if args.no_interpolate {
        let tree = &loaded.tree;
        return Ok(if args.is_json() { render::tree_json(tree) } else { render::tree_yaml(tree) });
    }
    Ok(if args.is_json() { render::project_json(project) } else { render::project_yaml(project) })
}

/// Image of every service, each followed by other images that its `pre_start` containers use.
fn images(project: &Project) -> Vec<String> {
    let of = |service: &Service| {
        let own = if service.provider.is_some() { String::new() } else { project.image_of(service) };
        let mut all = vec![own];
        for hook in &service.pre_start {
            if !all.contains(&hook.image) {
                all.push(hook.image.clone());
            }
        }
        all
    };
    project.services.values().flat_map(|service| of(service)).filter(|image| !image.is_empty()).collect()
}

/// Dependencies first, alphabetical where the order is free.
fn by_dependency(project: &Project) -> Vec<String> {
    fn visit<'p>(project: &'p Project, name: &'p str, seen: &mut BTreeSet<&'p str>, out: &mut Vec<String>) {
        let Some(service) = project.services.get(name).filter(|_| seen.insert(name)) else { return };
        let mut dependencies: Vec<&str> = service.depends_on.keys().map(String::as_str).collect();
        dependencies.sort_unstable();
        dependencies.into_iter().for_each(|dependency| visit(project, dependency, seen, out));
        out.push(name.to_owned());
    }
    let (mut seen, mut out) = (BTreeSet::new(), Vec::new());
    project.services.keys().for_each(|name| visit(project, name, &mut seen, &mut out));
    out
}

fn hashes(project: &Project, names: &str) -> CliResult<String> {
    let wanted: Vec<String> = match names {
        "*" => project.services.keys().cloned().collect(),
        list => list.split(',').map(str::to_owned).collect(),
    };
    project::check_names(&wanted, project.services.keys().map(String::as_str))?;
    let sorted: BTreeMap<&String, String> =
        wanted.iter().map(|name| (name, hash::service_hash(&project.services[name.as_str()]))).collect();
    Ok(sorted.into_iter().map(|(name, hash)| format!("{name} {hash}\n")).collect())
}

fn variables(args: &ConfigArgs, loaded: &Loaded) -> String {
    match args.format.as_deref() {
        Some("json") => return variables_as(loaded, ["Name", "DefaultValue", "PresenceValue", "Required"]) + "\n\n",
        Some(_) => {
            let json = variables_as(loaded, ["name", "defaultvalue", "presencevalue", "required"]);
            let value = serde_json::from_str(&json).unwrap_or_default();
            // `docker compose` indents this by four.
            return render::yaml::document(&value).replace("\n  ", "\n    ");
        }
        None => {}
    }
    let heads = ["NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE"].map(str::to_owned).to_vec();
    let rows = loaded
        .variables
        .iter()
        .map(|v| vec![v.name.clone(), v.required.to_string(), v.default.clone(), v.alternate.clone()]);
    let cells: Vec<Vec<String>> = std::iter::once(heads).chain(rows).collect();
    table::render(table::PRETTY, &cells)
}

/// The variables as JSON, with `docker compose`'s names of fields.
fn variables_as(loaded: &Loaded, [name, default, alternate, required]: [&str; 4]) -> String {
    let all = loaded.variables.iter();
    let fields = |v: &windlass_model::load::Variable| {
        let fields = json!({ name: v.name, default: v.default, alternate: v.alternate, required: v.required });
        (v.name.clone(), fields)
    };
    let map: serde_json::Map<String, serde_json::Value> = all.map(fields).collect();
    let mut text = Vec::new();
    let indented = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, indented);
    map.serialize(&mut serializer).expect("JSON can be written to memory");
    String::from_utf8(text).expect("JSON is UTF-8")
}

/// Every layer of a path, or of a variable: where it was typed, and which one counts.
fn explain(context: &Context, loaded: &Loaded, path: &str) -> CliResult<String> {
    let layers = loaded.explain(path);
    let layers = if layers.is_empty() { loaded.explain_variable(path) } else { layers };
    if layers.is_empty() {
        return Err(CliError::hinted(
            format!("the project has no {path}"),
            "paths look like services.web.image; variables are named without the dollar sign",
        ));
    }
    Ok(layers.iter().map(|found| layer(context, found)).collect())
}

fn layer(context: &Context, layer: &Layer) -> String {
    let span = layer.span.as_ref();
    let place = span.and_then(|span| Some(format!("{}:{}", context.ui.shown(&span.file.as_ref()?.path), span.line)));
    let place = place.unwrap_or_else(|| "-".to_owned());
    let Layer { path, value, .. } = layer;
    match layer.fate {
        Fate::Counts => format!("{path} = {value}  {place}\n"),
        Fate::Overridden => format!("{path} = {value}  {place}  (overridden)\n"),
        Fate::FilledIn => format!("{path} = {value}  (filled in)\n"),
        Fate::Environment => format!("{path} = {value}  (environment)\n"),
        Fate::Used => format!("{path} used as {value}  {place}\n"),
    }
}
