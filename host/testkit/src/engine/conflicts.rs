//! What the fake engine refuses to give to two containers.

use std::collections::BTreeMap;
use std::net::IpAddr;

use windlass_plan::claims::Claim;
use windlass_plan::observed::Container;
use windlass_plan::step::ContainerSpec;
use windlass_runtime::engine::{EngineError, EngineErrorKind, EngineResult};

use super::state::State;

impl State {
    /// Refuses a start that needs a port or a static address which another container has that is up.
    pub(super) fn refuse_conflicts(&self, id: &str, operation: &str) -> EngineResult<()> {
        let Some(spec) = self.specs.get(id) else { return Ok(()) };
        let wanted = wanted(spec);
        let others = self.containers.values().filter(|other| other.id != id && other.is_up());
        let taken = others.flat_map(taken).find(|taken| wanted.iter().any(|claim| claim.overlaps(taken)));
        taken.map_or(Ok(()), |claim| Err(refusal(operation, &claim)))
    }
}

/// Ports and static addresses that a container asks for when it starts; a range of ports is left out, for any of it will do.
fn wanted(spec: &ContainerSpec) -> Vec<Claim> {
    let ports = spec.service.ports.iter().filter_map(|port| {
        let number = port.published.parse().ok()?;
        Some(claim(&port.host_ip, &port.protocol, number))
    });
    let addresses = addresses(spec)
        .into_iter()
        .filter_map(|(network, address)| Some(Claim::Address { network, address: address.parse().ok()? }));
    ports.chain(addresses).collect()
}

/// Static IPv4 addresses by the engine's name of the network.
pub(super) fn addresses(spec: &ContainerSpec) -> BTreeMap<String, String> {
    let settings = |key: &String| spec.service.networks.get(key).cloned().flatten();
    let given = spec.networks.iter().filter_map(|(key, name)| Some((name.clone(), settings(key)?.ipv4_address)));
    given.filter(|(_, address)| !address.is_empty()).collect()
}

/// What a container has that is up.
fn taken(container: &Container) -> Vec<Claim> {
    let ports = container.ports.iter().filter_map(|port| Some(claim(&port.host_ip, &port.protocol, port.public?)));
    let addresses = container.networks.iter().filter_map(|(network, endpoint)| {
        Some(Claim::Address { network: network.clone(), address: endpoint.ip_address.parse().ok()? })
    });
    ports.chain(addresses).collect()
}

fn claim(host: &str, protocol: &str, port: u16) -> Claim {
    let protocol = if protocol.is_empty() { "tcp" } else { protocol }.to_owned();
    let address: Option<IpAddr> = host.parse().ok();
    Claim::Port { address, protocol, first: port, last: port }
}

fn refusal(operation: &str, claim: &Claim) -> EngineError {
    let (kind, message) = match claim {
        Claim::Address { .. } => (EngineErrorKind::AddressInUse, "Address already in use".to_owned()),
        Claim::Port { .. } | Claim::Name(_) | Claim::Volume(_) | Claim::Replica { .. } => {
            (EngineErrorKind::PortInUse, format!("Bind for {claim} failed: port is already allocated"))
        }
    };
    EngineError { operation: operation.to_owned(), message, kind, hint: None }
}
