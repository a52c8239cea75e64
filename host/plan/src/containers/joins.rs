//! Containers that use the namespaces of others. The engine starts them only while those run, and one that is made anew in
//! the place of such an owner does not count: who used the old one's namespaces has to be made anew, too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use windlass_model::Project;
use windlass_model::project::Service;

use crate::containers::live;
use crate::observed::{Container, Observed};

/// Containers (ids) that run and could perhaps not be started again: the plan does not make them anew, but may do so with
/// one whose namespaces they use, or remove that; or it is gone already. `planned`: the services that the plan is about.
pub(crate) fn cut_off(
    project: &Project,
    observed: &Observed,
    planned: &[Arc<Service>],
    remove_orphans: bool,
) -> BTreeSet<String> {
    let is_planned = |container: &Container| {
        container.is_replica() && planned.iter().any(|service| service.name == container.service())
    };
    let orphans: BTreeSet<&str> = if remove_orphans {
        live::orphans(project, observed).map(|orphan| orphan.id.as_str()).collect()
    } else {
        BTreeSet::new()
    };
    let stays = |owner: &String| {
        let owner = observed.containers.iter().find(|other| other.id == *owner);
        owner.is_some_and(|owner| owner.is_up() && !is_planned(owner) && !orphans.contains(owner.id.as_str()))
    };
    let users = observed.containers.iter().filter(|container| container.is_up() && !container.joins.is_empty());
    let cut = users.filter(|user| !is_planned(user) && !user.joins.iter().all(stays));
    cut.map(|user| user.id.clone()).collect()
}

/// How many owners stand behind a container, one behind the other: owners start before those that use their namespaces.
pub(crate) fn depths(observed: &Observed) -> BTreeMap<&str, usize> {
    let joins: BTreeMap<&str, &[String]> = observed
        .containers
        .iter()
        .filter(|container| !container.joins.is_empty())
        .map(|container| (container.id.as_str(), container.joins.as_slice()))
        .collect();
    joins.keys().map(|id| (*id, depth(id, &joins, &mut BTreeSet::new()))).collect()
}

fn depth<'a>(id: &'a str, joins: &BTreeMap<&'a str, &'a [String]>, seen: &mut BTreeSet<&'a str>) -> usize {
    let Some(owners) = joins.get(id).filter(|_| seen.insert(id)) else { return 0 };
    1 + owners.iter().map(|owner| depth(owner, joins, seen)).max().unwrap_or_default()
}
