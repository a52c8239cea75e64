//! Where the time of a run went: stages of every service, and the chain of steps that decided the whole.

use std::collections::BTreeMap;
use std::time::Duration;

use windlass_plan::step::Action;
use windlass_plan::{Plan, StepId};

use crate::outcome::{Outcome, StepRecord};

/// Where the time of a run went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    /// Services by name.
    pub services: Vec<ServiceTimeline>,
    /// Steps that each waited for the one before, up to the one that ended last: making any of them faster makes the run
    /// faster.
    pub critical_path: Vec<StepId>,
    /// The whole run.
    pub elapsed: Duration,
}

/// Where the time of one service went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceTimeline {
    /// Name.
    pub service: String,
    /// Stages in the order of their beginning.
    pub stages: Vec<StageTime>,
    /// When it was UP, since the run began; `None`: never.
    pub up_at: Option<Duration>,
}

/// One stage of one service, over all its replicas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageTime {
    /// `image`, `resources` (networks and volumes), `create`, `wait`, `start`, `hooks`, `ready`, `load`, `stop`, `remove`.
    pub stage: &'static str,
    /// When its first step began, since the run began.
    pub begin: Duration,
    /// When its last step ended, since the run began.
    pub end: Duration,
}

/// Reads a run's records.
#[must_use]
pub fn summary(plan: &Plan, outcome: &Outcome) -> Timeline {
    let mut services: BTreeMap<&str, ServiceTimeline> = BTreeMap::new();
    for (step, record) in plan.steps.iter().zip(&outcome.steps) {
        let (Some(service), Some((begin, end))) = (&step.service, times(record)) else { continue };
        let timeline = services.entry(service).or_default();
        match stage(&step.action) {
            Some(stage) => add(&mut timeline.stages, StageTime { stage, begin, end }),
            None => timeline.up_at = Some(end),
        }
    }
    let services = services.into_iter().map(|(name, mut timeline)| {
        timeline.service = name.to_owned();
        timeline.stages.sort_by_key(|stage| stage.begin);
        timeline
    });
    Timeline { services: services.collect(), critical_path: critical_path(plan, outcome), elapsed: outcome.elapsed }
}

fn times(record: &StepRecord) -> Option<(Duration, Duration)> {
    Some((record.started?, record.finished?))
}

fn add(stages: &mut Vec<StageTime>, time: StageTime) {
    match stages.iter_mut().find(|known| known.stage == time.stage) {
        Some(known) => {
            known.begin = known.begin.min(time.begin);
            known.end = known.end.max(time.end);
        }
        None => stages.push(time),
    }
}

/// `None`: the point at which the service is UP.
fn stage(action: &Action) -> Option<&'static str> {
    Some(match action {
        Action::PullImage { .. } | Action::BuildImage { .. } => "image",
        Action::CreateContainer(_) | Action::InjectFiles { .. } | Action::RenameContainer { .. } => "create",
        Action::Await { .. } => "wait",
        Action::StartContainer { .. } | Action::RestartContainer { .. } | Action::UnpauseContainer { .. } => "start",
        Action::PluginHook { .. } | Action::ExecHook { .. } | Action::RunHookContainer { .. } => "hooks",
        Action::Probe { .. } => "ready",
        Action::Load { .. } => "load",
        Action::StopContainer { .. } | Action::KillContainer { .. } => "stop",
        Action::CreateNetwork { .. }
        | Action::ConnectNetwork { .. }
        | Action::DisconnectNetwork { .. }
        | Action::CreateVolume { .. } => "resources",
        Action::RemoveContainer { .. }
        | Action::RemoveNetwork { .. }
        | Action::RemoveVolume { .. }
        | Action::RemoveImage { .. } => "remove",
        Action::Up => return None,
    })
}

/// From the step that ended last back to the beginning, each time to the one that ended last of those it waited for.
fn critical_path(plan: &Plan, outcome: &Outcome) -> Vec<StepId> {
    let end = |step: &StepId| outcome.steps.get(step.0).and_then(times).map(|(_, end)| end);
    let mut current = plan.steps.iter().map(|step| step.id).filter(|id| end(id).is_some()).max_by_key(|id| end(id));
    let mut path = Vec::new();
    while let Some(id) = current {
        if !matches!(plan.steps[id.0].action, Action::Up) {
            path.push(id);
        }
        let before = plan.steps[id.0].needs.iter().chain(&plan.steps[id.0].after).copied();
        current = before.filter(|id| end(id).is_some()).max_by_key(|id| end(id));
    }
    path.reverse();
    path
}
