//! What there is to say after a successful `up`: the containers as they are, not as they were meant to be.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use windlass_plan::observed::{Container, ContainerState};
use windlass_plan::{Action, Plan};
use windlass_runtime::Outcome;
use windlass_runtime::engine::{ContainerFilter, LogOptions};
use windlass_runtime::outcome::StepResult;

use crate::event::{Event, Summary};
use crate::runner::Runner;
use crate::timeouts::{LAST_LINES, LAST_LINES_LIMIT, SUMMARY_SETTLING, pause};

/// Tells the state of the project. It only reads, and is left out when the run is asked to stop.
pub(crate) async fn show(runner: &Runner, plan: &Arc<Plan>, outcome: &Arc<Outcome>) {
    let changed = plan.steps.iter().zip(&outcome.steps).any(|(step, record)| {
        let waits = matches!(step.action, Action::Up | Action::Probe { .. } | Action::Await { .. });
        record.result == StepResult::Done && !waits
    });
    let (containers, last_lines) = if changed {
        let look = async {
            pause(settling(runner, plan, outcome)).await;
            look(runner).await
        };
        let Some(found) = runner.stops.unless_stopped(look).await else { return };
        found
    } else {
        Default::default()
    };
    let (plan, outcome) = (Arc::clone(plan), Arc::clone(outcome));
    let summary = Summary { plan, outcome, changed, containers, last_lines };
    runner.feed.event(Event::Summary(summary));
}

/// How much later the look should be. Containers whose health or probe was waited for have shown that they run.
fn settling(runner: &Runner, plan: &Plan, outcome: &Outcome) -> Duration {
    let checked = |name: &String| {
        plan.steps.iter().any(|step| match &step.action {
            Action::Probe { container, .. } => container.service == *name,
            Action::Await { service, .. } => service == name,
            _ => false,
        })
    };
    let starts = plan.steps.iter().zip(&outcome.steps).filter_map(|(step, record)| match &step.action {
        Action::StartContainer { container, .. } if !checked(&container.service) => record.finished,
        _ => None,
    });
    let Some(last) = starts.max().filter(|_| runner.world.is_none()) else { return Duration::ZERO };
    SUMMARY_SETTLING.saturating_sub(outcome.elapsed.saturating_sub(last))
}

async fn look(runner: &Runner) -> (Vec<Container>, BTreeMap<String, Vec<String>>) {
    let filter =
        ContainerFilter { project: Some(runner.project.name.clone()), all: true, one_off: Some(false), service: None };
    let containers = match runner.engine.list_containers(&filter).await {
        Ok(containers) => containers,
        Err(error) => {
            runner.feed.warn(format!("the state of the containers is not known: {error}"));
            return (Vec::new(), BTreeMap::new());
        }
    };
    let failed = containers.iter().filter(|container| has_failed(container));
    let lines = failed.map(|container| async { (container.name.clone(), last_lines(runner, container).await) });
    let lines = futures_util::future::join_all(lines).await;
    (containers, lines.into_iter().filter(|(_, lines)| !lines.is_empty()).collect())
}

/// It ended, or keeps ending, with an error.
fn has_failed(container: &Container) -> bool {
    matches!(container.state, ContainerState::Exited | ContainerState::Restarting | ContainerState::Dead)
        && container.exit_code.is_some_and(|code| code != 0)
}

/// The last lines of a container; none where they cannot be had in time.
async fn last_lines(runner: &Runner, container: &Container) -> Vec<String> {
    let read = async {
        let details = runner.engine.inspect_container(&container.id).await.ok()?;
        let options = LogOptions { tail: Some(LAST_LINES.to_string()), ..LogOptions::default() };
        let mut output = runner.engine.logs(&container.id, details.tty, &options).await.ok()?;
        let mut bytes = Vec::new();
        while let Some(Ok(chunk)) = output.next().await {
            bytes.extend_from_slice(&chunk.bytes);
        }
        Some(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect::<Vec<_>>())
    };
    let mut lines = tokio::time::timeout(LAST_LINES_LIMIT, read).await.ok().flatten().unwrap_or_default();
    lines.split_off(lines.len().saturating_sub(LAST_LINES))
}
