//! Records, kept as an engine of containers keeps them: as empty volumes.

use async_trait::async_trait;
use windlass_model::project::Volume;
use windlass_plan::observed;
use windlass_runtime::engine::{Cluster as _, EngineErrorKind, EngineResult, Record, Store};

use super::FakeEngine;

#[async_trait]
impl Store for FakeEngine {
    async fn get_record(&self, name: &str) -> EngineResult<Option<Record>> {
        Ok(self.inspect_volume(name).await?.map(record))
    }

    async fn list_records(&self, label: &str, value: &str) -> EngineResult<Vec<Record>> {
        self.check("list records")?;
        let volumes = self.snapshot().volumes.into_iter();
        Ok(volumes.filter(|volume| volume.labels.get(label).is_some_and(|own| own == value)).map(record).collect())
    }

    async fn put_record(&self, record: &Record) -> EngineResult<Record> {
        let (name, labels) = (record.name.clone(), record.labels.clone());
        self.create_volume(&Volume { name, labels, ..Volume::default() }).await.map(self::record)
    }

    async fn remove_record(&self, name: &str) -> EngineResult<()> {
        match self.remove_volume(name).await {
            Err(error) if error.kind != EngineErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn record(volume: observed::Volume) -> Record {
    Record { name: volume.name, labels: volume.labels, created_at: volume.created_at }
}
