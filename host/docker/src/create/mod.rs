//! From a `ContainerSpec` to the engine's create request, as a pure function.
//!
//! What needs the engine or the disk first (inherited mounts, seccomp files) arrives in `Facts`, so that the mapping of
//! every attribute can be tested as data.

use std::collections::BTreeMap;

use bollard::models::{ContainerCreateBody, EndpointSettings, NetworkingConfig};
use windlass_plan::observed::EngineInfo;
use windlass_plan::step::ContainerSpec;
use windlass_runtime::engine::{EngineError, EngineResult};

use crate::error::{plain, unsupported};

mod config;
mod devices;
mod host;
mod links;
mod mounts;
mod network;
mod resources;
mod security;

pub(crate) use mounts::Inherited;
pub(crate) use network::endpoint_settings;
pub(crate) use security::read_profiles;

/// What the mapping needs besides the specification.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// The engine.
    pub(crate) engine: EngineInfo,
    /// Proxy variables of Docker's settings; the service's own win.
    pub(crate) proxies: BTreeMap<String, String>,
    /// Seccomp profiles by their path in `security_opt`, compact JSON.
    pub(crate) profiles: BTreeMap<String, String>,
    /// Anonymous volumes of the container that this one replaces.
    pub(crate) inherited: Vec<Inherited>,
}

/// A create request, and what has to follow it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CreateRequest {
    /// `?name=`.
    pub(crate) name: String,
    /// `?platform=`; empty: the engine's.
    pub(crate) platform: String,
    /// Body.
    pub(crate) body: ContainerCreateBody,
    /// `Config.MacAddress`, which engines before API 1.44 read instead of the endpoint's. Not in bollard's model.
    pub(crate) mac_address: Option<String>,
    /// Networks to connect afterwards, one by one (engines before API 1.44 take one at creation).
    pub(crate) connect_later: Vec<(String, EndpointSettings)>,
}

/// API version from which creation takes several endpoints and their MAC addresses.
const MANY_ENDPOINTS: (u32, u32) = (1, 44);

/// Maps a specification to the engine's request.
///
/// # Errors
/// `Unsupported` for attributes that the engine is too old for; `Other` for values that the engine would misread.
pub(crate) fn create_body(spec: &ContainerSpec, facts: &Facts) -> EngineResult<CreateRequest> {
    let context = Context { spec, facts };
    let mut endpoints = network::endpoints(&context)?;
    let at_once = if context.at_least(MANY_ENDPOINTS) { endpoints.len() } else { 1 };
    let connect_later = endpoints.split_off(at_once.min(endpoints.len()));
    let mac_address = endpoints
        .first()
        .filter(|_| !context.at_least(MANY_ENDPOINTS))
        .and_then(|(_, settings)| settings.mac_address.clone());
    let networking =
        (!endpoints.is_empty()).then(|| NetworkingConfig { endpoints_config: Some(endpoints.into_iter().collect()) });
    let body = ContainerCreateBody {
        host_config: Some(host::host_config(&context)?),
        networking_config: networking,
        ..config::config(&context)?
    };
    Ok(CreateRequest {
        name: spec.create_name.clone(),
        platform: spec.platform.clone(),
        body,
        mac_address,
        connect_later,
    })
}

/// The specification with the facts: what every part of the mapping reads.
struct Context<'a> {
    spec: &'a ContainerSpec,
    facts: &'a Facts,
}

impl Context<'_> {
    fn service(&self) -> &windlass_model::project::Service {
        &self.spec.service
    }

    fn at_least(&self, api: (u32, u32)) -> bool {
        self.facts.engine.api_version >= api
    }

    /// Refuses an attribute that the engine is too old for.
    fn need(&self, attribute: &str, api: (u32, u32), engine: &str) -> EngineResult<()> {
        if self.at_least(api) {
            return Ok(());
        }
        let (major, minor) = self.facts.engine.api_version;
        Err(EngineError {
            hint: Some(format!("upgrade the engine, or remove `{attribute}` of service `{}`", self.service().name)),
            ..unsupported(
                self.operation(),
                format!(
                    "`{attribute}` needs Docker Engine {engine} or later (API {}.{}), this engine has API {major}.{minor}",
                    api.0, api.1
                ),
            )
        })
    }

    fn invalid(&self, message: impl Into<String>) -> EngineError {
        plain(self.operation(), message)
    }

    fn operation(&self) -> String {
        format!("create container {}", self.spec.create_name)
    }

    /// The container that `service:X` stands for: its id, or its name while it has none.
    fn peer(&self, service: &str, purpose: &str) -> EngineResult<String> {
        let container = self.spec.peers.get(service).and_then(|containers| containers.first());
        container
            .map(|found| found.id.clone().unwrap_or_else(|| found.name.clone()))
            .ok_or_else(|| self.invalid(format!("cannot share {purpose} with service {service}: container missing")))
    }

    /// `service:X` as `container:<id>`; any other mode as it is.
    fn namespace(&self, mode: &str, purpose: &str) -> EngineResult<Option<String>> {
        match mode.strip_prefix("service:") {
            Some(service) => Ok(Some(format!("container:{}", self.peer(service, purpose)?))),
            None => Ok((!mode.is_empty()).then(|| mode.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests;
