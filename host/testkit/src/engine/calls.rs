//! The engine's calls on the state in memory.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tokio::sync::mpsc;
use windlass_model::project::{Network, Volume};
use windlass_plan::labels;
use windlass_plan::observed::{self, Container, ContainerState, EngineInfo, Image, Observed};
use windlass_plan::step::{ContainerSpec, InjectedFile};
use windlass_runtime::engine::{
    BuildRequest, Connection, ContainerDetails, ContainerEvent, ContainerFilter, Created, Engine, EngineError,
    EngineResult, ExecSession, ExecSpec, LogOptions, OutputChunk, OutputStream, ProgressSink, Scope, TransferProgress,
};

use super::state::engine_info;
use super::{FakeEngine, conflict, not_found, plain_image};

impl FakeEngine {
    async fn on_container(&self, verb: &str, id: &str) -> EngineResult<String> {
        let name = self.lock().name_of(id);
        let operation = format!("{verb} {name}");
        self.call(operation.clone()).await?;
        Ok(operation)
    }

    fn bring(&self, reference: &str) {
        let mut state = self.lock();
        let image = state.registry.get(reference).cloned().unwrap_or_else(|| plain_image(reference, 0));
        state.images.insert(reference.to_owned(), image);
    }
}

#[async_trait]
impl Engine for FakeEngine {
    async fn info(&self) -> EngineResult<EngineInfo> {
        self.check("info")?;
        Ok(engine_info())
    }

    async fn observe(&self, scope: &Scope) -> EngineResult<Observed> {
        self.check("observe")?;
        let mut observed = self.snapshot();
        let ours = |labels: &std::collections::BTreeMap<String, String>| {
            scope.project.is_none() || labels.get(labels::PROJECT) == scope.project.as_ref()
        };
        observed.containers.retain(|container| ours(&container.labels));
        observed.networks.retain(|network| ours(&network.labels) || scope.network_names.contains(&network.name));
        observed.volumes.retain(|volume| ours(&volume.labels) || scope.volume_names.contains(&volume.name));
        observed.images.retain(|reference, _| scope.images.iter().any(|(wanted, _)| wanted == reference));
        Ok(observed)
    }

    async fn list_containers(&self, filter: &ContainerFilter) -> EngineResult<Vec<Container>> {
        self.check("list")?;
        let wanted = |container: &Container| {
            filter.project.as_ref().is_none_or(|project| container.label(labels::PROJECT) == Some(project))
                && (filter.all || container.is_up())
                && filter.one_off.is_none_or(|one_off| container.is_one_off() == one_off)
                && filter.service.as_ref().is_none_or(|service| container.service() == service)
        };
        let mut containers = self.snapshot().containers;
        containers.retain(wanted);
        Ok(containers)
    }

    async fn inspect_container(&self, id: &str) -> EngineResult<ContainerDetails> {
        let state = self.lock();
        let container = state.find(id, "inspect")?.clone();
        let tty = state.specs.get(&container.id).is_some_and(|spec| spec.service.tty);
        Ok(ContainerDetails {
            container,
            tty,
            started_at: "2026-01-01T00:00:00Z".to_owned(),
            restart_count: 0,
            health_log: None,
            error: String::new(),
        })
    }

    async fn inspect_image(&self, reference: &str, _platform: &str) -> EngineResult<Option<Image>> {
        Ok(self.lock().images.get(reference).cloned())
    }

    async fn image_digest(&self, reference: &str) -> EngineResult<String> {
        let operation = format!("resolve the digest of {reference}");
        self.check(&operation)?;
        let published = self.lock().registry.get(reference).map(|image| image.content_digest.clone());
        published.ok_or_else(|| not_found(&operation, "manifest unknown".to_owned()))
    }

    async fn pull_image(&self, reference: &str, _platform: &str, progress: ProgressSink<'_>) -> EngineResult<()> {
        progress(TransferProgress {
            id: reference.to_owned(),
            text: "Pulling".to_owned(),
            ..TransferProgress::default()
        });
        self.call(format!("pull {reference}")).await?;
        self.bring(reference);
        Ok(())
    }

    async fn build_image(&self, request: BuildRequest<'_>, progress: ProgressSink<'_>) -> EngineResult<String> {
        progress(TransferProgress { id: "1".to_owned(), text: "building".to_owned(), ..TransferProgress::default() });
        self.call(format!("build {}", request.image)).await?;
        self.bring(request.image);
        let mut state = self.lock();
        let image = state.images.get_mut(request.image).expect("just brought");
        image.labels.extend(request.labels.clone());
        Ok(image.id.clone())
    }

    async fn remove_image(&self, reference: &str) -> EngineResult<()> {
        let operation = format!("remove image {reference}");
        self.call(operation.clone()).await?;
        let removed = self.lock().images.remove(reference);
        removed.map(drop).ok_or_else(|| not_found(&operation, format!("No such image: {reference}")))
    }

    async fn create_network(&self, network: &Network) -> EngineResult<String> {
        self.call(format!("create network {}", network.name)).await?;
        let mut state = self.lock();
        let id = state.new_id();
        let made = observed::Network {
            id: id.clone(),
            name: network.name.clone(),
            driver: if network.driver.is_empty() { "bridge".to_owned() } else { network.driver.clone() },
            labels: network.labels.clone(),
        };
        state.networks.entry(network.name.clone()).or_insert(made);
        Ok(id)
    }

    async fn remove_network(&self, id: &str) -> EngineResult<()> {
        let found = self.lock().networks.values().find(|network| network.id == id || network.name == id).cloned();
        let Some(network) = found else {
            return Err(not_found("remove network", format!("network {id} not found")));
        };
        let operation = format!("remove network {}", network.name);
        self.call(operation.clone()).await?;
        let mut state = self.lock();
        let used = |container: &Container| container.is_up() && container.networks.contains_key(&network.name);
        if state.containers.values().any(used) {
            return Err(conflict(&operation, format!("network {} has active endpoints", network.name)));
        }
        state.networks.remove(&network.name);
        Ok(())
    }

    async fn connect_network(&self, network: &str, id: &str, spec: &ContainerSpec) -> EngineResult<()> {
        let operation = format!("connect {} to {network}", self.lock().name_of(id));
        self.call(operation.clone()).await?;
        let mut state = self.lock();
        let Some(found) = state.networks.get(network).cloned() else {
            return Err(not_found(&operation, format!("network {network} not found")));
        };
        let aliases = vec![spec.container.name.clone(), spec.service.name.clone()];
        let endpoint = observed::Endpoint { network_id: found.id, aliases, ..observed::Endpoint::default() };
        state.find_mut(id, &operation)?.networks.insert(network.to_owned(), endpoint);
        Ok(())
    }

    async fn disconnect_network(&self, network: &str, id: &str) -> EngineResult<()> {
        let operation = format!("disconnect {} from {network}", self.lock().name_of(id));
        self.call(operation.clone()).await?;
        self.lock().find_mut(id, &operation)?.networks.remove(network);
        Ok(())
    }

    async fn create_volume(&self, volume: &Volume) -> EngineResult<observed::Volume> {
        self.call(format!("create volume {}", volume.name)).await?;
        let mut state = self.lock();
        let made = observed::Volume {
            name: volume.name.clone(),
            driver: if volume.driver.is_empty() { "local".to_owned() } else { volume.driver.clone() },
            created_at: format!("2026-01-01T00:00:{:02}Z", state.tick()),
            labels: volume.labels.clone(),
        };
        Ok(state.volumes.entry(volume.name.clone()).or_insert(made).clone())
    }

    async fn inspect_volume(&self, name: &str) -> EngineResult<Option<observed::Volume>> {
        Ok(self.lock().volumes.get(name).cloned())
    }

    async fn remove_volume(&self, name: &str) -> EngineResult<()> {
        let operation = format!("remove volume {name}");
        if !self.lock().volumes.contains_key(name) {
            return Err(not_found(&operation, format!("no such volume: {name}")));
        }
        self.call(operation.clone()).await?;
        let mut state = self.lock();
        if state.containers.values().any(|container| container.mounts.iter().any(|mount| mount.name == name)) {
            return Err(conflict(&operation, "volume is in use".to_owned()));
        }
        state.volumes.remove(name);
        Ok(())
    }

    async fn create_container(&self, spec: &ContainerSpec) -> EngineResult<Created> {
        let operation = format!("create {}", spec.create_name);
        self.call(operation.clone()).await?;
        let id = self.lock().create(spec, &operation)?;
        Ok(Created { id, warnings: Vec::new() })
    }

    async fn start_container(&self, id: &str) -> EngineResult<()> {
        let operation = self.on_container("start", id).await?;
        let started = self.lock().start(id, &operation)?;
        if let Some(behaviour) = started {
            let name = self.lock().name_of(id);
            self.live(&name, &behaviour);
        }
        Ok(())
    }

    async fn stop_container(&self, id: &str, _timeout: Option<Duration>) -> EngineResult<()> {
        let operation = self.on_container("stop", id).await?;
        let mut state = self.lock();
        let name = state.find(id, &operation)?.name.clone();
        state.exit(&name, 143);
        Ok(())
    }

    async fn restart_container(&self, id: &str, _timeout: Option<Duration>) -> EngineResult<()> {
        let operation = self.on_container("restart", id).await?;
        let behaviour = {
            let mut state = self.lock();
            let name = state.find(id, &operation)?.name.clone();
            state.exit(&name, 143);
            state.start(id, &operation)?
        };
        let name = self.lock().name_of(id);
        behaviour.into_iter().for_each(|behaviour| self.live(&name, &behaviour));
        Ok(())
    }

    async fn kill_container(&self, id: &str, signal: &str) -> EngineResult<()> {
        let operation = self.on_container("kill", id).await?;
        let mut state = self.lock();
        let container = state.find(id, &operation)?;
        if !container.is_up() {
            return Err(conflict(&operation, format!("container {} is not running", container.id)));
        }
        let name = container.name.clone();
        state.exit(&name, if signal == "SIGTERM" { 143 } else { 137 });
        Ok(())
    }

    async fn remove_container(&self, id: &str, _volumes: bool, force: bool) -> EngineResult<()> {
        if self.lock().find(id, "remove").is_err() {
            return Ok(());
        }
        let operation = self.on_container("remove", id).await?;
        let mut state = self.lock();
        let container = state.find(id, &operation)?.clone();
        if container.is_up() && !force {
            return Err(conflict(&operation, "container is running: stop it or use force".to_owned()));
        }
        state.exit(&container.name, 137);
        state.publish(&container.id, "destroy");
        state.containers.remove(&container.id);
        Ok(())
    }

    async fn rename_container(&self, id: &str, name: &str) -> EngineResult<()> {
        let operation = format!("rename {} to {name}", self.lock().name_of(id));
        self.call(operation.clone()).await?;
        let mut state = self.lock();
        if state.containers.values().any(|container| container.name == name) {
            return Err(conflict(&operation, format!("The container name {name:?} is already in use")));
        }
        name.clone_into(&mut state.find_mut(id, &operation)?.name);
        Ok(())
    }

    async fn pause_container(&self, id: &str) -> EngineResult<()> {
        let operation = self.on_container("pause", id).await?;
        self.lock().find_mut(id, &operation)?.state = ContainerState::Paused;
        Ok(())
    }

    async fn unpause_container(&self, id: &str) -> EngineResult<()> {
        let operation = self.on_container("unpause", id).await?;
        self.lock().find_mut(id, &operation)?.state = ContainerState::Running;
        Ok(())
    }

    async fn wait_container(&self, id: &str) -> EngineResult<i64> {
        let mut events = self.events(None, None).await?;
        let wanted = self.lock().find(id, "wait")?.id.clone();
        while let Some(event) = events.next().await {
            let event = event?;
            if event.id == wanted && event.action == "die" {
                return Ok(event.attributes.get("exitCode").and_then(|code| code.parse().ok()).unwrap_or_default());
            }
        }
        Err(not_found("wait", "the event stream ended".to_owned()))
    }

    async fn put_files(&self, id: &str, files: &[InjectedFile]) -> EngineResult<()> {
        let targets: Vec<&str> = files.iter().map(|file| file.target.as_str()).collect();
        let record = format!("copy {} to {}", targets.join(" "), self.lock().name_of(id));
        self.call(record).await
    }

    async fn logs(
        &self,
        id: &str,
        _tty: bool,
        options: &LogOptions,
    ) -> EngineResult<BoxStream<'static, EngineResult<OutputChunk>>> {
        let (lines, id) = {
            let state = self.lock();
            let container = state.find(id, "read the log")?;
            let behaviour = state.behaviours.get(container.service()).cloned().unwrap_or_default();
            (behaviour.log, container.id.clone())
        };
        let chunk =
            |line: String| Ok(OutputChunk { stream: OutputStream::Stdout, bytes: Bytes::from(format!("{line}\n")) });
        let mut lines: Vec<_> = lines.into_iter().map(chunk).collect();
        if let Some(tail) = options.tail.as_ref().and_then(|tail| tail.parse::<usize>().ok()) {
            lines = lines.split_off(lines.len().saturating_sub(tail));
        }
        let now = stream::iter(lines);
        if !options.follow || !self.lock().find(&id, "")?.is_up() {
            return Ok(now.boxed());
        }
        let ended = self.events(None, None).await?.take_while(move |event| {
            let over = event.as_ref().is_ok_and(|event| event.id == id && event.action == "die");
            std::future::ready(!over)
        });
        Ok(now.chain(ended.filter_map(|_| std::future::ready(None))).boxed())
    }

    async fn exec(&self, id: &str, spec: &ExecSpec) -> EngineResult<ExecSession> {
        let line = spec.command.join(" ");
        let name = self.lock().name_of(id);
        let operation = format!("exec in {name}: {line}");
        self.call(operation.clone()).await?;
        let mut state = self.lock();
        if state.find(id, &operation)?.state != ContainerState::Running {
            return Err(conflict(&operation, format!("container {name} is not running")));
        }
        let scripted = state.commands.iter().find(|(word, ..)| line.contains(word)).cloned();
        let (_, output, code) = scripted.unwrap_or_default();
        let exec_id = state.new_id();
        state.execs.insert(exec_id.clone(), code);
        let chunk = OutputChunk { stream: OutputStream::Stdout, bytes: Bytes::from(output) };
        let output = stream::iter((!chunk.bytes.is_empty()).then_some(Ok(chunk))).boxed();
        Ok(ExecSession { id: exec_id, output, input: None })
    }

    async fn exec_exit_code(&self, exec_id: &str) -> EngineResult<i64> {
        let code = self.lock().execs.get(exec_id).copied();
        code.ok_or_else(|| not_found("inspect command", format!("No such exec instance: {exec_id}")))
    }

    async fn exec_resize(&self, _exec_id: &str, _width: u16, _height: u16) -> EngineResult<()> {
        Ok(())
    }

    async fn events(
        &self,
        project: Option<&str>,
        _since: Option<&str>,
    ) -> EngineResult<BoxStream<'static, EngineResult<ContainerEvent>>> {
        self.check("events")?;
        let (sender, receiver) = mpsc::unbounded_channel();
        self.lock().subscribers.push(sender);
        let project = project.map(str::to_owned);
        let wanted = move |event: &Result<ContainerEvent, EngineError>| {
            let of = |event: &ContainerEvent| event.attributes.get(labels::PROJECT).cloned();
            let keep = event.as_ref().map_or(true, |event| project.is_none() || of(event) == project);
            std::future::ready(keep)
        };
        let events =
            stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|event| (event, receiver)) });
        Ok(events.filter(wanted).boxed())
    }

    async fn client_settings(&self) -> EngineResult<String> {
        Ok("{}".to_owned())
    }

    async fn dial(&self, container: &Container, port: u16) -> EngineResult<Connection> {
        let operation = format!("connect to {}:{port}", container.name);
        self.check(&operation)?;
        if self.lock().find(&container.id, &operation)?.state != ContainerState::Running {
            return Err(not_found(&operation, "container is not running".to_owned()));
        }
        let (near, _far) = tokio::io::duplex(1024);
        Ok(Box::new(near))
    }
}
