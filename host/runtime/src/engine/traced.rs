//! A trace of the engine's calls: what was asked, how long the answer took, and what went wrong.
//!
//! Wrapped around an engine only when somebody asks for the trace, so that it costs nothing otherwise.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use tokio::time::Instant;
use windlass_model::project::{Network, Volume};
use windlass_plan::observed::{self, Container, EngineInfo, Image, Observed};
use windlass_plan::step::{ContainerSpec, InjectedFile, StopTimeout};

use super::{
    BuildRequest, Cluster, Connection, ContainerDetails, ContainerEvent, ContainerFilter, Created, Engine,
    EngineResult, ExecSession, ExecSpec, Images, Instances, LogOptions, Output, ProgressSink, Record, Relay, Scope,
    Store,
};

/// The target of the trace's events.
pub const TRACE: &str = "windlass::engine";

/// An engine whose calls are told of, each when it has ended, as an event of level *debug* with the fields `call`, `object`,
/// `elapsed` and, where it failed, `error`.
pub struct Traced(Arc<dyn Engine>);

impl Traced {
    /// Wraps an engine.
    #[must_use]
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self(engine)
    }
}

async fn timed<T>(call: &str, object: &str, work: impl Future<Output = EngineResult<T>>) -> EngineResult<T> {
    let began = Instant::now();
    let result = work.await;
    let elapsed: Duration = began.elapsed();
    match &result {
        Ok(_) => tracing::debug!(target: TRACE, call, object, ?elapsed),
        Err(error) => tracing::debug!(target: TRACE, call, object, ?elapsed, %error),
    }
    result
}

#[async_trait]
impl Cluster for Traced {
    async fn info(&self) -> EngineResult<EngineInfo> {
        timed("info", "", self.0.info()).await
    }

    async fn observe(&self, scope: &Scope) -> EngineResult<Observed> {
        timed("observe", scope.project.as_deref().unwrap_or_default(), self.0.observe(scope)).await
    }

    async fn events(
        &self,
        project: Option<&str>,
        since: Option<&str>,
    ) -> EngineResult<BoxStream<'static, EngineResult<ContainerEvent>>> {
        timed("events", project.unwrap_or_default(), self.0.events(project, since)).await
    }

    async fn create_network(&self, network: &Network) -> EngineResult<String> {
        timed("create network", &network.name, self.0.create_network(network)).await
    }

    async fn remove_network(&self, id: &str) -> EngineResult<()> {
        timed("remove network", id, self.0.remove_network(id)).await
    }

    async fn connect_network(&self, network: &str, id: &str, spec: &ContainerSpec) -> EngineResult<()> {
        timed("connect network", &format!("{network} {id}"), self.0.connect_network(network, id, spec)).await
    }

    async fn disconnect_network(&self, network: &str, id: &str) -> EngineResult<()> {
        timed("disconnect network", &format!("{network} {id}"), self.0.disconnect_network(network, id)).await
    }

    async fn create_volume(&self, volume: &Volume) -> EngineResult<observed::Volume> {
        timed("create volume", &volume.name, self.0.create_volume(volume)).await
    }

    async fn inspect_volume(&self, name: &str) -> EngineResult<Option<observed::Volume>> {
        timed("inspect volume", name, self.0.inspect_volume(name)).await
    }

    async fn remove_volume(&self, name: &str) -> EngineResult<()> {
        timed("remove volume", name, self.0.remove_volume(name)).await
    }

    async fn create_container(&self, spec: &ContainerSpec) -> EngineResult<Created> {
        timed("create container", &spec.create_name, self.0.create_container(spec)).await
    }

    async fn start_container(&self, id: &str) -> EngineResult<()> {
        timed("start container", id, self.0.start_container(id)).await
    }

    async fn stop_container(&self, id: &str, timeout: Option<StopTimeout>) -> EngineResult<()> {
        timed("stop container", id, self.0.stop_container(id, timeout)).await
    }

    async fn restart_container(&self, id: &str, timeout: Option<StopTimeout>) -> EngineResult<()> {
        timed("restart container", id, self.0.restart_container(id, timeout)).await
    }

    async fn remove_container(&self, id: &str, volumes: bool, force: bool) -> EngineResult<()> {
        timed("remove container", id, self.0.remove_container(id, volumes, force)).await
    }

    async fn rename_container(&self, id: &str, name: &str) -> EngineResult<()> {
        timed("rename container", &format!("{id} {name}"), self.0.rename_container(id, name)).await
    }

    fn parallel(&self) -> usize {
        self.0.parallel()
    }

    async fn pause_container(&self, id: &str) -> EngineResult<()> {
        timed("pause container", id, self.0.pause_container(id)).await
    }

    async fn unpause_container(&self, id: &str) -> EngineResult<()> {
        timed("unpause container", id, self.0.unpause_container(id)).await
    }
}

#[async_trait]
impl Instances for Traced {
    async fn list_containers(&self, filter: &ContainerFilter) -> EngineResult<Vec<Container>> {
        let project = filter.project.as_deref().unwrap_or_default();
        timed("list containers", project, self.0.list_containers(filter)).await
    }

    async fn inspect_container(&self, id: &str) -> EngineResult<ContainerDetails> {
        timed("inspect container", id, self.0.inspect_container(id)).await
    }

    async fn logs(&self, id: &str, tty: bool, options: &LogOptions) -> EngineResult<Output> {
        timed("logs", id, self.0.logs(id, tty, options)).await
    }

    async fn attach(&self, id: &str, tty: bool) -> EngineResult<Output> {
        timed("attach", id, self.0.attach(id, tty)).await
    }

    async fn exec(&self, id: &str, spec: &ExecSpec) -> EngineResult<ExecSession> {
        timed("exec", id, self.0.exec(id, spec)).await
    }

    async fn exec_exit_code(&self, exec_id: &str) -> EngineResult<i64> {
        timed("exec exit code", exec_id, self.0.exec_exit_code(exec_id)).await
    }

    async fn exec_resize(&self, exec_id: &str, width: u16, height: u16) -> EngineResult<()> {
        timed("exec resize", exec_id, self.0.exec_resize(exec_id, width, height)).await
    }

    async fn kill_container(&self, id: &str, signal: &str) -> EngineResult<()> {
        timed("kill container", &format!("{id} {signal}"), self.0.kill_container(id, signal)).await
    }

    async fn wait_container(&self, id: &str) -> EngineResult<i64> {
        timed("wait container", id, self.0.wait_container(id)).await
    }

    async fn put_files(&self, id: &str, files: &[InjectedFile]) -> EngineResult<()> {
        timed("put files", id, self.0.put_files(id, files)).await
    }

    async fn dial(&self, container: &Container, port: u16, relay: &Relay) -> EngineResult<Connection> {
        timed("dial", &format!("{}:{port}", container.name), self.0.dial(container, port, relay)).await
    }

    async fn end_dialling(&self, project: &str) -> EngineResult<()> {
        timed("end dialling", project, self.0.end_dialling(project)).await
    }
}

#[async_trait]
impl Images for Traced {
    async fn inspect_image(&self, reference: &str, platform: &str) -> EngineResult<Option<Image>> {
        timed("inspect image", reference, self.0.inspect_image(reference, platform)).await
    }

    async fn image_digest(&self, reference: &str) -> EngineResult<String> {
        timed("image digest", reference, self.0.image_digest(reference)).await
    }

    async fn pull_image(&self, reference: &str, platform: &str, progress: ProgressSink<'_>) -> EngineResult<()> {
        timed("pull image", reference, self.0.pull_image(reference, platform, progress)).await
    }

    async fn build_image(&self, request: BuildRequest<'_>, progress: ProgressSink<'_>) -> EngineResult<String> {
        let image = request.image;
        timed("build image", image, self.0.build_image(request, progress)).await
    }

    async fn remove_image(&self, reference: &str) -> EngineResult<()> {
        timed("remove image", reference, self.0.remove_image(reference)).await
    }

    async fn client_settings(&self) -> EngineResult<String> {
        timed("client settings", "", self.0.client_settings()).await
    }
}

#[async_trait]
impl Store for Traced {
    async fn get_record(&self, name: &str) -> EngineResult<Option<Record>> {
        timed("get record", name, self.0.get_record(name)).await
    }

    async fn list_records(&self, label: &str, value: &str) -> EngineResult<Vec<Record>> {
        timed("list records", value, self.0.list_records(label, value)).await
    }

    async fn put_record(&self, record: &Record) -> EngineResult<Record> {
        timed("put record", &record.name, self.0.put_record(record)).await
    }

    async fn remove_record(&self, name: &str) -> EngineResult<()> {
        timed("remove record", name, self.0.remove_record(name)).await
    }
}
