//! Volumes: make, remove.

use sha2::{Digest as _, Sha256};
use windlass_model::hash::hex;
use windlass_model::project::Volume;
use windlass_plan::labels;

use super::context::Context;
use crate::engine::EngineResult;

pub(super) async fn create(context: &Context, volume: &Volume) -> EngineResult<()> {
    let mut volume = volume.clone();
    volume.labels.insert(labels::VOLUME_ID.to_owned(), new_id(context, &volume.name));
    context.run.execution.engine.create_volume(&volume).await.map(drop)
}

/// An id that no other volume has: no two runs share their id, and no two steps of one run.
fn new_id(context: &Context, name: &str) -> String {
    let text = format!("{} {} {name}", context.run.execution.options.run_id, context.id.0);
    let mut id = hex(&Sha256::digest(text));
    id.truncate(32);
    id
}

pub(super) async fn remove(context: &Context, name: &str) -> EngineResult<()> {
    context.run.execution.engine.remove_volume(name).await
}
