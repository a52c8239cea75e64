//! `PluginHook`: call a plugin at a stage. A plugin that exports `probe` may stand under `pre-start`, and one that exports
//! `loader` under `post-start`: then it is asked, or the ledger kept, as at their own stages.

use std::sync::Arc;

use windlass_model::windlass::{Hook, Stage};
use windlass_plan::step::ContainerRef;

use super::context::Context;
use super::end::End;
use super::{loads, probes};
use crate::failure::{StepError, is_retryable};
use crate::hooks::{HookCall, HookErrorKind, Input, PluginInfo};
use crate::outcome::FailureKind;
use crate::shutdown::Urgency;
use crate::timeouts::{RETRY_PAUSE, RETRY_PAUSE_MAX, backoff, pause};

pub(super) async fn run(context: &Context, stage: Stage, hook: &Hook, container: Option<&ContainerRef>) -> End {
    let described = context.run.execution.hooks.describe(&hook.plugin).await;
    let plugin = match described.map_err(|error| StepError::of_hook(error, &place(stage, container))) {
        Ok(plugin) => plugin,
        Err(error) => return End::Failed(error),
    };
    if let (Some(Stage::Load), Some(container)) = (stand_in(&plugin, stage), container) {
        // A load ends by itself when the user asks to stop: it has the ledger to put in order.
        return loads::run(context, loads::Request::of_hook(context, hook, container)).await;
    }
    let mut shutdown = context.shutdown.clone();
    tokio::select! {
        biased;
        end = ask(context, &plugin, (stage, hook), container) => end,
        () = shutdown.reached(Urgency::Graceful) => End::Cancelled,
    }
}

async fn ask(
    context: &Context,
    plugin: &PluginInfo,
    (stage, hook): (Stage, &Hook),
    container: Option<&ContainerRef>,
) -> End {
    match (stand_in(plugin, stage), container) {
        (Some(Stage::Probe), Some(container)) => {
            probes::run(context, &probes::Question::of_hook(context, hook, container)).await.into()
        }
        _ if !plugin.stages.contains(&stage) && !is_project_stage(stage) => {
            End::Failed(unsupported(plugin, hook, stage))
        }
        _ => {
            let called = call(context, stage, hook, container).await;
            called.map_err(|error| StepError::of_hook(error, &place(stage, container))).into()
        }
    }
}

/// The interface that serves a stage which the plugin does not export itself.
fn stand_in(plugin: &PluginInfo, stage: Stage) -> Option<Stage> {
    let other = stage.stand_in()?;
    (!plugin.stages.contains(&stage) && plugin.stages.contains(&other)).then_some(other)
}

/// Stages of one interface: `describe` names those that a plugin wants, but it may be asked for any.
fn is_project_stage(stage: Stage) -> bool {
    matches!(stage, Stage::PreUp | Stage::PostUp | Stage::PreDown | Stage::PostDown)
}

fn unsupported(plugin: &PluginInfo, hook: &Hook, stage: Stage) -> StepError {
    let stages: Vec<&str> = plugin.stages.iter().map(|stage| stage.name()).collect();
    let message = format!("plugin `{}` cannot stand under `{}`", hook.plugin, stage);
    let hint = match stages.as_slice() {
        [] => "it exports no stage".to_owned(),
        stages => format!("it takes part at: {}", stages.join(", ")),
    };
    StepError::new(FailureKind::Plugin, message).hint(Some(hint))
}

fn place(stage: Stage, container: Option<&ContainerRef>) -> String {
    let service = container.map(|container| format!(" of {}", container.service)).unwrap_or_default();
    format!("{stage}{service}")
}

async fn call(
    context: &Context,
    stage: Stage,
    hook: &Hook,
    container: Option<&ContainerRef>,
) -> Result<(), crate::hooks::HookError> {
    for attempt in 1.. {
        let call = hook_call(context, stage, hook, (container, attempt));
        let Err(error) = context.run.execution.hooks.run(&call).await else { break };
        let again = is_retryable(&error) || error.kind == HookErrorKind::Timeout;
        if !again || attempt > hook.retries {
            return Err(error);
        }
        pause(backoff(RETRY_PAUSE, RETRY_PAUSE_MAX, attempt + 1, context.seed())).await;
    }
    Ok(())
}

fn hook_call(
    context: &Context,
    stage: Stage,
    hook: &Hook,
    (container, attempt): (Option<&ContainerRef>, u32),
) -> HookCall {
    let execution = &context.run.execution;
    // Before its creation a container has no id.
    let existing = container.filter(|_| stage != Stage::PreCreate);
    let inputs = hook.from.iter().map(|file| Input {
        name: file.name.clone(),
        path: file.path.clone(),
        role: "from".to_owned(),
        sha256: None,
    });
    HookCall {
        plugin: hook.plugin.clone(),
        stage,
        run_id: execution.options.run_id.clone(),
        project: execution.project.name.clone(),
        service: container.map(|container| container.service.clone()),
        number: container.map_or(1, |container| container.number),
        container_id: existing.map(|container| context.run.containers.resolve(container)),
        attempt,
        target: hook.target.clone(),
        settings: hook.with.clone(),
        inputs: inputs.collect(),
        timeout: hook.timeout,
        sink: Arc::new(context.clone()),
    }
}
