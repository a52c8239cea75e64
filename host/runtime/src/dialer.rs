//! The way from a plugin to a service of the project.

use std::sync::Arc;

use async_trait::async_trait;
use windlass_model::Project;

use crate::engine::{Connection, ContainerFilter, Engine, EngineError, EngineErrorKind, Relay};
use crate::hooks::Dialer;

/// Dials containers of one project by service and replica number.
pub struct ProjectDialer {
    engine: Arc<dyn Engine>,
    project: String,
    relay: Relay,
}

impl ProjectDialer {
    /// A dialer for a project.
    #[must_use]
    pub fn new(engine: Arc<dyn Engine>, project: &Project) -> Self {
        Self { engine, project: project.name.clone(), relay: relay(project) }
    }
}

/// What the project says about relays.
fn relay(project: &Project) -> Relay {
    let attachments = project.services.values().flat_map(|service| service.networks.values().flatten());
    let addresses = attachments.map(|attachment| &attachment.ipv4_address).filter(|address| !address.is_empty());
    Relay {
        project: project.name.clone(),
        image: project.windlass.relay.image.clone(),
        keep_free: addresses.cloned().collect(),
    }
}

#[async_trait]
impl Dialer for ProjectDialer {
    async fn dial(&self, service: &str, number: u32, port: u16) -> Result<Connection, EngineError> {
        // Listed for every connection: a restarted container has another address.
        let filter = ContainerFilter {
            project: Some(self.project.clone()),
            all: false,
            one_off: Some(false),
            service: Some(service.to_owned()),
        };
        let mut containers = self.engine.list_containers(&filter).await?;
        containers.retain(windlass_plan::observed::Container::is_replica);
        containers.sort_by_key(windlass_plan::observed::Container::number);
        let exact = containers.iter().find(|container| container.number() == number);
        let Some(container) = exact.or_else(|| containers.first().filter(|_| number <= 1)) else {
            return Err(EngineError {
                operation: format!("connect to {service}:{port}"),
                message: format!("no container of service {service} runs"),
                kind: EngineErrorKind::NotFound,
                hint: None,
            });
        };
        self.engine.dial(container, port, &self.relay).await
    }
}
