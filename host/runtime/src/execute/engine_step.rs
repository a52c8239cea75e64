//! Steps that are one call of the engine.

use std::collections::BTreeMap;
use std::time::Duration;

use windlass_plan::labels;
use windlass_plan::step::{Action, ContainerRef, ContainerSpec};

use super::containers;
use super::run::Context;
use crate::engine::{BuildRequest, EngineError, EngineResult, TransferProgress};
use crate::event::Event;
use crate::shutdown::Urgency;

/// Errors name containers, not their ids.
pub(super) async fn run(context: &Context, action: Action) -> EngineResult<()> {
    let named = |container: &ContainerRef| (context.run.containers.resolve(container), container.name.clone());
    let names: Vec<(String, String)> = containers::references(&action).into_iter().map(named).collect();
    call(context, action).await.map_err(|error| {
        let operation = names.iter().fold(error.operation, |text, (id, name)| text.replace(id, name));
        EngineError { operation, ..error }
    })
}

async fn call(context: &Context, action: Action) -> EngineResult<()> {
    let engine = &context.run.execution.engine;
    let id = |container: &ContainerRef| context.run.containers.resolve(container);
    match action {
        Action::PullImage { image, platform } => engine.pull_image(&image, &platform, &progress(context)).await,
        Action::BuildImage { image, service, labels, options } => {
            let request = BuildRequest { image: &image, service: &service, labels: &labels, options: &options };
            engine.build_image(request, &progress(context)).await.map(drop)
        }
        Action::CreateNetwork { network, .. } => engine.create_network(&network).await.map(drop),
        Action::RemoveNetwork { id, .. } => engine.remove_network(&id).await,
        Action::ConnectNetwork { network, container, spec } => {
            let spec = context.run.containers.with_peers(&spec);
            engine.connect_network(&network, &id(&container), &spec).await
        }
        Action::DisconnectNetwork { network, container } => engine.disconnect_network(&network, &id(&container)).await,
        Action::CreateVolume { volume, .. } => engine.create_volume(&volume).await.map(drop),
        Action::RemoveVolume { name } => engine.remove_volume(&name).await,
        Action::CreateContainer(spec) => create(context, &spec).await,
        Action::InjectFiles { container, files } => engine.put_files(&id(&container), &files).await,
        Action::StartContainer { container, port_range } => start(context, &id(&container), port_range).await,
        Action::StopContainer { container, timeout } => stop(context, &id(&container), timeout).await,
        Action::RestartContainer { container, timeout } => engine.restart_container(&id(&container), timeout).await,
        Action::KillContainer { container, signal } => engine.kill_container(&id(&container), &signal).await,
        Action::RemoveContainer { container, volumes, force } => {
            engine.remove_container(&id(&container), volumes, force).await
        }
        Action::RenameContainer { container, to } => rename(context, &container, &to).await,
        Action::RemoveImage { image } => engine.remove_image(&image).await,
        // Everything else has a module of its own.
        _ => Ok(()),
    }
}

fn progress(context: &Context) -> impl Fn(TransferProgress) + Send + Sync {
    |progress| context.emit(Event::Transfer(context.step, progress))
}

async fn create(context: &Context, spec: &ContainerSpec) -> EngineResult<()> {
    let mut spec = context.run.containers.with_peers(spec);
    let digests = digests(context, &spec).await?;
    containers::complete(&mut spec, &digests);
    let created = context.run.execution.engine.create_container(&spec).await?;
    for warning in created.warnings {
        context.warn(format!("container {}: {warning}", spec.container.name));
    }
    context.run.containers.insert(&spec.create_name, &created.id);
    context.run.containers.insert(&spec.container.name, &created.id);
    Ok(())
}

/// Digests of the images of a container that the planner could not know.
pub(super) async fn digests(context: &Context, spec: &ContainerSpec) -> EngineResult<BTreeMap<String, String>> {
    let own = (!spec.labels.contains_key(labels::IMAGE)).then_some(spec.image.as_str());
    let mounted = labels::mounted_images(&spec.service).map(|(image, _)| image);
    let platform = if spec.service.platform.is_empty() { &spec.default_platform } else { &spec.service.platform };
    let mut digests = BTreeMap::new();
    for image in own.into_iter().chain(mounted) {
        if let Some(digest) = context.run.digest(image, platform).await? {
            digests.insert(image.to_owned(), digest);
        }
    }
    Ok(digests)
}

async fn start(context: &Context, id: &str, port_range: bool) -> EngineResult<()> {
    let _turn = if port_range { Some(context.run.port_ranges.lock().await) } else { None };
    context.run.execution.engine.start_container(id).await
}

/// Stops gracefully; when the user asks twice, kills.
async fn stop(context: &Context, id: &str, timeout: Option<Duration>) -> EngineResult<()> {
    let engine = &context.run.execution.engine;
    let mut shutdown = context.shutdown.clone();
    tokio::select! {
        biased;
        result = engine.stop_container(id, timeout) => result,
        () = shutdown.reached(Urgency::Immediate) => engine.kill_container(id, "SIGKILL").await,
    }
}

async fn rename(context: &Context, container: &ContainerRef, to: &str) -> EngineResult<()> {
    let id = context.run.containers.resolve(container);
    context.run.execution.engine.rename_container(&id, to).await?;
    context.run.containers.insert(to, &id);
    Ok(())
}
