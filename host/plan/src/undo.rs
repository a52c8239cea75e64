//! After a failed `up`: what takes back what it made, where nothing was started yet.

use std::collections::BTreeSet;

use crate::graph::{Builder, Draft};
use crate::observed::Observed;
use crate::step::{Action, Plan, StepId};

/// Takes back the containers, networks and volumes that a failed run made. `None` where the run got further: containers
/// were started, stopped or replaced, and what it made is of use.
///
/// Volumes stay once a hook ran, even one that failed: it may have written to them.
#[must_use]
pub fn undo(plan: &Plan, done: &BTreeSet<StepId>, failed: &BTreeSet<StepId>, now: &Observed) -> Option<Plan> {
    let of = |ids: &BTreeSet<StepId>| -> Vec<&Action> {
        plan.steps.iter().filter(|step| ids.contains(&step.id)).map(|step| &step.action).collect()
    };
    let (done, failed) = (of(done), of(failed));
    if done.iter().any(|action| !is_preparation(action)) {
        return None;
    }
    let mut builder = Builder::new(&plan.project);
    let mut gone = Vec::new();
    for action in &done {
        let Action::CreateContainer(spec) = action else { continue };
        let Some(found) = now.containers.iter().find(|container| container.name == spec.create_name) else { continue };
        if found.is_up() {
            // Its start was told as a failure, and it runs all the same.
            return None;
        }
        let remove = Action::RemoveContainer { container: found.reference(), volumes: true, force: true };
        gone.push(builder.push(Draft::new(remove, CAUSE).of(&spec.container.service)));
    }
    let hooked = done.iter().chain(&failed).any(|action| is_hook(action));
    for action in &done {
        let remove = match action {
            Action::CreateNetwork { network, .. } => {
                let found = now.networks.iter().find(|found| found.name == network.name);
                found.map(|found| Action::RemoveNetwork { id: found.id.clone(), name: found.name.clone() })
            }
            Action::CreateVolume { volume, .. } if !hooked => Some(Action::RemoveVolume { name: volume.name.clone() }),
            // Containers are dealt with above; of the rest nothing is left, or it is of use.
            Action::CreateVolume { .. }
            | Action::PullImage { .. }
            | Action::BuildImage { .. }
            | Action::RemoveNetwork { .. }
            | Action::ConnectNetwork { .. }
            | Action::DisconnectNetwork { .. }
            | Action::RemoveVolume { .. }
            | Action::CreateContainer(_)
            | Action::InjectFiles { .. }
            | Action::StartContainer { .. }
            | Action::StopContainer { .. }
            | Action::RestartContainer { .. }
            | Action::KillContainer { .. }
            | Action::RemoveContainer { .. }
            | Action::UnpauseContainer { .. }
            | Action::RenameContainer { .. }
            | Action::RemoveImage { .. }
            | Action::Await { .. }
            | Action::Probe { .. }
            | Action::Load { .. }
            | Action::PluginHook { .. }
            | Action::ExecHook { .. }
            | Action::RunHookContainer { .. }
            | Action::Up => None,
        };
        if let Some(remove) = remove {
            builder.push(Draft::new(remove, CAUSE).needs(gone.iter().copied()));
        }
    }
    builder.finish().ok().filter(|plan| !plan.steps.is_empty())
}

const CAUSE: &str = "the run failed before anything was started";

/// Nothing runs differently because of it.
const fn is_preparation(action: &Action) -> bool {
    matches!(
        action,
        Action::PullImage { .. }
            | Action::BuildImage { .. }
            | Action::CreateNetwork { .. }
            | Action::CreateVolume { .. }
            | Action::CreateContainer(_)
            | Action::InjectFiles { .. }
            | Action::Await { .. }
            | Action::Probe { .. }
            | Action::Up
    ) || is_hook(action)
}

const fn is_hook(action: &Action) -> bool {
    matches!(action, Action::PluginHook { .. } | Action::ExecHook { .. } | Action::RunHookContainer { .. })
}
