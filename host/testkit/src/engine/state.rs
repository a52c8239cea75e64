//! What the fake engine holds.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use windlass_model::project::MountKind;
use windlass_plan::Observed;
use windlass_plan::observed::{
    Container, ContainerState, Endpoint, EngineInfo, Health, Image, MountPoint, Network, PortMapping, Volume,
};
use windlass_plan::step::ContainerSpec;
use windlass_runtime::engine::{ContainerEvent, EngineErrorKind, EngineResult};

use super::{Behaviour, conflict, event, not_found};

/// What the fake engine holds.
#[derive(Default)]
pub(super) struct State {
    pub(super) containers: BTreeMap<String, Container>,
    pub(super) specs: BTreeMap<String, ContainerSpec>,
    pub(super) networks: BTreeMap<String, Network>,
    pub(super) volumes: BTreeMap<String, Volume>,
    pub(super) images: BTreeMap<String, Image>,
    pub(super) registry: BTreeMap<String, Image>,
    pub(super) behaviours: BTreeMap<String, Behaviour>,
    pub(super) failures: Vec<(String, EngineErrorKind, String)>,
    pub(super) delays: Vec<(String, Duration)>,
    pub(super) commands: Vec<(String, String, i64)>,
    pub(super) execs: BTreeMap<String, i64>,
    pub(super) calls: Vec<String>,
    pub(super) subscribers: Vec<UnboundedSender<EngineResult<ContainerEvent>>>,
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
            images: self.images.clone(),
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

    pub(super) fn publish(&mut self, id: &str, action: &str) {
        let clock = self.tick();
        let Some(container) = self.containers.get(id) else { return };
        let event = event(container, action, clock);
        self.subscribers.retain(|subscriber| subscriber.send(Ok(event.clone())).is_ok());
    }

    pub(super) fn exit(&mut self, name: &str, code: i64) {
        let Ok(container) = self.find_mut(name, "exit") else { return };
        if !container.is_up() {
            return;
        }
        container.state = ContainerState::Exited;
        container.exit_code = Some(code);
        container.status = format!("Exited ({code}) 1 second ago");
        container.networks.values_mut().for_each(|endpoint| endpoint.ip_address.clear());
        let id = container.id.clone();
        self.publish(&id, "die");
    }

    pub(super) fn set_health(&mut self, name: &str, health: Health) {
        let Ok(container) = self.find_mut(name, "health") else { return };
        if container.state != ContainerState::Running {
            return;
        }
        container.health = Some(health);
        let word = match health {
            Health::Starting => "starting",
            Health::Healthy => "healthy",
            Health::Unhealthy => "unhealthy",
        };
        container.status = format!("Up 1 second ({word})");
        let id = container.id.clone();
        self.publish(&id, &format!("health_status: {word}"));
    }

    /// Starts it; `None`: it runs already.
    pub(super) fn start(&mut self, id: &str, operation: &str) -> EngineResult<Option<Behaviour>> {
        let container = self.find(id, operation)?;
        match container.state {
            ContainerState::Running => return Ok(None),
            ContainerState::Paused => {
                return Err(conflict(operation, "cannot start a paused container, try unpause instead".to_owned()));
            }
            _ => {}
        }
        let behaviour = self.behaviours.get(container.service()).cloned().unwrap_or_default();
        let address = self.tick();
        let checked = behaviour.health.is_some() || self.has_healthcheck(id);
        let container = self.find_mut(id, operation)?;
        container.state = ContainerState::Running;
        container.exit_code = None;
        container.health = checked.then_some(Health::Starting);
        container.status = if checked { "Up 1 second (health: starting)" } else { "Up 1 second" }.to_owned();
        for endpoint in container.networks.values_mut() {
            endpoint.ip_address = format!("172.20.{}.{}", address / 250, address % 250 + 2);
        }
        let id = container.id.clone();
        self.publish(&id, "start");
        Ok(Some(behaviour))
    }

    fn has_healthcheck(&self, id: &str) -> bool {
        let spec = self.find(id, "").ok().and_then(|container| self.specs.get(&container.id));
        spec.and_then(|spec| spec.service.healthcheck.as_ref()).is_some_and(|check| !check.disable)
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
