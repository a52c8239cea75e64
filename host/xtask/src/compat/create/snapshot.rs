//! What a project has on the engine, without what differs from run to run.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::engine::Engine;

const VERSION: &str = "com.docker.compose.version";
const HASH: &str = "com.docker.compose.config-hash";
const DEPENDS_ON: &str = "com.docker.compose.depends_on";
/// Labels of our own, which `docker compose` cannot have.
const OURS: &str = "dev.windlass.";

/// Containers, networks and volumes of a project.
pub(super) struct Snapshot {
    /// What they are, by kind and name.
    pub(super) content: BTreeMap<String, Json>,
    /// Which they are, by kind and name: another one of the same content is another one.
    pub(super) identity: BTreeMap<String, String>,
}

impl Snapshot {
    /// `canonical` is the project as `config --format json` prints it: where a network names no subnet, the engine chose one.
    pub(super) fn take(engine: &Engine, project: &str, canonical: &Json) -> anyhow::Result<Self> {
        let mut taken = Self { content: BTreeMap::new(), identity: BTreeMap::new() };
        let containers = engine.containers(project)?;
        let names: Vec<(String, String)> = containers.iter().map(|one| (text(&one["Id"]), name(one))).collect();
        for one in containers {
            let key = format!("container {}", name(&one));
            taken.identity.insert(key.clone(), text(&one["Id"]));
            taken.content.insert(key, container(&one, &names));
        }
        for one in engine.networks(project)? {
            let key = format!("network {}", name(&one));
            taken.identity.insert(key.clone(), text(&one["Id"]));
            taken.content.insert(key, network(one, canonical));
        }
        for one in engine.volumes(project)? {
            let key = format!("volume {}", name(&one));
            taken.identity.insert(key.clone(), text(&one["CreatedAt"]));
            taken.content.insert(key, volume(one));
        }
        Ok(taken)
    }
}

fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn name(of: &Json) -> String {
    text(&of["Name"]).trim_start_matches('/').to_owned()
}

/// What the creator of a container decided. Ids become names; then lists that either tool sends in any order are sorted.
fn container(inspected: &Json, names: &[(String, String)]) -> Json {
    let mut kept = Map::new();
    for key in ["Config", "HostConfig", "Mounts", "Platform"] {
        kept.insert(key.to_owned(), inspected[key].clone());
    }
    kept.insert("Networks".to_owned(), inspected["NetworkSettings"]["Networks"].clone());
    let mut kept = Json::Object(kept);
    if let Some(networks) = kept["Networks"].as_object_mut() {
        for endpoint in networks.values_mut().filter_map(Json::as_object_mut) {
            endpoint.remove("NetworkID");
            endpoint.remove("EndpointID");
        }
    }
    let mut kept = with_names(kept, inspected, names);
    engine_names(&mut kept["Mounts"]);
    sort(&mut kept["Mounts"], |mount| text(&mount["Destination"]));
    sort(&mut kept["HostConfig"]["Mounts"], |mount| text(&mount["Target"]));
    sort(&mut kept["HostConfig"]["Ulimits"], |limit| text(&limit["Name"]));
    for list in ["Binds", "ExtraHosts", "Links", "VolumesFrom"] {
        sort(&mut kept["HostConfig"][list], text);
    }
    sort(&mut kept["Config"]["Env"], text);
    labels(&mut kept["Config"]["Labels"]);
    kept
}

/// Ids of the project's containers as their names. A hash over such an id is another one in every run.
fn with_names(mut kept: Json, inspected: &Json, names: &[(String, String)]) -> Json {
    let own = text(&inspected["Id"]);
    let printed = kept.to_string();
    let refers = names.iter().any(|(id, _)| *id != own && printed.contains(id.as_str()));
    if let Some(labels) = kept["Config"]["Labels"].as_object_mut().filter(|_| refers) {
        labels.remove(HASH);
    }
    let mut printed = kept.to_string();
    for (id, name) in names {
        printed = printed.replace(id.as_str(), name).replace(id.get(..12).unwrap_or(id), name);
    }
    serde_json::from_str(&printed).unwrap_or(kept)
}

/// Volumes and directories that the engine named.
fn engine_names(mounts: &mut Json) {
    for mount in mounts.as_array_mut().into_iter().flatten().filter_map(Json::as_object_mut) {
        let given = mount.get("Name").map(text).unwrap_or_default();
        if given.len() == 64 && given.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            mount.insert("Name".to_owned(), Json::from("anonymous"));
            mount.insert("Source".to_owned(), Json::from("anonymous"));
        }
        if mount.get("Type").is_some_and(|kind| kind == "image") {
            mount.remove("Source");
        }
    }
}

fn network(mut inspected: Json, canonical: &Json) -> Json {
    let own = text(&inspected["Name"]);
    let declared = canonical["networks"].as_object().into_iter().flatten();
    let chosen = declared.map(|(_, network)| network).find(|network| text(&network["name"]) == own);
    if chosen.is_none_or(|network| network["ipam"]["config"].is_null()) {
        inspected["IPAM"]["Config"] = Json::Null;
    }
    if let Some(fields) = inspected.as_object_mut() {
        fields.retain(|key, _| !["Id", "Created", "Containers"].contains(&key.as_str()));
    }
    labels(&mut inspected["Labels"]);
    inspected
}

fn volume(mut inspected: Json) -> Json {
    if let Some(fields) = inspected.as_object_mut() {
        fields.remove("CreatedAt");
    }
    labels(&mut inspected["Labels"]);
    inspected
}

/// Labels without versions and what is ours alone; dependencies sorted.
fn labels(labels: &mut Json) {
    let Some(labels) = labels.as_object_mut() else { return };
    labels.retain(|key, _| key != VERSION && !key.starts_with(OURS));
    if let Some(value) = labels.get_mut(DEPENDS_ON) {
        let given = text(value);
        let mut parts: Vec<&str> = given.split(',').collect();
        parts.sort_unstable();
        *value = Json::from(parts.join(","));
    }
}

fn sort(list: &mut Json, key: impl Fn(&Json) -> String) {
    if let Some(items) = list.as_array_mut() {
        items.sort_by_key(|item| key(item));
    }
}
