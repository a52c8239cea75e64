//! What the fake engine holds.

use std::collections::BTreeMap;
use std::time::Duration;

use windlass_model::project::MountKind;
use windlass_plan::Observed;
use windlass_plan::observed::{
    Container, ContainerState, Endpoint, EngineInfo, Image, LocalImages, MountPoint, Network, PortMapping, Volume,
    joined,
};
use windlass_plan::step::ContainerSpec;
use windlass_runtime::engine::{EngineErrorKind, EngineResult, ExecSpec};

use super::life::{Events, Runs};
use super::{Behaviour, conflict, not_found};

/// What the fake engine holds.
#[derive(Default)]
pub(super) struct State {
    pub(super) containers: BTreeMap<String, Container>,
    pub(super) specs: BTreeMap<String, ContainerSpec>,
    pub(super) networks: BTreeMap<String, Network>,
    pub(super) volumes: BTreeMap<String, Volume>,
    pub(super) images: BTreeMap<String, Image>,
    pub(super) registry: BTreeMap<String, Image>,
    /// By service: what each run of a container does; the last one stands for all that follow.
    pub(super) behaviours: BTreeMap<String, Vec<Behaviour>>,
    /// By container id.
    pub(super) runs: BTreeMap<String, Runs>,
    /// Reading calls by record (`list`, `events`, `inspect web-1`).
    pub(super) reads: BTreeMap<String, usize>,
    pub(super) failures: Vec<(String, EngineErrorKind, String)>,
    /// Calls whose next answer is lost.
    pub(super) lost: Vec<String>,
    pub(super) delays: Vec<(String, Duration)>,
    /// Most calls at once; `None`: any number.
    pub(super) at_once: Option<usize>,
    pub(super) commands: Vec<(String, String, i64)>,
    pub(super) execs: BTreeMap<String, i64>,
    /// Commands that were run in containers, in order.
    pub(super) exec_specs: Vec<ExecSpec>,
    pub(super) calls: Vec<String>,
    pub(super) events: Events,
    clock: i64,
    made: u64,
}

impl State {
    /// A new id: the first twelve digits tell things apart.
    pub(super) fn new_id(&mut self) -> String {
        self.made += 1;
        format!("{:012x}{:052x}", self.made, 0)
    }

    /// Grows with every use; also the fake's time.
    pub(super) fn tick(&mut self) -> i64 {
        self.clock += 1;
        self.clock
    }

    pub(super) fn snapshot(&self) -> Observed {
        let mut containers: Vec<Container> = self.containers.values().cloned().collect();
        containers.sort_by(|one, other| one.name.cmp(&other.name));
        Observed {
            containers,
            networks: self.networks.values().cloned().collect(),
            volumes: self.volumes.values().cloned().collect(),
            images: LocalImages::default(),
            engine: engine_info(),
        }
    }

    /// A container by id, unique id prefix or name.
    pub(super) fn find(&self, id: &str, operation: &str) -> EngineResult<&Container> {
        let named = || self.containers.values().find(|container| container.name == id);
        let prefixed = || self.containers.values().find(|container| id.len() >= 12 && container.id.starts_with(id));
        let found = self.containers.get(id).or_else(named).or_else(prefixed);
        found.ok_or_else(|| not_found(operation, format!("No such container: {id}")))
    }

    pub(super) fn find_mut(&mut self, id: &str, operation: &str) -> EngineResult<&mut Container> {
        let id = self.find(id, operation)?.id.clone();
        Ok(self.containers.get_mut(&id).expect("just found"))
    }

    /// Name of a container, or the id itself where there is none.
    pub(super) fn name_of(&self, id: &str) -> String {
        self.find(id, "").map_or_else(|_| id.to_owned(), |container| container.name.clone())
    }

    pub(super) fn create(&mut self, spec: &ContainerSpec, operation: &str) -> EngineResult<String> {
        if let Some(other) = self.containers.values().find(|container| container.name == spec.create_name) {
            let message = format!("The container name {:?} is already in use by container {:?}", other.name, other.id);
            return Err(conflict(operation, message));
        }
        let Some(image) = self.images.get(&spec.image).cloned() else {
            return Err(not_found(operation, format!("No such image: {}", spec.image)));
        };
        let networks = self.endpoints(spec, operation)?;
        let id = self.new_id();
        let created = self.tick();
        let container = Container {
            id: id.clone(),
            name: spec.create_name.clone(),
            image: spec.image.clone(),
            image_id: image.id.clone(),
            command: spec.service.command.clone().unwrap_or_default().join(" "),
            state: ContainerState::Created,
            health: None,
            exit_code: None,
            status: "Created".to_owned(),
            created,
            joins: joined("", &spec.labels),
            labels: spec.labels.clone(),
            networks,
            mounts: self.mounts(spec, &image),
            ports: ports(spec),
        };
        self.containers.insert(id.clone(), container);
        self.specs.insert(id.clone(), spec.clone());
        self.publish(&id, "create");
        Ok(id)
    }

    fn endpoints(&self, spec: &ContainerSpec, operation: &str) -> EngineResult<BTreeMap<String, Endpoint>> {
        let endpoint = |(_, name): &(String, String)| match self.networks.get(name) {
            Some(network) => Ok((name.clone(), Endpoint { network_id: network.id.clone(), ..Endpoint::default() })),
            None => Err(not_found(operation, format!("network {name} not found"))),
        };
        spec.networks.iter().map(endpoint).collect()
    }

    fn mounts(&mut self, spec: &ContainerSpec, image: &Image) -> Vec<MountPoint> {
        let inherited = spec.inherit_from.as_ref().and_then(|id| self.find(id, "").ok()).cloned();
        let mut mounts: Vec<MountPoint> = Vec::new();
        for mount in &spec.service.volumes {
            let named = spec.volumes.get(&mount.source).cloned();
            mounts.push(MountPoint {
                kind: format!("{:?}", mount.kind).to_lowercase(),
                name: named.unwrap_or_default(),
                source: if mount.kind == MountKind::Bind { mount.source.clone() } else { String::new() },
                destination: mount.target.clone(),
                writable: !mount.read_only,
            });
        }
        for path in &image.volumes {
            if mounts.iter().all(|mount| mount.destination != *path) {
                let old = inherited.iter().flat_map(|old| &old.mounts).find(|mount| mount.destination == *path);
                let name = old.map_or_else(|| self.new_id(), |old| old.name.clone());
                mounts.push(MountPoint {
                    kind: "volume".to_owned(),
                    name,
                    destination: path.clone(),
                    writable: true,
                    ..MountPoint::default()
                });
            }
        }
        mounts
    }
}

fn ports(spec: &ContainerSpec) -> Vec<PortMapping> {
    let mapping = |port: &windlass_model::project::Port| PortMapping {
        host_ip: if port.host_ip.is_empty() { "0.0.0.0".to_owned() } else { port.host_ip.clone() },
        public: port.published.parse().ok(),
        private: port.target,
        protocol: if port.protocol.is_empty() { "tcp".to_owned() } else { port.protocol.clone() },
    };
    spec.service.ports.iter().map(mapping).collect()
}

/// The engine that the fake says it is.
pub(super) fn engine_info() -> EngineInfo {
    EngineInfo {
        version: "28.5.2".to_owned(),
        api_version: (1, 51),
        os: "linux".to_owned(),
        architecture: "amd64".to_owned(),
        swarm: false,
    }
}
