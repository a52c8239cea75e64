//! What containers hold, and what those to come will take.

use std::collections::BTreeSet;
use std::net::IpAddr;

use windlass_model::Project;
use windlass_model::project::{MountKind, Port};

use crate::containers::joins;
use crate::containers::resources::Detached;
use crate::graph::Builder;
use crate::graph::claims::{Claim, Held};
use crate::observed::{Container, Observed, PortMapping};
use crate::step::ContainerSpec;

/// Says what the containers that exist hold before the plan, and whose namespaces they use.
pub(crate) fn hold(builder: &mut Builder, project: &Project, observed: &Observed) {
    let depths = joins::depths(observed);
    for container in &observed.containers {
        let hint = hint(project, container);
        if let Some(depth) = depths.get(container.id.as_str()) {
            builder.uses_namespaces(&container.id, &container.joins, *depth);
        }
        builder.hold(name_of(container, &container.name), &hint);
        for held in running(container).into_iter().filter(|held| !matches!(held.claim, Claim::Replica { .. })) {
            builder.hold(held, &hint);
        }
    }
}

fn hint(project: &Project, container: &Container) -> String {
    let service = container.service();
    let known = project.services.contains_key(service) || project.disabled_services.contains_key(service);
    if container.is_one_off() {
        format!("remove that container first: `docker rm -f {}`", container.name)
    } else if known {
        format!("service {service} holds it: let this command change {service}, too, or give one of them another")
    } else {
        format!("{service} is not in the compose file any more: `--remove-orphans` lets its container go first")
    }
}

/// The key of a container that exists.
fn holder(container: &Container) -> String {
    container.id.clone()
}

/// The key of a container that the plan makes.
pub(crate) fn new_holder(name: &str) -> String {
    format!("new {name}")
}

/// A name of a container that exists.
pub(crate) fn name_of(container: &Container, name: &str) -> Held {
    held(container, Claim::Name(name.to_owned()))
}

/// A name of a container that the plan makes.
pub(crate) fn name_of_new(spec: &ContainerSpec, name: &str) -> Held {
    new_held(spec, Claim::Name(name.to_owned()))
}

fn held(container: &Container, claim: Claim) -> Held {
    let kin = container.service().to_owned();
    Held { claim, holder: holder(container), kin, name: container.name.clone() }
}

fn new_held(spec: &ContainerSpec, claim: Claim) -> Held {
    let name = spec.container.name.clone();
    let holder = spec.container.id.clone().unwrap_or_else(|| new_holder(&name));
    Held { claim, holder, kin: spec.container.service.clone(), name }
}

/// What a container holds as long as it is up: ports, addresses, its replica's data.
pub(crate) fn running(container: &Container) -> Vec<Held> {
    if !container.is_up() {
        return Vec::new();
    }
    let ports = container.ports.iter().filter_map(published);
    let addresses = container.networks.iter().filter_map(|(network, endpoint)| {
        let address = endpoint.ip_address.parse().ok()?;
        Some(Claim::Address { network: network.clone(), address })
    });
    let replica = (container.number() > 0).then(|| replica(container.service(), container.number()));
    ports.chain(addresses).chain(replica).map(|claim| held(container, claim)).collect()
}

/// Volumes that a container writes to. Only one that goes for good gives them up: services share volumes as they like, but
/// who comes after an orphan must not write beside it.
pub(crate) fn volumes(container: &Container) -> Vec<Held> {
    let names: BTreeSet<&str> = container
        .mounts
        .iter()
        .filter(|mount| mount.writable && mount.kind == "volume" && !mount.name.is_empty())
        .map(|mount| mount.name.as_str())
        .collect();
    names.into_iter().map(|name| held(container, Claim::Volume(name.to_owned()))).collect()
}

fn replica(service: &str, number: u32) -> Claim {
    Claim::Replica { service: service.to_owned(), number }
}

fn published(port: &PortMapping) -> Option<Claim> {
    let first = port.public?;
    Some(Claim::Port { address: port.host_ip.parse().ok(), protocol: protocol(&port.protocol), first, last: first })
}

fn protocol(text: &str) -> String {
    if text.is_empty() { "tcp".to_owned() } else { text.to_lowercase() }
}

/// What a container of this specification takes when it starts. One without a predecessor takes the volumes that it
/// writes to, see [`volumes`].
pub(crate) fn at_start(spec: &ContainerSpec, has_predecessor: bool) -> Vec<Held> {
    let service = &spec.service;
    let publishes = !["host", "none"].contains(&service.network_mode.as_str()) && !service.network_mode.contains(':');
    let ports = service.ports.iter().filter(|_| publishes).filter_map(wanted);
    let addresses = spec.networks.iter().flat_map(|(key, network)| {
        let settings = service.networks.get(key).and_then(Option::as_ref);
        let texts = settings.map(|settings| [&settings.ipv4_address, &settings.ipv6_address]);
        let parsed = texts.into_iter().flatten().filter_map(|text| text.parse().ok());
        parsed.map(|address| Claim::Address { network: network.clone(), address })
    });
    let writes = service
        .volumes
        .iter()
        .filter(|mount| !has_predecessor && mount.kind == MountKind::Volume && !mount.read_only)
        .filter_map(|mount| spec.volumes.get(&mount.source).map(|name| Claim::Volume(name.clone())));
    let own = [replica(&service.name, spec.container.number)];
    ports.chain(addresses).chain(writes).chain(own).map(|claim| new_held(spec, claim)).collect()
}

/// What a container that stays takes when it is started again: what it has now, for the model may be another by then
/// (`--no-recreate`). One that does not run shows nothing of that, so there the model tells it; and in a network that is
/// made anew it gets the address of the model.
pub(crate) fn of_kept(container: &Container, spec: &ContainerSpec, detached: &[Detached]) -> Vec<Held> {
    let mut takes = at_start(spec, true);
    let renewed = |claim: &Claim| match claim {
        Claim::Address { network, .. } => detached.iter().any(|detached| detached.network == *network),
        Claim::Port { .. } | Claim::Name(_) | Claim::Volume(_) | Claim::Replica { .. } => false,
    };
    if container.is_up() {
        takes.retain(|held| renewed(&held.claim));
        takes.extend(running(container).into_iter().filter(|held| !renewed(&held.claim)));
    }
    takes
}

/// `published` is empty (any free port), a port, or a range of which the engine picks one.
fn wanted(port: &Port) -> Option<Claim> {
    let (first, last) = port.published.split_once('-').unwrap_or((&port.published, &port.published));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    let address: Option<IpAddr> = port.host_ip.parse().ok();
    (first > 0).then(|| Claim::Port { address, protocol: protocol(&port.protocol), first, last })
}
