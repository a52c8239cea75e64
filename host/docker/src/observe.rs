//! The snapshot: one list each of containers, networks and volumes, and the images asked for, all at once.

use futures_util::future::{join_all, try_join_all};
use serde_json::json;
use windlass_plan::labels;
use windlass_plan::observed::{self, Container, EngineInfo, Image, LocalImages, Observed};
use windlass_runtime::engine::{ContainerFilter, EngineErrorKind, EngineResult, Scope};

use crate::convert::container::Row;
use crate::convert::image;
use crate::convert::resources::{NetworkRow, VolumeList, VolumeRow};
use crate::engine::DockerEngine;

impl DockerEngine {
    pub(crate) async fn snapshot(&self, scope: &Scope) -> EngineResult<Observed> {
        let filter = ContainerFilter { project: scope.project.clone(), all: true, one_off: None, service: None };
        let (engine, containers, networks, volumes, images) = tokio::try_join!(
            self.engine_info(),
            self.containers(&filter),
            self.networks(scope),
            self.volumes(scope),
            self.images(&scope.images),
        )?;
        Ok(Observed { containers, networks, volumes, images, engine })
    }

    pub(crate) async fn engine_info(&self) -> EngineResult<EngineInfo> {
        let api = self.api().await?;
        Ok(EngineInfo {
            version: api.ping.engine.clone(),
            api_version: api.ping.api,
            os: api.ping.os.clone(),
            architecture: self.architecture(api).await?,
            swarm: api.ping.swarm,
        })
    }

    pub(crate) async fn containers(&self, filter: &ContainerFilter) -> EngineResult<Vec<Container>> {
        let mut wanted = Vec::new();
        match &filter.project {
            Some(project) => wanted.push(format!("{}={project}", labels::PROJECT)),
            None => wanted.push(labels::PROJECT.to_owned()),
        }
        if let Some(one_off) = filter.one_off {
            wanted.push(format!("{}={}", labels::ONE_OFF, if one_off { "True" } else { "False" }));
        }
        if let Some(service) = &filter.service {
            wanted.push(format!("{}={service}", labels::SERVICE));
        }
        let filters = json!({ "label": wanted }).to_string();
        let all = if filter.all { "1" } else { "0" };
        let rows: Vec<Row> =
            self.get("list containers", "/containers/json", &[("all", all), ("filters", &filters)]).await?;
        // The engine cannot be asked for either of two labels: containers of services carry the hash, those of hooks do not.
        let ours = |container: &Container| {
            filter.project.is_none()
                || container.labels.contains_key(labels::CONFIG_HASH)
                || (filter.one_off.is_none() && container.is_hook())
        };
        let mut containers: Vec<Container> = rows.into_iter().map(Container::from).filter(ours).collect();
        containers.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(containers)
    }

    async fn networks(&self, scope: &Scope) -> EngineResult<Vec<observed::Network>> {
        let own = scope.project.iter().map(|project| json!({ "label": [format!("{}={project}", labels::PROJECT)] }));
        // A filter by name matches parts of names; the exact ones are picked below.
        let named = (!scope.network_names.is_empty()).then(|| json!({ "name": scope.network_names }));
        let lists = own.chain(named).map(|filters| async move {
            let rows: Vec<NetworkRow> =
                self.get("list networks", "/networks", &[("filters", &filters.to_string())]).await?;
            Ok(rows)
        });
        let mut networks: Vec<observed::Network> = Vec::new();
        for row in try_join_all(lists).await?.into_iter().flatten() {
            let network = observed::Network::from(row);
            let ours = scope.project.as_deref() == network.labels.get(labels::PROJECT).map(String::as_str)
                && scope.project.is_some();
            let wanted =
                ours || scope.network_names.contains(&network.name) || scope.network_names.contains(&network.id);
            if wanted && !networks.iter().any(|known| known.id == network.id) {
                networks.push(network);
            }
        }
        networks.sort_by(|left, right| (&left.name, &left.id).cmp(&(&right.name, &right.id)));
        Ok(networks)
    }

    async fn volumes(&self, scope: &Scope) -> EngineResult<Vec<observed::Volume>> {
        let mut volumes: Vec<observed::Volume> = Vec::new();
        if let Some(project) = &scope.project {
            volumes = self.labelled_volumes(labels::PROJECT, project).await?;
        }
        let unseen = scope.volume_names.iter().filter(|name| !volumes.iter().any(|volume| volume.name == **name));
        let found = try_join_all(unseen.map(|name| self.volume(name))).await?;
        volumes.extend(found.into_iter().flatten());
        volumes.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(volumes)
    }

    /// Volumes that carry a label with this value.
    pub(crate) async fn labelled_volumes(&self, label: &str, value: &str) -> EngineResult<Vec<observed::Volume>> {
        let filters = json!({ "label": [format!("{label}={value}")] }).to_string();
        let list: VolumeList = self.get("list volumes", "/volumes", &[("filters", &filters)]).await?;
        Ok(list.volumes.into_iter().map(observed::Volume::from).collect())
    }

    pub(crate) async fn volume(&self, name: &str) -> EngineResult<Option<observed::Volume>> {
        let path = format!("/volumes/{}", crate::api::percent_encode(name));
        match self.get::<VolumeRow>(&format!("inspect volume {name}"), &path, &[]).await {
            Ok(row) => Ok(Some(row.into())),
            Err(error) if error.kind == EngineErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn images(&self, wanted: &[(String, String)]) -> EngineResult<LocalImages> {
        let asked = wanted.iter().map(|(reference, platform)| async move {
            self.image(reference, platform).await.map(|image| (reference, platform, image))
        });
        let mut found = LocalImages::default();
        for answer in join_all(asked).await {
            if let (reference, platform, Some(image)) = answer? {
                found.insert(reference, platform, image);
            }
        }
        Ok(found)
    }

    pub(crate) async fn image(&self, reference: &str, platform: &str) -> EngineResult<Option<Image>> {
        let api = self.api().await?;
        let query: &[(&str, &str)] = if api.at_least(1, 48) { &[("manifests", "1")] } else { &[] };
        let path = format!("/images/{reference}/json");
        let own = format!("{}/{}", api.ping.os, self.architecture(api).await?);
        match self.get::<image::Inspection>(&format!("inspect image {reference}"), &path, query).await {
            Ok(found) => Ok(found.for_platform(platform, &own)),
            Err(error) if error.kind == EngineErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
