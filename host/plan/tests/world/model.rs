//! A small pure model of an engine: it applies the effects of steps and refuses what an engine refuses; and a model of the
//! executor, which asks the planner's own rules what may run while a run is ending and how units are taken back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;

use windlass_plan::claims::Claim;
use windlass_plan::observed::{
    Container, ContainerState, Endpoint, Image, MountPoint, Network, PortMapping, Volume, joined,
};
use windlass_plan::step::Guard;
use windlass_plan::step::{Action, ContainerRef, ContainerSpec};
use windlass_plan::units::{self, Progress, Undo};
use windlass_plan::{Observed, Plan, StepId, labels};

/// Numbers that look random and are the same in every run.
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit.max(1) as u64).expect("small")
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// An engine.
#[derive(Clone, Default)]
pub(crate) struct Model {
    pub observed: Observed,
    specs: BTreeMap<String, ContainerSpec>,
    /// Ids by name, as a run knows them.
    ids: BTreeMap<String, String>,
    made: usize,
    /// Images that a pull finds changed; what is pulled once stays as it is.
    pub moving: BTreeSet<String>,
    moved: BTreeSet<String>,
}

type Refusable = Result<(), String>;

impl Model {
    fn number(&mut self) -> usize {
        self.made += 1;
        self.made
    }

    pub(crate) fn find(&self, reference: &ContainerRef) -> Option<usize> {
        let id = reference.id.as_ref().or_else(|| self.ids.get(&reference.name));
        let all = &self.observed.containers;
        match id {
            Some(id) => all.iter().position(|found| found.id == *id),
            None => all.iter().position(|found| found.name == reference.name),
        }
    }

    fn container(&mut self, reference: &ContainerRef) -> Result<&mut Container, String> {
        let index = self.find(reference).ok_or_else(|| format!("no such container: {}", reference.name))?;
        Ok(&mut self.observed.containers[index])
    }

    fn refuse_name(&self, name: &str) -> Refusable {
        let taken = self.observed.containers.iter().any(|found| found.name == name);
        if taken { Err(format!("the name {name} is taken")) } else { Ok(()) }
    }

    pub(crate) fn apply(&mut self, action: &Action) -> Refusable {
        match action {
            Action::PullImage { image, .. } | Action::BuildImage { image, .. } => self.image(image),
            Action::CreateNetwork { network, .. } => {
                if self.observed.networks.iter().any(|found| found.name == network.name) {
                    return Ok(());
                }
                let id = format!("network-{}", self.number());
                let labels = network.labels.clone();
                let name = network.name.clone();
                self.observed.networks.push(Network { id, name, driver: "bridge".to_owned(), labels });
            }
            Action::RemoveNetwork { id, name } => {
                let used = |found: &Container| found.networks.values().any(|endpoint| endpoint.network_id == *id);
                if self.observed.containers.iter().any(|found| found.is_up() && used(found)) {
                    return Err(format!("network {name} has active endpoints"));
                }
                self.observed.networks.retain(|found| found.id != *id);
            }
            Action::ConnectNetwork { network, container, spec } => return self.connect(network, container, spec),
            Action::DisconnectNetwork { network, container } => {
                self.container(container)?.networks.remove(network);
            }
            Action::CreateVolume { volume, .. } => self.observed.volumes.push(Volume {
                name: volume.name.clone(),
                driver: "local".to_owned(),
                created_at: String::new(),
                labels: volume.labels.clone(),
            }),
            Action::RemoveVolume { name } => {
                let used = |found: &Container| found.mounts.iter().any(|mount| mount.name == *name);
                if self.observed.containers.iter().any(used) {
                    return Err(format!("volume {name} is in use"));
                }
                self.observed.volumes.retain(|found| found.name != *name);
            }
            Action::CreateContainer(spec) => return self.create(spec),
            Action::StartContainer { container, .. } => return self.start(container),
            Action::UnpauseContainer { container } => {
                let found = self.container(container)?;
                if found.state != ContainerState::Paused {
                    return Err(format!("{} is not paused", found.name));
                }
                found.state = ContainerState::Running;
            }
            Action::StopContainer { container, .. } => {
                let found = self.container(container)?;
                if found.is_up() {
                    found.state = ContainerState::Exited;
                    found.exit_code = Some(143);
                    found.ports.clear();
                    found.networks.values_mut().for_each(|endpoint| endpoint.ip_address.clear());
                }
            }
            Action::RemoveContainer { container, .. } => {
                if let Some(index) = self.find(container) {
                    self.observed.containers.remove(index);
                }
            }
            Action::RenameContainer { container, to } => {
                self.refuse_name(to)?;
                let found = self.container(container)?;
                to.clone_into(&mut found.name);
                let id = found.id.clone();
                self.ids.insert(to.clone(), id);
            }
            Action::InjectFiles { .. }
            | Action::RestartContainer { .. }
            | Action::KillContainer { .. }
            | Action::RemoveImage { .. }
            | Action::Await { .. }
            | Action::Probe { .. }
            | Action::Load { .. }
            | Action::PluginHook { .. }
            | Action::ExecHook { .. }
            | Action::RunHookContainer { .. }
            | Action::Up => {}
        }
        self.observed.containers.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(())
    }

    fn image(&mut self, reference: &str) {
        if self.moving.contains(reference) {
            self.moved.insert(reference.to_owned());
        }
        let digest = self.digest(reference);
        let image = Image { id: digest.clone(), content_digest: digest, ..Image::default() };
        self.observed.images.insert(reference, "", image);
    }

    fn digest(&self, image: &str) -> String {
        format!("sha256:{image}{}", if self.moved.contains(image) { " again" } else { "" })
    }

    fn holds(&self, guard: &Guard) -> bool {
        match guard {
            Guard::ImageChanged { image, from, .. } => self.digest(image) != *from,
            Guard::ImageMissing { image, platform } => self.observed.images.get(image, platform).is_none(),
            Guard::VolumesGone { volumes } => {
                !volumes.iter().any(|name| self.observed.volumes.iter().any(|live| live.name == *name))
            }
            Guard::Any(guards) => guards.iter().any(|guard| self.holds(guard)),
        }
    }

    fn connect(&mut self, network: &str, container: &ContainerRef, spec: &ContainerSpec) -> Refusable {
        let found = self.observed.networks.iter().find(|found| found.name == network);
        let id = found.ok_or_else(|| format!("network {network} not found"))?.id.clone();
        let container = self.container(container)?;
        if container.networks.contains_key(network) {
            return Err(format!("endpoint of {} already exists in {network}", container.name));
        }
        container.networks.insert(network.to_owned(), Endpoint { network_id: id, ..Endpoint::default() });
        let id = container.id.clone();
        // The address is what this call says, not what the container was made with.
        if let Some(made) = self.specs.get_mut(&id) {
            let mut service = (*made.service).clone();
            let key = made.networks.iter().find(|(_, name)| name == network).map(|(key, _)| key.clone());
            if let Some(settings) = key.and_then(|key| service.networks.get_mut(&key)) {
                let given = addresses(spec).get(network).cloned().unwrap_or_default();
                settings.get_or_insert_default().ipv4_address = given;
            }
            made.service = service.into();
        }
        Ok(())
    }

    fn create(&mut self, spec: &ContainerSpec) -> Refusable {
        self.refuse_name(&spec.create_name)?;
        let mut spec = spec.clone();
        for peer in spec.peers.values_mut().flatten() {
            if let Some(id) = self.ids.get(&peer.name) {
                peer.id = Some(id.clone());
            }
        }
        for peer in spec.peers.values().flatten() {
            if self.find(peer).is_none() {
                return Err(format!("{} shares with {}, which is not there", spec.create_name, peer.name));
            }
        }
        let digests: BTreeMap<String, String> = [(spec.image.clone(), self.digest(&spec.image))].into();
        labels::complete(&mut spec, &digests);
        let mut networks = BTreeMap::new();
        for (_, name) in &spec.networks {
            let found = self.observed.networks.iter().find(|found| found.name == *name);
            let network_id = found.ok_or_else(|| format!("network {name} not found"))?.id.clone();
            networks.insert(name.clone(), Endpoint { network_id, ..Endpoint::default() });
        }
        if let Some(lost) =
            spec.volumes.values().find(|name| self.observed.volumes.iter().all(|live| live.name != **name))
        {
            return Err(format!("volume {lost} not found"));
        }
        let mount = |name: &String| MountPoint {
            kind: "volume".to_owned(),
            name: name.clone(),
            writable: true,
            ..MountPoint::default()
        };
        let id = format!("{:012x}{:052}", self.number(), 0);
        self.ids.insert(spec.create_name.clone(), id.clone());
        self.ids.insert(spec.container.name.clone(), id.clone());
        self.observed.containers.push(Container {
            name: spec.create_name.clone(),
            image: spec.image.clone(),
            joins: joined("", &spec.labels),
            labels: spec.labels.clone(),
            networks,
            mounts: spec.volumes.values().map(mount).collect(),
            id: id.clone(),
            ..Container::default()
        });
        self.specs.insert(id, spec);
        self.observed.containers.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(())
    }

    fn start(&mut self, reference: &ContainerRef) -> Refusable {
        let index = self.find(reference).ok_or_else(|| format!("no such container: {}", reference.name))?;
        let container = self.observed.containers[index].clone();
        if container.is_up() {
            return Ok(());
        }
        let gone = container
            .networks
            .iter()
            .find(|(_, endpoint)| self.observed.networks.iter().all(|network| network.id != endpoint.network_id));
        if let Some((name, _)) = gone {
            return Err(format!("{} cannot start: network {name} is gone", container.name));
        }
        let spec = self.specs.get(&container.id).cloned();
        if let Some(spec) = &spec {
            self.refuse_conflicts(&container, spec)?;
        }
        let address = self.number();
        let fixed: BTreeMap<String, String> = spec.as_ref().map(addresses).unwrap_or_default();
        let found = &mut self.observed.containers[index];
        found.state = ContainerState::Running;
        found.ports = spec.as_ref().map(ports).unwrap_or_default();
        for (name, endpoint) in &mut found.networks {
            let dynamic = || format!("172.{}.{}.{}", 30 + address / 62_500, address / 250 % 250, address % 250);
            endpoint.ip_address = fixed.get(name).cloned().unwrap_or_else(dynamic);
        }
        Ok(())
    }

    fn refuse_conflicts(&self, container: &Container, spec: &ContainerSpec) -> Refusable {
        for other in self.observed.containers.iter().filter(|other| other.id != container.id && other.is_up()) {
            let ports = ports(spec);
            let taken = ports.iter().find(|port| other.ports.iter().any(|held| claim(port).overlaps(&claim(held))));
            if let Some(port) = taken {
                return Err(format!("{}: port {:?} is allocated to {}", container.name, port.public, other.name));
            }
            let fixed = addresses(spec);
            let address = fixed.iter().find(|(network, address)| {
                other.networks.get(*network).is_some_and(|endpoint| endpoint.ip_address == **address)
            });
            if let Some((_, address)) = address {
                return Err(format!("{}: address {address} is in use by {}", container.name, other.name));
            }
            let same = |label| container.label(label) == other.label(label);
            if same(labels::SERVICE) && same(labels::NUMBER) && !other.is_one_off() {
                return Err(format!("{} would write beside {}", container.name, other.name));
            }
        }
        for peer in &container.joins {
            let found = self.observed.containers.iter().find(|found| found.id == *peer);
            if !found.is_some_and(Container::is_up) {
                return Err(format!("{}: what it shares namespaces with does not run", container.name));
            }
        }
        Ok(())
    }

    /// Every container as a person would look at it, without ids.
    pub(crate) fn summary(&self, of: impl Fn(&Container) -> bool) -> Vec<String> {
        let line = |container: &Container| {
            let networks: Vec<&String> = container.networks.keys().collect();
            let hash = container.label(labels::CONFIG_HASH).unwrap_or_default();
            let peers = self.specs.get(&container.id).is_some_and(|spec| !spec.peers.is_empty());
            // The hash of a service that shares something names ids, which differ from run to run.
            let hash = if peers { "" } else { &hash[..hash.len().min(8)] };
            format!("{} {:?} {hash} {networks:?}", container.name, container.state)
        };
        let volumes = self.observed.volumes.iter().map(|volume| format!("volume {} {:?}", volume.name, volume.labels));
        let mut networks: Vec<String> = self
            .observed
            .networks
            .iter()
            .map(|network| format!("network {} {:?}", network.name, network.labels))
            .collect();
        networks.sort();
        let mut all: Vec<String> =
            self.observed.containers.iter().filter(|found| of(found)).map(line).chain(volumes).collect();
        all.sort();
        all.extend(networks);
        all
    }
}

fn claim(port: &PortMapping) -> Claim {
    let address: Option<IpAddr> = port.host_ip.parse().ok();
    let number = port.public.unwrap_or_default();
    Claim::Port { address, protocol: port.protocol.clone(), first: number, last: number }
}

fn ports(spec: &ContainerSpec) -> Vec<PortMapping> {
    let mapping = |port: &windlass_model::project::Port| PortMapping {
        host_ip: port.host_ip.clone(),
        public: port.published.parse().ok(),
        private: port.target,
        protocol: port.protocol.clone(),
    };
    spec.service.ports.iter().map(mapping).collect()
}

fn addresses(spec: &ContainerSpec) -> BTreeMap<String, String> {
    let settings = |key: &String| spec.service.networks.get(key).cloned().flatten();
    let all = spec.networks.iter().filter_map(|(key, name)| Some((name.clone(), settings(key)?.ipv4_address)));
    all.filter(|(_, address)| !address.is_empty()).collect()
}

/// How a run is disturbed, after so many steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disturbance {
    None,
    /// The user asks to stop.
    End(usize),
    /// The step fails, and did nothing.
    Fail(usize),
    /// The step did its work and fails all the same: its answer was lost.
    Lost(usize),
    /// The process is killed.
    Kill(usize),
}

/// A run of a plan on the model, in some order that its edges allow.
pub(crate) struct Runner<'a> {
    plan: &'a Plan,
    progress: Vec<Progress>,
    queue: VecDeque<Undo>,
    settled: Vec<bool>,
    ending: bool,
    /// What the engine refused that nothing disturbed.
    pub refusals: Vec<String>,
}

impl<'a> Runner<'a> {
    /// Runs the plan; `watch` looks at the model after every effect.
    pub(crate) fn run(
        plan: &'a Plan,
        model: &mut Model,
        (disturbance, random): (Disturbance, &mut Random),
        mut watch: impl FnMut(&Model, &Action),
    ) -> Vec<String> {
        // A run knows the names that its plan gives to existing containers.
        model.ids.clear();
        let (progress, settled) = (vec![Progress::Open; plan.steps.len()], vec![false; plan.units.len()]);
        let mut runner = Self { plan, progress, queue: VecDeque::new(), settled, ending: false, refusals: Vec::new() };
        let mut count = 0;
        loop {
            runner.settle();
            let back = !runner.queue.is_empty() && (runner.ready().is_empty() || random.one_in(2));
            if back {
                let undo = runner.queue.pop_front().expect("just looked");
                let matters = undo.must_succeed(|step| runner.progress[step.0]);
                if let (Err(refusal), true) = (model.apply(&undo.action), matters) {
                    runner.refusals.push(format!("on the way back: {refusal}"));
                }
                watch(model, &undo.action);
                continue;
            }
            let ready = runner.ready();
            if ready.is_empty() {
                return runner.refusals;
            }
            let step = ready[random.below(ready.len())];
            if runner.ending && !units::completes(plan, step, |step| runner.progress[step.0]) {
                runner.end(step, Progress::Cancelled);
                continue;
            }
            count += 1;
            if disturbance == Disturbance::Kill(count) {
                return runner.refusals;
            }
            let result = runner.step(model, step, (disturbance, count));
            watch(model, &plan.steps[step.0].action);
            runner.end(step, result);
            runner.ending |= result == Progress::Failed || disturbance == Disturbance::End(count);
        }
    }

    fn step(&mut self, model: &mut Model, step: StepId, (disturbance, count): (Disturbance, usize)) -> Progress {
        if disturbance == Disturbance::Fail(count) {
            return Progress::Failed;
        }
        if self.plan.steps[step.0].guard.as_ref().is_some_and(|guard| !model.holds(guard)) {
            return Progress::Skipped;
        }
        match model.apply(&self.plan.steps[step.0].action) {
            Err(refusal) => {
                self.refusals.push(format!("step {}: {refusal}", step.0 + 1));
                Progress::Failed
            }
            Ok(()) if disturbance == Disturbance::Lost(count) => Progress::Failed,
            Ok(()) => Progress::Done,
        }
    }

    fn ready(&self) -> Vec<StepId> {
        let ended = |step: &StepId| !matches!(self.progress[step.0], Progress::Open | Progress::Running);
        let open = self.plan.steps.iter().filter(|step| self.progress[step.id.0] == Progress::Open);
        open.filter(|step| step.needs.iter().chain(&step.after).all(ended)).map(|step| step.id).collect()
    }

    /// Records an end, and cancels what needed its success.
    fn end(&mut self, step: StepId, result: Progress) {
        self.progress[step.0] = result;
        let good = matches!(result, Progress::Done | Progress::Skipped) || self.plan.steps[step.0].optional;
        if !good {
            for later in &self.plan.steps {
                if later.needs.contains(&step) && self.progress[later.id.0] == Progress::Open {
                    self.end(later.id, Progress::Cancelled);
                }
            }
        }
    }

    fn settle(&mut self) {
        let mut open: Vec<usize> = (0..self.settled.len()).filter(|unit| !self.settled[*unit]).collect();
        open.sort_by_key(|unit| self.plan.units[*unit].goals.clone());
        for unit in open {
            if let Some(undo) = self.plan.units[unit].way_back(|step| self.progress[step.0]) {
                self.queue.extend(undo.into_iter().cloned());
                self.settled[unit] = true;
            }
        }
    }
}
