//! `Load`: apply a loader's steps once, by the ledger.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use windlass_model::windlass::{Dataset, Hook, InputFile, LoadWhen, Stage};
use windlass_plan::spec;
use windlass_plan::step::ContainerRef;

use super::context::Context;
use super::end::End;
use crate::failure::{StepError, is_retryable};
use crate::hooks::{HookCall, HookError, Input, LoadStep, PluginInfo};
use crate::ledger::{Ledger, LedgerEntry, LedgerState, Recipe};
use crate::outcome::FailureKind;
use crate::timeouts::{LOAD_RETRY, LOAD_TIMEOUT, RETRY_PAUSE, RETRY_PAUSE_MAX, backoff, pause};

/// What is loaded, and where to.
pub(super) struct Request {
    name: String,
    plugin: String,
    settings: serde_json::Value,
    from: Vec<InputFile>,
    when: LoadWhen,
    target: Option<String>,
    timeout: Duration,
    /// How long a step is tried again.
    patience: Duration,
    container: ContainerRef,
    volumes: Vec<String>,
}

impl Request {
    pub(super) fn of(dataset: &Dataset, container: &ContainerRef, volumes: Vec<String>) -> Self {
        Self {
            name: dataset.name.clone(),
            plugin: dataset.plugin.clone(),
            settings: dataset.with.clone(),
            from: dataset.from.clone(),
            when: dataset.when,
            target: dataset.target.clone(),
            timeout: dataset.timeout.unwrap_or(LOAD_TIMEOUT),
            patience: LOAD_RETRY,
            container: container.clone(),
            volumes,
        }
    }

    /// A loader that stands under `post-start`: nobody has said that the service is ready, so it is tried as long as a
    /// probe would be.
    pub(super) fn of_hook(context: &Context, hook: &Hook, container: &ContainerRef) -> Self {
        let project = &context.run.execution.project;
        let service = project.services.get(&container.service);
        Self {
            name: format!("post-start-{}", hook.plugin),
            plugin: hook.plugin.clone(),
            settings: hook.with.clone(),
            from: hook.from.clone(),
            when: hook.when,
            target: hook.target.clone(),
            timeout: hook.timeout.unwrap_or(LOAD_TIMEOUT),
            patience: hook.timing.timeout,
            container: container.clone(),
            volumes: service.map(|service| spec::volume_names(project, service)).unwrap_or_default(),
        }
    }

    fn place(&self) -> String {
        format!("load of {} into {}", self.name, self.container.service)
    }

    fn failed(&self, error: HookError) -> StepError {
        StepError::of_hook(error, &self.place())
    }

    fn inputs(&self) -> Vec<Input> {
        let input =
            |file: &InputFile| Input { name: file.name.clone(), path: file.path.clone(), role: "from".to_owned() };
        self.from.iter().map(input).collect()
    }

    fn call(&self, context: &Context, attempt: u32) -> HookCall {
        let execution = &context.run.execution;
        HookCall {
            plugin: self.plugin.clone(),
            stage: Stage::Load,
            run_id: execution.options.run_id.clone(),
            project: execution.project.name.clone(),
            service: Some(self.container.service.clone()),
            number: self.container.number,
            container_id: Some(context.run.containers.resolve(&self.container)),
            attempt,
            target: self.target.clone(),
            settings: self.settings.clone(),
            inputs: self.inputs(),
            timeout: Some(self.timeout),
            sink: Arc::new(context.clone()),
        }
    }
}

/// Loads what is due.
pub(super) async fn run(context: &Context, request: Request) -> End {
    match load(context, &request).await {
        Ok(None) => End::Done,
        Ok(Some(reason)) => End::Skipped(reason),
        Err(error) => End::Failed(error),
    }
}

/// `Some`: why there was nothing to do.
async fn load(context: &Context, request: &Request) -> Result<Option<String>, StepError> {
    let execution = &context.run.execution;
    let described = execution.hooks.describe(&request.plugin).await;
    let plugin = described.map_err(|error| request.failed(error))?;
    let entry = entry(context, request, &plugin).await?;
    let service = &request.container.service;
    let ledger = Ledger::new(&*execution.engine, &execution.project.name, service, &request.name);
    let state = ledger.state(&entry.target).await?;
    if let Some(reason) = done(request.when, &state, &entry) {
        return Ok(Some(reason));
    }
    let known = match state {
        LedgerState::Dirty => {
            context.warn(format!("{} was cut off before (dirty): it is done again", request.place()));
            BTreeMap::new()
        }
        LedgerState::Committed { entry: before, steps }
            if before.plugin == entry.plugin && request.when != LoadWhen::Always =>
        {
            steps
        }
        LedgerState::Committed { .. } | LedgerState::Absent => BTreeMap::new(),
    };
    let steps = execution.hooks.plan_load(&request.call(context, 1)).await;
    let steps = steps.map_err(|error| request.failed(error))?;
    ledger.begin(&entry).await?;
    apply(context, request, &steps, &known).await?;
    let fingerprints = steps.into_iter().map(|step| (step.id, step.fingerprint)).collect();
    ledger.commit(&entry, &fingerprints).await?;
    Ok(None)
}

/// Why nothing is due.
fn done(when: LoadWhen, state: &LedgerState, wanted: &LedgerEntry) -> Option<String> {
    let LedgerState::Committed { entry, .. } = state else { return None };
    match when {
        LoadWhen::Always => None,
        LoadWhen::Once | LoadWhen::Manual => Some("already loaded".to_owned()),
        LoadWhen::Changed => (entry.input == wanted.input).then(|| "already loaded, unchanged".to_owned()),
    }
}

/// Identity of the load: what, and where to.
async fn entry(context: &Context, request: &Request, plugin: &PluginInfo) -> Result<LedgerEntry, StepError> {
    let hooks = &context.run.execution.hooks;
    let settings = hooks.setting_inputs(&request.plugin, &request.settings).await;
    let mut inputs = request.inputs();
    inputs.extend(settings.map_err(|error| request.failed(error))?);
    let (digest, settings, target) = (plugin.digest.clone(), request.settings.clone(), request.target.clone());
    let hash = tokio::task::spawn_blocking(move || {
        Recipe { plugin_digest: &digest, settings: &settings, target: target.as_deref(), inputs }.hash()
    });
    let input =
        hash.await.map_err(|error| StepError::new(FailureKind::Plugin, format!("internal error: {error}")))??;
    Ok(LedgerEntry { target: target_of(context, request).await?, input, plugin: plugin.digest.clone() })
}

/// The volumes with their creation times; the container where there are none.
async fn target_of(context: &Context, request: &Request) -> Result<String, StepError> {
    let engine = &context.run.execution.engine;
    let mut parts = Vec::new();
    for name in &request.volumes {
        if let Some(volume) = engine.inspect_volume(name).await? {
            parts.push(format!("volume:{name}@{}", volume.created_at));
        }
    }
    if parts.is_empty() {
        parts.push(format!("container:{}", context.run.containers.resolve(&request.container)));
    }
    Ok(parts.join(","))
}

async fn apply(
    context: &Context,
    request: &Request,
    steps: &[LoadStep],
    known: &BTreeMap<String, String>,
) -> Result<(), StepError> {
    let total = steps.len() as u64;
    for (done, step) in steps.iter().enumerate() {
        use crate::hooks::CallSink as _;
        if known.get(&step.id) == Some(&step.fingerprint) {
            continue;
        }
        if total > 1 {
            context.progress(done as u64, Some(total), &step.title);
        }
        apply_step(context, request, step).await?;
    }
    Ok(())
}

/// Tried again while the plugin says that it may help, up to the request's patience.
async fn apply_step(context: &Context, request: &Request, step: &LoadStep) -> Result<(), StepError> {
    let began = Instant::now();
    for attempt in 1.. {
        let call = request.call(context, attempt);
        let Err(error) = context.run.execution.hooks.apply_load(&call, step).await else { break };
        let wait = backoff(RETRY_PAUSE, RETRY_PAUSE_MAX, attempt + 1, context.seed());
        if !is_retryable(&error) || began.elapsed() + wait > request.patience {
            return Err(request.failed(error));
        }
        pause(wait).await;
    }
    Ok(())
}
