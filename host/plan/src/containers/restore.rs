//! What was stopped for the sake of others comes back: containers of services that the user did not choose, orphans that
//! stay, one-off containers.

use std::collections::BTreeMap;
use std::sync::Arc;

use windlass_model::Project;
use windlass_model::project::Service;

use crate::containers::change::Change;
use crate::containers::claims;
use crate::containers::converge::Converge;
use crate::containers::spec;
use crate::containers::start::Start;
use crate::error::PlanResult;
use crate::graph::{Builder, Draft, Role};
use crate::observed::Container;
use crate::step::{Action, ContainerSpec, OneOff, StepId};

/// Attaches and starts again what the plan took off a network or stopped, and what nobody else takes care of. `up`: steps
/// after which a service is UP, by service.
pub(crate) fn restore(
    converge: &Converge<'_>,
    builder: &mut Builder,
    up: &BTreeMap<String, Vec<StepId>>,
) -> PlanResult<()> {
    let left = converge.observed.containers.iter().filter(|container| {
        let gone = converge.parts.resources.removed.contains_key(&container.id);
        !gone && !converge.settled.contains(&container.id)
    });
    let left: Vec<&Container> = left.collect();
    for container in &left {
        one(converge, builder, container, up)?;
    }
    tell_cut_off(builder, &left);
    Ok(())
}

/// Says who goes on in the namespaces of a container that goes: it runs, but nobody reaches it.
fn tell_cut_off(builder: &mut Builder, left: &[&Container]) {
    for container in left.iter().filter(|container| container.is_up()) {
        let owner = builder.plan().steps.iter().find_map(|step| match &step.action {
            Action::RemoveContainer { container: owner, .. } => {
                let uses = owner.id.as_ref().is_some_and(|id| container.joins.contains(id));
                uses.then(|| owner.name.clone())
            }
            _ => None,
        });
        if let Some(owner) = owner {
            let service = container.service();
            let cure = if container.is_replica() { format!(": `up {service}` recreates it") } else { String::new() };
            let text =
                format!("{} goes on in the namespaces of the old {owner}, which is removed{cure}", container.name);
            builder.warn(text);
        }
    }
}

fn one(
    converge: &Converge<'_>,
    builder: &mut Builder,
    container: &Container,
    up: &BTreeMap<String, Vec<StepId>>,
) -> PlanResult<()> {
    let resources = &converge.parts.resources;
    let detached = resources.detached.get(&container.id).cloned().unwrap_or_default();
    let with = converge.peers.iter().filter_map(|(name, peer)| Some((name, peer, peer.stopped.get(&container.id)?)));
    let with: Vec<_> = with.collect();
    let stopped = resources.stopped.get(&container.id).copied();
    if detached.is_empty() && with.is_empty() && stopped.is_none() {
        return Ok(());
    }
    let service = described(converge.project, container);
    let spec = Arc::new(specification(converge.project, &service, container)?);
    let unit = builder.unit_of(&container.id);
    let change = Change { service: &service, cause: "", guard: None, unit, timeout: converge.options.timeout };
    let mut needs = change.attach(builder, (&container.reference(), &spec), &detached);
    if with.is_empty() && stopped.is_none() {
        return Ok(());
    }
    needs.extend(stopped);
    let mut cause = "stopped while its network changed".to_owned();
    let mut start = if stopped.is_some() { Start::Always } else { Start::Runs };
    for (name, peer, (step, condition)) in with {
        needs.push(*step);
        needs.extend(&peer.created);
        needs.extend(up.get(name).into_iter().flatten());
        cause = format!("restarts with {name}");
        start = start.or(condition.clone());
    }
    let action = Action::StartContainer { container: container.reference(), port_range: false };
    let draft =
        Draft::new(action, cause).of(container.service()).needs(needs).guard(start.guard()).unit(unit, Role::Goal);
    builder.push(draft.takes(claims::of_kept(container, &spec, &detached)));
    Ok(())
}

/// Its service; where the model does not have it, what its labels tell.
fn described(project: &Project, container: &Container) -> Arc<Service> {
    let known = project.services.get(container.service()).filter(|_| container.is_replica());
    let unknown = || Arc::new(Service { name: container.service().to_owned(), ..Service::default() });
    known.map_or_else(unknown, Arc::clone)
}

/// What is needed to attach it to networks again.
fn specification(project: &Project, service: &Arc<Service>, container: &Container) -> PlanResult<ContainerSpec> {
    let mut spec = spec::container(project, service, container.number(), BTreeMap::new(), None)?;
    for (key, network) in &spec.networks {
        // An address of the model is its own only where it had it.
        let had = container.networks.get(network).map_or("", |endpoint| endpoint.ip_address.as_str());
        spec::keep_addresses(&mut spec.service, key, |address| address == had);
    }
    spec.container = container.reference();
    if container.is_one_off() {
        spec.one_off = Some(OneOff::default());
    }
    Ok(spec)
}
