//! Volumes: make, remove.

use windlass_model::project::Volume;

use super::context::Context;
use crate::engine::EngineResult;

pub(super) async fn create(context: &Context, volume: &Volume) -> EngineResult<()> {
    context.run.execution.engine.create_volume(volume).await.map(drop)
}

pub(super) async fn remove(context: &Context, name: &str) -> EngineResult<()> {
    context.run.execution.engine.remove_volume(name).await
}
