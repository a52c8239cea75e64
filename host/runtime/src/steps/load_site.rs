//! Where the data of a load lives, by what the engine says of the container.

use windlass_model::Project;
use windlass_plan::labels;
use windlass_plan::ledger::{Backing, Mounted, Site};
use windlass_plan::observed::MountPoint;
use windlass_plan::step::ContainerRef;

use super::context::Context;
use crate::engine::EngineResult;

/// The container as a place for data, as it is now.
pub(super) async fn of(context: &Context, container: &ContainerRef) -> EngineResult<Site> {
    let engine = &context.run.execution.engine;
    let project = &context.run.execution.project;
    let details = engine.inspect_container(&context.run.containers.resolve(container)).await?;
    let image = engine.inspect_image(&details.container.image_id, "").await?;
    let mut mounts = Vec::new();
    for mount in details.container.mounts.iter().filter(|mount| mount.writable) {
        let backing = backing(context, mount).await?;
        mounts.push(Mounted { path: mount.destination.clone(), backing });
    }
    // The short form of `tmpfs` is no mount to the engine.
    let service = project.services.get(&container.service);
    for entry in service.map(|service| service.tmpfs.as_slice()).unwrap_or_default() {
        let path = entry.split(':').next().unwrap_or_default().to_owned();
        mounts.push(Mounted { path, backing: Backing::Memory });
    }
    Ok(Site {
        container: details.container.id,
        started_at: details.started_at,
        mounts,
        declared: image.map(|image| image.volumes).unwrap_or_default(),
    })
}

async fn backing(context: &Context, mount: &MountPoint) -> EngineResult<Backing> {
    match mount.kind.as_str() {
        "volume" if in_memory(&context.run.execution.project, &mount.name) => Ok(Backing::Memory),
        "volume" => {
            let found = context.run.execution.engine.inspect_volume(&mount.name).await?.unwrap_or_default();
            let id = found.labels.get(labels::VOLUME_ID).cloned();
            Ok(Backing::Volume { name: mount.name.clone(), created_at: found.created_at, id })
        }
        "tmpfs" => Ok(Backing::Memory),
        _ => Ok(Backing::Bind(mount.source.clone())),
    }
}

/// A local volume may be a memory file system, which is empty again once no container uses it.
fn in_memory(project: &Project, name: &str) -> bool {
    let declared = project.volumes.values().find(|volume| volume.name == name);
    declared.is_some_and(|volume| volume.driver_opts.get("type").is_some_and(|kind| kind == "tmpfs"))
}
