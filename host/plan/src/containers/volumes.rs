//! Volumes: create what is missing, ask about what drifted, say what is somebody else's.

use std::collections::BTreeSet;
use std::sync::Arc;

use windlass_model::Project;
use windlass_model::project::{Service, Volume};

use crate::containers::hashing;
use crate::containers::images::Images;
use crate::containers::resources::{self, Resources, Scope};
use crate::error::{PlanError, PlanResult};
use crate::graph::{Builder, Draft, Role};
use crate::labels;
use crate::observed::{self, Container, Observed};
use crate::options::UpOptions;
use crate::step::{Action, Question, StepId};

/// Plans volumes.
pub(crate) struct VolumePlanner<'a, 'r> {
    pub(crate) scope: &'a Scope<'a>,
    pub(crate) images: &'a Images,
    pub(crate) resources: &'r mut Resources,
}

impl<'a> VolumePlanner<'a, '_> {
    pub(crate) fn volume(&mut self, builder: &mut Builder, key: &str) -> PlanResult<()> {
        let volume = &self.scope.project.volumes[key];
        let live = self.scope.observed.volumes.iter().find(|live| live.name == volume.name);
        match live {
            None if volume.external => return Err(PlanError::ExternalVolumeMissing(volume.name.clone())),
            None => {
                let cause = if self.renamed(key) { "volume renamed" } else { "volume missing" };
                let draft = Draft::new(self.creation(key, volume), cause);
                self.create(builder, key, draft);
            }
            Some(_) if volume.external => {}
            Some(live) => self.existing(builder, key, live)?,
        }
        Ok(())
    }

    fn renamed(&self, key: &str) -> bool {
        self.scope.observed.volumes.iter().any(|live| {
            live.labels.get(labels::PROJECT) == Some(&self.scope.project.name)
                && live.labels.get(labels::VOLUME).is_some_and(|label| label == key)
        })
    }

    fn existing(&mut self, builder: &mut Builder, key: &str, live: &observed::Volume) -> PlanResult<()> {
        let owner = live.labels.get(labels::PROJECT);
        // Somebody else's is used, for its name was asked for; it is never recreated, whatever it looks like.
        if owner != Some(&self.scope.project.name) {
            builder.warn(foreign_volume(&self.scope.project.name, live));
            return Ok(());
        }
        if !drifted(&self.scope.project.volumes[key], live) {
            return Ok(());
        }
        if self.scope.options.recreate_volumes.contains(&live.name) {
            return self.recreate(builder, key, live);
        }
        if !self.scope.options.keep_volumes.contains(&live.name) {
            builder.plan().questions.push(Question::RecreateVolume { volume: live.name.clone() });
        }
        Ok(())
    }

    /// A volume goes only after every container that mounts it, so here the old ones cannot wait for the new ones. What can
    /// be done before is done before: images are there, and all of them are stopped before the first is removed.
    fn recreate(&mut self, builder: &mut Builder, key: &str, live: &observed::Volume) -> PlanResult<()> {
        let cause = format!("configuration of volume {} changed", live.name);
        let users = self.users(key, live)?;
        let project = self.scope.project;
        let ready = |service: &Arc<Service>| {
            self.images.ready(&project.image_of(service), project.platform_of(service)).collect::<Vec<_>>()
        };
        let images: Vec<StepId> = self.scope.services.iter().flat_map(ready).collect();
        let mut stops = Vec::new();
        let gone = |container: &Container| self.resources.removed.contains_key(&container.id);
        for container in users.iter().filter(|container| container.is_up() && !gone(container)) {
            let action =
                Action::StopContainer { container: container.reference(), timeout: self.scope.options.timeout };
            let draft = Draft::new(action, &cause).of(container.service()).needs(images.iter().copied());
            let unit = builder.unit_of(&container.id);
            let releases = crate::containers::claims::running(container);
            let stop = builder.push(draft.unit(unit, Role::Break).releases(releases));
            resources::undo_stop(builder, container, stop, None);
            stops.push(stop);
        }
        let before: Vec<StepId> = stops.into_iter().chain(images.iter().copied()).collect();
        let whole = builder.unit_of(&format!("volume {}", live.name));
        let mut removals = Vec::new();
        for container in users {
            let removed = self.remove(builder, container, (&cause, &before));
            builder.broken_by(whole, removed);
            let unit = builder.unit_of(&container.id);
            builder.undo_nothing_after(unit, removed);
            removals.push(removed);
        }
        let action = Action::RemoveVolume { name: live.name.clone() };
        let removed = builder.push(Draft::new(action, &cause).needs(removals).unit(whole, Role::Break));
        let draft = Draft::new(self.creation(key, &self.scope.project.volumes[key]), &cause).needs([removed]);
        self.create(builder, key, draft.unit(whole, Role::Change));
        Ok(())
    }

    fn remove(&mut self, builder: &mut Builder, container: &Container, (cause, before): (&str, &[StepId])) -> StepId {
        let also = self.resources.stopped.get(&container.id).copied();
        let detached =
            self.resources.detached.get(&container.id).into_iter().flatten().filter_map(|detached| detached.by);
        let needs: Vec<StepId> = before.iter().copied().chain(also).chain(detached).collect();
        *self.resources.removed.entry(container.id.clone()).or_insert_with(|| {
            let action = Action::RemoveContainer { container: container.reference(), volumes: false, force: true };
            let unit = builder.unit_of(&container.id);
            let name = crate::containers::claims::name_of(container, &container.name);
            let draft = Draft::new(action, cause).of(container.service()).needs(needs).releases([name]);
            builder.push(draft.unit(unit, Role::GiveUp))
        })
    }

    /// Containers that mount the volume. One that runs and that the model does not describe could not be made again.
    fn users(&self, key: &str, live: &observed::Volume) -> PlanResult<Vec<&'a Container>> {
        let mounting = mounting(self.scope.services, key);
        let users = self.scope.observed.containers.iter().filter(|container| {
            (container.is_replica() && mounting.contains(container.service())) || mounts(container, &live.name)
        });
        let users: Vec<&Container> = users.collect();
        let known = |container: &Container| {
            container.is_replica() && self.scope.services.iter().any(|service| service.name == container.service())
        };
        // An orphan that is removed anyhow needs no successor.
        let going = |container: &Container| container.is_replica() && self.scope.options.remove_orphans;
        match users.iter().find(|container| container.is_up() && !known(container) && !going(container)) {
            Some(container) => {
                Err(PlanError::VolumeInUse { volume: live.name.clone(), container: container.name.clone() })
            }
            None => Ok(users),
        }
    }

    fn creation(&self, key: &str, volume: &Volume) -> Action {
        let mut stamped = volume.clone();
        stamped.labels.extend(labels::of_project(&self.scope.project.name));
        stamped.labels.insert(labels::VOLUME.to_owned(), key.to_owned());
        stamped.labels.insert(labels::CONFIG_HASH.to_owned(), hashing::volume_hash(volume));
        Action::CreateVolume { key: key.to_owned(), volume: stamped }
    }

    fn create(&mut self, builder: &mut Builder, key: &str, draft: Draft) {
        let id = builder.push(draft);
        self.resources.volumes.insert(key.to_owned(), vec![id]);
    }
}

fn drifted(volume: &Volume, live: &observed::Volume) -> bool {
    live.labels.get(labels::CONFIG_HASH).is_some_and(|hash| *hash != hashing::volume_hash(volume))
}

fn mounts(container: &Container, volume: &str) -> bool {
    container.mounts.iter().any(|mount| mount.name == volume)
}

/// Services of the model that the user did not choose, whose containers go with a volume that the plan recreates: they
/// come along, so that they get new ones. Only volumes of services that are planned are recreated, and who comes along is
/// planned, too.
pub(crate) fn drawn_in(
    project: &Project,
    observed: &Observed,
    options: &UpOptions,
    chosen: &BTreeSet<&str>,
) -> BTreeSet<String> {
    let agreed = project.volumes.iter().filter(|(_, volume)| {
        let live = observed.volumes.iter().find(|live| live.name == volume.name);
        !volume.external
            && options.recreate_volumes.contains(&volume.name)
            && live.is_some_and(|live| live.labels.get(labels::PROJECT) == Some(&project.name) && drifted(volume, live))
    });
    let mut agreed: Vec<(&str, &str)> = agreed.map(|(key, volume)| (key.as_str(), volume.name.as_str())).collect();
    let mut found = BTreeSet::new();
    loop {
        let planned = |name: &String| chosen.contains(name.as_str()) || found.contains(name);
        let services: Vec<&Arc<Service>> =
            project.services.iter().filter(|(name, _)| planned(name)).map(|(_, service)| service).collect();
        let uses = |key: &str| services.iter().any(|service| service.volumes.iter().any(|mount| mount.source == key));
        let (gone, rest): (Vec<_>, Vec<_>) = agreed.iter().copied().partition(|(key, _)| uses(key));
        if gone.is_empty() {
            return found;
        }
        agreed = rest;
        let users = observed
            .containers
            .iter()
            .filter(|container| container.is_replica() && gone.iter().any(|(_, volume)| mounts(container, volume)));
        let names = users.map(|container| container.service().to_owned());
        let names = names.filter(|name| project.services.contains_key(name) && !chosen.contains(name.as_str()));
        found.extend(names);
    }
}

/// Services that mount a volume, themselves or through `volumes_from`.
fn mounting<'a>(services: &'a [Arc<Service>], key: &str) -> BTreeSet<&'a str> {
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
