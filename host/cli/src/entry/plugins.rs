//! A look at the plugins of a project before anything is made: are they there, are they components, do they serve the stages
//! they are attached to, do their settings fit?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value as Json;
use windlass_model::diagnostic::Diagnostic;
use windlass_model::node::Span;
use windlass_model::windlass::{Hook, LoadWhen, OnFailure, ProbeTiming, Stage};
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
    /// The hook, where it is one.
    hook: Option<&'p Hook>,
}

/// Looks at every plugin that the project attaches, each once. A project without plugins costs nothing.
///
/// # Errors
/// When one that must work cannot; all problems are collected, with their places.
pub(crate) async fn check(context: &Context, project: &Project) -> CliResult<()> {
    let uses = uses(project);
    let named: BTreeSet<&str> = uses.iter().map(|one| one.plugin).collect();
    // Rights and limits of a plugin that nobody knows: the name has a typo.
    let declared =
        project.windlass.plugins.iter().filter(|(name, one)| one.source.is_none() && !named.contains(name.as_str()));
    let declared: Vec<&str> = declared.map(|(name, _)| name.as_str()).collect();
    if uses.is_empty() && declared.is_empty() {
        return Ok(());
    }
    let dialer = Arc::new(Nowhere);
    let hooks = context.backend.hooks(HooksRequest { settings: &context.settings, project, dialer })?;
    let mut by_plugin: BTreeMap<&str, Vec<&Use<'_>>> = declared.into_iter().map(|name| (name, Vec::new())).collect();
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
    let must_work = uses.is_empty() || uses.iter().any(|one| !one.warns);
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
    found.extend(uses.iter().filter_map(|one| idle(one, &info)));
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

/// It has keys that mean nothing to a plugin of this kind, so that what they ask for would not be done.
fn idle(one: &Use<'_>, info: &PluginInfo) -> Option<Diagnostic> {
    let hook = one.hook?;
    let (stage, stand_in) = one.stages;
    let role =
        if info.stages.contains(&stage) { stage } else { stand_in.filter(|other| info.stages.contains(other))? };
    let usual = ProbeTiming { timeout: hook.timing.timeout, ..ProbeTiming::default() };
    let (polled, when) = (hook.timing != usual, hook.when != LoadWhen::default());
    let (what, keys) = match role {
        Stage::Probe => ("a probe", [("from", !hook.from.is_empty()), ("when", when), ("retries", hook.retries > 0)]),
        Stage::Load => ("a loader", [("retries", hook.retries > 0), (POLLED, polled), ("", false)]),
        _ => ("neither a probe nor a loader", [("when", when), (POLLED, polled), ("", false)]),
    };
    let keys: Vec<&str> = keys.iter().filter(|(_, written)| *written).map(|(key, _)| *key).collect();
    if keys.is_empty() {
        return None;
    }
    let make = if one.warns { Diagnostic::warning } else { Diagnostic::error };
    let message = format!("no effect here: {}; plugin `{}` is {what}", keys.join(", "), one.plugin);
    Some(make("plugin", &one.path, one.span.cloned(), message).hinted("remove what has no effect"))
}

/// Keys of the timing of probes, beside the timeout.
const POLLED: &str = "interval, max-interval, attempt-timeout, success-threshold or stable-for";

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
            hook: None,
        }));
        found.extend(settings.load.iter().map(|dataset| Use {
            plugin: &dataset.plugin,
            with: &dataset.with,
            stages: (Stage::Load, None),
            path: format!("services.{name}.x-windlass.load.{}", dataset.name),
            span: dataset.span.as_ref(),
            warns: false,
            hook: None,
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
        hook: Some(hook),
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
