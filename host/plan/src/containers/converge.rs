//! Containers of one service: keep, recreate, create, scale down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use windlass_model::Project;
use windlass_model::project::Service;

use crate::containers::change::Change;
use crate::containers::claims;
use crate::containers::diverge::{Divergence, Reason};
use crate::containers::parts::Parts;
use crate::containers::resources::{self, Detached};
use crate::containers::spec::{self, Replaced};
use crate::containers::start::{Start, start_of};
use crate::error::PlanResult;
use crate::graph::claims::Held;
use crate::graph::select;
use crate::graph::{Builder, Draft, Role};
use crate::labels;
use crate::observed::{Container, Observed};
use crate::options::{Recreate, UpOptions};
use crate::step::{Action, ContainerRef, ContainerSpec, Guard, StepId};
use crate::units::UnitId;

/// Plans the containers of services, dependencies first.
pub(crate) struct Converge<'a> {
    pub(crate) project: &'a Project,
    pub(crate) observed: &'a Observed,
    pub(crate) options: &'a UpOptions,
    pub(crate) targets: &'a BTreeSet<&'a str>,
    /// The services that are planned, dependencies first.
    pub(crate) planned: &'a [Arc<Service>],
    /// Containers that must not be stopped, see [`crate::containers::joins::cut_off`].
    pub(crate) cut_off: &'a BTreeSet<String>,
    /// Services that come along only to get back what they lose with a volume.
    pub(crate) drawn_in: &'a BTreeSet<String>,
    pub(crate) parts: Parts,
    /// Replicas that exist, by service.
    pub(crate) live: BTreeMap<&'a str, Vec<&'a Container>>,
    /// What became of services planned so far.
    pub(crate) peers: BTreeMap<String, Peer>,
    /// Existing containers (ids) whose end is planned: they run again, or go.
    pub(crate) settled: BTreeSet<String>,
}

/// What became of a service, for those that share something with it.
#[derive(Debug, Default)]
pub(crate) struct Peer {
    containers: Vec<ContainerRef>,
    /// Steps after which the containers exist, perhaps under temporary names: enough for who shares namespaces.
    made: Vec<StepId>,
    /// Steps after which the containers have their names: links need them.
    pub(crate) created: Vec<StepId>,
    /// Changes of its containers.
    pub(crate) units: Vec<UnitId>,
    /// A container is new, perhaps only if the guard holds.
    recreated: Option<Reason>,
    /// Containers (ids) of dependents with `restart: true` that were stopped for it.
    pub(crate) stopped: BTreeMap<String, (StepId, Option<Guard>)>,
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
    /// The change that its start completes.
    pub(crate) unit: UnitId,
    /// What it takes when it starts.
    pub(crate) takes: Vec<Held>,
}

impl Replica {
    /// How those refer to it who share something with it: by the id it has now, unless it surely changes.
    fn as_peer(&self) -> ContainerRef {
        let may_stay = self.fresh.as_ref().is_none_or(|reason| reason.guard.is_some());
        ContainerRef { id: self.previous.clone().filter(|_| may_stay), ..self.container.clone() }
    }
}

/// A container that is to be made, for want of one.
struct Missing<'a> {
    number: u32,
    needs: Vec<StepId>,
    cause: &'a str,
    /// The container that it replaces though it is gone already, by id.
    instead_of: Option<String>,
}

/// Containers of a service as they are found.
#[derive(Default)]
struct Existing {
    found: Vec<Found>,
    /// Those that a volume takes along.
    lost: Vec<Missing<'static>>,
    /// Old ones of interrupted recreations whose successors are in place.
    replaced: Vec<Container>,
}

impl Converge<'_> {
    /// Plans all containers of the service.
    pub(crate) fn service(&mut self, builder: &mut Builder, service: &Arc<Service>) -> PlanResult<Vec<Replica>> {
        self.owners_run(service)?;
        let mut peer = Peer::default();
        let Existing { found, lost, replaced } = self.existing(builder, service)?;
        let wanted = service.replicas() as usize;
        let sorted = self.sort(service, found);
        let mut highest = sorted.iter().map(|found| found.container.number()).max().unwrap_or(0);
        let mut replicas = Vec::new();
        for (index, found) in sorted.into_iter().enumerate() {
            self.settled.insert(found.container.id.clone());
            if index >= wanted {
                self.scale_down(builder, service, &found.container);
            } else {
                replicas.push(self.existing_replica(builder, service, found, &mut peer)?);
            }
        }
        // Those that a volume took along come first: they keep their numbers, and new numbers go on after them.
        for missing in lost.into_iter().take(wanted.saturating_sub(replicas.len())) {
            highest = highest.max(missing.number);
            replicas.push(self.create(builder, service, missing, &mut peer)?);
        }
        while replicas.len() < wanted {
            highest += 1;
            let missing = Missing { number: highest, needs: Vec::new(), cause: "container missing", instead_of: None };
            replicas.push(self.create(builder, service, missing, &mut peer)?);
        }
        self.remove_replaced(builder, service, &replicas, replaced);
        replicas.sort_by_key(|replica| replica.container.number);
        if let Some(first) = replicas.first_mut() {
            // Where `pre_start` containers run, before the start.
            let platform = self.project.platform_of(service);
            let images = service.pre_start.iter().flat_map(|hook| self.parts.images.ready(&hook.image, platform));
            first.needs.extend(images);
        }
        peer.recreated =
            replicas.iter().min_by_key(|replica| &replica.container.name).and_then(|first| first.fresh.clone());
        peer.containers = replicas.iter().map(Replica::as_peer).collect();
        peer.units = replicas.iter().map(|replica| replica.unit).collect();
        self.peers.insert(service.name.clone(), peer);
        Ok(replicas)
    }

    /// Containers to go on with, and what became of the others. Leftovers of a recreation that was cut off are put right:
    /// where the old container is still there the temporary one goes, else it gets its name; an old one that was moved
    /// aside goes where its successor has the name, else it is the container of its replica again.
    fn existing(&mut self, builder: &mut Builder, service: &Arc<Service>) -> PlanResult<Existing> {
        let all = self.live.get(service.name.as_str()).cloned().unwrap_or_default();
        let mut existing = Existing::default();
        let mut leftovers = Vec::new();
        for container in &all {
            let mut container = Container::clone(container);
            let mut needs = Vec::new();
            // A recreated volume took it: its number and what it inherits are known, so the new one is the same replica.
            if let Some(removed) = self.parts.resources.removed.get(&container.id).copied() {
                self.settled.insert(container.id.clone());
                self.reattach_unless_removed(builder, service, (&container, removed))?;
                existing.lost.push(Missing {
                    number: container.number(),
                    needs: vec![removed],
                    cause: "its volume is recreated",
                    instead_of: Some(container.id.clone()),
                });
                continue;
            }
            if let Some(old) = container.replaces().map(str::to_owned) {
                // While the old one exists it has the name and the data; the temporary one was never started.
                if self.observed.containers.iter().any(|other| other.id.starts_with(&old)) {
                    self.settled.insert(container.id.clone());
                    leftovers.push(remove_leftover(builder, &container));
                    continue;
                }
                needs.push(self.give_name(builder, service, &mut container));
            }
            if container.is_aside() && has_successor(&all, &container) {
                self.settled.insert(container.id.clone());
                existing.replaced.push(container);
                continue;
            }
            existing.found.push(Found { container, needs, reason: None });
        }
        // A new recreation would use the same temporary name.
        existing.found.iter_mut().for_each(|item| item.needs.extend(&leftovers));
        Ok(existing)
    }

    /// One that was taken off a network on its way to its removal is attached again where it is not removed after all.
    fn reattach_unless_removed(
        &self,
        builder: &mut Builder,
        service: &Arc<Service>,
        (container, removed): (&Container, StepId),
    ) -> PlanResult<()> {
        let Some(detached) = self.parts.resources.detached.get(&container.id) else { return Ok(()) };
        let (spec, reference) = self.kept_spec(service, container)?;
        let spec = Arc::new(without_addresses(&spec));
        let unit = builder.unit_of(&container.id);
        let change = Change { service, cause: "", guard: None, unit, timeout: self.options.timeout };
        change.reattach_old(builder, (&reference, &spec), (detached, Some(removed)));
        Ok(())
    }

    /// Gives a container the name that an interrupted run did not give it (back).
    fn give_name(&self, builder: &mut Builder, service: &Service, container: &mut Container) -> StepId {
        let name = self.project.container_name(service, container.number());
        let rename = Action::RenameContainer { container: container.reference(), to: name.clone() };
        let unit = builder.unit_of(&container.id);
        let draft = Draft::new(rename, "its recreation was interrupted").of(&service.name).unit(unit, Role::Change);
        let step = builder.push(draft.takes([claims::name_of(container, &name)]));
        container.name = name;
        step
    }

    /// Old containers of interrupted recreations go when their successors run.
    fn remove_replaced(
        &self,
        builder: &mut Builder,
        service: &Service,
        replicas: &[Replica],
        replaced: Vec<Container>,
    ) {
        for old in replaced {
            let successor = replicas.iter().find(|replica| replica.container.number == old.number());
            let unit = successor.map_or_else(|| builder.unit_of(&old.id), |replica| replica.unit);
            let cause = "left over from an interrupted recreation";
            let change = Change { service, cause, guard: None, unit, timeout: self.options.timeout };
            let stopped = change.stop(builder, &old, self.stops_of(&old.id).collect(), false);
            change.discard(builder, &old, (stopped, Vec::new()), true);
        }
    }

    /// Up-to-date ones first, then by number: the last ones go when there are too many.
    fn sort(&self, service: &Arc<Service>, mut found: Vec<Found>) -> Vec<Found> {
        let policy = if self.drawn_in.contains(&service.name) {
            Recreate::Never
        } else if self.targets.contains(service.name.as_str()) {
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
        let Found { mut container, mut needs, .. } = found;
        let unit = builder.unit_of(&container.id);
        // Its successor never came to be: the old one is the replica again.
        if container.is_aside() {
            needs.push(self.give_name(builder, service, &mut container));
        }
        let (spec, reference) = self.kept_spec(service, &container)?;
        let change = Change { service, cause: "", guard: None, unit, timeout: self.options.timeout };
        let (mut start, mut cause) = start_of(&container);
        let mut detached = self.parts.resources.detached.get(&container.id).cloned().unwrap_or_default();
        detached.extend(self.left_off(&spec, &container));
        needs.extend(change.attach(builder, (&reference, &spec), &detached));
        if let Some(stopped) = self.parts.resources.stopped.get(&container.id) {
            needs.push(*stopped);
            start = Start::Always;
            "stopped while its network changed".clone_into(&mut cause);
        }
        for (name, peer) in &self.peers {
            if let Some((stopped, guard)) = peer.stopped.get(&container.id) {
                // Only as sure as the stop: where the dependency stays what it is, this one was never stopped.
                needs.push(*stopped);
                start = start.or(guard.clone());
                cause = format!("restarts with {name}");
            }
        }
        let takes = claims::of_kept(&container, &spec, &detached);
        if self.options.no_start && start != Start::Runs && container.is_up() && start != Start::Unpause {
            let action = Action::StartContainer { container: reference.clone(), port_range: false };
            let draft = Draft::new(action, &cause).of(&service.name).needs(needs.iter().copied());
            // `create` starts nothing but what it had to stop.
            builder.push(draft.unit(unit, Role::Goal).takes(takes.iter().cloned()));
        }
        if start == Start::Runs {
            builder.plan().untouched.push(container.name.clone());
        }
        let previous = Some(container.id);
        Ok(Replica { container: reference, needs, start, spec, cause, fresh: None, previous, unit, takes })
    }

    /// The specification of a container that stays, and how steps refer to it.
    fn kept_spec(
        &self,
        service: &Arc<Service>,
        container: &Container,
    ) -> PlanResult<(Arc<ContainerSpec>, ContainerRef)> {
        let mut spec = spec::container(self.project, service, container.number(), self.peers_of(service), None)?;
        spec.container = ContainerRef { id: Some(container.id.clone()), ..spec.container };
        let reference = ContainerRef { name: container.name.clone(), ..spec.container.clone() };
        Ok((Arc::new(spec), reference))
    }

    /// Networks that a stopped container is off, since a run was cut off between taking it off and attaching it again. (One
    /// that runs without a network is recreated, as Compose does it.)
    pub(crate) fn left_off(&self, spec: &ContainerSpec, container: &Container) -> Vec<Detached> {
        let taken_off = self.parts.resources.detached.get(&container.id);
        let known = |name: &str| taken_off.is_some_and(|all| all.iter().any(|detached| detached.network == name));
        let missing = spec
            .networks
            .iter()
            .filter(|(_, name)| !container.is_up() && !container.networks.contains_key(name) && !known(name));
        let needs = |key: &String| self.parts.resources.networks.get(key).cloned().unwrap_or_default();
        missing.map(|(key, name)| Detached { network: name.clone(), by: None, needs: needs(key) }).collect()
    }

    /// A new container in the place of the old one, with the way back.
    fn recreate(
        &mut self,
        builder: &mut Builder,
        service: &Arc<Service>,
        mut found: Found,
        (reason, peer): (Reason, &mut Peer),
    ) -> PlanResult<Replica> {
        if reason.guard.is_some() && found.container.is_aside() {
            // Where the guard finds nothing changed it is the replica again.
            found.needs.push(self.give_name(builder, service, &mut found.container));
        }
        let old = &found.container;
        let replaced = Replaced { id: &old.id, inherit: !self.options.renew_anon_volumes };
        // Containers of other tools may have no number; a label with 0 would never be found as a replica again.
        let number = if old.number() == 0 { 1 } else { old.number() };
        let spec = spec::container(self.project, service, number, self.peers_of(service), Some(replaced))?;
        let spec = Arc::new(self.with_image(spec));
        let unit = builder.unit_of(&old.id);
        let goes_on = start_of(old).0;
        let timeout = self.options.timeout;
        let change = Change { service, cause: &reason.cause, guard: reason.guard.clone(), unit, timeout };
        let mut stopped = self.stop_dependents(builder, service, &reason, peer);
        stopped.extend(self.stops_of(&old.id));
        let mut needs = self.creation_needs(service);
        needs.extend(found.needs);
        needs.extend(self.parts.resources.stopped.get(&old.id));
        let created = change.make(builder, &spec, needs, spec::injected_files(self.project, service));
        stopped.push(created);
        let detached = self.parts.resources.detached.get(&old.id).cloned().unwrap_or_default();
        let (old_spec, reference) = self.kept_spec(service, old)?;
        let old_spec = Arc::new(without_addresses(&old_spec));
        change.reattach_old(builder, (&reference, &old_spec), (&detached, None));
        if goes_on == Start::Unpause && reason.guard.is_some() {
            // Where the guard finds nothing changed the old one stays, and must go on.
            let unpause = Action::UnpauseContainer { container: reference.clone() };
            stopped.push(builder.push(Draft::new(unpause, "container is paused").of(&service.name)));
        }
        let stopped = change.stop(builder, old, stopped, false);
        let aside = change.move_aside(builder, old, stopped);
        let named = change.name(builder, &spec, aside, self.options.no_start);
        change.discard(builder, old, (vec![named], Vec::new()), false);
        peer.made.push(created);
        peer.created.push(named);
        self.join_owners(builder, service, unit);
        // With a guard the old one may stay: if it runs there is nothing to start then, if not it has to be started either way.
        let start = match &reason.guard {
            Some(guard) if matches!(goes_on, Start::Runs | Start::Unpause) => Start::If(guard.clone()),
            _ => Start::Always,
        };
        let cause = format!("recreated: {}", reason.cause);
        let (container, previous) = (spec.container.clone(), Some(old.id.clone()));
        let takes = claims::at_start(&spec, true);
        Ok(Replica { container, needs: vec![named], start, spec, cause, fresh: Some(reason), previous, unit, takes })
    }

    /// Dependents that say `restart: true` are stopped before, and started again after.
    fn stop_dependents(
        &self,
        builder: &mut Builder,
        service: &Service,
        reason: &Reason,
        peer: &mut Peer,
    ) -> Vec<StepId> {
        // Where nothing is started nobody has to see a dependency come back.
        let dependents = self.project.services.values().filter(|other| {
            !self.options.no_start && other.depends_on.get(&service.name).is_some_and(|edge| edge.restart)
        });
        let images = self.own_image(service);
        for dependent in dependents {
            let stays = |found: &&&Container| {
                found.is_up()
                    && !self.parts.resources.removed.contains_key(&found.id)
                    && !self.cut_off.contains(&found.id)
            };
            for container in self.live.get(dependent.name.as_str()).into_iter().flatten().filter(stays) {
                peer.stopped.entry(container.id.clone()).or_insert_with(|| {
                    let action =
                        Action::StopContainer { container: container.reference(), timeout: self.options.timeout };
                    let draft = Draft::new(action, format!("{} is recreated", service.name)).of(&dependent.name);
                    let draft = draft.guard(reason.guard.clone()).needs(images.iter().copied());
                    (resources::stop(builder, container, draft, None), reason.guard.clone())
                });
            }
        }
        peer.stopped.values().map(|(step, _)| *step).collect()
    }

    /// Steps that stop a container, or take it off a network, for the sake of others: its network, or a dependency that it
    /// restarts with.
    pub(crate) fn stops_of(&self, id: &str) -> impl Iterator<Item = StepId> {
        let with_dependency = self.peers.values().filter_map(|peer| peer.stopped.get(id)).map(|(step, _)| *step);
        let detached = self.parts.resources.detached.get(id).into_iter().flatten().filter_map(|detached| detached.by);
        with_dependency.chain(self.parts.resources.stopped.get(id).copied()).chain(detached)
    }

    fn create(
        &self,
        builder: &mut Builder,
        service: &Arc<Service>,
        missing: Missing<'_>,
        peer: &mut Peer,
    ) -> PlanResult<Replica> {
        let Missing { number, mut needs, cause, instead_of } = missing;
        let name = self.project.container_name(service, number);
        // Whoever has the name now may keep it until all is ready: the new one gets a temporary name first.
        let in_the_way = |container: &&Container| {
            container.name == name && !self.parts.resources.removed.contains_key(&container.id)
        };
        let holder = self.observed.containers.iter().find(in_the_way);
        let replaced = holder.map(|holder| Replaced { id: &holder.id, inherit: false });
        let spec = spec::container(self.project, service, number, self.peers_of(service), replaced)?;
        let spec = Arc::new(self.with_image(spec));
        let unit = builder.unit_of(&instead_of.clone().unwrap_or_else(|| claims::new_holder(&name)));
        let change = Change { service, cause, guard: None, unit, timeout: self.options.timeout };
        needs.extend(self.creation_needs(service));
        let mut last = change.make(builder, &spec, needs, spec::injected_files(self.project, service));
        peer.made.push(last);
        if replaced.is_some() {
            last = change.name(builder, &spec, vec![last], self.options.no_start);
        }
        peer.created.push(last);
        self.join_owners(builder, service, unit);
        let takes = claims::at_start(&spec, instead_of.is_some());
        Ok(Replica {
            container: spec.container.clone(),
            needs: vec![last],
            start: Start::Always,
            spec,
            cause: "container is new".to_owned(),
            fresh: Some(Reason::sure(cause)),
            previous: None,
            unit,
            takes,
        })
    }

    /// What must be done before the service's own image can be used.
    fn own_image(&self, service: &Service) -> Vec<StepId> {
        self.parts.images.ready(&self.project.image_of(service), self.project.platform_of(service)).collect()
    }

    fn creation_needs(&self, service: &Service) -> Vec<StepId> {
        let mut needs = self.parts.resources.ready(service);
        needs.extend(self.own_image(service));
        for (image, _) in labels::mounted_images(service) {
            needs.extend(self.parts.images.ready(image, self.project.platform_of(service)));
        }
        let (shared, linked) = (select::shared(service), select::peers(service));
        for (name, peer) in linked.into_iter().filter_map(|name| Some((name, self.peers.get(name)?))) {
            needs.extend(if shared.contains(name) { &peer.made } else { &peer.created });
        }
        needs
    }

    /// The image's digest, where it is known before the run.
    fn with_image(&self, mut spec: ContainerSpec) -> ContainerSpec {
        let known = self.observed.images.get(&spec.image, &spec.platform);
        let known = known.filter(|_| !self.parts.images.may_change(&spec.image, &spec.platform));
        if let Some(image) = known {
            spec.labels.insert(labels::IMAGE.to_owned(), image.content_digest.clone());
        }
        spec
    }

    fn scale_down(&self, builder: &mut Builder, service: &Service, container: &Container) {
        let cause = format!("scaled to {}", service.replicas());
        self.retire(builder, service, container, (&cause, false));
    }

    /// Stops and removes a container that gets no successor. Where somebody else wants its name, it is moved aside, for it
    /// may have to come back; `leaves`: what it wrote to is left to others.
    pub(crate) fn retire(
        &self,
        builder: &mut Builder,
        service: &Service,
        container: &Container,
        (cause, leaves): (&str, bool),
    ) {
        let unit = builder.unit_of(&container.id);
        let change = Change { service, cause, guard: None, unit, timeout: self.options.timeout };
        let stopped = change.stop(builder, container, self.stops_of(&container.id).collect(), leaves);
        let fixed = self.project.services.values().any(|other| other.container_name == container.name);
        let wanted = fixed || builder.is_wanted(&claims::name_of(container, &container.name));
        // It goes whether it could be moved aside or not: who needs the name waits for that.
        let aside = if wanted { change.move_aside(builder, container, stopped.clone()) } else { Vec::new() };
        change.discard(builder, container, (stopped, aside), !wanted);
    }
}

/// The addresses in the model are those of the new container; the old one takes what the engine gives.
fn without_addresses(spec: &ContainerSpec) -> ContainerSpec {
    let mut free = spec.clone();
    for key in spec.service.networks.keys() {
        spec::keep_addresses(&mut free.service, key, |_| false);
    }
    free
}

fn has_successor(all: &[&Container], old: &Container) -> bool {
    all.iter().any(|other| {
        other.id != old.id && other.number() == old.number() && other.replaces().is_none() && !other.is_aside()
    })
}

fn remove_leftover(builder: &mut Builder, container: &Container) -> StepId {
    let remove = Action::RemoveContainer { container: container.reference(), volumes: false, force: true };
    let draft = Draft::new(remove, "left over from an interrupted recreation").of(container.service());
    let mut releases = claims::running(container);
    releases.push(claims::name_of(container, &container.name));
    builder.push(draft.releases(releases))
}

/// An existing container on its way through the planner.
#[derive(Debug)]
struct Found {
    container: Container,
    needs: Vec<StepId>,
    reason: Option<Reason>,
}
