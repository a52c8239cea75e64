//! Records, kept as labelled empty volumes: they go with `down -v`, and need no database.

use async_trait::async_trait;
use windlass_model::project::Volume;
use windlass_plan::observed;
use windlass_runtime::engine::{Cluster as _, EngineResult, Record, Store};

use super::DockerEngine;

#[async_trait]
impl Store for DockerEngine {
    async fn get_record(&self, name: &str) -> EngineResult<Option<Record>> {
        Ok(self.volume(name).await?.map(record))
    }

    async fn list_records(&self, label: &str, value: &str) -> EngineResult<Vec<Record>> {
        Ok(self.labelled_volumes(label, value).await?.into_iter().map(record).collect())
    }

    async fn put_record(&self, record: &Record) -> EngineResult<Record> {
        // The engine answers with the volume that has the name, whoever made it.
        let (name, labels) = (record.name.clone(), record.labels.clone());
        self.create_volume(&Volume { name, labels, ..Volume::default() }).await.map(self::record)
    }

    async fn remove_record(&self, name: &str) -> EngineResult<()> {
        self.remove_volume(name).await
    }
}

fn record(volume: observed::Volume) -> Record {
    Record { name: volume.name, labels: volume.labels, created_at: volume.created_at }
}
