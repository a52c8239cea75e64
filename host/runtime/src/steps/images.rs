//! Images: pull, build, remove.

use std::collections::BTreeMap;

use windlass_model::project::Service;
use windlass_plan::step::BuildOptions;

use super::context::Context;
use crate::engine::{BuildRequest, EngineResult, TransferProgress};
use crate::event::Event;

pub(super) async fn pull(context: &Context, image: &str, platform: &str) -> EngineResult<()> {
    context.run.execution.engine.pull_image(image, platform, &progress(context)).await
}

/// What the engine builds, from the parts of the action.
pub(super) fn request<'a>(
    image: &'a str,
    service: &'a Service,
    labels: &'a BTreeMap<String, String>,
    options: &'a BuildOptions,
) -> BuildRequest<'a> {
    BuildRequest { image, service, labels, options }
}

pub(super) async fn build(context: &Context, request: BuildRequest<'_>) -> EngineResult<()> {
    context.run.execution.engine.build_image(request, &progress(context)).await.map(drop)
}

pub(super) async fn remove(context: &Context, image: &str) -> EngineResult<()> {
    context.run.execution.engine.remove_image(image).await
}

fn progress(context: &Context) -> impl Fn(TransferProgress) + Send + Sync {
    |progress| context.emit(Event::Transfer(context.id, progress))
}
