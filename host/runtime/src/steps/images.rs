//! Images: pull, build, remove.

use super::context::Context;
use crate::engine::{BuildRequest, EngineResult, TransferProgress};
use crate::event::Event;

pub(super) async fn pull(context: &Context, image: &str, platform: &str, quiet: bool) -> EngineResult<()> {
    context.run.execution.engine.pull_image(image, platform, &progress(context, quiet)).await
}

pub(super) async fn build(context: &Context, request: BuildRequest<'_>) -> EngineResult<()> {
    let quiet = request.options.quiet;
    context.run.execution.engine.build_image(request, &progress(context, quiet)).await.map(drop)
}

pub(super) async fn remove(context: &Context, image: &str) -> EngineResult<()> {
    context.run.execution.engine.remove_image(image).await
}

/// Turns progress into events; a quiet transfer makes none, so that no way of output has to know of it.
fn progress(context: &Context, quiet: bool) -> impl Fn(TransferProgress) + Send + Sync {
    move |progress| {
        if !quiet {
            context.emit(Event::Transfer(context.id, progress));
        }
    }
}
