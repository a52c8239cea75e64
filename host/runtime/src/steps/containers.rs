//! Containers: make, fill, start, stop, restart, kill, remove, rename.

use std::collections::BTreeMap;

use tokio::time::Instant;
use windlass_plan::labels;
use windlass_plan::observed::ContainerState;
use windlass_plan::step::{ContainerRef, ContainerSpec, InjectedFile, StopTimeout};

use super::context::Context;
use crate::engine::{Created, EngineErrorKind, EngineResult};
use crate::shutdown::Urgency;
use crate::timeouts::{NAME_PATIENCE, NAME_RETRY, NAME_RETRY_MAX, backoff, pause};

pub(super) async fn create(context: &Context, spec: &ContainerSpec) -> EngineResult<()> {
    let mut spec = context.run.containers.with_peers(spec);
    let digests = digests(context, &spec).await?;
    complete(&mut spec, &digests);
    let created = make(context, &spec).await?;
    for warning in created.warnings {
        context.warn(format!("container {}: {warning}", spec.container.name));
    }
    context.run.containers.insert(&spec.create_name, &created.id);
    context.run.containers.insert(&spec.container.name, &created.id);
    Ok(())
}

/// Asks for the container until there is an answer that means something.
async fn make(context: &Context, spec: &ContainerSpec) -> EngineResult<Created> {
    let engine = &context.run.execution.engine;
    let began = Instant::now();
    let mut attempt: u32 = 1;
    loop {
        attempt += 1;
        let error = match engine.create_container(spec).await {
            // Made or not, nobody here knows its id. Asked again, the engine makes it, or says that its name is taken.
            Err(error) if error.kind == EngineErrorKind::Unanswered && attempt == 2 => continue,
            Err(error) if error.kind == EngineErrorKind::Conflict => error,
            created => return created,
        };
        match who_has_the_name(context, spec).await? {
            Holder::Other => return Err(error),
            Holder::Own { id } => engine.remove_container(&id, false, false).await?,
            // An engine takes the name first and shows the container later: it is being made, or goes away.
            Holder::Nobody if began.elapsed() >= NAME_PATIENCE => return Err(error),
            Holder::Nobody => pause(backoff(NAME_RETRY, NAME_RETRY_MAX, attempt, attempt.into())).await,
        }
    }
}

/// Who has the name of a container that was to be made.
enum Holder {
    /// The very container that was to be made: a run that was killed had asked for it, and the engine finished it after this
    /// run had looked; or the answer to this run's own request was lost. It was never started, so nothing is lost with it.
    Own {
        /// Its id.
        id: String,
    },
    /// A container that is not ours to remove.
    Other,
    /// No container that could be looked at.
    Nobody,
}

async fn who_has_the_name(context: &Context, spec: &ContainerSpec) -> EngineResult<Holder> {
    let found = match context.run.execution.engine.inspect_container(&spec.create_name).await {
        Ok(details) => details.container,
        Err(error) if error.kind == EngineErrorKind::NotFound => return Ok(Holder::Nobody),
        Err(error) => return Err(error),
    };
    // A temporary name is nobody else's; and the hash of one in the namespaces of others has their ids in it, which were other
    // ones for the run that asked.
    let any_hash = spec.create_name != spec.container.name || spec.labels.contains_key(labels::JOINS);
    let same = |label: &str| found.labels.get(label) == spec.labels.get(label);
    let replica = [labels::PROJECT, labels::SERVICE, labels::NUMBER].into_iter().all(same);
    let ours = replica && (any_hash || same(labels::CONFIG_HASH));
    let own = ours && found.state == ContainerState::Created;
    Ok(if own { Holder::Own { id: found.id } } else { Holder::Other })
}

/// Digests of the images of a container that the planner could not know.
async fn digests(context: &Context, spec: &ContainerSpec) -> EngineResult<BTreeMap<String, String>> {
    let own = (!spec.labels.contains_key(labels::IMAGE)).then_some(spec.image.as_str());
    let mounted = labels::mounted_images(&spec.service).map(|(image, _)| image);
    let mut digests = BTreeMap::new();
    for image in own.into_iter().chain(mounted) {
        if let Some(digest) = context.run.digest(image, &spec.platform).await? {
            digests.insert(image.to_owned(), digest);
        }
    }
    Ok(digests)
}

/// Adds what is known only now: digests of images that the planner could not know, and the configuration's hash.
fn complete(spec: &mut ContainerSpec, digests: &BTreeMap<String, String>) {
    let planned = spec.labels.get(labels::IMAGE).cloned();
    labels::complete(spec, digests);
    if let Some(digest) = planned {
        spec.labels.entry(labels::IMAGE.to_owned()).or_insert(digest);
    }
}

pub(super) async fn inject(context: &Context, container: &ContainerRef, files: &[InjectedFile]) -> EngineResult<()> {
    let id = context.run.containers.resolve(container);
    context.run.execution.engine.put_files(&id, files).await
}

pub(super) async fn start(context: &Context, container: &ContainerRef, port_range: bool) -> EngineResult<()> {
    let id = context.run.containers.resolve(container);
    if let Some(gate) = &context.run.execution.options.gate {
        gate.before_start(&id, container).await;
    }
    let _turn = if port_range { Some(context.run.port_ranges.lock().await) } else { None };
    context.run.execution.engine.start_container(&id).await
}

/// Stops gracefully; when the user asks twice, kills.
pub(super) async fn stop(
    context: &Context,
    container: &ContainerRef,
    timeout: Option<StopTimeout>,
) -> EngineResult<()> {
    let id = context.run.containers.resolve(container);
    let stopping = context.run.execution.engine.stop_container(&id, timeout);
    or_kill(context, &id, stopping).await
}

/// Restarts gracefully; when the user asks twice, the old process is killed, and the engine starts the new one.
pub(super) async fn restart(
    context: &Context,
    container: &ContainerRef,
    timeout: Option<StopTimeout>,
) -> EngineResult<()> {
    let id = context.run.containers.resolve(container);
    let restarting = context.run.execution.engine.restart_container(&id, timeout);
    or_kill(context, &id, restarting).await
}

/// Kills the container when the user asks twice, so that the call that waits for its end comes to one. That call is awaited all
/// the same: dropping it would leave the engine at work, and nobody would know with which result.
async fn or_kill(
    context: &Context,
    id: &str,
    waiting: impl Future<Output = EngineResult<()>> + Send,
) -> EngineResult<()> {
    let mut waiting = std::pin::pin!(waiting);
    let mut shutdown = context.shutdown.clone();
    tokio::select! {
        biased;
        result = &mut waiting => return result,
        () = shutdown.reached(Urgency::Immediate) => {}
    }
    let (killed, waited) = tokio::join!(signal(context, id, "SIGKILL"), waiting);
    killed.and(waited)
}

pub(super) async fn kill(context: &Context, container: &ContainerRef, name: &str) -> EngineResult<()> {
    signal(context, &context.run.containers.resolve(container), name).await
}

/// Sends a signal. One that comes too late, to a container that has ended or is gone, found what it was sent for.
async fn signal(context: &Context, id: &str, name: &str) -> EngineResult<()> {
    match context.run.execution.engine.kill_container(id, name).await {
        Err(error) if matches!(error.kind, EngineErrorKind::NotRunning | EngineErrorKind::NotFound) => Ok(()),
        result => result,
    }
}

pub(super) async fn unpause(context: &Context, container: &ContainerRef) -> EngineResult<()> {
    let id = context.run.containers.resolve(container);
    context.run.execution.engine.unpause_container(&id).await
}

pub(super) async fn remove(
    context: &Context,
    container: &ContainerRef,
    volumes: bool,
    force: bool,
) -> EngineResult<()> {
    let id = context.run.containers.resolve(container);
    context.run.execution.engine.remove_container(&id, volumes, force).await
}

pub(super) async fn rename(context: &Context, container: &ContainerRef, to: &str) -> EngineResult<()> {
    let id = context.run.containers.resolve(container);
    match context.run.execution.engine.rename_container(&id, to).await {
        // It was to make room, and it has: somebody removed it meanwhile. Its successor must not go down with it.
        Err(error) if error.kind == EngineErrorKind::NotFound && !context.step().releases.is_empty() => return Ok(()),
        renamed => renamed?,
    }
    context.run.containers.insert(to, &id);
    Ok(())
}
