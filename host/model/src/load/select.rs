//! Profiles, services named on the command line, and what they leave unused.

use std::collections::BTreeSet;

use super::Loader;
use crate::diagnostic::Diagnostic;
use crate::node::Node;
use crate::project::{Project, Service};

/// Every profile of any service, sorted.
pub(super) fn profiles(project: &Project) -> Vec<String> {
    let all: BTreeSet<&String> = project.services.values().flat_map(|service| &service.profiles).collect();
    all.into_iter().cloned().collect()
}

/// Names of the services that the profiles enable.
pub(super) fn enabled(loader: &Loader<'_>, project: &Project) -> BTreeSet<String> {
    let profiles = enabled_profiles(loader, project);
    let services = project.services.values().filter(|service| active(service, &profiles));
    services.map(|service| service.name.clone()).collect()
}

/// Moves services outside the enabled profiles to the disabled ones, then narrows to the named ones.
pub(super) fn select(loader: &mut Loader<'_>, tree: &Node, project: &mut Project) {
    let enabled = enabled_profiles(loader, project);
    let all = std::mem::take(&mut project.services);
    for (name, service) in all {
        let list = if active(&service, &enabled) { &mut project.services } else { &mut project.disabled_services };
        list.insert(name, service);
    }
    require_enabled(loader, tree, project);
    if !loader.options.services.is_empty() {
        narrow(loader, project);
    }
}

fn active(service: &Service, enabled: &BTreeSet<String>) -> bool {
    service.profiles.is_empty()
        || enabled.contains("*")
        || service.profiles.iter().any(|profile| enabled.contains(profile))
}

/// Flags and `COMPOSE_PROFILES`, and all profiles of services that were named.
fn enabled_profiles(loader: &Loader<'_>, project: &Project) -> BTreeSet<String> {
    let options = loader.options;
    let listed = project.environment.get("COMPOSE_PROFILES").map(String::as_str).unwrap_or_default();
    // An empty list enables the empty name, to which an unset variable may lead.
    let listed = listed.split(',').map(|profile| profile.trim().to_owned());
    let mut enabled: BTreeSet<String> =
        if options.profiles.is_empty() { listed.collect() } else { options.profiles.iter().cloned().collect() };
    for name in options.services.iter().chain(options.existing.iter().flatten()) {
        let named = project.services.get(name).into_iter().flat_map(|service| service.profiles.iter().cloned());
        enabled.extend(named);
    }
    enabled
}

/// A required dependency that no profile enables, in the peer's words.
fn require_enabled(loader: &mut Loader<'_>, tree: &Node, project: &Project) {
    if loader.options.no_consistency || loader.options.existing.is_some() {
        return;
    }
    for service in project.services.values() {
        for (name, dependency) in &service.depends_on {
            let Some(disabled) = project.disabled_services.get(name).filter(|_| dependency.required) else { continue };
            let path = format!("services.{}.depends_on", service.name);
            let span = crate::validate::span_of(tree, &["services", &service.name, "depends_on", name]);
            let text = format!(
                "service \"{}\" depends on undefined service \"{name}\": invalid compose project",
                service.name
            );
            let hint = format!(
                "{name} is in profile {}; enable it with --profile {}",
                disabled.profiles.join(", "),
                disabled.profiles[0]
            );
            loader.out.0.push(Diagnostic::error("disabled-dependency", &path, span, text).hinted(hint));
        }
    }
}

/// Keeps the named services and what they depend on; the rest is disabled.
fn narrow(loader: &mut Loader<'_>, project: &mut Project) {
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    let mut queue: Vec<String> = Vec::new();
    for name in &loader.options.services {
        if project.services.contains_key(name) {
            queue.push(name.clone());
        } else {
            let names = project.services.keys().map(String::as_str);
            let mut problem = Diagnostic::error("no-such-service", "", None, format!("no such service: {name}"));
            if let Some(close) = crate::suggest::closest(name, names) {
                problem = problem.hinted(format!("did you mean `{close}`?"));
            }
            loader.out.0.push(problem);
        }
    }
    while let Some(name) = queue.pop() {
        if !wanted.insert(name.clone()) || loader.options.no_deps {
            continue;
        }
        if let Some(service) = project.services.get(&name) {
            queue.extend(service.depends_on.keys().filter(|name| project.services.contains_key(*name)).cloned());
        }
    }
    let (kept, rest) = std::mem::take(&mut project.services).into_iter().partition(|(name, _)| wanted.contains(name));
    project.services = kept;
    let rest: indexmap::IndexMap<String, std::sync::Arc<Service>> = rest;
    project.disabled_services.extend(rest);
    project.disabled_services.sort_keys();
}

/// Drops definitions that no enabled service uses.
pub(super) fn prune(project: &mut Project) {
    let services = || project.services.values();
    let networks: BTreeSet<String> = services().flat_map(|service| service.networks.keys().cloned()).collect();
    let volumes: BTreeSet<String> = services()
        .flat_map(|service| &service.volumes)
        .filter(|mount| mount.kind == crate::project::MountKind::Volume)
        .map(|mount| mount.source.clone())
        .collect();
    let build_secrets = services().filter_map(|service| service.build.as_ref()).flat_map(|build| &build.secrets);
    let secrets: BTreeSet<String> = services()
        .flat_map(|service| &service.secrets)
        .chain(build_secrets)
        .map(|secret| secret.source.clone())
        .collect();
    let configs: BTreeSet<String> =
        services().flat_map(|service| &service.configs).map(|config| config.source.clone()).collect();
    let models: BTreeSet<String> = services().flat_map(|service| service.models.keys().cloned()).collect();
    project.networks.retain(|key, _| networks.contains(key));
    project.volumes.retain(|key, _| volumes.contains(key));
    project.secrets.retain(|key, _| secrets.contains(key));
    project.configs.retain(|key, _| configs.contains(key));
    project.models.retain(|key, _| models.contains(key));
}
