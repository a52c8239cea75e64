//! Ways from here to a port of a container.

use windlass_plan::observed::Container;
use windlass_runtime::engine::{Connection, EngineError, EngineErrorKind, EngineResult};

use super::DockerEngine;

impl DockerEngine {
    /// Opens a connection by the first way that works.
    pub(super) async fn connect_to(&self, container: &Container, port: u16) -> EngineResult<Connection> {
        let operation = format!("connect to {}:{port}", container.name);
        let mut last = String::from("the container has no address");
        for address in self.addresses(container, port) {
            match tokio::net::TcpStream::connect(address.as_str()).await {
                Ok(stream) => return Ok(Box::new(stream)),
                // A refusal by the container itself is the answer. The published port would be accepted by the engine's
                // proxy, and look open when nothing listens behind it.
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                    last = error.to_string();
                    break;
                }
                Err(error) => last = error.to_string(),
            }
        }
        let hint = (!self.endpoint.is_local())
            .then(|| format!("publish port {port} of the service: the engine is on another machine"));
        Err(EngineError { operation, message: last, kind: EngineErrorKind::Other, hint })
    }

    /// Where a port of a container can be reached from here, best first: its own address where the engine is local, the
    /// host for containers on the host's network, then the published port.
    fn addresses(&self, container: &Container, port: u16) -> Vec<String> {
        let local = self.endpoint.is_local() && cfg!(target_os = "linux");
        let own = container.networks.values().filter(|endpoint| local && !endpoint.ip_address.is_empty());
        let own = own.map(|endpoint| joined(&endpoint.ip_address, port));
        let host = container.networks.contains_key("host").then(|| joined("127.0.0.1", port)).filter(|_| local);
        let published = container.ports.iter().filter(|mapping| mapping.private == port && mapping.protocol == "tcp");
        let published =
            published.filter_map(|mapping| Some(joined(&self.reachable_host(&mapping.host_ip), mapping.public?)));
        own.chain(host).chain(published).collect()
    }

    fn reachable_host(&self, host_ip: &str) -> String {
        let remote = self.host.split_once("://").map(|(_, rest)| rest.rsplit('@').next().unwrap_or(rest));
        let remote = remote.and_then(|rest| rest.split([':', '/']).next()).filter(|host| !host.is_empty());
        match (self.endpoint.is_local(), host_ip) {
            (false, "" | "0.0.0.0" | "::") => remote.unwrap_or("127.0.0.1").to_owned(),
            (true, "" | "0.0.0.0" | "::") => "127.0.0.1".to_owned(),
            (_, other) => other.to_owned(),
        }
    }
}

fn joined(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
