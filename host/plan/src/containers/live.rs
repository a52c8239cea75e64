//! Reading the observed state: which containers belong to what.

use std::collections::BTreeMap;

use windlass_model::Project;

use crate::labels;
use crate::observed::{Container, ContainerState, Observed};
use crate::step::ContainerRef;

impl Container {
    /// Service it belongs to; empty: none.
    #[must_use]
    pub fn service(&self) -> &str {
        self.label(labels::SERVICE).unwrap_or_default()
    }

    /// Replica number; 0: none.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.label(labels::NUMBER).and_then(|number| number.parse().ok()).unwrap_or_default()
    }

    /// Made by `run`.
    #[must_use]
    pub fn is_one_off(&self) -> bool {
        self.label(labels::ONE_OFF) == Some("True")
    }

    /// A replica of a service: not of `run`, not of a hook.
    #[must_use]
    pub fn is_replica(&self) -> bool {
        !self.is_one_off() && self.labels.contains_key(labels::CONFIG_HASH)
    }

    /// Runs an entry of `pre_start`, or is what is left of one.
    #[must_use]
    pub fn is_hook(&self) -> bool {
        self.labels.contains_key(labels::HOOK)
    }

    /// Its processes exist (running, paused, or between two runs of its restart policy).
    #[must_use]
    pub fn is_up(&self) -> bool {
        matches!(self.state, ContainerState::Running | ContainerState::Paused | ContainerState::Restarting)
    }

    /// How steps refer to it.
    #[must_use]
    pub fn reference(&self) -> ContainerRef {
        ContainerRef {
            id: Some(self.id.clone()),
            name: self.name.clone(),
            service: self.service().to_owned(),
            number: self.number(),
        }
    }

    /// The name that it gets while its successor takes its place: its own id tells it from any name that a user gives.
    /// `None`: it has it already.
    pub(crate) fn name_aside(&self) -> Option<String> {
        (!self.is_aside()).then(|| format!("{}_{}", self.name, self.short_id()))
    }

    /// An interrupted run moved it aside.
    pub(crate) fn is_aside(&self) -> bool {
        self.name.strip_suffix(self.short_id()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('_'))
    }

    fn short_id(&self) -> &str {
        &self.id[..self.id.len().min(12)]
    }

    /// Id prefix of the container that this one was to replace, if its recreation was cut off before the renaming.
    pub(crate) fn replaces(&self) -> Option<&str> {
        self.label(labels::REPLACE)?;
        let (prefix, _) = self.name.split_once('_')?;
        let is_id = prefix.len() == 12 && prefix.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then_some(prefix)
    }
}

/// Replicas by service, each list by number.
pub(crate) fn replicas(observed: &Observed) -> BTreeMap<&str, Vec<&Container>> {
    let mut services: BTreeMap<&str, Vec<&Container>> = BTreeMap::new();
    for container in observed.containers.iter().filter(|container| container.is_replica()) {
        services.entry(container.service()).or_default().push(container);
    }
    for containers in services.values_mut() {
        containers.sort_by_key(|container| (container.number(), container.created, container.name.clone()));
    }
    services
}

/// Containers of services that the model does not have, and ended ones of `run`.
pub(crate) fn orphans<'a>(project: &'a Project, observed: &'a Observed) -> impl Iterator<Item = &'a Container> {
    observed.containers.iter().filter(|container| {
        if container.is_one_off() {
            return matches!(container.state, ContainerState::Exited | ContainerState::Dead);
        }
        let service = container.service();
        let known = project.services.contains_key(service) || project.disabled_services.contains_key(service);
        container.is_replica() && !known
    })
}

/// What to say about orphans that stay.
pub(crate) fn orphan_warning(names: &[&str]) -> String {
    format!(
        "Found orphan containers ({}) for this project. If you removed or renamed this service in your compose file, \
         you can run this command with the --remove-orphans flag to clean it up.",
        names.join(", ")
    )
}
