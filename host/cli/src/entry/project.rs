//! Loading a project, or only its name, as each command needs it.

use std::sync::Arc;

use windlass_model::{Diagnostics, LoadOptions, Loaded, Project};
use windlass_plan::{PlanError, PlanErrorKind};
use windlass_runtime::Engine;
use windlass_session as session;

use crate::entry::context::Context;
use crate::entry::env_vars;
use crate::entry::files::OsFiles;
use crate::errors::{CliError, CliResult};
use crate::output::diagnostics;

/// Loads the project and shows its warnings.
pub(crate) fn load(context: &Context, change: impl FnOnce(&mut LoadOptions)) -> CliResult<Loaded> {
    let mut options = context.settings.load_options();
    change(&mut options);
    with_input(context, &mut options)?;
    let loaded = windlass_model::load(&OsFiles::default(), &options).map_err(CliError::Model)?;
    diagnostics::show_all(&context.ui, &Diagnostics(loaded.warnings.clone()));
    Ok(loaded)
}

/// Reads the compose file from standard input, where that is one of the files.
fn with_input(context: &Context, options: &mut LoadOptions) -> CliResult<()> {
    if options.reads_stdin() {
        options.stdin = Some(context.standard_input()?);
    }
    Ok(())
}

/// Loads a project for a command that creates, narrowed to services. Warns of what the engine will not do of it.
pub(crate) async fn selected(
    context: &Context,
    engine: &Arc<dyn Engine>,
    services: &[String],
    no_deps: bool,
) -> CliResult<session::Loaded> {
    let loaded = load(context, |options| {
        options.services = services.to_vec();
        options.no_deps = no_deps;
        options.default_platform = true;
    })?;
    super::plugins::check(context, &loaded.project).await?;
    super::inputs::check(context, &loaded.project)?;
    let limits = loaded.engine_limits(&engine.info().await?.os);
    if limits.has_errors() {
        return Err(CliError::Model(limits));
    }
    diagnostics::show_all(&context.ui, &limits);
    let typed = Some(Arc::new(loaded.tree));
    let mut project = loaded.project;
    if project.uses_api_socket() {
        project.attach_api_socket(engine.client_settings().await?);
    }
    Ok(session::Loaded { project, typed })
}

/// `create` makes nothing of an empty project; others have nothing to do.
pub(crate) fn not_empty(project: &Project) -> CliResult<()> {
    if project.services.is_empty() { Err(CliError::usage("no service selected")) } else { Ok(()) }
}

/// The project's name, without reading a file where it is said.
pub(crate) fn name(context: &Context) -> CliResult<String> {
    match &context.settings.project_name {
        Some(name) => Ok(name.clone()),
        None => {
            let mut options = context.settings.load_options();
            with_input(context, &mut options)?;
            windlass_model::project_name(&OsFiles::default(), &options).map_err(CliError::Model)
        }
    }
}

/// The project of a command that can do without a file: loaded, or known by its name. `services`: those named on the command
/// line, whose profiles are enabled too. `images`: the command needs to know the images too.
pub(crate) fn known(context: &Context, services: &[String], images: bool) -> CliResult<session::Subject> {
    if !context.settings.name_only {
        match load(context, |options| options.existing = Some(services.to_vec())) {
            Ok(loaded) => {
                let typed = Some(Arc::new(loaded.tree));
                return Ok(session::Subject::Loaded(Box::new(session::Loaded { project: loaded.project, typed })));
            }
            Err(error) if context.settings.environment.get(env_vars::COMPOSE_PROJECT_NAME).is_none() => {
                return Err(error);
            }
            Err(_) => {}
        }
    }
    Ok(session::Subject::Named { name: name(context)?, images })
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
