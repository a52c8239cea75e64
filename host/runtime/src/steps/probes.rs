//! `Probe`: ask a plugin until it says ready. The host owns interval, back-off and deadline.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use windlass_model::windlass::{Hook, Probe, ProbeTiming, Stage};
use windlass_plan::step::ContainerRef;

use super::context::Context;
use super::log_tail::log_tail;
use super::waits::look;
use crate::engine::EngineResult;
use crate::event::Event;
use crate::failure::{StepError, is_retryable};
use crate::hooks::{HookCall, HookError, HookErrorKind, Verdict};
use crate::outcome::FailureKind;
use crate::state::Instance;
use crate::timeouts::{PATIENCE, backoff, pause};

/// What is asked, and of whom.
pub(super) struct Question {
    plugin: String,
    settings: serde_json::Value,
    target: Option<String>,
    timing: ProbeTiming,
    /// The container that the plugin call is about.
    container: ContainerRef,
    /// The container whose exit ends the waiting; `None`: it is not one of the project.
    watched: Option<ContainerRef>,
    inferred: bool,
}

impl Question {
    pub(super) fn of(probe: &Probe, container: &ContainerRef) -> Self {
        Self {
            plugin: probe.plugin.clone(),
            settings: probe.with.clone(),
            target: probe.target.clone(),
            timing: probe.timing.clone(),
            container: container.clone(),
            watched: Some(container.clone()),
            inferred: probe.inferred,
        }
    }

    /// A probe that stands under `pre-start`: its container does not run yet; the target's does, if it is one of ours.
    pub(super) fn of_hook(context: &Context, hook: &Hook, container: &ContainerRef) -> Self {
        Self {
            plugin: hook.plugin.clone(),
            settings: hook.with.clone(),
            target: hook.target.clone(),
            timing: hook.timing.clone(),
            container: container.clone(),
            watched: target_container(context, hook.target.as_deref()),
            inferred: false,
        }
    }

    fn call(&self, context: &Context, attempt: u32, limit: Duration) -> HookCall {
        let execution = &context.run.execution;
        HookCall {
            plugin: self.plugin.clone(),
            stage: Stage::Probe,
            run_id: execution.options.run_id.clone(),
            project: execution.project.name.clone(),
            service: Some(self.container.service.clone()),
            number: self.container.number,
            container_id: Some(context.run.containers.resolve(&self.container)),
            attempt,
            target: self.target.clone(),
            settings: self.settings.clone(),
            inputs: Vec::new(),
            timeout: Some(limit),
            sink: Arc::new(context.clone()),
        }
    }

    /// `es`, or `es:9200` where a target is given.
    fn subject(&self) -> &str {
        self.target.as_deref().unwrap_or(&self.container.service)
    }
}

/// First container of the service that a target names.
fn target_container(context: &Context, target: Option<&str>) -> Option<ContainerRef> {
    let project = &context.run.execution.project;
    let name = target?.split(':').next()?;
    let service = project.services.get(name)?;
    let name = project.container_name(service, 1);
    Some(ContainerRef { id: None, name, service: service.name.clone(), number: 1 })
}

/// Asks until the answer is final.
pub(super) async fn run(context: &Context, question: &Question) -> Result<(), StepError> {
    let place = format!("probe of {}", question.subject());
    // Compiled outside the limit of the first attempt.
    let described = context.run.execution.hooks.describe(&question.plugin).await;
    described.map_err(|error| StepError::of_hook(error, &place))?;
    let mut last = None;
    let outcome = tokio::select! {
        biased;
        exited = exit_of(context, question.watched.as_ref()) => Err(Stop::Exited(exited)),
        outcome = tokio::time::timeout(question.timing.timeout, attempts(context, question, &mut last)) => {
            outcome.unwrap_or(Err(Stop::TimedOut))
        }
    };
    match outcome {
        Ok(()) => Ok(()),
        Err(stop) => Err(explain(context, question, stop, last).await),
    }
}

/// Why the asking ended without "ready".
enum Stop {
    TimedOut,
    Never { reason: String, hint: Option<String> },
    Hook(HookError),
    Exited(EngineResult<Arc<Instance>>),
}

/// Resolves when the container does not run any more.
async fn exit_of(context: &Context, container: Option<&ContainerRef>) -> EngineResult<Arc<Instance>> {
    let Some(container) = container else { return std::future::pending().await };
    let id = look(context, container).await?.id.clone();
    let over = |instance: &&Arc<Instance>| instance.phase.is_over();
    context.run.world.until(|snapshot| snapshot.containers.get(&id).filter(over).cloned()).await
}

async fn attempts(context: &Context, question: &Question, last: &mut Option<Verdict>) -> Result<(), Stop> {
    let timing = &question.timing;
    let mut in_a_row = 0;
    let mut ready_since: Option<Instant> = None;
    let mut fruitless = 0;
    let begin = Instant::now();
    for attempt in 1.. {
        if attempt > 1 {
            // Never more than a part of the time waited so far: "ready" is seen soon after it is true, early and late. The limit
            // comes before the jitter, or it would cut it off and replicas would ask in step.
            let longest = timing.max_interval.min(timing.interval.max(begin.elapsed() / PATIENCE));
            pause(backoff(timing.interval, longest, fruitless.max(1) + 1, context.seed())).await;
        }
        let asked = Instant::now();
        let verdict = ask(context, question, attempt).await?;
        context.emit(Event::ProbeAttempt { step: context.id, attempt, verdict: verdict.clone() });
        *last = Some(verdict.clone());
        match verdict {
            Verdict::Ready => {
                in_a_row += 1;
                let since = *ready_since.get_or_insert(asked);
                if in_a_row >= timing.success_threshold && since.elapsed() >= timing.stable_for {
                    return Ok(());
                }
            }
            Verdict::NotYet { .. } => {
                fruitless += 1;
                in_a_row = 0;
                ready_since = None;
            }
            Verdict::Never { reason, hint } => return Err(Stop::Never { reason, hint }),
        }
    }
    Err(Stop::TimedOut)
}

async fn ask(context: &Context, question: &Question, attempt: u32) -> Result<Verdict, Stop> {
    let limit = question.timing.attempt_timeout;
    let call = question.call(context, attempt, limit);
    let answer = tokio::time::timeout(limit, context.run.execution.hooks.probe(&call)).await;
    let too_late =
        || Verdict::NotYet { step: "attempt".to_owned(), reason: format!("no answer within {limit:?}"), hint: None };
    match answer {
        Err(_) => Ok(too_late()),
        Ok(Ok(verdict)) => Ok(verdict),
        Ok(Err(error)) if error.kind == HookErrorKind::Timeout => Ok(too_late()),
        Ok(Err(error)) if is_retryable(&error) => {
            Ok(Verdict::NotYet { step: "attempt".to_owned(), reason: error.message, hint: error.hint })
        }
        Ok(Err(error)) => Err(Stop::Hook(error)),
    }
}

async fn explain(context: &Context, question: &Question, stop: Stop, last: Option<Verdict>) -> StepError {
    let subject = question.subject();
    let (answer, hint) = match last {
        Some(Verdict::NotYet { step, reason, hint }) => (format!(", last answer: {step}: {reason}"), hint),
        Some(Verdict::Ready) => (", last answer: ready, but not for long enough".to_owned(), None),
        _ => (String::new(), None),
    };
    let goes_on = if question.inferred { "; going on without it" } else { "" };
    let error = match stop {
        Stop::Hook(error) => return StepError::of_hook(error, &format!("probe of {subject}")),
        Stop::Exited(exited) => match exited {
            Err(error) => return error.into(),
            Ok(instance) => {
                let name = &instance.name;
                let code = instance.exit_code.unwrap_or_default();
                let message = format!("container {name} exited ({code}) before it was ready{answer}{goes_on}");
                StepError::new(FailureKind::Plugin, message).hint(hint)
            }
        },
        Stop::TimedOut => {
            let limit = question.timing.timeout;
            let message = format!("{subject} is not ready after {limit:?}{answer}{goes_on}");
            StepError::new(FailureKind::Plugin, message).hint(hint)
        }
        Stop::Never { reason, hint } => {
            StepError::new(FailureKind::Plugin, format!("{subject} will not get ready: {reason}{goes_on}")).hint(hint)
        }
    };
    let Some(watched) = &question.watched else { return error };
    let id = context.run.containers.resolve(watched);
    let service = context.run.execution.project.services.get(&watched.service);
    let tty = service.is_some_and(|service| service.tty);
    error.details(log_tail(context, &id, tty).await)
}
