//! Ways from here to a port of a container.
//!
//! | engine | own address of the container | published port |
//! |---|---|---|
//! | Linux, this machine, root's | yes | on this machine |
//! | rootless, or in a virtual machine | no | on this machine |
//! | TCP, TLS | no | on the engine's host |
//! | `ssh` | through ssh, from the engine's host | through ssh, from the engine's host |
//!
//! The container's own address comes first where it leads there: it refuses when nothing listens, while the engine's proxy
//! accepts at a published port whether anything listens behind it or not.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use windlass_plan::observed::Container;
use windlass_runtime::engine::{Connection, EngineError, EngineErrorKind, EngineResult};

use super::DockerEngine;
use crate::transport::Endpoint;

/// How long one way may take before the next is tried.
const PER_WAY: Duration = Duration::from_secs(2);
/// The same through ssh, which may have to sign in first.
const PER_WAY_SSH: Duration = Duration::from_secs(15);

/// What came of the ways.
enum Tried {
    /// One led there.
    Open(Connection),
    /// There is none to try.
    NoWay,
    /// None led there; the last failure.
    Failed(io::Error),
}

impl DockerEngine {
    /// Opens a connection by the first way that leads there.
    pub(super) async fn connect_to(&self, container: &Container, port: u16) -> EngineResult<Connection> {
        let ways = ways(&self.endpoint, &self.host, container, port);
        let (kind, message) = match first_open(&self.endpoint, &ways).await {
            Tried::Open(connection) => return Ok(connection),
            Tried::Failed(error) => (EngineErrorKind::Other, error.to_string()),
            Tried::NoWay if !has_address(container) => {
                (EngineErrorKind::NotRunning, "the container has no address".to_owned())
            }
            Tried::NoWay => (
                EngineErrorKind::OutOfReach,
                "it cannot be probed from here: no route leads to the engine's networks, and the port is not published"
                    .to_owned(),
            ),
        };
        let operation = format!("connect to {}:{port}", container.name);
        let hint = (kind == EngineErrorKind::OutOfReach).then(|| {
            format!("publish port {port} of service `{}`, or give the service a `healthcheck`", container.service())
        });
        Err(EngineError { operation, message, kind, hint })
    }
}

fn has_address(container: &Container) -> bool {
    container.networks.contains_key("host") || container.networks.values().any(|found| !found.ip_address.is_empty())
}

/// Addresses of a container's port as they are to be dialled, best first.
fn ways(endpoint: &Endpoint, host: &str, container: &Container, port: u16) -> Vec<String> {
    let own = container.networks.values().map(|found| &found.ip_address).filter(|address| !address.is_empty());
    let own = own.map(|address| joined(address, port));
    let on_host = container.networks.contains_key("host");
    let published = container.ports.iter().filter(|mapping| mapping.private == port && mapping.protocol == "tcp");
    let published = published.filter_map(|mapping| Some((mapping.host_ip.as_str(), mapping.public?)));
    let outside = match endpoint {
        Endpoint::Tcp { .. } | Endpoint::Tls { .. } => host_of(host),
        Endpoint::Unix(_) | Endpoint::Ssh(_) => "127.0.0.1",
    };
    let shared = on_host.then(|| joined(outside, port));
    let published = published.map(|(ip, public)| joined(if is_any(ip) { outside } else { ip }, public));
    let routed = endpoint.routes_containers() || matches!(endpoint, Endpoint::Ssh(_));
    own.filter(|_| routed).chain(shared).chain(published).collect()
}

async fn first_open(endpoint: &Endpoint, ways: &[String]) -> Tried {
    let mut tried = Tried::NoWay;
    for way in ways {
        match open(endpoint, way).await {
            Ok(connection) => return Tried::Open(connection),
            // Who refuses was reached: that is the answer, and no other way gives a better one.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused && !endpoint.is_costly() => {
                return Tried::Failed(error);
            }
            Err(error) => tried = Tried::Failed(error),
        }
    }
    tried
}

async fn open(endpoint: &Endpoint, address: &str) -> io::Result<Connection> {
    let late = |limit| io::Error::new(io::ErrorKind::TimedOut, format!("{address} did not answer within {limit:?}"));
    if let Endpoint::Ssh(ssh) = endpoint {
        let opened = tokio::time::timeout(PER_WAY_SSH, ssh.forward(address)).await;
        return Ok(Box::new(opened.map_err(|_| late(PER_WAY_SSH))??));
    }
    let opened = tokio::time::timeout(PER_WAY, TcpStream::connect(address)).await;
    Ok(Box::new(opened.map_err(|_| late(PER_WAY))??))
}

/// An address that stands for all of the host's.
fn is_any(ip: &str) -> bool {
    matches!(ip, "" | "0.0.0.0" | "::")
}

/// Host of `tcp://host:port`.
fn host_of(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest).trim_end_matches('/');
    match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((ipv6, _)) => ipv6,
        None => rest.rsplit_once(':').map_or(rest, |(host, _)| host),
    }
}

fn joined(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::net::TcpListener;
    use windlass_plan::observed::{Endpoint as Attachment, PortMapping};

    use super::*;
    use crate::convert::container::Row;
    use crate::transport::Ssh;

    fn container(published: Option<u16>) -> Container {
        let own = Attachment { ip_address: "172.18.0.2".to_owned(), ..Attachment::default() };
        let port =
            PortMapping { host_ip: "0.0.0.0".to_owned(), public: published, private: 9200, protocol: "tcp".to_owned() };
        Container {
            name: "shop-es-1".to_owned(),
            networks: [("shop_default".to_owned(), own)].into(),
            ports: vec![port],
            ..Container::from(Row::default())
        }
    }

    fn unix(owned_by_root: bool) -> (tempfile::NamedTempFile, Endpoint) {
        let socket = tempfile::NamedTempFile::new().unwrap();
        let owner = if owned_by_root { 0 } else { 1000 };
        // Only root may give a file away; whoever else runs this owns it already.
        drop(std::os::unix::fs::chown(socket.path(), Some(owner), None));
        let path = socket.path().to_owned();
        (socket, Endpoint::Unix(path))
    }

    #[test]
    fn a_users_own_engine_is_reached_at_published_ports_only() {
        let (_socket, endpoint) = unix(false);
        assert_eq!(ways(&endpoint, "unix:///x", &container(Some(19200)), 9200), ["127.0.0.1:19200"]);
        assert!(ways(&endpoint, "unix:///x", &container(None), 9200).is_empty());
    }

    #[test]
    fn containers_of_roots_engine_are_reached_themselves() {
        let root = Endpoint::Unix("/".into());
        let found = ways(&root, "unix:///", &container(Some(19200)), 9200);
        assert_eq!(found, ["172.18.0.2:9200", "127.0.0.1:19200"]);
    }

    #[test]
    fn a_remote_engine_publishes_on_its_own_host() {
        let endpoint = Endpoint::Tcp { address: "box:2375".to_owned() };
        assert_eq!(ways(&endpoint, "tcp://box:2375", &container(Some(80)), 9200), ["box:80"]);
        assert_eq!(ways(&endpoint, "tcp://[fe80::1]:2375", &container(Some(80)), 9200), ["[fe80::1]:80"]);
        let ssh = Endpoint::Ssh(Arc::new(Ssh::new(Vec::new(), "box".to_owned(), Vec::new())));
        assert_eq!(ways(&ssh, "ssh://box", &container(Some(80)), 9200), ["172.18.0.2:9200", "127.0.0.1:80"]);
    }

    /// An address where nothing listens, and one where somebody does.
    async fn refusing_and_open() -> (String, String, TcpListener) {
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let refusing = gone.local_addr().unwrap().to_string();
        drop(gone);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap().to_string();
        (refusing, open, listener)
    }

    #[tokio::test]
    async fn a_refusal_is_the_answer() {
        let endpoint = Endpoint::Tcp { address: String::new() };
        let (refusing, open, _listener) = refusing_and_open().await;
        assert!(matches!(first_open(&endpoint, std::slice::from_ref(&open)).await, Tried::Open(_)));
        assert!(matches!(first_open(&endpoint, &[refusing, open]).await, Tried::Failed(_)));
    }

    #[tokio::test]
    async fn a_way_that_leads_nowhere_is_followed_by_the_next() {
        let endpoint = Endpoint::Tcp { address: String::new() };
        let (_, open, _listener) = refusing_and_open().await;
        // No such address family here: fails at once, and is no refusal.
        assert!(matches!(first_open(&endpoint, &["nowhere.invalid:1".to_owned(), open]).await, Tried::Open(_)));
    }

    #[tokio::test]
    async fn without_a_way_it_is_out_of_reach() {
        let options = crate::connect::ConnectOptions { host: Some("tcp://box:2375".into()), ..Default::default() };
        let engine = crate::connect::connect(options).unwrap();
        let error = engine.connect_to(&container(None), 9200).await.err().unwrap();
        assert_eq!(error.kind, EngineErrorKind::OutOfReach);
        assert!(error.hint.unwrap().contains("publish port 9200"));
        let stopped = Container { name: "x".into(), ..Container::from(Row::default()) };
        let error = engine.connect_to(&stopped, 9200).await.err().unwrap();
        assert_eq!(error.kind, EngineErrorKind::NotRunning);
    }
}
