//! What of the engine a project is concerned with.

use windlass_model::Project;
use windlass_model::project::MountKind;
use windlass_runtime::engine::Scope;

/// Everything that planning for a project looks at.
#[must_use]
pub fn scope(project: &Project) -> Scope {
    let images = project.services.values().flat_map(|service| {
        let of_platform = move |image: String| (image, project.platform_of(service).to_owned());
        let own = service.provider.is_none().then(|| project.image_of(service));
        let hooks = service.pre_start.iter().map(|hook| hook.image.clone());
        let mounted = service.volumes.iter().filter(|mount| mount.kind == MountKind::Image);
        own.into_iter().chain(hooks).chain(mounted.map(|mount| mount.source.clone())).map(of_platform)
    });
    let mut images: Vec<(String, String)> = images.filter(|(image, _)| !image.is_empty()).collect();
    images.sort();
    images.dedup();
    Scope {
        project: Some(project.name.clone()),
        network_names: project.networks.values().map(|network| network.name.clone()).collect(),
        volume_names: project.volumes.values().map(|volume| volume.name.clone()).collect(),
        images,
    }
}
