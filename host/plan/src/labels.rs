//! Labels: Compose's, so that either tool can take over the other's project, and a few of our own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use windlass_model::Project;
use windlass_model::project::{Condition, Service};

use crate::containers::hashing;
use crate::step::ContainerSpec;

/// Project name.
pub const PROJECT: &str = "com.docker.compose.project";
/// Service name.
pub const SERVICE: &str = "com.docker.compose.service";
/// Version of the tool that made it.
pub const VERSION: &str = "com.docker.compose.version";
/// Replica number, from 1.
pub const NUMBER: &str = "com.docker.compose.container-number";
/// `True` on containers of `run`, else `False`.
pub const ONE_OFF: &str = "com.docker.compose.oneoff";
/// Hash of the configuration it was made from.
pub const CONFIG_HASH: &str = "com.docker.compose.config-hash";
/// Content digest of its image.
pub const IMAGE: &str = "com.docker.compose.image";
/// Content digests of the images it mounts.
pub const IMAGE_VOLUMES: &str = "com.docker.compose.image-volume-digest";
/// Its dependencies.
pub const DEPENDS_ON: &str = "com.docker.compose.depends_on";
/// Project directory.
pub const WORKING_DIR: &str = "com.docker.compose.project.working_dir";
/// Compose files.
pub const CONFIG_FILES: &str = "com.docker.compose.project.config_files";
/// `--env-file` list.
pub const ENVIRONMENT_FILE: &str = "com.docker.compose.project.environment_file";
/// On a recreated container: what it replaces.
pub const REPLACE: &str = "com.docker.compose.replace";
/// Name of the engine; read only, nobody is known to write it.
pub const ENGINE: &str = "com.docker.compose.engine";
/// Key of a network.
pub const NETWORK: &str = "com.docker.compose.network";
/// Key of a volume.
pub const VOLUME: &str = "com.docker.compose.volume";
/// On containers of hooks: which.
pub const HOOK: &str = "com.docker.compose.hook";
/// Ours: short hashes of single attributes, so that a recreation can say what changed.
pub const ATTRIBUTES: &str = "dev.windlass.attributes";
/// Ours: ids of the containers whose namespaces it uses, for the engine's list tells only whose network it is.
pub const JOINS: &str = "dev.windlass.joins";
/// Ours: on the containers that probes and loads connect through where no other way leads to a service: the project. They
/// carry no label of Compose, so that neither tool takes them for part of the project.
pub const RELAY: &str = "dev.windlass.relay";
/// Ours: on volumes that Windlass makes: an id of the volume's own, so that a volume of the same name that is made later is
/// told from it.
pub const VOLUME_ID: &str = "dev.windlass.volume.id";
/// Ours: on volumes that are ledger markers: the dataset, as `service/dataset`.
pub const LEDGER_DATASET: &str = "dev.windlass.ledger.dataset";
/// Ours: hash of service, dataset and hook position ([`crate::ledger::Slot::key`]); markers of Windlass 0.1 have none.
pub const LEDGER_SLOT: &str = "dev.windlass.ledger.slot";
/// Ours: place of the marker in the log of its dataset, from 1. The highest number counts.
pub const LEDGER_ENTRY: &str = "dev.windlass.ledger.entry";
/// Ours: `running`, `committed` or `dirty`.
pub const LEDGER_STATE: &str = "dev.windlass.ledger.state";
/// Ours: where the data lives ([`crate::ledger::Place`]).
pub const LEDGER_TARGET: &str = "dev.windlass.ledger.target";
/// Ours: hash over settings and inputs; in markers of Windlass 0.1 over the plugin's file too.
pub const LEDGER_INPUT: &str = "dev.windlass.ledger.input";
/// Ours: SHA-256 of the plugin.
pub const LEDGER_PLUGIN: &str = "dev.windlass.ledger.plugin";
/// Ours: steps whose effect is in the data, with their fingerprints, JSON.
pub const LEDGER_STEPS: &str = "dev.windlass.ledger.steps";
/// Ours: a word that only the run which made the marker knows.
pub const LEDGER_RUN: &str = "dev.windlass.ledger.run";
/// Ours: id of the lock that the run held: no two runs of one lock are alive at once.
pub const LEDGER_LOCK: &str = "dev.windlass.ledger.lock";
/// Ours: who runs it, for people.
pub const LEDGER_WHO: &str = "dev.windlass.ledger.who";

/// The version that labels carry.
pub const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Labels that everything of a project carries.
#[must_use]
pub fn of_project(project: &str) -> BTreeMap<String, String> {
    [(PROJECT, project), (VERSION, TOOL_VERSION)].map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// Labels of an image that a service builds.
#[must_use]
pub fn of_image(project: &str, service: &str) -> BTreeMap<String, String> {
    let mut labels = of_project(project);
    labels.insert(SERVICE.to_owned(), service.to_owned());
    labels
}

/// Labels of a service container, but for those that [`complete`] adds when it is created.
#[must_use]
pub fn of_container(
    project: &Project,
    service: &Service,
    number: u32,
    replaces: Option<&str>,
) -> BTreeMap<String, String> {
    let mut labels = service.labels.clone();
    labels.extend(of_image(&project.name, &service.name));
    let own = [
        (NUMBER, number.to_string()),
        (ONE_OFF, "False".to_owned()),
        (DEPENDS_ON, depends_on(service)),
        (WORKING_DIR, project.working_dir.display().to_string()),
        (CONFIG_FILES, join(&project.compose_files)),
        (ATTRIBUTES, hashing::attributes(service)),
    ];
    labels.extend(own.map(|(key, value)| (key.to_owned(), value)));
    if !project.env_files.is_empty() {
        labels.insert(ENVIRONMENT_FILE.to_owned(), join(&project.env_files));
    }
    if let Some(replaced) = replaces {
        labels.insert(REPLACE.to_owned(), replaced.to_owned());
    }
    labels
}

/// Labels that are known only at creation: the configuration's hash (it names peers by their ids) and the digests of
/// images, by reference.
pub fn complete(spec: &mut ContainerSpec, digests: &BTreeMap<String, String>) {
    spec.labels.insert(CONFIG_HASH.to_owned(), hashing::service_hash(&spec.service, &spec.peers));
    let joins = joins(spec);
    if !joins.is_empty() {
        spec.labels.insert(JOINS.to_owned(), joins.join(","));
    }
    if let Some(digest) = digests.get(&spec.image) {
        spec.labels.insert(IMAGE.to_owned(), digest.clone());
    }
    let mounted = image_volumes(&spec.service, digests);
    if !mounted.is_empty() {
        spec.labels.insert(IMAGE_VOLUMES.to_owned(), mounted);
    }
}

/// Ids of the containers whose namespaces it is made in, as far as they exist; those of other projects too.
pub(crate) fn joins(spec: &ContainerSpec) -> Vec<String> {
    let modes = [&spec.service.network_mode, &spec.service.pid, &spec.service.ipc];
    let owner = |mode: &&String| {
        let of_service = |name| spec.peers.get(name)?.first()?.id.clone();
        mode.strip_prefix("container:").map(str::to_owned).or_else(|| of_service(mode.strip_prefix("service:")?))
    };
    let owners: std::collections::BTreeSet<String> = modes.iter().filter_map(owner).collect();
    owners.into_iter().collect()
}

/// `target=digest,…` of mounted images, sorted; digests by reference.
#[must_use]
pub fn image_volumes(service: &Service, digests: &BTreeMap<String, String>) -> String {
    let mounts = mounted_images(service);
    let mut parts: Vec<String> =
        mounts.filter_map(|(image, target)| digests.get(image).map(|digest| format!("{target}={digest}"))).collect();
    parts.sort();
    parts.join(",")
}

/// Images that a service mounts, with the path in the container.
pub fn mounted_images(service: &Service) -> impl Iterator<Item = (&str, &str)> {
    let images = service.volumes.iter().filter(|mount| mount.kind == windlass_model::project::MountKind::Image);
    images.map(|mount| (mount.source.as_str(), mount.target.as_str()))
}

fn depends_on(service: &Service) -> String {
    let mut parts: Vec<String> = service
        .depends_on
        .iter()
        .map(|(name, dependency)| format!("{name}:{}:{}", condition_name(dependency.condition), dependency.restart))
        .collect();
    parts.sort();
    parts.join(",")
}

/// The condition as Compose spells it.
#[must_use]
pub fn condition_name(condition: Condition) -> &'static str {
    match condition {
        Condition::ServiceStarted => "service_started",
        Condition::ServiceHealthy => "service_healthy",
        Condition::ServiceCompletedSuccessfully => "service_completed_successfully",
    }
}

fn join(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(",")
}
