//! The virtual network of one call: names of services lead to their containers, everything else is refused.
//!
//! Guests use WASI HTTP and sockets as they are. Behind both stands [`Network::open`]: it checks the grant and asks the
//! engine for a connection. A name resolves to an address of [`FAKE`] that means nothing outside the call.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};

use windlass_runtime::engine::{Connection, EngineError, EngineErrorKind};
use windlass_runtime::hooks::Dialer;

use crate::grants::Grants;

pub(crate) mod forward;
pub(crate) mod http;
pub(crate) mod lookup;
pub(crate) mod tcp;

/// Prefix of the addresses that names resolve to: loopback, and in nobody's use.
const FAKE: [u8; 2] = [127, 64];

/// Why a connection was not opened.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// Not granted.
    Denied,
    /// Nobody answers there (yet).
    Refused,
}

/// The network as one call sees it.
pub(crate) struct Network {
    grants: Grants,
    dialer: Arc<dyn Dialer>,
    /// Services of the project: their names go to the engine, others to the host's resolver.
    services: Vec<String>,
    /// Service that the call is about, and its replica.
    own: Option<(String, u32)>,
    /// Names handed out; the index is the last two bytes of the address.
    names: Mutex<Vec<String>>,
    /// The first destination that no way leads to: trying again cannot help.
    out_of_reach: Mutex<Option<EngineError>>,
}

impl Network {
    pub(crate) fn new(
        grants: Grants,
        dialer: Arc<dyn Dialer>,
        services: Vec<String>,
        own: Option<(String, u32)>,
    ) -> Self {
        Self { grants, dialer, services, own, names: Mutex::default(), out_of_reach: Mutex::default() }
    }

    pub(crate) fn grants(&self) -> &Grants {
        &self.grants
    }

    /// The address that stands for a granted name; `None`: no port of it is granted, which is remembered.
    pub(crate) fn address_of(&self, name: &str) -> Option<Ipv4Addr> {
        if !self.grants.knows(name) {
            self.grants.refuse(name, 0);
            return None;
        }
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let index = names.iter().position(|known| known == name).unwrap_or_else(|| {
            names.push(name.to_owned());
            names.len() - 1
        });
        let [high, low] = u16::try_from(index + 1).ok()?.to_be_bytes();
        Some(Ipv4Addr::new(FAKE[0], FAKE[1], high, low))
    }

    /// The name that an address stands for.
    pub(crate) fn name_of(&self, address: Ipv4Addr) -> Option<String> {
        let [a, b, high, low] = address.octets();
        if [a, b] != FAKE {
            return None;
        }
        let index = usize::from(u16::from_be_bytes([high, low])).checked_sub(1)?;
        self.names.lock().unwrap_or_else(PoisonError::into_inner).get(index).cloned()
    }

    fn note(&self, error: EngineError) -> OpenError {
        if error.kind == EngineErrorKind::OutOfReach {
            self.out_of_reach.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
        OpenError::Refused
    }

    /// Why a destination of this call cannot be reached at all, and what to do about it.
    pub(crate) fn out_of_reach(&self) -> Option<(String, Option<String>)> {
        let noted = self.out_of_reach.lock().unwrap_or_else(PoisonError::into_inner);
        noted.as_ref().map(|error| (error.to_string(), error.hint.clone()))
    }

    /// Opens a connection to a granted destination.
    pub(crate) async fn open(&self, host: &str, port: u16) -> Result<Connection, OpenError> {
        if !self.grants.allows(host, port) {
            return Err(OpenError::Denied);
        }
        let own = self.own.as_ref().filter(|(service, _)| service.eq_ignore_ascii_case(host));
        let service = self.services.iter().find(|service| service.eq_ignore_ascii_case(host));
        match own.map(|(service, number)| (service, *number)).or_else(|| service.map(|service| (service, 1))) {
            Some((service, number)) => {
                let dialled = self.dialer.dial(service, number, port).await;
                dialled.map_err(|error| self.note(error))
            }
            None => outside(host, port).await.map_err(|_| OpenError::Refused),
        }
    }
}

/// A host outside the project: resolved by the system, and refused where a name leads to an address that only a literal
/// grant may reach (loopback, link-local and with it metadata services).
async fn outside(host: &str, port: u16) -> io::Result<Connection> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, format!("{host} has no address"));
    for address in tokio::net::lookup_host((host, port)).await? {
        let ip = address.ip();
        if needs_literal_grant(host, ip) {
            last = io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("{host} leads to {ip}, which only a grant of that address may reach"),
            );
            continue;
        }
        match tokio::net::TcpStream::connect(address).await {
            Ok(stream) => return Ok(Box::new(stream)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A name that leads to this machine, or to the machines beside it: whoever controls the name must not reach them. What the
/// project file grants by its address is meant.
fn needs_literal_grant(host: &str, ip: IpAddr) -> bool {
    let literal = host.parse::<IpAddr>().is_ok() || host == "localhost";
    let ip = ip.to_canonical();
    let link_local = match ip {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    !literal && (ip.is_loopback() || ip.is_unspecified() || link_local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_addresses_are_reached_by_a_literal_grant_only() {
        let local = ["127.0.0.1", "127.8.8.8", "::1", "0.0.0.0", "169.254.169.254", "::ffff:127.0.0.1", "fe80::1"];
        for ip in local.map(|ip| ip.parse::<IpAddr>().unwrap()) {
            assert!(needs_literal_grant("metadata.example.com", ip), "{ip}");
            assert!(!needs_literal_grant(&ip.to_string(), ip), "{ip}");
        }
        assert!(!needs_literal_grant("localhost", IpAddr::V4(Ipv4Addr::LOCALHOST)));
        for ip in ["192.0.2.1", "2001:db8::1"].map(|ip| ip.parse::<IpAddr>().unwrap()) {
            assert!(!needs_literal_grant("chat.example.com", ip), "{ip}");
        }
    }
}
