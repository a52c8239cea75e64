//! Is a container still what the model wants?

use std::collections::BTreeMap;

use windlass_model::Project;
use windlass_model::project::Service;

use crate::containers::hashing;
use crate::containers::parts::Parts;
use crate::containers::spec;
use crate::labels;
use crate::observed::{Container, ContainerState, Observed};
use crate::step::{ContainerRef, Guard};

/// Why a container is recreated; with a guard: only if that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) cause: String,
    pub(crate) guard: Option<Guard>,
}

impl Reason {
    pub(crate) fn sure(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), guard: None }
    }
}

/// Compares containers of one service with the model.
pub(crate) struct Divergence<'a> {
    pub(crate) project: &'a Project,
    pub(crate) observed: &'a Observed,
    pub(crate) parts: &'a Parts,
    pub(crate) service: &'a Service,
    pub(crate) peers: BTreeMap<String, Vec<ContainerRef>>,
    /// A service that it shares something with and that gets a new container.
    pub(crate) recreated_peer: Option<(&'a str, Reason)>,
}

impl Divergence<'_> {
    /// Why this container has to be recreated; `None`: it is up to date.
    pub(crate) fn of(&self, container: &Container) -> Option<Reason> {
        let sure = self.sure(container);
        sure.map(Reason::sure).or_else(|| self.guarded_peer()).or_else(|| self.image_may_change(container))
    }

    fn sure(&self, container: &Container) -> Option<String> {
        self.dead(container)
            .or_else(|| self.peer())
            .or_else(|| self.configuration(container))
            .or_else(|| self.image(container))
            .or_else(|| self.mounted_images(container))
            .or_else(|| self.networks(container))
            .or_else(|| self.volumes(container))
    }

    /// One that could not be removed cannot be started either.
    fn dead(&self, container: &Container) -> Option<String> {
        (container.state == ContainerState::Dead).then(|| "container is dead".to_owned())
    }

    fn peer(&self) -> Option<String> {
        let (name, _) = self.recreated_peer.as_ref().filter(|(_, reason)| reason.guard.is_none())?;
        Some(format!("shares namespaces or volumes with {name}, which is recreated"))
    }

    fn guarded_peer(&self) -> Option<Reason> {
        let (name, reason) = self.recreated_peer.as_ref()?;
        let cause = format!("shares namespaces or volumes with {name}, which is recreated");
        Some(Reason { cause, guard: reason.guard.clone() })
    }

    fn configuration(&self, container: &Container) -> Option<String> {
        let recorded = container.label(labels::CONFIG_HASH).unwrap_or_default();
        let expected = hashing::service_hashes(self.service, &self.peers);
        if expected.iter().any(|hash| hash == recorded) {
            return None;
        }
        Some(hashing::changes(container.label(labels::ATTRIBUTES), self.service))
    }

    fn image(&self, container: &Container) -> Option<String> {
        let reference = self.project.image_of(self.service);
        let platform = self.project.platform_of(self.service);
        if self.parts.images.may_change(&reference, platform) {
            return None;
        }
        let recorded = container.label(labels::IMAGE)?;
        let image = self.observed.images.get(&reference, platform)?;
        (image.content_digest != recorded).then(|| format!("image {reference} changed"))
    }

    fn image_may_change(&self, container: &Container) -> Option<Reason> {
        let image = self.project.image_of(self.service);
        let platform = self.project.platform_of(self.service).to_owned();
        if !self.parts.images.may_change(&image, &platform) {
            return None;
        }
        let from = container.label(labels::IMAGE)?.to_owned();
        let cause = format!("image {image} changed");
        Some(Reason { cause, guard: Some(Guard::ImageChanged { image, platform, from }) })
    }

    fn mounted_images(&self, container: &Container) -> Option<String> {
        let known = |(image, _): (&str, &str)| {
            let digest =
                self.observed.images.get(image, self.project.platform_of(self.service))?.content_digest.clone();
            Some((image.to_owned(), digest))
        };
        let digests: BTreeMap<String, String> = labels::mounted_images(self.service).filter_map(known).collect();
        let expected = labels::image_volumes(self.service, &digests);
        let recorded = container.label(labels::IMAGE_VOLUMES).unwrap_or_default();
        (!expected.is_empty() && expected != recorded).then(|| "a mounted image changed".to_owned())
    }

    fn networks(&self, container: &Container) -> Option<String> {
        let resources = &self.parts.resources;
        let reconnected = resources.detached.get(&container.id);
        let expected = spec::networks(self.project, self.service).ok()?;
        let missing = expected.into_iter().find(|(key, name)| {
            let changed = reconnected.is_some_and(|all| all.iter().any(|detached| detached.network == *name));
            // One that does not run and is off a network is attached when it is kept, see `left_off`.
            let off = !container.is_up() && !container.networks.contains_key(name);
            !changed && !off && !self.attached(container, (key, name))
        });
        missing.map(|(_, name)| format!("not attached to network {name}"))
    }

    /// Once it has run a container is bound to the network's id: one of the same name that the plan makes, or that somebody
    /// else made meanwhile, is another network.
    fn attached(&self, container: &Container, (key, network): (&str, &str)) -> bool {
        let id = self.parts.resources.network_ids.get(network);
        let new = self.parts.resources.networks.contains_key(key);
        container.networks.iter().any(|(name, endpoint)| match id {
            _ if endpoint.network_id.is_empty() => name == network,
            Some(id) => *id == endpoint.network_id,
            None => name == network && !new,
        })
    }

    fn volumes(&self, container: &Container) -> Option<String> {
        let expected = spec::volumes(self.project, self.service).ok()?;
        let mounted = |name: &String| container.mounts.iter().any(|mount| mount.name == *name);
        let missing = expected.into_values().find(|name| !mounted(name));
        missing.map(|name| format!("volume {name} is not mounted"))
    }
}
