//! Containers of one service: keep, recreate, create, scale down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use windlass_model::Project;
use windlass_model::project::Service;
use windlass_model::windlass::{OnFailure, Stage};

use crate::containers::diverge::{Divergence, Reason};
use crate::containers::spec::{self, Replaced};
use crate::error::PlanResult;
use crate::graph::select;
use crate::graph::{Builder, Draft};
use crate::labels;
use crate::observed::{Container, Observed};
use crate::options::{Recreate, UpOptions};
use crate::step::{Action, ContainerRef, ContainerSpec, Guard, StepId};
use crate::up::{Parts, stage_cause};

/// Plans the containers of services, dependencies first.
pub(crate) struct Converge<'a> {
    pub(crate) project: &'a Project,
    pub(crate) observed: &'a Observed,
    pub(crate) options: &'a UpOptions,
    pub(crate) targets: &'a BTreeSet<&'a str>,
    pub(crate) parts: Parts,
    /// Replicas that exist, by service.
    pub(crate) live: BTreeMap<&'a str, Vec<&'a Container>>,
    /// What became of services planned so far.
    pub(crate) peers: BTreeMap<String, Peer>,
}

/// What became of a service, for those that share something with it.
#[derive(Debug, Default)]
pub(crate) struct Peer {
    containers: Vec<ContainerRef>,
    /// Steps after which the containers exist.
    created: Vec<StepId>,
    /// A container is new, perhaps only if the guard holds.
    recreated: Option<Reason>,
    /// Containers (ids) of dependents with `restart: true` that were stopped for it.
    stopped: BTreeMap<String, (StepId, Option<Guard>)>,
}

/// A replica as it will be when its steps are done.
#[derive(Debug, Clone)]
pub(crate) struct Replica {
    pub(crate) container: ContainerRef,
    /// Steps before it may be started (or probed).
    pub(crate) needs: Vec<StepId>,
    pub(crate) start: Start,
    pub(crate) spec: Arc<ContainerSpec>,
    /// Why it is started.
    pub(crate) cause: String,
    /// Why the container is (or with a guard: may be) a new one.
    pub(crate) fresh: Option<Reason>,
    /// Id of the container that exists now under its name.
    pub(crate) previous: Option<String>,
}

impl Replica {
    /// How those refer to it who share something with it: by the id it has now, unless it surely changes.
    fn as_peer(&self) -> ContainerRef {
        let may_stay = self.fresh.as_ref().is_none_or(|reason| reason.guard.is_some());
        ContainerRef { id: self.previous.clone().filter(|_| may_stay), ..self.container.clone() }
    }
}

/// Whether a replica has to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Start {
    /// It runs and stays.
    Runs,
    /// Yes.
    Always,
    /// Only if the guard holds: else it runs and stays.
    If(Guard),
}

impl Converge<'_> {
    /// Plans all containers of the service.
    pub(crate) fn service(&mut self, builder: &mut Builder, service: &Arc<Service>) -> PlanResult<Vec<Replica>> {
        let mut peer = Peer::default();
        let (existing, lost) = self.existing(builder, service);
        let wanted = service.replicas();
        let sorted = self.sort(service, existing);
        let mut highest = sorted.iter().map(|found| found.container.number()).max().unwrap_or(0);
        let mut replicas = Vec::new();
        for (index, found) in sorted.into_iter().enumerate() {
            if index >= wanted as usize {
                self.scale_down(builder, service, &found.container);
            } else {
                replicas.push(self.existing_replica(builder, service, found, &mut peer)?);
            }
        }
        for (number, needs) in lost.into_iter().take((wanted as usize).saturating_sub(replicas.len())) {
            replicas.push(self.create(builder, service, (number, needs, "its volume is recreated"), &mut peer)?);
            highest = highest.max(number);
        }
        while replicas.len() < wanted as usize {
            highest += 1;
            replicas.push(self.create(builder, service, (highest, Vec::new(), "container missing"), &mut peer)?);
        }
        replicas.sort_by_key(|replica| replica.container.number);
        if let Some(first) = replicas.first_mut() {
            // Where `pre_start` containers run, before the start.
            let images = service.pre_start.iter().flat_map(|hook| self.parts.images.ready(&hook.image));
            first.needs.extend(images);
        }
        peer.recreated =
            replicas.iter().min_by_key(|replica| &replica.container.name).and_then(|first| first.fresh.clone());
        peer.containers = replicas.iter().map(Replica::as_peer).collect();
        self.peers.insert(service.name.clone(), peer);
        Ok(replicas)
    }

    /// Containers to go on with, and numbers of those that were removed for a volume. Leftovers of a recreation that was
    /// cut off are put right: the old container is still there, so the new one goes; or it is not, so the new one gets
    /// its name.
    fn existing(&mut self, builder: &mut Builder, service: &Service) -> (Vec<Found>, Vec<(u32, Vec<StepId>)>) {
        let all = self.live.get(service.name.as_str()).cloned().unwrap_or_default();
        let (mut found, mut lost, mut leftovers) = (Vec::new(), Vec::new(), Vec::new());
        for container in all {
            let mut needs = Vec::new();
            let mut container = container.clone();
            if let Some(removed) = self.parts.resources.removed.get(&container.id) {
                lost.push((container.number(), vec![*removed]));
                continue;
            }
            if let Some(old) = container.replaces().map(str::to_owned) {
                if self.observed.containers.iter().any(|other| other.id.starts_with(&old)) {
                    leftovers.push(remove_leftover(builder, &container));
                    continue;
                }
                let name = self.project.container_name(service, container.number());
                let rename = Action::RenameContainer { container: container.reference(), to: name.clone() };
                let cause = "its recreation was interrupted";
                needs.push(builder.push(Draft::new(rename, cause).of(&service.name).completes()));
                container.name = name;
            }
            found.push(Found { container, needs, reason: None });
        }
        // A new recreation would use the same temporary name.
        found.iter_mut().for_each(|item| item.needs.extend(&leftovers));
        (found, lost)
    }

    /// Up-to-date ones first, then by number: the last ones go when there are too many.
    fn sort(&self, service: &Arc<Service>, mut found: Vec<Found>) -> Vec<Found> {
        let policy = if self.targets.contains(service.name.as_str()) {
            self.options.recreate
        } else {
            self.options.recreate_deps
        };
        for item in &mut found {
            item.reason = match policy {
                Recreate::Never => None,
                Recreate::Force => Some(Reason::sure("recreation forced")),
                Recreate::Diverged => self.divergence(service).of(&item.container),
            };
        }
        found.sort_by_key(|item| (item.reason.is_some(), item.container.number(), item.container.created));
        found
    }

    fn divergence<'a>(&'a self, service: &'a Service) -> Divergence<'a> {
        let peers = select::shared(service).into_iter();
        let recreated = peers.filter_map(|name| Some((name, self.peers.get(name)?.recreated.clone()?)));
        Divergence {
            project: self.project,
            observed: self.observed,
            parts: &self.parts,
            service,
            peers: self.peers_of(service),
            recreated_peer: recreated.min_by_key(|(_, reason)| reason.guard.is_some()),
        }
    }

    fn peers_of(&self, service: &Service) -> BTreeMap<String, Vec<ContainerRef>> {
        let names = select::peers(service).into_iter();
        let known = |name: &str| match self.peers.get(name) {
            Some(peer) => peer.containers.clone(),
            None => self.live_references(name),
        };
        names.map(|name| (name.to_owned(), known(name))).collect()
    }

    /// Containers of a service that this plan leaves alone (`--no-deps`).
    fn live_references(&self, service: &str) -> Vec<ContainerRef> {
        self.live.get(service).into_iter().flatten().map(|container| container.reference()).collect()
    }

    fn existing_replica(
        &mut self,
        builder: &mut Builder,
        service: &Arc<Service>,
        mut found: Found,
        peer: &mut Peer,
    ) -> PlanResult<Replica> {
        match found.reason.take() {
            Some(reason) => self.recreate(builder, service, found, (reason, peer)),
            None => self.keep(builder, service, found),
        }
    }

    fn keep(&mut self, builder: &mut Builder, service: &Arc<Service>, found: Found) -> PlanResult<Replica> {
        let Found { container, mut needs, .. } = found;
        let number = container.number();
        let mut spec = spec::container(self.project, service, number, self.peers_of(service), None)?;
        spec.container = ContainerRef { id: Some(container.id.clone()), ..spec.container };
        let spec = Arc::new(spec);
        let reference = ContainerRef { name: container.name.clone(), ..spec.container.clone() };
        let (mut start, mut cause) = start_of(&container);
        for (network, steps) in self.parts.resources.reconnect.get(&container.id).into_iter().flatten() {
            let connect = Action::ConnectNetwork {
                network: network.clone(),
                container: reference.clone(),
                spec: Arc::clone(&spec),
            };
            let draft = Draft::new(connect, format!("network {network} is new")).of(&service.name);
            needs.push(builder.push(draft.needs(steps.iter().copied()).completes()));
        }
        if let Some(stopped) = self.parts.resources.stopped.get(&container.id) {
            needs.push(*stopped);
            start = Start::Always;
            cause = "stopped while its network changed".to_owned();
        }
        for (name, peer) in &self.peers {
            if let Some((stopped, guard)) = peer.stopped.get(&container.id) {
                needs.push(*stopped);
                start = start.or(guard.clone());
                cause = format!("restarts with {name}");
            }
        }
        if start == Start::Runs {
            builder.plan().untouched.push(container.name.clone());
        }
        Ok(Replica { container: reference, needs, start, spec, cause, fresh: None, previous: Some(container.id) })
    }

    /// New container under a temporary name, old one stopped and removed, new one renamed.
    fn recreate(
        &mut self,
        builder: &mut Builder,
        service: &Arc<Service>,
        found: Found,
        (reason, peer): (Reason, &mut Peer),
    ) -> PlanResult<Replica> {
        let old = &found.container;
        let replaced = Replaced { id: &old.id, inherit: !self.options.renew_anon_volumes };
        let number = if old.number() == 0 { 1 } else { old.number() };
        let spec = Arc::new(spec::container(self.project, service, number, self.peers_of(service), Some(replaced))?);
        let group = Group { service, cause: &reason.cause, guard: reason.guard.clone() };
        let mut stopped = self.stop_dependents(builder, service, &reason, peer);
        stopped.extend(self.stops_of(&old.id));
        let mut needs = self.creation_needs(service);
        needs.extend(found.needs);
        needs.extend(self.parts.resources.stopped.get(&old.id));
        let created = self.create_step(builder, &group, &spec, needs);
        let gone = self.retire(builder, &group, old, created, stopped);
        let temporary = ContainerRef { name: spec.create_name.clone(), ..spec.container.clone() };
        let rename = Action::RenameContainer { container: temporary, to: spec.container.name.clone() };
        let renamed = builder.push(group.draft(rename).needs(gone).completes());
        peer.created.push(renamed);
        let start = match &reason.guard {
            Some(guard) if start_of(old).0 == Start::Runs => Start::If(guard.clone()),
            _ => Start::Always,
        };
        let cause = format!("recreated: {}", reason.cause);
        let (container, previous) = (spec.container.clone(), Some(old.id.clone()));
        Ok(Replica { container, needs: vec![renamed], start, spec, cause, fresh: Some(reason), previous })
    }

    /// Stops and removes the container that was replaced, with its hooks.
    fn retire(
        &self,
        builder: &mut Builder,
        group: &Group<'_>,
        old: &Container,
        created: StepId,
        stopped: Vec<StepId>,
    ) -> Vec<StepId> {
        let mut needs = vec![created];
        needs.extend(stopped);
        if old.is_up() {
            needs = self.stage_hooks(builder, group, Stage::PreStop, &old.reference(), needs);
            let stop = Action::StopContainer { container: old.reference(), timeout: self.options.timeout };
            needs = vec![builder.push(group.draft(stop).needs(needs).completes())];
            needs = self.stage_hooks(builder, group, Stage::PostStop, &old.reference(), needs);
        }
        let remove = Action::RemoveContainer { container: old.reference(), volumes: false, force: true };
        vec![builder.push(group.draft(remove).needs(needs).completes())]
    }

    /// Dependents that say `restart: true` are stopped before, and started again after.
    fn stop_dependents(
        &self,
        builder: &mut Builder,
        service: &Service,
        reason: &Reason,
        peer: &mut Peer,
    ) -> Vec<StepId> {
        let dependents = self
            .project
            .services
            .values()
            .filter(|other| other.depends_on.get(&service.name).is_some_and(|edge| edge.restart));
        for dependent in dependents {
            for container in self.live.get(dependent.name.as_str()).into_iter().flatten().filter(|found| found.is_up())
            {
                peer.stopped.entry(container.id.clone()).or_insert_with(|| {
                    let cause = format!("{} is recreated", service.name);
                    let stop =
                        Action::StopContainer { container: container.reference(), timeout: self.options.timeout };
                    let draft = Draft::new(stop, cause).of(&dependent.name).guard(reason.guard.clone());
                    (
                        builder.push(draft.needs(self.parts.images.ready(&self.project.image_of(service)))),
                        reason.guard.clone(),
                    )
                });
            }
        }
        peer.stopped.values().map(|(step, _)| *step).collect()
    }

    /// Steps that stop a container for the sake of others: its network, or a dependency that it restarts with.
    fn stops_of(&self, id: &str) -> impl Iterator<Item = StepId> {
        let with_dependency = self.peers.values().filter_map(|peer| peer.stopped.get(id)).map(|(step, _)| *step);
        with_dependency.chain(self.parts.resources.stopped.get(id).copied())
    }

    fn create(
        &self,
        builder: &mut Builder,
        service: &Arc<Service>,
        (number, mut needs, cause): (u32, Vec<StepId>, &str),
        peer: &mut Peer,
    ) -> PlanResult<Replica> {
        let spec = Arc::new(spec::container(self.project, service, number, self.peers_of(service), None)?);
        let group = Group { service, cause, guard: None };
        needs.extend(self.creation_needs(service));
        let created = self.create_step(builder, &group, &spec, needs);
        peer.created.push(created);
        Ok(Replica {
            container: spec.container.clone(),
            needs: vec![created],
            start: Start::Always,
            spec,
            cause: "container is new".to_owned(),
            fresh: Some(Reason::sure(cause)),
            previous: None,
        })
    }

    fn creation_needs(&self, service: &Service) -> Vec<StepId> {
        let mut needs = self.parts.resources.ready(service);
        needs.extend(self.parts.images.ready(&self.project.image_of(service)));
        for (image, _) in labels::mounted_images(service) {
            needs.extend(self.parts.images.ready(image));
        }
        for name in select::peers(service) {
            needs.extend(self.peers.get(name).into_iter().flat_map(|peer| &peer.created));
        }
        needs
    }

    /// `pre-create` hooks, creation, secrets and configs.
    fn create_step(
        &self,
        builder: &mut Builder,
        group: &Group<'_>,
        spec: &Arc<ContainerSpec>,
        needs: Vec<StepId>,
    ) -> StepId {
        let spec = &self.with_image(spec);
        let needs = self.stage_hooks(builder, group, Stage::PreCreate, &spec.container, needs);
        let created = builder.push(group.draft(Action::CreateContainer(Arc::clone(spec))).needs(needs));
        let files = spec::injected_files(self.project, group.service);
        if files.is_empty() {
            return created;
        }
        let container = ContainerRef { name: spec.create_name.clone(), ..spec.container.clone() };
        let inject = Draft::new(Action::InjectFiles { container, files }, "secrets and configs of the model");
        builder.push(inject.of(&group.service.name).guard(group.guard.clone()).needs([created]))
    }

    /// The image's digest, where it is known before the run.
    fn with_image(&self, spec: &Arc<ContainerSpec>) -> Arc<ContainerSpec> {
        let known = self.observed.images.get(&spec.image).filter(|_| !self.parts.images.may_change(&spec.image));
        let Some(image) = known else { return Arc::clone(spec) };
        let mut spec = ContainerSpec::clone(spec);
        spec.labels.insert(labels::IMAGE.to_owned(), image.content_digest.clone());
        Arc::new(spec)
    }

    fn scale_down(&self, builder: &mut Builder, service: &Service, container: &Container) {
        let cause = format!("scaled to {}", service.replicas());
        let group = Group { service, cause: &cause, guard: None };
        let mut needs: Vec<StepId> = self.stops_of(&container.id).collect();
        if container.is_up() {
            needs = self.stage_hooks(builder, &group, Stage::PreStop, &container.reference(), needs);
            let stop = Action::StopContainer { container: container.reference(), timeout: self.options.timeout };
            needs = vec![builder.push(group.draft(stop).needs(needs))];
            needs = self.stage_hooks(builder, &group, Stage::PostStop, &container.reference(), needs);
        }
        let remove = Action::RemoveContainer { container: container.reference(), volumes: false, force: true };
        builder.push(group.draft(remove).needs(needs));
    }

    fn stage_hooks(
        &self,
        builder: &mut Builder,
        group: &Group<'_>,
        stage: Stage,
        container: &ContainerRef,
        needs: Vec<StepId>,
    ) -> Vec<StepId> {
        stage_hooks(builder, (group.service, stage), container, (needs, group.guard.clone()))
    }
}

fn remove_leftover(builder: &mut Builder, container: &Container) -> StepId {
    let remove = Action::RemoveContainer { container: container.reference(), volumes: false, force: true };
    builder.push(Draft::new(remove, "left over from an interrupted recreation").of(container.service()))
}

/// The plugin hooks of a stage for one container, one after another; returns what the next step needs.
pub(crate) fn stage_hooks(
    builder: &mut Builder,
    (service, stage): (&Service, Stage),
    container: &ContainerRef,
    (mut needs, guard): (Vec<StepId>, Option<Guard>),
) -> Vec<StepId> {
    for hook in service.windlass.hooks.get(&stage).into_iter().flatten() {
        let optional = hook.on_failure == OnFailure::Warn || matches!(stage, Stage::PreStop | Stage::PostStop);
        let action = Action::PluginHook { stage, hook: Arc::new(hook.clone()), container: Some(container.clone()) };
        let mut draft = Draft::new(action, stage_cause(stage, hook)).of(&service.name).optional(optional);
        draft = draft.needs(needs).guard(guard.clone());
        if matches!(stage, Stage::PreStop | Stage::PostStop) {
            draft = draft.completes();
        }
        needs = vec![builder.push(draft)];
    }
    needs
}

/// An existing container on its way through the planner.
#[derive(Debug)]
struct Found {
    container: Container,
    needs: Vec<StepId>,
    reason: Option<Reason>,
}

/// What the steps of one change have in common.
struct Group<'a> {
    service: &'a Service,
    cause: &'a str,
    guard: Option<Guard>,
}

impl Group<'_> {
    fn draft(&self, action: Action) -> Draft {
        Draft::new(action, self.cause).of(&self.service.name).guard(self.guard.clone())
    }
}

impl Start {
    fn or(self, guard: Option<Guard>) -> Self {
        match (self, guard) {
            (Self::Runs, Some(guard)) => Self::If(guard),
            (Self::Runs, None) => Self::Always,
            (start, _) => start,
        }
    }
}

pub(crate) fn start_of(container: &Container) -> (Start, String) {
    use crate::observed::ContainerState;
    match container.state {
        ContainerState::Running | ContainerState::Restarting => (Start::Runs, String::new()),
        ContainerState::Created => (Start::Always, "container is not started".to_owned()),
        ContainerState::Exited => {
            let code = container.exit_code.map(|code| format!(" with code {code}")).unwrap_or_default();
            (Start::Always, format!("container has exited{code}"))
        }
        ContainerState::Paused => (Start::Always, "container is paused".to_owned()),
        ContainerState::Removing | ContainerState::Dead => (Start::Always, "container is dead".to_owned()),
    }
}
