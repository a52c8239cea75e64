//! `Await`: a dependency's containers come to a state of the engine.

use windlass_model::project::Condition;
use windlass_plan::observed::{ContainerState, Health};
use windlass_plan::step::ContainerRef;

use super::context::Context;
use super::log_tail::log_tail;
use crate::engine::ContainerDetails;
use crate::failure::StepError;
use crate::outcome::FailureKind;

pub(super) async fn run(
    context: &Context,
    service: &str,
    condition: Condition,
    containers: &[ContainerRef],
) -> Result<(), StepError> {
    let ids: Vec<String> = containers.iter().map(|container| context.run.containers.resolve(container)).collect();
    let verdict = context.run.watch.until(&ids, |details| judge(service, condition, details)).await?;
    let Err((failed, message)) = verdict else { return Ok(()) };
    let mut lines = failed.health_log.iter().flat_map(|log| log.lines()).map(str::to_owned).collect::<Vec<_>>();
    lines.extend(log_tail(context, &failed.container.id, failed.tty).await);
    Err(StepError::new(FailureKind::Dependency, message).details(lines))
}

type Verdict = Result<(), (Box<ContainerDetails>, String)>;

/// `None`: not decided yet.
fn judge(service: &str, condition: Condition, containers: &[ContainerDetails]) -> Option<Verdict> {
    match condition {
        Condition::ServiceCompletedSuccessfully => completed(service, containers),
        Condition::ServiceHealthy => all(containers, |details| healthy(details, "dependency failed to start: ")),
        Condition::ServiceStarted => all(containers, running_or_healthy),
    }
}

/// Any container that ended well will do, as with Compose.
fn completed(service: &str, containers: &[ContainerDetails]) -> Option<Verdict> {
    let exit = |details: &&ContainerDetails| details.container.state == ContainerState::Exited;
    let ended: Vec<&ContainerDetails> = containers.iter().filter(exit).collect();
    if ended.iter().any(|details| details.container.exit_code == Some(0)) {
        return Some(Ok(()));
    }
    let not_started = containers.iter().find(|details| details.container.state == ContainerState::Created);
    if let Some(details) = not_started {
        return Some(Err((Box::new(details.clone()), format!("container {} was not started", details.container.name))));
    }
    let last = ended.last().filter(|_| ended.len() == containers.len())?;
    let code = last.container.exit_code.unwrap_or(-1);
    Some(Err((Box::new((*last).clone()), format!("service {service:?} didn't complete successfully: exit {code}"))))
}

fn all(
    containers: &[ContainerDetails],
    check: impl Fn(&ContainerDetails) -> Option<Result<(), String>>,
) -> Option<Verdict> {
    let verdicts: Vec<_> = containers.iter().map(|details| (details, check(details))).collect();
    for (details, verdict) in &verdicts {
        if let Some(Err(message)) = verdict {
            return Some(Err((Box::new((*details).clone()), message.clone())));
        }
    }
    verdicts.iter().all(|(_, verdict)| verdict.is_some()).then_some(Ok(()))
}

fn ended(details: &ContainerDetails, prefix: &str) -> Option<String> {
    let name = &details.container.name;
    match details.container.state {
        ContainerState::Exited | ContainerState::Dead | ContainerState::Removing => {
            let code = details.container.exit_code.unwrap_or_default();
            Some(format!("{prefix}container {name} exited ({code})"))
        }
        ContainerState::Created => Some(format!("{prefix}container {name} was not started")),
        ContainerState::Running | ContainerState::Paused | ContainerState::Restarting => None,
    }
}

fn healthy(details: &ContainerDetails, prefix: &str) -> Option<Result<(), String>> {
    if let Some(message) = ended(details, prefix) {
        return Some(Err(message));
    }
    let name = &details.container.name;
    match details.container.health {
        Some(Health::Healthy) => Some(Ok(())),
        Some(Health::Unhealthy) => Some(Err(format!("{prefix}container {name} is unhealthy"))),
        Some(Health::Starting) => None,
        None if details.container.state == ContainerState::Restarting => None,
        None => Some(Err(format!("{prefix}container {name} has no healthcheck configured"))),
    }
}

fn running_or_healthy(details: &ContainerDetails) -> Option<Result<(), String>> {
    let running = details.container.state == ContainerState::Running;
    if running && details.container.health.is_none() {
        Some(Ok(()))
    } else if details.container.health.is_none() {
        ended(details, "").map(Err)
    } else {
        healthy(details, "")
    }
}
