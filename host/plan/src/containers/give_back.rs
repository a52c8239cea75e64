//! A recreation that may turn out to be needless (the image that was pulled or built is the same) leaves the old container in
//! place. What the plan took from it for the sake of others must then be given back.

use std::sync::Arc;

use windlass_model::project::Service;

use crate::containers::change::Change;
use crate::containers::converge::{Converge, Replica};
use crate::containers::start::Start;
use crate::graph::{Builder, Draft, Role};
use crate::step::{Action, ContainerRef};

/// Attaches the old container to the networks that it was taken off, by this run or by one that was cut off, and lets the
/// replica start, old or new, wherever it was stopped: for a network, or along with a dependency that says `restart: true`.
pub(crate) fn give_back(converge: &Converge<'_>, builder: &mut Builder, service: &Arc<Service>, replica: &mut Replica) {
    let may_stay = replica.fresh.as_ref().is_some_and(|reason| reason.guard.is_some());
    let Some(old) = replica.previous.clone().filter(|_| may_stay) else { return };
    let resources = &converge.parts.resources;
    let mut detached = resources.detached.get(&old).cloned().unwrap_or_default();
    let found = converge.observed.containers.iter().find(|container| container.id == old);
    detached.extend(found.into_iter().flat_map(|found| converge.left_off(&replica.spec, found)));
    if !detached.is_empty() {
        let change = Change { service, cause: "", guard: None, unit: replica.unit, timeout: converge.options.timeout };
        let reference = ContainerRef { id: Some(old.clone()), ..replica.container.clone() };
        // Whoever goes in the end: it does not run, so nobody sees it there.
        replica.needs.extend(change.attach(builder, (&reference, &replica.spec), &detached));
    }
    let for_network = resources.stopped.get(&old).map(|step| (*step, None));
    let with_dependency = converge.peers.values().filter_map(|peer| peer.stopped.get(&old).cloned());
    let stops: Vec<_> = for_network.into_iter().chain(with_dependency).collect();
    if stops.is_empty() {
        return;
    }
    for (step, guard) in stops {
        replica.needs.push(step);
        replica.start = std::mem::replace(&mut replica.start, Start::Runs).or(guard);
    }
    if converge.options.no_start {
        // `create` starts nothing but what it had to stop.
        let action = Action::StartContainer { container: replica.container.clone(), port_range: false };
        let draft = Draft::new(action, &replica.cause).of(&service.name).needs(replica.needs.iter().copied());
        let draft = draft.guard(replica.start.guard()).unit(replica.unit, Role::Goal);
        builder.push(draft.takes(replica.takes.iter().cloned()));
    }
}
