//! A look at the plugins of a project before anything is made: are they there, are they components, do they serve the stages
//! they are attached to, do their settings fit?

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value as Json;
use windlass_model::diagnostic::Diagnostic;
use windlass_model::node::Span;
use windlass_model::windlass::{Hook, OnFailure, Stage};
use windlass_model::{Diagnostics, Project};
use windlass_runtime::engine::{Connection, EngineErrorKind};
use windlass_runtime::hooks::{Dialer, PluginInfo};
use windlass_runtime::{EngineError, HookError, Hooks};

use crate::entry::backend::HooksRequest;
use crate::entry::context::Context;
use crate::errors::{CliError, CliResult};
use crate::output::diagnostics;

/// One place where the project file attaches a plugin.
struct Use<'p> {
    plugin: &'p str,
    with: &'p Json,
    /// The stage, and the one whose interface may stand in for it.
    stages: (Stage, Option<Stage>),
    path: String,
    span: Option<&'p Span>,
    /// Its failure is only a warning.
    warns: bool,
}

/// Looks at every plugin that the project attaches, each once. A project without plugins costs nothing.
///
/// # Errors
/// When one that must work cannot; all problems are collected, with their places.
pub(crate) async fn check(context: &Context, project: &Project) -> CliResult<()> {
    let uses = uses(project);
    if uses.is_empty() {
        return Ok(());
    }
    let dialer = Arc::new(Nowhere);
    let hooks = context.backend.hooks(HooksRequest { settings: &context.settings, project, dialer })?;
    let mut by_plugin: BTreeMap<&str, Vec<&Use<'_>>> = BTreeMap::new();
    for one in &uses {
        by_plugin.entry(one.plugin).or_default().push(one);
    }
    let mut problems = Vec::new();
    for (plugin, uses) in by_plugin {
        problems.extend(problems_of(&*hooks, project, plugin, &uses).await);
    }
    let problems = Diagnostics(problems);
    if problems.has_errors() {
        return Err(CliError::Model(problems));
    }
    diagnostics::show_all(&context.ui, &problems);
    Ok(())
}

async fn problems_of(hooks: &dyn Hooks, project: &Project, plugin: &str, uses: &[&Use<'_>]) -> Vec<Diagnostic> {
    let declared = project.windlass.plugins.get(plugin).and_then(|declaration| declaration.span.as_ref());
    let must_work = uses.iter().any(|one| !one.warns);
    let info = match hooks.look(plugin, &[]).await {
        Ok(info) => info,
        Err(error) => {
            let (path, span) = match declared {
                Some(span) => (format!("x-windlass.plugins.{plugin}"), Some(span)),
                None => (uses[0].path.clone(), uses[0].span),
            };
            return vec![problem(&error, &path, span, must_work)];
        }
    };
    let mut found: Vec<Diagnostic> = uses.iter().filter_map(|one| misplaced(one, &info)).collect();
    for one in uses {
        if let Err(error) = hooks.look(plugin, &[one.with]).await {
            found.push(problem(&error, &one.path, one.span, !one.warns));
        }
    }
    found
}

fn problem(error: &HookError, path: &str, span: Option<&Span>, fatal: bool) -> Diagnostic {
    let make = if fatal { Diagnostic::error } else { Diagnostic::warning };
    let problem = make("plugin", path, span.cloned(), error.to_string());
    error.hint.iter().fold(problem, |problem, hint| problem.hinted(hint))
}

/// It does not serve the stage that it is attached to.
fn misplaced(one: &Use<'_>, info: &PluginInfo) -> Option<Diagnostic> {
    let (stage, stand_in) = one.stages;
    if info.stages.contains(&stage) || stand_in.is_some_and(|other| info.stages.contains(&other)) {
        return None;
    }
    let make = if one.warns { Diagnostic::warning } else { Diagnostic::error };
    let message = format!("plugin `{}` cannot stand under `{stage}`", one.plugin);
    let stages: Vec<&str> = info.stages.iter().map(|stage| stage.name()).collect();
    let hint = format!("it takes part at: {}", stages.join(", "));
    Some(make("plugin", &one.path, one.span.cloned(), message).hinted(hint))
}

fn uses(project: &Project) -> Vec<Use<'_>> {
    let mut found = Vec::new();
    for service in project.services.values() {
        let (name, settings) = (&service.name, &service.windlass);
        found.extend(settings.ready.iter().map(|probe| Use {
            plugin: &probe.plugin,
            with: &probe.with,
            stages: (Stage::Probe, None),
            path: format!("services.{name}.x-windlass.ready"),
            span: probe.span.as_ref(),
            warns: false,
        }));
        found.extend(settings.load.iter().map(|dataset| Use {
            plugin: &dataset.plugin,
            with: &dataset.with,
            stages: (Stage::Load, None),
            path: format!("services.{name}.x-windlass.load.{}", dataset.name),
            span: dataset.span.as_ref(),
            warns: false,
        }));
        found.extend(hooks_of(&settings.hooks, &format!("services.{name}.")));
    }
    found.extend(hooks_of(&project.windlass.hooks, ""));
    found
}

fn hooks_of<'p>(hooks: &'p BTreeMap<Stage, Vec<Hook>>, prefix: &str) -> Vec<Use<'p>> {
    let all = hooks.iter().flat_map(|(stage, hooks)| hooks.iter().enumerate().map(move |(n, hook)| (*stage, n, hook)));
    let attached = all.map(|(stage, number, hook)| Use {
        plugin: &hook.plugin,
        with: &hook.with,
        stages: (stage, stage.stand_in()),
        path: format!("{prefix}x-windlass.hooks.{stage}[{number}]"),
        span: hook.span.as_ref(),
        warns: hook.on_failure == OnFailure::Warn || stage.entry().only_warns,
    });
    attached.collect()
}

/// A look runs nothing, so nothing is dialled.
struct Nowhere;

#[async_trait]
impl Dialer for Nowhere {
    async fn dial(&self, service: &str, _: u32, port: u16) -> Result<Connection, EngineError> {
        Err(EngineError {
            operation: format!("connect to {service}:{port}"),
            message: "plugins are only looked at".to_owned(),
            kind: EngineErrorKind::Other,
            hint: None,
        })
    }
}
