//! What an interrupted or failed `pre_start` has left behind: a container that may still run, and hold a network or the
//! replica's volumes.

use std::collections::BTreeSet;

use windlass_model::Project;

use crate::graph::{Builder, Draft};
use crate::observed::{Container, Observed};
use crate::step::{Action, StepId};

/// Removes those of the chosen services, and of services that the model does not have.
pub(crate) fn remove(
    builder: &mut Builder,
    project: &Project,
    observed: &Observed,
    chosen: &BTreeSet<&str>,
) -> Vec<StepId> {
    let concerned = |service: &str| chosen.contains(service) || !project.services.contains_key(service);
    let left = observed.containers.iter().filter(|container| container.is_hook() && concerned(container.service()));
    let remove = |container: &Container| {
        let action = Action::RemoveContainer { container: container.reference(), volumes: true, force: true };
        builder.push(Draft::new(action, "left by an earlier pre_start").of(container.service()))
    };
    left.map(remove).collect()
}

/// What else there is: nothing but their removal is about them, for they are no replicas. `None`: there are none.
pub(crate) fn without(observed: &Observed) -> Option<Observed> {
    observed.containers.iter().any(Container::is_hook).then(|| {
        let mut observed = observed.clone();
        observed.containers.retain(|container| !container.is_hook());
        observed
    })
}
