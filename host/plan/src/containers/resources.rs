//! Networks and volumes: create what is missing, replace what drifted, say what is somebody else's.

use std::collections::{BTreeMap, BTreeSet};

use windlass_model::Project;
use windlass_model::project::{Network, Service, Volume};

use crate::containers::hashing;
use crate::containers::spec;
use crate::error::{PlanError, PlanResult};
use crate::graph::{Builder, Draft};
use crate::labels;
use crate::observed::{self, Container, Observed};
use crate::options::UpOptions;
use crate::step::{Action, Question, StepId};

/// What containers have to wait for, and what happened to those that exist.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    /// By network key: steps after which it can be used.
    networks: BTreeMap<String, Vec<StepId>>,
    /// By volume key: steps after which it can be used.
    volumes: BTreeMap<String, Vec<StepId>>,
    /// Existing containers by id: networks (engine names) that they were detached from or must be attached to, with the
    /// steps to wait for.
    pub(crate) reconnect: BTreeMap<String, Vec<(String, Vec<StepId>)>>,
    /// Existing containers by id that the plan stops to change a network.
    pub(crate) stopped: BTreeMap<String, StepId>,
    /// Existing containers by id that the plan removes for a volume.
    pub(crate) removed: BTreeMap<String, StepId>,
    /// Network ids by engine name, for attachment checks.
    pub(crate) network_ids: BTreeMap<String, String>,
}

impl Resources {
    /// What a container of the service has to wait for.
    pub(crate) fn ready(&self, service: &Service) -> Vec<StepId> {
        let networks = service.networks.keys().filter_map(|key| self.networks.get(key));
        let volumes = service.volumes.iter().filter_map(|mount| self.volumes.get(&mount.source));
        networks.chain(volumes).flatten().copied().collect()
    }
}

/// Plans networks and volumes.
pub(crate) struct ResourcePlanner<'a> {
    pub(crate) project: &'a Project,
    pub(crate) observed: &'a Observed,
    pub(crate) options: &'a UpOptions,
    pub(crate) resources: Resources,
}

impl<'a> ResourcePlanner<'a> {
    /// Everything that the services use.
    pub(crate) fn all(mut self, builder: &mut Builder, services: &[&Service]) -> PlanResult<Resources> {
        let mut networks = BTreeSet::new();
        let mut volumes = BTreeSet::new();
        for service in services {
            networks.extend(spec::networks(self.project, service)?.into_iter().map(|(key, _)| key));
            volumes.extend(spec::volumes(self.project, service)?.into_keys());
        }
        for key in networks {
            self.network(builder, &key, &self.project.networks[&key])?;
        }
        for key in volumes {
            self.volume(builder, services, &key)?;
        }
        Ok(self.resources)
    }

    fn network(&mut self, builder: &mut Builder, key: &str, network: &Network) -> PlanResult<()> {
        let named: Vec<_> = self.observed.networks.iter().filter(|live| live.name == network.name).collect();
        if network.external {
            return self.external_network(network, &named);
        }
        let own = self.own_network(key, &network.name);
        match (own, named.first()) {
            (Some(live), _) if live.name == network.name => self.existing_network(builder, key, network, live),
            (Some(live), None) => self.renamed_network(builder, key, network, live),
            (_, Some(foreign)) => {
                self.remember(foreign);
                builder.warn(foreign_network(&self.project.name, foreign));
            }
            (None, None) => {
                self.create_network(builder, key, network, ("network missing", Vec::new()));
            }
        }
        Ok(())
    }

    fn external_network(&mut self, network: &Network, named: &[&observed::Network]) -> PlanResult<()> {
        if named.len() > 1 {
            return Err(PlanError::NetworkAmbiguous(network.name.clone()));
        }
        let by_id = || self.observed.networks.iter().find(|live| live.id == network.name);
        match named.first().copied().or_else(by_id) {
            Some(live) => {
                self.resources.network_ids.insert(network.name.clone(), live.id.clone());
                Ok(())
            }
            None if self.observed.engine.swarm => Ok(()),
            None => Err(PlanError::ExternalNetworkMissing(network.name.clone())),
        }
    }

    /// The project's network of that key: the exact name wins, else the smallest.
    fn own_network(&self, key: &str, name: &str) -> Option<&'a observed::Network> {
        let own = self.observed.networks.iter().filter(|live| {
            live.labels.get(labels::PROJECT) == Some(&self.project.name)
                && live.labels.get(labels::NETWORK).is_some_and(|label| label == key)
        });
        own.min_by_key(|live| (live.name != name, live.name.clone()))
    }

    fn remember(&mut self, live: &observed::Network) {
        self.resources.network_ids.insert(live.name.clone(), live.id.clone());
    }

    fn existing_network(&mut self, builder: &mut Builder, key: &str, network: &Network, live: &observed::Network) {
        let recorded = live.labels.get(labels::CONFIG_HASH);
        let drifted = recorded.is_some_and(|hash| *hash != hashing::network_hash(network));
        if !drifted {
            let (name, id) = (live.name.clone(), live.id.clone());
            self.resources.network_ids.insert(name, id);
            return;
        }
        let cause = format!("configuration of network {} changed", network.name);
        let users: Vec<&Container> = self.users(&live.name);
        let detached: Vec<StepId> = users.iter().map(|user| self.detach(builder, user, &live.name, &cause)).collect();
        let remove = Action::RemoveNetwork { id: live.id.clone(), name: live.name.clone() };
        let removed = builder.push(Draft::new(remove, &cause).needs(detached).completes());
        let created = self.create_network(builder, key, network, (&cause, vec![removed]));
        for user in users {
            self.reconnect(user, &network.name, vec![created]);
        }
    }

    fn renamed_network(&mut self, builder: &mut Builder, key: &str, network: &Network, live: &observed::Network) {
        let cause = format!("network {} is now named {}", live.name, network.name);
        let created = self.create_network(builder, key, network, (&cause, Vec::new()));
        let mut detached = vec![created];
        for user in self.users(&live.name) {
            let step = self.detach(builder, user, &live.name, &cause);
            detached.push(step);
            self.reconnect(user, &network.name, vec![created, step]);
        }
        let remove = Action::RemoveNetwork { id: live.id.clone(), name: live.name.clone() };
        builder.push(Draft::new(remove, &cause).needs(detached).optional(true));
    }

    fn users(&self, network: &str) -> Vec<&'a Container> {
        self.observed.containers.iter().filter(|container| container.networks.contains_key(network)).collect()
    }

    /// Stops a container and takes it off a network.
    fn detach(&mut self, builder: &mut Builder, container: &Container, network: &str, cause: &str) -> StepId {
        let mut needs = Vec::new();
        if container.is_up() {
            needs.push(*self.resources.stopped.entry(container.id.clone()).or_insert_with(|| {
                let stop = Action::StopContainer { container: container.reference(), timeout: self.options.timeout };
                builder.push(Draft::new(stop, cause).of(container.service()))
            }));
        }
        let detach = Action::DisconnectNetwork { network: network.to_owned(), container: container.reference() };
        builder.push(Draft::new(detach, cause).of(container.service()).needs(needs).completes())
    }

    fn reconnect(&mut self, container: &Container, network: &str, needs: Vec<StepId>) {
        self.resources.reconnect.entry(container.id.clone()).or_default().push((network.to_owned(), needs));
    }

    fn create_network(
        &mut self,
        builder: &mut Builder,
        key: &str,
        network: &Network,
        (cause, needs): (&str, Vec<StepId>),
    ) -> StepId {
        let mut stamped = network.clone();
        stamped.labels.extend(labels::of_project(&self.project.name));
        stamped.labels.insert(labels::NETWORK.to_owned(), key.to_owned());
        stamped.labels.insert(labels::CONFIG_HASH.to_owned(), hashing::network_hash(network));
        let create = Action::CreateNetwork { key: key.to_owned(), network: stamped };
        let mut draft = Draft::new(create, cause).needs(needs.iter().copied());
        if !needs.is_empty() {
            draft = draft.completes();
        }
        let id = builder.push(draft);
        self.resources.networks.insert(key.to_owned(), vec![id]);
        id
    }

    fn volume(&mut self, builder: &mut Builder, services: &[&Service], key: &str) -> PlanResult<()> {
        let volume = &self.project.volumes[key];
        let live = self.observed.volumes.iter().find(|live| live.name == volume.name);
        match live {
            None if volume.external => return Err(PlanError::ExternalVolumeMissing(volume.name.clone())),
            None => {
                let cause = if self.renamed(key) { "volume renamed" } else { "volume missing" };
                self.create_volume(builder, key, (cause, Vec::new()));
            }
            Some(_) if volume.external => {}
            Some(live) => self.existing_volume(builder, services, key, live),
        }
        Ok(())
    }

    fn renamed(&self, key: &str) -> bool {
        self.observed.volumes.iter().any(|live| {
            live.labels.get(labels::PROJECT) == Some(&self.project.name)
                && live.labels.get(labels::VOLUME).is_some_and(|label| label == key)
        })
    }

    fn existing_volume(&mut self, builder: &mut Builder, services: &[&Service], key: &str, live: &observed::Volume) {
        let owner = live.labels.get(labels::PROJECT);
        if owner != Some(&self.project.name) {
            builder.warn(foreign_volume(&self.project.name, live));
            return;
        }
        let expected = hashing::volume_hash(&self.project.volumes[key]);
        if live.labels.get(labels::CONFIG_HASH).is_none_or(|hash| *hash == expected) {
            return;
        }
        if self.options.recreate_volumes.contains(&live.name) {
            self.recreate_volume(builder, services, key, live);
        } else if !self.options.keep_volumes.contains(&live.name) {
            builder.plan().questions.push(Question::RecreateVolume { volume: live.name.clone() });
        }
    }

    fn recreate_volume(&mut self, builder: &mut Builder, services: &[&Service], key: &str, live: &observed::Volume) {
        let cause = format!("configuration of volume {} changed", live.name);
        let mounting = mounting(services, key);
        let containers = self.observed.containers.iter().filter(|container| {
            mounting.contains(container.service()) || container.mounts.iter().any(|mount| mount.name == live.name)
        });
        let mut needs = Vec::new();
        for container in containers {
            let removed = self
                .resources
                .removed
                .entry(container.id.clone())
                .or_insert_with(|| remove(builder, container, self.options.timeout, &cause));
            needs.push(*removed);
        }
        let removed =
            builder.push(Draft::new(Action::RemoveVolume { name: live.name.clone() }, &cause).needs(needs).completes());
        self.create_volume(builder, key, (&cause, vec![removed]));
    }

    fn create_volume(&mut self, builder: &mut Builder, key: &str, (cause, needs): (&str, Vec<StepId>)) {
        let volume: &Volume = &self.project.volumes[key];
        let mut stamped = volume.clone();
        stamped.labels.extend(labels::of_project(&self.project.name));
        stamped.labels.insert(labels::VOLUME.to_owned(), key.to_owned());
        stamped.labels.insert(labels::CONFIG_HASH.to_owned(), hashing::volume_hash(volume));
        let mut draft = Draft::new(Action::CreateVolume { key: key.to_owned(), volume: stamped }, cause);
        if !needs.is_empty() {
            draft = draft.needs(needs).completes();
        }
        let id = builder.push(draft);
        self.resources.volumes.insert(key.to_owned(), vec![id]);
    }
}

/// Services that mount a volume, themselves or through `volumes_from`.
fn mounting<'a>(services: &[&'a Service], key: &str) -> BTreeSet<&'a str> {
    let direct = services.iter().filter(|service| service.volumes.iter().any(|mount| mount.source == key));
    let mut found: BTreeSet<&str> = direct.map(|service| service.name.as_str()).collect();
    // Services come dependencies first, so one pass follows chains of `volumes_from`.
    for service in services {
        let from = service.volumes_from.iter().filter_map(|source| source.split(':').next());
        if from.into_iter().any(|source| found.contains(source)) {
            found.insert(&service.name);
        }
    }
    found
}

/// Stops (where it runs) and removes a container.
pub(crate) fn remove(
    builder: &mut Builder,
    container: &Container,
    timeout: Option<std::time::Duration>,
    cause: &str,
) -> StepId {
    let mut needs = Vec::new();
    if container.is_up() {
        let stop = Action::StopContainer { container: container.reference(), timeout };
        needs.push(builder.push(Draft::new(stop, cause).of(container.service())));
    }
    let remove = Action::RemoveContainer { container: container.reference(), volumes: false, force: true };
    builder.push(Draft::new(remove, cause).of(container.service()).needs(needs))
}

fn foreign_network(project: &str, live: &observed::Network) -> String {
    let owner = match live.labels.get(labels::PROJECT) {
        Some(_) => format!("for project {project:?}"),
        None => "by compose".to_owned(),
    };
    format!(
        "a network with name {} exists but was not created {owner}.\nSet `external: true` to use an existing network",
        live.name
    )
}

fn foreign_volume(project: &str, live: &observed::Volume) -> String {
    match live.labels.get(labels::PROJECT) {
        Some(owner) => format!(
            "volume {:?} already exists but was created for project {owner:?} (expected {project:?}). \
             Use `external: true` to use an existing volume",
            live.name
        ),
        None => format!(
            "volume {:?} already exists but was not created by Docker Compose. \
             Use `external: true` to use an existing volume",
            live.name
        ),
    }
}
