//! The state as a whole, and the operations that change it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bollard::errors::Error;
use bollard::models::{ContainerCreateResponse, EndpointSettings, NetworkConnectRequest, NetworkDisconnectRequest};
use bollard::query_parameters::{
    CreateContainerOptions, RemoveContainerOptions, RemoveVolumeOptions, RenameContainerOptions,
    RestartContainerOptions, StopContainerOptions, WaitContainerOptions,
};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use hyper::Method;
use serde_json::{Value as Json, json};
use windlass_model::project::{Network, Volume};
use windlass_plan::labels;
use windlass_plan::observed::{self, EngineInfo, Observed};
use windlass_plan::step::{ContainerSpec, StopTimeout};
use windlass_runtime::engine::{Cluster, ContainerEvent, Created, EngineErrorKind, EngineResult, Scope};

use super::{DockerEngine, unless};
use crate::convert::resources::{VolumeRow, network_request, volume_request};
use crate::create::{self, CreateRequest, Facts, Inherited};
use crate::error::engine_error;
use crate::{api, own_requests};

impl DockerEngine {
    /// Anonymous volumes that the new container takes over: what the image or the service declares at their path.
    async fn inherited(&self, spec: &ContainerSpec) -> EngineResult<Vec<Inherited>> {
        let Some(old) = &spec.inherit_from else { return Ok(Vec::new()) };
        let (image, details) = tokio::try_join!(self.image(&spec.image, ""), self.inspection(old))?;
        let declared = image.map(|image| image.volumes).unwrap_or_default();
        let anonymous =
            |target: &str| spec.service.volumes.iter().any(|mount| mount.source.is_empty() && mount.target == target);
        let named =
            |target: &str| spec.service.volumes.iter().any(|mount| !mount.source.is_empty() && mount.target == target);
        let points = details.mount_points().into_iter().filter(|mount| mount.kind == "volume");
        let kept = points.filter(|mount| {
            !named(&mount.destination) && (declared.contains(&mount.destination) || anonymous(&mount.destination))
        });
        Ok(kept
            .map(|mount| Inherited {
                source: mount.name,
                target: mount.destination,
                volume: true,
                read_only: !mount.writable,
            })
            .collect())
    }

    /// Waits until a container is gone that is being removed.
    async fn removed(&self, id: &str) -> EngineResult<()> {
        let options = WaitContainerOptions { condition: "removed".to_owned() };
        match self.docker().await?.wait_container(id, Some(options)).next().await {
            // A container that ended with a code is an error to bollard.
            None | Some(Ok(_) | Err(Error::DockerContainerWaitError { .. })) => Ok(()),
            Some(Err(error)) => {
                let failed = engine_error(format!("remove container {id}"), &error);
                unless(Err(failed), &[EngineErrorKind::NotFound])
            }
        }
    }

    async fn connect_endpoint(&self, network: &str, id: &str, settings: EndpointSettings) -> EngineResult<()> {
        let request = NetworkConnectRequest { container: id.to_owned(), endpoint_config: Some(settings) };
        let operation = format!("connect container {id} to network {network}");
        let docker = self.docker().await?;
        self.call(operation, docker.connect_network(network, request)).await
    }

    /// The engine's answer to a create request.
    async fn create(&self, request: CreateRequest) -> EngineResult<(ContainerCreateResponse, Later)> {
        let operation = format!("create container {}", request.name);
        let CreateRequest { name, platform, body, mac_address, connect_later } = request;
        let api = self.api().await?;
        let made = match mac_address {
            None => {
                let options = CreateContainerOptions { name: Some(name), platform };
                self.call(operation, api.docker().create_container(Some(options), body)).await?
            }
            Some(address) => {
                let own = own_requests::create_with_mac_address(api, (&name, &platform), &body, &address);
                self.call(operation, own).await?
            }
        };
        Ok((made, connect_later))
    }
}

/// Networks to connect once the container is there.
type Later = Vec<(String, EndpointSettings)>;

fn seconds(timeout: Option<StopTimeout>) -> Option<i32> {
    // For the engine, -1 is no limit.
    timeout.map(|timeout| match timeout {
        StopTimeout::Never => -1,
        StopTimeout::After(limit) => i32::try_from(limit.as_secs()).unwrap_or(i32::MAX),
    })
}

fn event(line: &Json) -> ContainerEvent {
    let attributes: BTreeMap<String, String> = line["Actor"]["Attributes"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    ContainerEvent {
        id: line["Actor"]["ID"].as_str().unwrap_or_default().to_owned(),
        action: line["Action"].as_str().unwrap_or_default().to_owned(),
        attributes,
        time_nano: line["timeNano"].as_i64().unwrap_or_default(),
    }
}

#[async_trait]
impl Cluster for DockerEngine {
    async fn info(&self) -> EngineResult<EngineInfo> {
        self.engine_info().await
    }

    async fn observe(&self, scope: &Scope) -> EngineResult<Observed> {
        self.snapshot(scope).await
    }

    async fn events(
        &self,
        project: Option<&str>,
        since: Option<&str>,
    ) -> EngineResult<BoxStream<'static, EngineResult<ContainerEvent>>> {
        let label =
            project.map_or_else(|| labels::PROJECT.to_owned(), |project| format!("{}={project}", labels::PROJECT));
        let filters = json!({ "type": ["container"], "label": [label] }).to_string();
        let mut query = vec![("filters", filters.as_str())];
        if let Some(since) = since {
            query.push(("since", since));
        }
        let api = self.api().await?;
        let answer = api.send(Method::GET, "/events", &query, api::empty()).await;
        let answer = answer.map_err(|error| engine_error("subscribe to events", &error))?;
        Ok(api::json_lines::<Json>(answer)
            .map(|line| line.map(|line| event(&line)).map_err(|error| engine_error("read events", &error)))
            .boxed())
    }

    async fn create_network(&self, network: &Network) -> EngineResult<String> {
        let operation = format!("create network {}", network.name);
        let api = self.api().await?;
        let request = network_request(network, api.ping.api);
        let ask = async || {
            if api.at_least(1, 44) {
                self.call(&operation, api.docker().create_network(request.clone())).await
            } else {
                self.call(&operation, own_requests::create_network_once(api, &request)).await
            }
        };
        let mut made = ask().await;
        if matches!(&made, Err(error) if error.kind == EngineErrorKind::Unanswered) {
            // Asked again, the engine makes it, or says that it is there.
            made = ask().await;
        }
        match made {
            Ok(answer) => Ok(answer.id),
            Err(error) if error.kind == EngineErrorKind::Conflict => {
                let found = api.docker().inspect_network(&network.name, None);
                Ok(self.call(operation, found).await?.id.unwrap_or_default())
            }
            Err(error) => Err(error),
        }
    }

    async fn remove_network(&self, id: &str) -> EngineResult<()> {
        let docker = self.docker().await?;
        let remove = || self.removal(format!("remove network {id}"), || docker.remove_network(id));
        let done = match remove().await {
            // A relay of a run that was killed may be all that holds it.
            Err(error) if error.kind == EngineErrorKind::InUse && self.clear_network(id).await? => remove().await,
            done => done,
        };
        unless(done, &[EngineErrorKind::NotFound])
    }

    async fn connect_network(&self, network: &str, id: &str, spec: &ContainerSpec) -> EngineResult<()> {
        let info = self.engine_info().await?;
        let settings = create::endpoint_settings(spec, network, &info)?;
        self.connect_endpoint(network, id, settings).await
    }

    async fn disconnect_network(&self, network: &str, id: &str) -> EngineResult<()> {
        let request = NetworkDisconnectRequest { container: id.to_owned(), force: Some(true) };
        let operation = format!("disconnect container {id} from network {network}");
        let docker = self.docker().await?;
        unless(self.call(operation, docker.disconnect_network(network, request)).await, &[EngineErrorKind::NotFound])
    }

    async fn create_volume(&self, volume: &Volume) -> EngineResult<observed::Volume> {
        let operation = format!("create volume {}", volume.name);
        let api = self.api().await?;
        let row: VolumeRow = self.call(operation, api.post("/volumes/create", &[], &volume_request(volume))).await?;
        Ok(row.into())
    }

    async fn inspect_volume(&self, name: &str) -> EngineResult<Option<observed::Volume>> {
        self.volume(name).await
    }

    async fn remove_volume(&self, name: &str) -> EngineResult<()> {
        let docker = self.docker().await?;
        let remove = || docker.remove_volume(name, None::<RemoveVolumeOptions>);
        let done = self.removal(format!("remove volume {name}"), remove).await;
        unless(done, &[EngineErrorKind::NotFound])
    }

    async fn create_container(&self, spec: &ContainerSpec) -> EngineResult<Created> {
        let facts = Facts {
            engine: self.engine_info().await?,
            proxies: self.proxies(),
            profiles: create::read_profiles(spec)?,
            inherited: self.inherited(spec).await?,
        };
        let (made, later) = self.create(create::create_body(spec, &facts)?).await?;
        for (network, settings) in later {
            if let Err(error) = self.connect_endpoint(&network, &made.id, settings).await {
                // Nothing half-made stays; the first error is the one that matters.
                drop(self.remove_container(&made.id, true, true).await);
                return Err(error);
            }
        }
        let warnings = made.warnings.iter().map(|warning| warning.trim().to_owned()).collect();
        Ok(Created { id: made.id, warnings })
    }

    async fn start_container(&self, id: &str) -> EngineResult<()> {
        let docker = self.docker().await?;
        self.call(format!("start container {id}"), docker.start_container(id, None)).await
    }

    async fn stop_container(&self, id: &str, timeout: Option<StopTimeout>) -> EngineResult<()> {
        let options = StopContainerOptions { signal: None, t: seconds(timeout) };
        let docker = self.docker().await?;
        let done = self.call(format!("stop container {id}"), docker.stop_container(id, Some(options))).await;
        unless(done, &[EngineErrorKind::NotFound])
    }

    async fn restart_container(&self, id: &str, timeout: Option<StopTimeout>) -> EngineResult<()> {
        let options = RestartContainerOptions { signal: None, t: seconds(timeout) };
        let docker = self.docker().await?;
        self.call(format!("restart container {id}"), docker.restart_container(id, Some(options))).await
    }

    async fn remove_container(&self, id: &str, volumes: bool, force: bool) -> EngineResult<()> {
        let options = RemoveContainerOptions { v: volumes, force, link: false };
        let docker = self.docker().await?;
        let remove = || docker.remove_container(id, Some(options.clone()));
        let done = self.removal(format!("remove container {id}"), remove).await;
        match done {
            // Somebody else removes it; it holds its name and ports until that is done.
            Err(error) if error.kind == EngineErrorKind::BeingRemoved => self.removed(id).await,
            done => unless(done, &[EngineErrorKind::NotFound]),
        }
    }

    async fn rename_container(&self, id: &str, name: &str) -> EngineResult<()> {
        let options = RenameContainerOptions { name: name.to_owned() };
        let docker = self.docker().await?;
        self.call(format!("rename container {id} to {name}"), docker.rename_container(id, options)).await
    }

    fn parallel(&self) -> usize {
        self.parallel
    }

    async fn pause_container(&self, id: &str) -> EngineResult<()> {
        let docker = self.docker().await?;
        self.call(format!("pause container {id}"), docker.pause_container(id)).await
    }

    async fn unpause_container(&self, id: &str) -> EngineResult<()> {
        let docker = self.docker().await?;
        self.call(format!("unpause container {id}"), docker.unpause_container(id)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_limit_is_minus_one_for_the_engine() {
        let after = |seconds| Some(StopTimeout::After(std::time::Duration::from_secs(seconds)));
        let asked = [None, after(0), after(9), Some(StopTimeout::Never)].map(seconds);
        assert_eq!(asked, [None, Some(0), Some(9), Some(-1)]);
    }
}
