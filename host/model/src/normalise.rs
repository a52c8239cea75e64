//! Fills in what a project means without saying: names, the default network, implied dependencies.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::node::Node;
use crate::project::{Condition, Dependency, Project, Service};

/// Normalises a project. Services that the selection will disable are normalised too.
///
/// What the merged tree gives a value, even an empty one (a variable that is not set), needs no other.
pub fn normalise(project: &mut Project, tree: &Node) {
    let name = project.name.clone();
    for service in project.services.values_mut().map(Arc::make_mut) {
        let typed = tree.get("services").and_then(|all| all.get(&service.name));
        self::service(service, &project.environment, typed);
    }
    let default_used = project.services.values().any(|service| service.networks.contains_key("default"));
    if default_used {
        project.networks.entry("default".to_owned()).or_default();
    }
    let typed = |section: &str, key: &str| tree.get(section)?.get(key)?.get("name");
    let named = |section: &str, own: &mut String, key: &String, external: bool| {
        if own.is_empty() && typed(section, key).is_none() {
            *own = if external { key.clone() } else { format!("{name}_{key}") };
        }
    };
    project.networks.iter_mut().for_each(|(key, network)| named("networks", &mut network.name, key, network.external));
    project.volumes.iter_mut().for_each(|(key, volume)| named("volumes", &mut volume.name, key, volume.external));
    project.secrets.iter_mut().for_each(|(key, secret)| named("secrets", &mut secret.name, key, secret.external));
    project.configs.iter_mut().for_each(|(key, config)| named("configs", &mut config.name, key, config.external));
}

fn service(service: &mut Service, variables: &BTreeMap<String, String>, typed: Option<&Node>) {
    let given = |key: &str| typed.is_some_and(|service| service.get(key).is_some());
    if service.networks.is_empty() && !given("network_mode") && service.provider.is_none() {
        service.networks.insert("default".to_owned(), None);
    }
    if let Some(build) = &mut service.build {
        for (name, value) in &mut build.args {
            if value.is_none() {
                *value = variables.get(name).cloned();
            }
        }
        build.args.retain(|_, value| value.is_some());
    }
    let built = typed.and_then(|service| service.get("build"));
    if let Some(build) = &mut service.build
        && build.dockerfile.is_empty()
        && !["dockerfile", "dockerfile_inline"].iter().any(|key| built.is_some_and(|build| build.get(key).is_some()))
    {
        "Dockerfile".clone_into(&mut build.dockerfile);
    }
    if service.pull_policy == "if_not_present" {
        "missing".clone_into(&mut service.pull_policy);
    }
    let image = service.image.clone();
    for hook in service.pre_start.iter_mut().filter(|hook| hook.image.is_empty()) {
        hook.image.clone_from(&image);
    }
    implied_dependencies(service);
}

/// Services that links and shared namespaces refer to must be there first.
fn implied_dependencies(service: &mut Service) {
    let links = service.links.iter().map(|link| (link.split(':').next().unwrap_or_default().to_owned(), true));
    let modes = [&service.network_mode, &service.ipc, &service.pid, &service.uts, &service.cgroup];
    let modes = modes.into_iter().filter_map(|mode| mode.strip_prefix("service:")).map(|name| (name.to_owned(), true));
    let volumes = service.volumes_from.iter().filter(|from| !from.starts_with("container:"));
    let volumes = volumes.map(|from| (from.split(':').next().unwrap_or_default().to_owned(), false));
    let implied: Vec<(String, bool)> = links.chain(modes).chain(volumes).collect();
    for (name, restart) in implied {
        let dependency = Dependency { condition: Condition::ServiceStarted, restart, required: true };
        service.depends_on.entry(name).or_insert(dependency);
    }
}
