//! Consistency: references that lead nowhere, settings that exclude each other. Texts are the peer's.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::node::{Node, Span};
use crate::project::{Build, FileObject, MountKind, Project, Service};

const INVALID: &str = "invalid compose project";

/// The place of a path in the tree: of its value, or of the deepest parent that was typed.
#[must_use]
pub fn span_of(tree: &Node, path: &[&str]) -> Option<Span> {
    let mut node = tree;
    let mut span = None;
    for key in path {
        let next = match key.parse::<usize>() {
            Ok(index) if node.as_seq().is_some() => {
                node.as_seq().and_then(|items| items.get(index)).map(|item| (item.span.clone(), item))
            }
            _ => node.as_map().and_then(|map| map.get(*key)).map(|entry| (entry.key.clone(), &entry.node)),
        };
        let Some((place, inner)) = next else { break };
        span = Some(place);
        node = inner;
    }
    span.filter(|span| span.file.is_some())
}

struct Check<'c> {
    tree: &'c Node,
    out: &'c mut Diagnostics,
}

impl Check<'_> {
    fn fail(&mut self, code: &'static str, path: &[&str], message: impl Into<String>) {
        let problem = Diagnostic::error(code, &path.join("."), span_of(self.tree, path), message);
        self.out.0.push(problem);
    }

    /// `declare`: what to do where no name is close.
    fn undefined<'n>(
        &mut self,
        path: &[&str],
        message: String,
        wrong: &str,
        names: impl Iterator<Item = &'n str>,
        declare: Option<String>,
    ) {
        let mut problem = Diagnostic::error("undefined", &path.join("."), span_of(self.tree, path), message);
        problem.hint =
            crate::suggest::closest(wrong, names).map(|close| format!("did you mean `{close}`?")).or(declare);
        self.out.0.push(problem);
    }
}

/// Checks that need the definitions of enabled services as they were typed, before normalisation.
pub fn definitions(tree: &Node, project: &Project, enabled: &BTreeSet<String>, out: &mut Diagnostics) {
    let mut check = Check { tree, out };
    if tree.get("version").is_some() {
        let span = span_of(tree, &["version"]);
        let file = span
            .as_ref()
            .and_then(|span| span.file.as_ref())
            .map(|file| file.path.display().to_string())
            .unwrap_or_default();
        let text = format!(
            "{file}: the attribute `version` is obsolete, it will be ignored, please remove it to avoid potential confusion"
        );
        check.out.0.push(Diagnostic::warning("obsolete", "version", span, text));
    }
    for service in project.services.values().filter(|service| enabled.contains(&service.name)) {
        self::service(&mut check, project, service);
    }
}

/// Checks that no flag turns off: what lists and definitions must say for themselves.
pub fn always(tree: &Node, project: &Project, out: &mut Diagnostics) {
    let mut check = Check { tree, out };
    for service in project.services.values() {
        entries(&mut check, service);
    }
    definitions_alone(tree, project, out);
}

/// Those of networks, volumes, secrets and configs.
pub fn definitions_alone(tree: &Node, project: &Project, out: &mut Diagnostics) {
    let mut check = Check { tree, out };
    for (kind, objects, sources) in
        [("secrets", &project.secrets, "file|environment"), ("configs", &project.configs, "file|environment|content")]
    {
        for (name, object) in objects {
            file_object(&mut check, kind, name, object, sources);
        }
    }
    for (name, volume) in &project.volumes {
        let typed = tree.get("volumes").and_then(|volumes| volumes.get(name)).and_then(Node::as_map);
        let other = typed
            .into_iter()
            .flat_map(|map| map.keys())
            .find(|key| !matches!(key.as_str(), "name" | "external") && !key.starts_with("x-"));
        if let Some(other) = other.filter(|_| volume.external) {
            let text = format!("volumes.{name}: conflicting parameters \"external\" and \"{other}\" specified");
            check.fail("external", &["volumes", name], text);
        }
    }
}

fn file_object(check: &mut Check<'_>, kind: &str, name: &str, object: &FileObject, sources: &str) {
    if object.external {
        return;
    }
    let typed = check.tree.get(kind).and_then(|all| all.get(name));
    let given: Vec<&str> = sources.split('|').filter(|key| typed.is_some_and(|node| node.get(key).is_some())).collect();
    let driven = kind == "secrets" && !object.driver.is_empty();
    if given.is_empty() && !driven {
        check.fail("source", &[kind, name], format!("{kind}.{name}: one of {sources} must be set"));
    }
    if given.len() > 1 {
        check.fail("source", &[kind, name], format!("{kind}.{name}: {sources} attributes are mutually exclusive"));
    }
}

/// What items of lists must say.
fn entries(check: &mut Check<'_>, service: &Service) {
    let name = service.name.as_str();
    for (index, _) in service.ports.iter().enumerate().filter(|(_, port)| port.target == 0) {
        let index = index.to_string();
        let typed = ["services", name, "ports", &index, "target"];
        if span_of(check.tree, &typed).is_some_and(|span| span_of(check.tree, &typed[..4]) != Some(span)) {
            continue; // out of range: told already
        }
        let text = format!("service ports services.{name}.ports.[{index}] is missing a target port");
        check.fail("port", &typed[..4], text);
    }
    for (index, _) in service.volumes.iter().enumerate().filter(|(_, mount)| mount.target.is_empty()) {
        let text = format!("service volume services.{name}.volumes.[{index}] is missing a mount target");
        check.fail("mount-target", &["services", name, "volumes", &index.to_string()], text);
    }
    let rules = service.develop.iter().flat_map(|develop| &develop.watch);
    for (index, _) in rules.enumerate().filter(|(_, rule)| rule.path.is_empty()) {
        let text = format!("services.{name}.develop.watch.[{index}].path: value can't be blank");
        check.fail("watch-path", &["services", name, "develop", "watch", &index.to_string()], text);
    }
}

fn service(check: &mut Check<'_>, project: &Project, service: &Service) {
    let name = service.name.as_str();
    let at = |key: &'static str| ["services", name, key];
    if service.image.is_empty() && service.build.is_none() && service.provider.is_none() {
        check.fail(
            "no-image",
            &["services", name],
            format!("service \"{name}\" has neither an image nor a build context specified: {INVALID}"),
        );
    }
    if !service.network_mode.is_empty() && !service.networks.is_empty() {
        check.fail(
            "exclusive",
            &at("network_mode"),
            format!("service {name} declares mutually exclusive `network_mode` and `networks`: {INVALID}"),
        );
    }
    healthcheck(check, service);
    distinct(check, service);
    mounts(check, service);
    if let Some(build) = &service.build {
        self::build(check, project, service, build);
    }
    for (index, rule) in service.develop.iter().flat_map(|develop| &develop.watch).enumerate() {
        if rule.target.is_empty() && rule.action.contains("sync") {
            let text = format!("services.{name}.develop.watch: target is required for non-rebuild actions: {INVALID}");
            check.fail("watch-target", &["services", name, "develop", "watch", &index.to_string()], text);
        }
    }
    if !service.container_name.is_empty() && service.replicas() > 1 {
        let attribute = if service.scale.is_some() { "scale" } else { "deploy.replicas" };
        let text = format!(
            "services.{attribute}: can't set container_name and {name} as container name must be unique: {INVALID}"
        );
        check.fail("container-name", &at("container_name"), text);
    }
}

fn healthcheck(check: &mut Check<'_>, service: &Service) {
    let Some(health) = &service.healthcheck else { return };
    let name = service.name.as_str();
    if health.test.first().is_some_and(|first| !matches!(first.as_str(), "CMD" | "CMD-SHELL" | "NONE")) {
        check.fail(
            "healthcheck",
            &["services", name, "healthcheck", "test"],
            "healthcheck.test must start either by \"CMD\", \"CMD-SHELL\" or \"NONE\"",
        );
    }
}

/// The same limit said twice, differently.
fn distinct(check: &mut Check<'_>, service: &Service) {
    let Some(deploy) = &service.deploy else { return };
    let name = service.name.as_str();
    let limits = deploy.resources.limits.as_ref();
    let reservations = deploy.resources.reservations.as_ref();
    let replicas = service.scale.is_some() && deploy.replicas.is_some_and(|replicas| Some(replicas) != service.scale);
    let table = [
        ("scale", "deploy.replicas", replicas),
        (
            "cpus",
            "deploy.resources.limits.cpus",
            service.cpus != 0.0 && limits.is_some_and(|limits| limits.cpus != service.cpus),
        ),
        (
            "mem_limit",
            "deploy.resources.limits.memory",
            service.mem_limit != 0 && limits.is_some_and(|limits| limits.memory != service.mem_limit),
        ),
        (
            "mem_reservation",
            "deploy.resources.reservations.memory",
            service.mem_reservation != 0
                && reservations.is_some_and(|reserved| reserved.memory != service.mem_reservation),
        ),
        (
            "pids_limit",
            "deploy.resources.limits.pids",
            service.pids_limit != 0 && limits.is_some_and(|limits| limits.pids != service.pids_limit),
        ),
    ];
    for (one, other, _) in table.into_iter().filter(|(_, _, differ)| *differ) {
        let text = format!("services.{name}: can't set distinct values on '{one}' and '{other}': {INVALID}");
        check.fail("distinct", &["services", name, one], text);
    }
}

fn mounts(check: &mut Check<'_>, service: &Service) {
    let name = service.name.as_str();
    let mut seen: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    for (index, line) in service.tmpfs.iter().enumerate() {
        seen.insert(line.split(':').next().unwrap_or_default(), ("tmpfs", index));
    }
    for (index, mount) in service.volumes.iter().enumerate() {
        let path = ["services", name, "volumes", &index.to_string()].map(str::to_owned);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if let Some((list, first)) = seen.insert(&mount.target, ("volumes", index)) {
            let text = format!(
                "services.{name}.volumes[{index}]: target {} already mounted as services.{name}.{list}[{first}]",
                mount.target
            );
            let mut problem = Diagnostic::error("mount-target", &path.join("."), span_of(check.tree, &path), text);
            let other = span_of(check.tree, &["services", name, list, &first.to_string()]);
            problem.related.extend(other.map(|span| ("mounted here".to_owned(), span)));
            check.out.0.push(problem);
        }
        if mount.kind == MountKind::Bind && mount.source.is_empty() {
            check.fail("mount-source", &path, "invalid mount config for type \"bind\": field Source must not be empty");
        }
    }
}

/// Services whose `build.platforms` do not contain the default platform that they would take, in the peer's words.
pub(crate) fn default_platform(tree: &Node, project: &Project, out: &mut Diagnostics) {
    for service in project.services.values().filter(|service| service.platform.is_empty()) {
        let platform = project.platform_of(service);
        let listed = service.build.iter().map(|build| &build.platforms).find(|platforms| !platforms.is_empty());
        if platform.is_empty() || listed.is_none_or(|platforms| platforms.iter().any(|listed| listed == platform)) {
            continue;
        }
        let name = service.name.as_str();
        let path = ["services", name, "build", "platforms"];
        let text = format!(
            "service \"{name}\" build.platforms does not support value set by DOCKER_DEFAULT_PLATFORM: {platform}"
        );
        out.0.push(Diagnostic::error("platform", &path.join("."), span_of(tree, &path), text));
    }
}

fn build(check: &mut Check<'_>, project: &Project, service: &Service, build: &Build) {
    let name = service.name.as_str();
    if !build.dockerfile.is_empty() && !build.dockerfile_inline.is_empty() {
        let text = format!("service \"{name}\" declares mutualy exclusive dockerfile and dockerfile_inline: {INVALID}");
        check.fail("exclusive", &["services", name, "build", "dockerfile_inline"], text);
    }
    if !service.platform.is_empty() && !build.platforms.is_empty() && !build.platforms.contains(&service.platform) {
        let text = format!("service.build.platforms MUST include service.platform \"{}\": {INVALID}", service.platform);
        check.fail("platform", &["services", name, "build", "platforms"], text);
    }
    for (key, context) in &build.additional_contexts {
        let Some(other) = context.strip_prefix("service:") else { continue };
        let path = ["services", name, "build", "additional_contexts", key];
        match project.services.get(other) {
            None => check.fail(
                "undefined",
                &path,
                format!("service \"{name}\" declares unknown service \"{other}\" as additional contexts {key}"),
            ),
            Some(found) if found.build.is_none() => {
                check.fail(
                    "not-buildable",
                    &path,
                    format!(
                        "service \"{name}\" declares non-buildable service \"{other}\" as additional contexts {key}"
                    ),
                );
            }
            Some(_) => {}
        }
    }
    for secret in build.secrets.iter().filter(|secret| !project.secrets.contains_key(&secret.source)) {
        let text = format!("service \"{name}\" refers to undefined build secret {}: {INVALID}", secret.source);
        check.undefined(
            &["services", name, "build", "secrets"],
            text,
            &secret.source,
            project.secrets.keys().map(String::as_str),
            None,
        );
    }
}

/// Checks that need the normalised, selected project: what services refer to, and cycles.
pub fn references(tree: &Node, project: &Project, out: &mut Diagnostics) {
    let mut check = Check { tree, out };
    for service in project.services.values() {
        dependencies(&mut check, project, service);
        resources(&mut check, project, service);
    }
    for (name, secret) in &project.secrets {
        if !secret.external && secret.file.is_empty() && secret.environment.is_empty() {
            let text = format!("secret \"{name}\" must declare either `file` or `environment`: {INVALID}");
            check.fail("source", &["secrets", name], text);
        }
    }
    container_names(&mut check, project);
    cycles(&mut check, project);
}

fn dependencies(check: &mut Check<'_>, project: &Project, service: &Service) {
    for name in service.depends_on.keys() {
        if !project.services.contains_key(name) && !project.disabled_services.contains_key(name) {
            let text = format!("service \"{}\" depends on undefined service \"{name}\": {INVALID}", service.name);
            let names = project.services.keys().map(String::as_str);
            let typed = ["services", service.name.as_str(), "depends_on", name.as_str()];
            let index =
                check.tree.get("services").and_then(|all| all.get(&service.name)).and_then(|own| own.get("depends_on"));
            let path: &[&str] = if index.is_some() { &typed } else { &typed[..2] };
            check.undefined(path, text, name, names, None);
        }
    }
}

fn resources(check: &mut Check<'_>, project: &Project, service: &Service) {
    let name = service.name.as_str();
    for key in service.networks.keys().filter(|key| !project.networks.contains_key(*key)) {
        let text = format!("service \"{name}\" refers to undefined network {key}: {INVALID}");
        let names = project.networks.keys().map(String::as_str);
        let declare = format!("declare it at the top level: `networks: {{ {key}: }}`");
        check.undefined(&["services", name, "networks", key], text, key, names, Some(declare));
    }
    for (index, mount) in service.volumes.iter().enumerate() {
        if mount.kind == MountKind::Volume && !mount.source.is_empty() && !project.volumes.contains_key(&mount.source) {
            let text = format!("service \"{name}\" refers to undefined volume {}: {INVALID}", mount.source);
            let index = index.to_string();
            let path = ["services", name, "volumes", index.as_str()];
            let names = project.volumes.keys().map(String::as_str);
            let declare = format!("declare it at the top level: `volumes: {{ {}: }}`", mount.source);
            check.undefined(&path, text, &mount.source, names, Some(declare));
        }
    }
    for (kind, singular, references, defined) in [
        ("secrets", "secret", &service.secrets, &project.secrets),
        ("configs", "config", &service.configs, &project.configs),
    ] {
        for (index, reference) in references.iter().enumerate() {
            if defined.contains_key(&reference.source) {
                continue;
            }
            let text = format!("service \"{name}\" refers to undefined {singular} {}: {INVALID}", reference.source);
            let path = ["services", name, kind, &index.to_string()];
            let names = defined.keys().map(String::as_str);
            let declare = format!("declare it at the top level: `{kind}: {{ {}: {{ file: … }} }}`", reference.source);
            check.undefined(&path, text, &reference.source, names, Some(declare));
        }
    }
    for key in service.models.keys().filter(|key| !project.models.contains_key(*key)) {
        let text = format!("service \"{name}\" refers to undefined model {key}: {INVALID}");
        check.undefined(&["services", name, "models", key], text, key, project.models.keys().map(String::as_str), None);
    }
}

fn container_names(check: &mut Check<'_>, project: &Project) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for service in project.services.values().filter(|service| !service.container_name.is_empty()) {
        if let Some(other) = seen.insert(&service.container_name, &service.name) {
            let text = format!(
                "services.{}: container name \"{}\" is already in use by service \"{other}\"",
                service.name, service.container_name
            );
            check.fail("container-name", &["services", &service.name, "container_name"], text);
        }
    }
}

/// Depth-first search with three colours: each edge is looked at once.
fn cycles(check: &mut Check<'_>, project: &Project) {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for start in project.services.keys() {
        if done.contains(start.as_str()) {
            continue;
        }
        let mut trail: Vec<(&str, indexmap::map::Keys<'_, String, crate::project::Dependency>)> = Vec::new();
        let mut open: BTreeSet<&str> = BTreeSet::new();
        let edges = |name: &str| project.services.get(name).map(|service| service.depends_on.keys());
        let Some(first) = edges(start) else { continue };
        trail.push((start, first));
        open.insert(start);
        while let Some((name, rest)) = trail.last_mut() {
            let name = *name;
            let Some(next) = rest.next() else {
                open.remove(name);
                done.insert(name);
                trail.pop();
                continue;
            };
            if open.contains(next.as_str()) {
                let from = trail.iter().position(|(name, _)| name == next).unwrap_or(0);
                let chain: Vec<&str> = trail[from..].iter().map(|(name, _)| *name).chain([next.as_str()]).collect();
                let text = format!("dependency cycle detected: {}", chain.join(" -> "));
                let edge = |one: &str, other: &str| span_of(check.tree, &["services", one, "depends_on", other]);
                let mut problem = Diagnostic::error("cycle", "services", edge(name, next), text);
                for pair in chain.windows(2).filter(|pair| pair[0] != name) {
                    problem
                        .related
                        .extend(edge(pair[0], pair[1]).map(|span| (format!("{} needs {}", pair[0], pair[1]), span)));
                }
                check.out.0.push(problem);
                return;
            }
            if !done.contains(next.as_str())
                && let Some(edges) = edges(next)
            {
                open.insert(next);
                trail.push((next, edges));
            }
        }
    }
}
