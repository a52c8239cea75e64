//! Which container a reference means, now.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use windlass_plan::Plan;
use windlass_plan::step::{Action, ContainerRef, ContainerSpec};

use super::end::End;

/// Ids by name: those that the plan knows, overwritten by those that the run creates.
#[derive(Debug, Default)]
pub(crate) struct Containers {
    ids: Mutex<HashMap<String, String>>,
}

impl Containers {
    /// The containers that exist before the run.
    pub(super) fn of_plan(plan: &Plan) -> Self {
        let known = plan.steps.iter().flat_map(|step| references(&step.action));
        let ids = known.filter_map(|reference| Some((reference.name.clone(), reference.id.clone()?)));
        Self { ids: Mutex::new(ids.collect()) }
    }

    /// Remembers a new container.
    pub(super) fn insert(&self, name: &str, id: &str) {
        self.lock().insert(name.to_owned(), id.to_owned());
    }

    /// Id of the container, or its name where nobody knows an id (the engine takes either).
    pub(super) fn resolve(&self, reference: &ContainerRef) -> String {
        reference.id.clone().unwrap_or_else(|| self.by_name(&reference.name))
    }

    /// Id of the container that has the name now.
    pub(super) fn by_name(&self, name: &str) -> String {
        self.lock().get(name).cloned().unwrap_or_else(|| name.to_owned())
    }

    /// The specification with the ids of all peers as they are now.
    pub(super) fn with_peers(&self, spec: &ContainerSpec) -> ContainerSpec {
        let mut spec = spec.clone();
        let ids = self.lock();
        for peer in spec.peers.values_mut().flatten() {
            // A container made in this run wins over the id from before.
            if let Some(id) = ids.get(&peer.name) {
                peer.id = Some(id.clone());
            }
        }
        drop(ids);
        spec
    }

    /// Failures name containers, not their ids.
    pub(super) fn name_in(&self, end: End, action: &Action) -> End {
        let End::Failed(mut error) = end else { return end };
        for reference in references(action) {
            error.message = error.message.replace(&self.resolve(reference), &reference.name);
        }
        End::Failed(error)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The containers that an action is about.
fn references(action: &Action) -> Vec<&ContainerRef> {
    match action {
        Action::ConnectNetwork { container, .. }
        | Action::DisconnectNetwork { container, .. }
        | Action::InjectFiles { container, .. }
        | Action::StartContainer { container, .. }
        | Action::StopContainer { container, .. }
        | Action::RestartContainer { container, .. }
        | Action::KillContainer { container, .. }
        | Action::UnpauseContainer { container }
        | Action::RemoveContainer { container, .. }
        | Action::RenameContainer { container, .. }
        | Action::Probe { container, .. }
        | Action::Load { container, .. }
        | Action::ExecHook { container, .. } => vec![container],
        Action::Await { containers, .. } => containers.iter().collect(),
        Action::CreateContainer(spec) => spec.peers.values().flatten().collect(),
        Action::PluginHook { container, .. } => container.iter().collect(),
        Action::RunHookContainer { spec, .. } => vec![&spec.container],
        Action::PullImage { .. }
        | Action::BuildImage { .. }
        | Action::RemoveImage { .. }
        | Action::CreateNetwork { .. }
        | Action::RemoveNetwork { .. }
        | Action::CreateVolume { .. }
        | Action::RemoveVolume { .. }
        | Action::Up => Vec::new(),
    }
}
