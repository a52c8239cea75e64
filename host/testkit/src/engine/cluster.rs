//! The state as a whole, and the operations that change it.

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use windlass_model::project::{Network, Volume};
use windlass_plan::labels;
use windlass_plan::observed::{self, Container, ContainerState, EngineInfo, Observed};
use windlass_plan::step::{ContainerSpec, StopTimeout};
use windlass_runtime::engine::{Cluster, ContainerEvent, Created, EngineResult, Scope};

use super::images::suits;
use super::state::engine_info;
use super::{FakeEngine, conflict, in_use, not_found};

#[async_trait]
impl Cluster for FakeEngine {
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
        let images = self.lock().images.clone();
        for (reference, platform) in &scope.images {
            if let Some(image) = images.get(reference).filter(|image| suits(image, platform)) {
                observed.images.insert(reference, platform, image.clone());
            }
        }
        Ok(observed)
    }

    async fn events(
        &self,
        project: Option<&str>,
        since: Option<&str>,
    ) -> EngineResult<BoxStream<'static, EngineResult<ContainerEvent>>> {
        self.read("events")?;
        Ok(self.subscribe(project, since))
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
            return Err(in_use(&operation, format!("network {} has active endpoints", network.name)));
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
            return Err(in_use(&operation, "volume is in use".to_owned()));
        }
        state.volumes.remove(name);
        Ok(())
    }

    async fn create_container(&self, spec: &ContainerSpec) -> EngineResult<Created> {
        let operation = format!("create {}", spec.create_name);
        self.call(operation.clone()).await?;
        let id = self.lock().create(spec, &operation)?;
        self.answered(&operation)?;
        Ok(Created { id, warnings: Vec::new() })
    }

    async fn start_container(&self, id: &str) -> EngineResult<()> {
        let operation = self.on_container("start", id).await?;
        let started = self.lock().start(id, &operation)?;
        if let Some(first) = started {
            self.live(id, first);
        }
        Ok(())
    }

    async fn stop_container(&self, id: &str, _timeout: Option<StopTimeout>) -> EngineResult<()> {
        if self.lock().find(id, "stop").is_err() {
            return Ok(());
        }
        let operation = self.on_container("stop", id).await?;
        let mut state = self.lock();
        let name = state.find(id, &operation)?.name.clone();
        state.exit(&name, 143);
        Ok(())
    }

    async fn restart_container(&self, id: &str, _timeout: Option<StopTimeout>) -> EngineResult<()> {
        let operation = self.on_container("restart", id).await?;
        let first = {
            let mut state = self.lock();
            let name = state.find(id, &operation)?.name.clone();
            state.exit(&name, 143);
            state.start(id, &operation)?
        };
        first.into_iter().for_each(|first| self.live(id, first));
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
        let container = state.find_mut(id, &operation)?;
        name.clone_into(&mut container.name);
        let id = container.id.clone();
        state.publish(&id, "rename");
        Ok(())
    }

    fn parallel(&self) -> usize {
        self.lock().at_once.unwrap_or(usize::MAX)
    }

    async fn pause_container(&self, id: &str) -> EngineResult<()> {
        let operation = self.on_container("pause", id).await?;
        self.lock().freeze(id, &operation, ContainerState::Paused)
    }

    async fn unpause_container(&self, id: &str) -> EngineResult<()> {
        let operation = self.on_container("unpause", id).await?;
        self.lock().freeze(id, &operation, ContainerState::Running)
    }
}
