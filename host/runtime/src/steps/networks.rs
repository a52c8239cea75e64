//! Networks: make, remove, attach, detach.

use windlass_model::project::Network;
use windlass_plan::step::{ContainerRef, ContainerSpec};

use super::context::Context;
use crate::engine::EngineResult;

pub(super) async fn create(context: &Context, network: &Network) -> EngineResult<()> {
    context.run.execution.engine.create_network(network).await.map(drop)
}

pub(super) async fn remove(context: &Context, id: &str) -> EngineResult<()> {
    context.run.execution.engine.remove_network(id).await
}

pub(super) async fn connect(
    context: &Context,
    network: &str,
    container: &ContainerRef,
    spec: &ContainerSpec,
) -> EngineResult<()> {
    let containers = &context.run.containers;
    let spec = containers.with_peers(spec);
    context.run.execution.engine.connect_network(network, &containers.resolve(container), &spec).await
}

pub(super) async fn disconnect(context: &Context, network: &str, container: &ContainerRef) -> EngineResult<()> {
    let id = context.run.containers.resolve(container);
    context.run.execution.engine.disconnect_network(network, &id).await
}
