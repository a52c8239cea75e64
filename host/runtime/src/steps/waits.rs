//! `Await`: a dependency's containers come to a state of the engine.

use std::sync::Arc;

use futures_util::future::try_join_all;
use windlass_model::project::Condition;
use windlass_plan::observed::Health;
use windlass_plan::step::{Action, ContainerRef};

use super::context::Context;
use super::log_tail::log_tail;
use crate::engine::EngineResult;
use crate::failure::StepError;
use crate::outcome::FailureKind;
use crate::state::{Ended, Instance, Phase, Snapshot, World};
use crate::timeouts::SETTLING;

pub(super) async fn run(
    context: &Context,
    service: &str,
    condition: Condition,
    containers: &[ContainerRef],
) -> Result<(), StepError> {
    let world = &context.run.world;
    // They may have been started a moment ago, and what is known of them may be older.
    let looks = containers.iter().map(|container| look(context, container));
    let begun: Vec<Arc<Instance>> = try_join_all(looks).await?;
    let judged = |snapshot: &Snapshot| judge(service, condition, &select(snapshot, &begun));
    let fresh = condition == Condition::ServiceStarted && containers.iter().any(|container| starts(context, container));
    let verdict = if fresh { settled(world, &begun, judged).await? } else { world.until(judged).await? };
    let Err((failed, message)) = verdict else { return Ok(()) };
    // What the last health check printed; without it where the container is gone meanwhile.
    let facts = world.look(&failed.id).await.ok().and_then(|found| found.facts.clone()).unwrap_or_default();
    let mut lines = facts.health_log.iter().flat_map(|log| log.lines()).map(str::to_owned).collect::<Vec<_>>();
    lines.extend(log_tail(context, &failed.id, facts.tty).await);
    Err(StepError::new(FailureKind::Dependency, message).details(lines))
}

/// The container as it is now, not as it was before this run's last step.
pub(super) async fn look(context: &Context, container: &ContainerRef) -> EngineResult<Arc<Instance>> {
    context.run.world.look(&context.run.containers.resolve(container)).await
}

/// This run starts the container, so it cannot have run for long.
fn starts(context: &Context, container: &ContainerRef) -> bool {
    context.run.execution.plan.steps.iter().any(|step| match &step.action {
        Action::StartContainer { container: started, .. } | Action::RestartContainer { container: started, .. } => {
            started == container
        }
        _ => false,
    })
}

/// The verdict, where *running* counts only when it lasts: many mistakes (a command that does not exist, a database that does not
/// answer) end a container some hundred milliseconds after its start. What a health check says is a better verdict than
/// time, and is not waited for any longer.
async fn settled(
    world: &World,
    begun: &[Arc<Instance>],
    judged: impl Fn(&Snapshot) -> Option<Verdict>,
) -> EngineResult<Verdict> {
    loop {
        let seen = world.until(|snapshot| judged(snapshot).map(|verdict| (verdict, unproven(snapshot, begun)))).await?;
        let (Ok(()), runs) = seen else { return Ok(seen.0) };
        if runs.is_empty() {
            return Ok(Ok(()));
        }
        let other = world.until(|snapshot| (unproven(snapshot, begun) != runs).then_some(()));
        match tokio::time::timeout(SETTLING, other).await {
            Err(_) => return Ok(Ok(())),
            Ok(ended) => ended?,
        }
    }
}

/// The present runs of those without a health check: one that ends, or is another, was not the last word.
fn unproven(snapshot: &Snapshot, begun: &[Arc<Instance>]) -> Vec<(String, Phase, u64, Option<Ended>)> {
    let all = begun.iter().filter_map(|then| snapshot.containers.get(&then.id));
    let unproven = all.filter(|instance| instance.health.is_none());
    unproven.map(|now| (now.id.clone(), now.phase, now.starts, now.ends.back().copied())).collect()
}

/// A container that is waited for.
struct Awaited<'a> {
    now: &'a Arc<Instance>,
    /// Begin of the run that it was in when the waiting began: an end before that is an earlier run's.
    since: i64,
}

fn select<'a>(snapshot: &'a Snapshot, begun: &[Arc<Instance>]) -> Vec<Awaited<'a>> {
    let awaited = |then: &Arc<Instance>| {
        let since = then.facts.as_ref().and_then(|facts| facts.started).unwrap_or_default();
        Some(Awaited { now: snapshot.containers.get(&then.id)?, since })
    };
    begun.iter().filter_map(awaited).collect()
}

type Verdict = Result<(), (Arc<Instance>, String)>;

/// `None`: not decided yet.
fn judge(service: &str, condition: Condition, containers: &[Awaited<'_>]) -> Option<Verdict> {
    match condition {
        Condition::ServiceCompletedSuccessfully => completed(service, containers),
        Condition::ServiceHealthy => all(containers, |instance| healthy(instance, "dependency failed to start: ")),
        Condition::ServiceStarted => all(containers, running_or_healthy),
    }
}

/// Any container that ended well will do, as with Compose. An end that a restart policy (`always`) has followed up with
/// another run counts too: the job is done, however often it is done again.
fn completed(service: &str, containers: &[Awaited<'_>]) -> Option<Verdict> {
    let well = |awaited: &Awaited<'_>| {
        let ended = matches!(awaited.now.phase, Phase::Exited | Phase::Restarting);
        let now = ended && awaited.now.exit_code == Some(0);
        now || awaited.now.ends.iter().any(|end| end.code == Some(0) && end.time > awaited.since)
    };
    if containers.iter().any(well) {
        return Some(Ok(()));
    }
    let instances = containers.iter().map(|awaited| awaited.now);
    let not_started = instances.clone().find(|instance| instance.phase == Phase::Created);
    if let Some(instance) = not_started {
        return Some(Err((Arc::clone(instance), format!("container {} was not started", instance.name))));
    }
    // Failed for good: its restart policy, if it has one, has given up, and the engine has said with which code.
    let failed = instances.filter(|instance| instance.phase.is_over());
    let failed: Vec<_> = failed.filter_map(|instance| Some((instance, instance.exit_code?))).collect();
    let (last, code) = failed.last().filter(|_| failed.len() == containers.len())?;
    Some(Err((Arc::clone(last), format!("service {service:?} didn't complete successfully: exit {code}"))))
}

fn all(containers: &[Awaited<'_>], check: impl Fn(&Instance) -> Option<Result<(), String>>) -> Option<Verdict> {
    let verdicts: Vec<_> = containers.iter().map(|awaited| (awaited.now, check(awaited.now))).collect();
    for (instance, verdict) in &verdicts {
        if let Some(Err(message)) = verdict {
            return Some(Err((Arc::clone(instance), message.clone())));
        }
    }
    verdicts.iter().all(|(_, verdict)| verdict.is_some()).then_some(Ok(()))
}

/// Why the container will not come to anything by itself.
fn ended(instance: &Instance, prefix: &str) -> Option<String> {
    let name = &instance.name;
    match instance.phase {
        Phase::Exited | Phase::Dead | Phase::Removing => {
            let code = instance.exit_code.unwrap_or_default();
            Some(format!("{prefix}container {name} exited ({code})"))
        }
        Phase::Removed => Some(format!("{prefix}container {name} was removed")),
        Phase::Created => Some(format!("{prefix}container {name} was not started")),
        Phase::Running | Phase::Paused | Phase::Restarting => None,
    }
}

fn healthy(instance: &Instance, prefix: &str) -> Option<Result<(), String>> {
    if let Some(message) = ended(instance, prefix) {
        return Some(Err(message));
    }
    // While the restart policy is at work the engine calls it unhealthy, whatever its checks said: that is no verdict.
    if instance.phase == Phase::Restarting {
        return None;
    }
    let name = &instance.name;
    match instance.health {
        Some(Health::Healthy) => Some(Ok(())),
        Some(Health::Unhealthy) => Some(Err(format!("{prefix}container {name} is unhealthy"))),
        Some(Health::Starting) => None,
        None => Some(Err(format!("{prefix}container {name} has no healthcheck configured"))),
    }
}

fn running_or_healthy(instance: &Instance) -> Option<Result<(), String>> {
    if instance.health.is_some() {
        return healthy(instance, "");
    }
    match instance.phase {
        Phase::Running => Some(Ok(())),
        Phase::Created
        | Phase::Paused
        | Phase::Restarting
        | Phase::Exited
        | Phase::Dead
        | Phase::Removing
        | Phase::Removed => ended(instance, "").map(Err),
    }
}
