//! A look at the files of loads before anything is made: a container that runs, perhaps for minutes until it is ready, is a late
//! moment to hear that a file's name has a typo.

use std::collections::BTreeMap;
use std::path::Path;

use windlass_model::diagnostic::Diagnostic;
use windlass_model::project::MountKind;
use windlass_model::windlass::{Hook, InputFile, LoadWhen, OnFailure, Stage};
use windlass_model::{Diagnostics, Project};

use crate::entry::context::Context;
use crate::errors::{CliError, CliResult};
use crate::output::diagnostics;

/// Looks whether the files are there that the project's loads name in `from`.
///
/// # Errors
/// When one is not that a load must have; all problems are collected, with their places.
pub(crate) fn check(context: &Context, project: &Project) -> CliResult<()> {
    let mut problems = Vec::new();
    for service in project.services.values() {
        let (name, settings) = (&service.name, &service.windlass);
        for dataset in settings.load.iter().filter(|dataset| dataset.when != LoadWhen::Manual) {
            let path = format!("services.{name}.x-windlass.load.{}.from", dataset.name);
            let what = format!("the file of dataset `{}`", dataset.name);
            problems.extend(dataset.from.iter().filter_map(|input| problem(project, input, &path, &what, true)));
        }
        problems.extend(of_hooks(project, &settings.hooks, &format!("services.{name}.")));
    }
    problems.extend(of_hooks(project, &project.windlass.hooks, ""));
    let problems = Diagnostics(problems);
    if problems.has_errors() {
        return Err(CliError::Model(problems));
    }
    diagnostics::show_all(&context.ui, &problems);
    Ok(())
}

/// What the hooks of a service, or of the project, lack.
fn of_hooks(project: &Project, hooks: &BTreeMap<Stage, Vec<Hook>>, prefix: &str) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for (stage, hooks) in hooks {
        for (number, hook) in hooks.iter().enumerate().filter(|(_, hook)| hook.when != LoadWhen::Manual) {
            let path = format!("{prefix}x-windlass.hooks.{stage}[{number}].from");
            let fatal = hook.on_failure == OnFailure::Fail && !stage.entry().only_warns;
            let what = format!("a file of hook `{}`", hook.plugin);
            problems.extend(hook.from.iter().filter_map(|input| problem(project, input, &path, &what, fatal)));
        }
    }
    problems
}

fn problem(project: &Project, input: &InputFile, path: &str, what: &str, fatal: bool) -> Option<Diagnostic> {
    let reason = match fs_err::metadata(&input.path) {
        Ok(_) => return None,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        Err(error) => error.kind().to_string(),
    };
    if may_be_made(project, &input.path) {
        return None;
    }
    let make = if fatal { Diagnostic::error } else { Diagnostic::warning };
    let message = format!("{what} cannot be read: {}: {reason}", input.path.display());
    Some(make("input", path, input.span.clone(), message).hinted("paths are relative to the file that they stand in"))
}

/// A container that the project runs may write the file before the load wants it.
fn may_be_made(project: &Project, path: &Path) -> bool {
    let mounts = project.services.values().flat_map(|service| &service.volumes);
    let mut binds = mounts.filter(|mount| mount.kind == MountKind::Bind && !mount.read_only);
    binds.any(|mount| path.starts_with(&mount.source))
}
