//! `config --no-interpolate`: the merged tree with its variables, normalised as far as that goes without values.

use super::discover::Found;
use super::{Context, Loaded, Loader, select, set_name};
use crate::diagnostic::Diagnostics;
use crate::node::{Entry, Mapping, Node, Span, Value};
use crate::project::Project;

impl Loader<'_> {
    /// Ends a load whose values keep their variables. The project is read as far as they allow.
    pub(super) fn uninterpolated(&mut self, mut tree: Node, found: &Found, name: &str, context: &Context) -> Loaded {
        crate::schema::check_required(&tree, &mut self.out);
        if !self.options.no_normalize {
            set_name(&mut tree, name);
        }
        let mut project = crate::decode::project(&tree, &mut Diagnostics::default());
        project.working_dir.clone_from(&found.folder);
        project.compose_files.clone_from(&found.files);
        project.environment.clone_from(&context.variables);
        crate::validate::definitions_alone(&tree, &project, &mut self.out);
        let profiles = select::profiles(&project);
        let variables = self.variables(&tree);
        if !self.options.no_normalize {
            crate::normalise::normalise(&mut project, &tree);
            normalise(&mut tree, name, &project);
        }
        key_values(&mut tree);
        self.restore_forms(&mut tree);
        as_typed(&mut tree);
        Loaded::new(project, tree, profiles, variables)
    }
}

/// Short port forms with a variable cannot be read: such lists are set aside, and put back when the rest is canonical.
pub(super) fn around_ports(root: &mut Node, canonicalise: impl FnOnce(&mut Node)) {
    let variable = |item: &Node| item.as_str().is_some_and(|text| text.contains('$'));
    let mut aside: Vec<(String, Entry)> = Vec::new();
    for service in entries(root, "services") {
        let Some(map) = service.node.as_map_mut() else { continue };
        let list = map.get("ports").and_then(|list| list.node.as_seq());
        if list.is_some_and(|list| list.iter().any(variable))
            && let Some(list) = map.shift_remove("ports")
        {
            aside.push((service.key, list));
        }
    }
    canonicalise(root);
    for (name, list) in aside {
        if let Some(map) = root.get_mut("services").and_then(|all| all.get_mut(&name)).and_then(Node::as_map_mut) {
            map.insert("ports".to_owned(), list);
        }
    }
}

fn entry(value: Value) -> Entry {
    Entry { key: Span::synthetic(), node: Node::new(value, Span::synthetic()) }
}

fn put(map: &mut Mapping, key: &str, value: Value) {
    map.entry(key.to_owned()).or_insert_with(|| entry(value));
}

fn normalise(tree: &mut Node, name: &str, project: &Project) {
    let mut default_used = false;
    for service in entries(tree, "services") {
        let Some(map) = service.node.as_map_mut() else { continue };
        let empty = map.get("networks").is_none_or(|networks| networks.node.as_map().is_none_or(Mapping::is_empty));
        if empty && !map.contains_key("network_mode") && !map.contains_key("provider") {
            map.insert("networks".to_owned(), entry(Value::Map([("default".to_owned(), entry(Value::Null))].into())));
        }
        required(map);
        implied(map, &service.key, project);
        let networks = map.get("networks").and_then(|networks| networks.node.as_map());
        default_used |= networks.is_some_and(|networks| networks.contains_key("default"));
        if let Some(build) = map.get_mut("build").and_then(|build| build.node.as_map_mut())
            && !build.contains_key("dockerfile_inline")
        {
            put(build, "dockerfile", Value::String("Dockerfile".to_owned()));
        }
    }
    if let Some(root) = tree.as_map_mut().filter(|_| default_used) {
        put(root, "networks", Value::Map(Mapping::new()));
        if let Some(networks) = root.get_mut("networks").and_then(|networks| networks.node.as_map_mut()) {
            put(networks, "default", Value::Null);
        }
    }
    for section in ["networks", "volumes", "secrets", "configs"] {
        for definition in entries(tree, section) {
            name_definition(definition, name);
        }
    }
}

/// Dependencies and environment files are required unless they say otherwise.
fn required(service: &mut Mapping) {
    let dependencies = service.get_mut("depends_on").and_then(|all| all.node.as_map_mut());
    for dependency in dependencies.into_iter().flatten().filter_map(|(_, entry)| entry.node.as_map_mut()) {
        put(dependency, "required", Value::Bool(true));
    }
    if let Some(Value::Seq(files)) = service.get_mut("env_file").map(|entry| &mut entry.node.value) {
        for file in files.iter_mut().filter_map(Node::as_map_mut) {
            put(file, "required", Value::Bool(true));
        }
    }
}

/// Dependencies that links and shared namespaces imply.
fn implied(service: &mut Mapping, name: &str, project: &Project) {
    for (dependency, how) in project.services.get(name).map(|own| &own.depends_on).into_iter().flatten() {
        put(service, "depends_on", Value::Map(Mapping::new()));
        let condition = Value::String("service_started".to_owned());
        let mut long: Mapping = [("condition", condition), ("required", Value::Bool(true))]
            .map(|(key, value)| (key.to_owned(), entry(value)))
            .into();
        let shared = project.services.get(name).into_iter().flat_map(|own| &own.volumes_from);
        let shares_volumes = shared.map(|from| from.split(':').next()).any(|from| from == Some(dependency));
        if how.restart || shares_volumes {
            put(&mut long, "restart", Value::Bool(how.restart));
        }
        if let Some(all) = service.get_mut("depends_on").and_then(|all| all.node.as_map_mut()) {
            put(all, dependency, Value::Map(long));
        }
    }
}

/// Entries of a section, each under its name.
fn entries<'n>(tree: &'n mut Node, section: &str) -> Vec<Named<'n>> {
    let map = tree.get_mut(section).and_then(Node::as_map_mut);
    map.into_iter().flatten().map(|(key, entry)| Named { key: key.clone(), node: &mut entry.node }).collect()
}

struct Named<'n> {
    key: String,
    node: &'n mut Node,
}

fn name_definition(definition: Named<'_>, project: &str) {
    if definition.key.starts_with("x-") {
        return;
    }
    if definition.node.is_null() {
        definition.node.value = Value::Map(Mapping::new());
    }
    let Some(map) = definition.node.as_map_mut() else { return };
    let external = map.get("external").is_some_and(|external| external.node.value == Value::Bool(true));
    let name = if external { definition.key } else { format!("{project}_{}", definition.key) };
    put(map, "name", Value::String(name));
}

/// `published` of a long form stays a number where it was typed as one.
fn typed_number(port: &mut Node) {
    let whole = port.span.clone();
    let Some(published) = port.get_mut("published").filter(|published| published.span != whole) else { return };
    let span = &published.span;
    let line = span.file.as_ref().and_then(|file| file.text.lines().nth(span.line.checked_sub(1)?));
    let first = line.and_then(|line| line.chars().nth(span.column.checked_sub(1)?));
    if first.is_some_and(|first| first.is_ascii_digit())
        && let Some(number) = published.as_str().and_then(|text| text.parse().ok())
    {
        published.value = Value::Int(number);
    }
}

/// A device request that names no number and no device means all.
fn all_devices(request: &mut Node) {
    let Some(map) = request.as_map_mut() else { return };
    if !map.contains_key("device_ids") {
        put(map, "count", Value::String("all".to_owned()));
    }
    if let Some(count) = map.get_mut("count").filter(|count| count.node.value == Value::Int(-1)) {
        count.node.value = Value::String("all".to_owned());
    }
}

/// What the peer prints of a tree without values: some words are replaced, and `version` is gone.
fn as_typed(tree: &mut Node) {
    if let Some(root) = tree.as_map_mut() {
        root.shift_remove("version");
    }
    for service in entries(tree, "services") {
        if let Some(policy) =
            service.node.get_mut("pull_policy").filter(|policy| policy.as_str() == Some("if_not_present"))
        {
            policy.value = Value::String("missing".to_owned());
        }
        for attestation in ["provenance", "sbom"] {
            let node = service.node.get_mut("build").and_then(|build| build.get_mut(attestation));
            if let Some(node) = node
                && let Value::Bool(value) = node.value
            {
                node.value = Value::String(value.to_string());
            }
        }
        for mount in service.node.items_mut("volumes") {
            if let Some(options) = mount.get_mut("bind").and_then(Node::as_map_mut) {
                put(options, "create_host_path", Value::Bool(true));
            }
        }
        service.node.items_mut("ports").for_each(typed_number);
        if let Some(Value::Seq(args)) =
            service.node.get_mut("build").and_then(|build| build.get_mut("args")).map(|args| &mut args.value)
        {
            args.retain(|arg| arg.scalar_text().is_some_and(|text| text.contains('=')));
        }
        service.node.items_mut("gpus").for_each(all_devices);
        let reserved = ["deploy", "resources", "reservations"];
        if let Some(reservations) = reserved.iter().try_fold(service.node, |node, key| node.get_mut(key)) {
            reservations.items_mut("devices").for_each(all_devices);
        }
    }
}

/// What was written as a list of `KEY=VALUE` is printed as one: there a key stands where its value does.
fn key_values(node: &mut Node) {
    match &mut node.value {
        Value::Seq(items) => items.iter_mut().for_each(key_values),
        Value::Map(map) => {
            for (name, entry) in map.iter_mut() {
                if KEY_VALUES.contains(&name.as_str()) {
                    listed(&mut entry.node);
                } else {
                    key_values(&mut entry.node);
                }
            }
        }
        _ => {}
    }
}

const KEY_VALUES: &[&str] = &["annotations", "args", "environment", "labels", "options", "sysctls"];

fn listed(node: &mut Node) {
    let Value::Map(map) = &node.value else { return };
    if map.is_empty() || !map.values().any(|entry| entry.key == entry.node.span && entry.key.file.is_some()) {
        return;
    }
    let line = |(key, entry): (&String, &Entry)| {
        let text = entry.node.scalar_text().map_or_else(|| key.clone(), |value| format!("{key}={value}"));
        Node::string(text, &entry.key)
    };
    node.value = Value::Seq(map.iter().map(line).collect());
}
