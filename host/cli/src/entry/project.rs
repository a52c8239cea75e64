//! Loading a project, or only its name, as each command needs it.

use std::sync::Arc;

use windlass_model::{Diagnostics, LoadOptions, Loaded, Project};
use windlass_plan::{Observed, PlanError, PlanErrorKind, rebuild_from_labels};
use windlass_runtime::Engine;
use windlass_runtime::engine::Scope;

use crate::entry::context::Context;
use crate::entry::env_vars;
use crate::entry::files::OsFiles;
use crate::errors::{CliError, CliResult};
use crate::output::diagnostics;

/// Loads the project and shows its warnings.
pub(crate) fn load(context: &Context, change: impl FnOnce(&mut LoadOptions)) -> CliResult<Loaded> {
    let mut options = context.settings.load_options();
    change(&mut options);
    if options.files.iter().any(|file| file.as_os_str() == "-") {
        let mut text = Vec::new();
        if let Some(mut input) = context.ui.take_input() {
            input.read_to_end(&mut text).map_err(|source| CliError::io("read standard input", source))?;
        }
        options.stdin = Some(text);
    }
    let loaded = windlass_model::load(&OsFiles, &options).map_err(CliError::Model)?;
    diagnostics::show_all(&context.ui, &Diagnostics(loaded.warnings.clone()));
    context.typed.get_or_init(|| Arc::new(loaded.tree.clone()));
    Ok(loaded)
}

/// Loads a project for a command that creates, narrowed to services. Warns of what the engine will not do of it.
pub(crate) async fn selected(
    context: &Context,
    engine: &Arc<dyn Engine>,
    services: &[String],
    no_deps: bool,
) -> CliResult<Project> {
    let loaded = load(context, |options| {
        options.services = services.to_vec();
        options.no_deps = no_deps;
    })?;
    super::plugins::check(context, &loaded.project).await?;
    let limits = loaded.engine_limits(&engine.info().await?.os);
    if limits.has_errors() {
        return Err(CliError::Model(limits));
    }
    diagnostics::show_all(&context.ui, &limits);
    let mut project = loaded.project;
    if project.uses_api_socket() {
        project.attach_api_socket(engine.client_settings().await?);
    }
    Ok(project)
}

/// `create` makes nothing of an empty project; others have nothing to do.
pub(crate) fn not_empty(project: &Project) -> CliResult<()> {
    if project.services.is_empty() { Err(CliError::usage("no service selected")) } else { Ok(()) }
}

/// The project's name, without reading a file where it is said.
pub(crate) fn name(context: &Context) -> CliResult<String> {
    match &context.settings.project_name {
        Some(name) => Ok(name.clone()),
        None => windlass_model::project_name(&OsFiles, &context.settings.load_options()).map_err(CliError::Model),
    }
}

/// The project of a command that can do without a file: loaded, or rebuilt from the labels of what exists. `images`: the
/// command needs to know the images too.
pub(crate) async fn known(context: &Context, engine: &Arc<dyn Engine>, images: bool) -> CliResult<(Project, Observed)> {
    if !context.settings.name_only {
        match load(context, |options| options.profiles.push("*".to_owned())) {
            Ok(loaded) => {
                let observed = engine.observe(&scope(&loaded.project)).await?;
                return Ok((loaded.project, observed));
            }
            Err(error) if context.settings.environment.get(env_vars::COMPOSE_PROJECT_NAME).is_none() => {
                return Err(error);
            }
            Err(_) => {}
        }
    }
    let name = name(context)?;
    let mut observed = engine.observe(&Scope { project: Some(name.clone()), ..Scope::default() }).await?;
    let project = rebuild_from_labels(&name, &observed);
    if images {
        observed = engine.observe(&scope(&project)).await?;
    }
    Ok((project, observed))
}

/// Everything that planning for a project looks at.
pub(crate) fn scope(project: &Project) -> Scope {
    let images = project.services.values().flat_map(|service| {
        let own = service.provider.is_none().then(|| (project.image_of(service), service.platform.clone()));
        let hooks = service.pre_start.iter().map(|hook| (hook.image.clone(), String::new()));
        let mounted = service.volumes.iter().filter(|mount| mount.kind == windlass_model::project::MountKind::Image);
        own.into_iter().chain(hooks).chain(mounted.map(|mount| (mount.source.clone(), String::new())))
    });
    let mut images: Vec<(String, String)> = images.filter(|(image, _)| !image.is_empty()).collect();
    images.sort();
    images.dedup();
    Scope {
        project: Some(project.name.clone()),
        network_names: project.networks.values().map(|network| network.name.clone()).collect(),
        volume_names: project.volumes.values().map(|volume| volume.name.clone()).collect(),
        images,
    }
}

/// Services named on the command line that no file defines, in `docker compose`'s words.
pub(crate) fn check_names<'n>(wanted: &[String], known: impl Iterator<Item = &'n str> + Clone) -> CliResult<()> {
    match wanted.iter().find(|name| !known.clone().any(|known| known == name.as_str())) {
        Some(name) => Err(no_such_service(name, known)),
        None => Ok(()),
    }
}

fn no_such_service<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> CliError {
    let message = format!("no such service: {name}");
    match windlass_model::suggest::closest(name, known) {
        Some(close) => CliError::hinted(message, format!("did you mean `{close}`?")),
        None => CliError::usage(message),
    }
}

impl From<PlanError> for CliError {
    fn from(error: PlanError) -> Self {
        let (message, hint) = (error.to_string(), error.hint());
        match error.kind() {
            PlanErrorKind::Request => Self::Usage { message, hint },
            PlanErrorKind::State => Self::State { message, hint },
        }
    }
}
