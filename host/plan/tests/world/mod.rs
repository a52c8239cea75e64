//! An observed state that matches a project, to change at one place.

use std::collections::BTreeMap;

use windlass_model::Project;
use windlass_plan::observed::{Container, ContainerState, Endpoint, Image, MountPoint, Network, Volume, joined};
use windlass_plan::step::{Action, ContainerSpec};
use windlass_plan::{Observed, Plan, UpOptions, labels, up};

/// What an engine would have after `up`.
pub(crate) struct World {
    pub observed: Observed,
}

impl World {
    /// Applies the plan of a first `up`: images, networks, volumes, containers.
    pub(crate) fn of(project: &Project) -> Self {
        let plan = up(project, &Observed::default(), &UpOptions::default()).expect("the plan can be made");
        let mut world = Self { observed: Observed::default() };
        world.apply(&plan);
        world
    }

    fn apply(&mut self, plan: &Plan) {
        for step in &plan.steps {
            match &step.action {
                Action::PullImage { image, .. } | Action::BuildImage { image, .. } => self.image(image),
                Action::CreateNetwork { network, .. } => self.observed.networks.push(Network {
                    id: format!("id-of-{}", network.name),
                    name: network.name.clone(),
                    driver: "bridge".to_owned(),
                    labels: network.labels.clone(),
                }),
                Action::CreateVolume { volume, .. } => self.observed.volumes.push(Volume {
                    name: volume.name.clone(),
                    driver: "local".to_owned(),
                    created_at: "then".to_owned(),
                    labels: volume.labels.clone(),
                }),
                Action::CreateContainer(spec) => self.container_of(spec),
                _ => {}
            }
        }
        self.observed.containers.sort_by(|one, other| one.name.cmp(&other.name));
    }

    fn image(&mut self, reference: &str) {
        let digest = format!("sha256:{reference}");
        let image = Image { id: digest.clone(), content_digest: digest, ..Image::default() };
        self.observed.images.insert(reference, "", image);
    }

    fn container_of(&mut self, spec: &ContainerSpec) {
        let id = format!("{:012}{:052}", self.observed.containers.len() + 1, 0);
        let mut spec = spec.clone();
        for peer in spec.peers.values_mut().flatten() {
            peer.id =
                self.observed.containers.iter().find(|other| other.name == peer.name).map(|other| other.id.clone());
        }
        let digests: BTreeMap<String, String> = [(spec.image.clone(), format!("sha256:{}", spec.image))].into();
        labels::complete(&mut spec, &digests);
        let endpoint = |name: &String| Endpoint { network_id: format!("id-of-{name}"), ..Endpoint::default() };
        self.observed.containers.push(Container {
            id,
            name: spec.create_name.clone(),
            image: spec.image.clone(),
            joins: joined("", &spec.labels),
            labels: spec.labels.clone(),
            networks: spec.networks.iter().map(|(_, name)| (name.clone(), endpoint(name))).collect(),
            mounts: spec
                .volumes
                .values()
                .map(|name| MountPoint { name: name.clone(), ..MountPoint::default() })
                .collect(),
            ..Container::default()
        });
    }

    /// All containers run.
    pub(crate) fn running(mut self) -> Self {
        self.observed.containers.iter_mut().for_each(|container| container.state = ContainerState::Running);
        self
    }

    /// A container by name.
    pub(crate) fn container(&mut self, name: &str) -> &mut Container {
        self.observed.containers.iter_mut().find(|container| container.name == name).expect("it exists")
    }
}
