//! Which services a command is about, and in which order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;
use windlass_model::project::Service;

use crate::error::{PlanError, PlanResult};

/// Services by name.
pub(crate) type Services = IndexMap<String, Arc<Service>>;

/// The targets; all services when none are named.
pub(crate) fn targets<'a>(services: &'a Services, named: &[String]) -> PlanResult<BTreeSet<&'a str>> {
    if named.is_empty() {
        return Ok(services.keys().map(String::as_str).collect());
    }
    let find = |name: &String| match services.get_key_value(name.as_str()) {
        Some((key, _)) => Ok(key.as_str()),
        None => Err(PlanError::NoSuchService(name.clone())),
    };
    named.iter().map(find).collect()
}

/// The seeds and all that they depend on.
pub(crate) fn with_dependencies<'a>(services: &'a Services, seeds: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    closure(seeds, |name| dependencies(services, name))
}

/// The seeds and all that depends on them, along edges that `follow` admits.
pub(crate) fn with_dependents<'a>(
    services: &'a Services,
    seeds: &BTreeSet<&'a str>,
    follow: impl Fn(&windlass_model::project::Dependency) -> bool,
) -> BTreeSet<&'a str> {
    let mut dependents: BTreeMap<&str, Vec<&'a str>> = BTreeMap::new();
    for (name, service) in services {
        for (dependency, edge) in &service.depends_on {
            if follow(edge) {
                dependents.entry(dependency).or_default().push(name);
            }
        }
    }
    closure(seeds, |name| dependents.get(name).cloned().unwrap_or_default())
}

fn closure<'a>(seeds: &BTreeSet<&'a str>, next: impl Fn(&'a str) -> Vec<&'a str>) -> BTreeSet<&'a str> {
    let mut seen = seeds.clone();
    let mut queue: Vec<&str> = seeds.iter().copied().collect();
    while let Some(name) = queue.pop() {
        for neighbour in next(name) {
            if seen.insert(neighbour) {
                queue.push(neighbour);
            }
        }
    }
    seen
}

/// Services that `name` depends on, by `depends_on` and by what it shares; only those that the model has.
fn dependencies<'a>(services: &'a Services, name: &str) -> Vec<&'a str> {
    let Some(service) = services.get(name) else { return Vec::new() };
    let declared = service.depends_on.keys().map(String::as_str);
    let names = declared.chain(peers(service));
    names.filter_map(|name| services.get_key_value(name).map(|(key, _)| key.as_str())).collect()
}

/// Services whose namespaces or volumes a service shares: it cannot be created before them.
pub(crate) fn shared(service: &Service) -> BTreeSet<&str> {
    let volumes = service.volumes_from.iter().filter(|source| !source.starts_with("container:"));
    let volumes = volumes.filter_map(|source| source.split(':').next());
    joined(service).into_iter().chain(volumes).collect()
}

/// Services whose namespaces a service shares: it cannot be started while they do not run.
pub(crate) fn joined(service: &Service) -> BTreeSet<&str> {
    let modes = [&service.network_mode, &service.ipc, &service.pid];
    modes.into_iter().filter_map(|mode| mode.strip_prefix("service:")).collect()
}

/// Shared and linked services: those whose containers the specification has to name.
pub(crate) fn peers(service: &Service) -> BTreeSet<&str> {
    let links = service.links.iter().filter_map(|link| link.split(':').next());
    shared(service).into_iter().chain(links).collect()
}

/// The chosen services, dependencies before dependents, ties by name. Linear in services and edges (times log).
pub(crate) fn order<'a>(services: &'a Services, chosen: &BTreeSet<&'a str>) -> PlanResult<Vec<&'a Arc<Service>>> {
    let mut waiting: BTreeMap<&str, usize> = BTreeMap::new();
    let mut dependents: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in chosen {
        let needed: BTreeSet<&str> =
            dependencies(services, name).into_iter().filter(|dep| chosen.contains(dep)).collect();
        waiting.insert(name, needed.len());
        for dependency in needed {
            dependents.entry(dependency).or_default().push(name);
        }
    }
    let mut ready: BTreeSet<&str> = waiting.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
    let mut ordered = Vec::with_capacity(chosen.len());
    while let Some(name) = ready.pop_first() {
        ordered.extend(services.get(name));
        for dependent in dependents.get(name).into_iter().flatten() {
            let count = waiting.get_mut(dependent).expect("every chosen service is counted");
            *count -= 1;
            if *count == 0 {
                ready.insert(dependent);
            }
        }
    }
    if ordered.len() < chosen.len() {
        waiting.retain(|_, count| *count > 0);
        return Err(PlanError::Cycle(cycle(services, &waiting)));
    }
    Ok(ordered)
}

/// One circle among services that wait for each other.
fn cycle(services: &Services, waiting: &BTreeMap<&str, usize>) -> Vec<String> {
    let mut path: Vec<&str> = Vec::new();
    let mut current = waiting.keys().next().copied();
    while let Some(name) = current {
        if let Some(start) = path.iter().position(|seen| *seen == name) {
            path.push(name);
            return path[start..].iter().map(|name| (*name).to_owned()).collect();
        }
        path.push(name);
        current = dependencies(services, name).into_iter().find(|dependency| waiting.contains_key(dependency));
    }
    path.into_iter().map(str::to_owned).collect()
}
