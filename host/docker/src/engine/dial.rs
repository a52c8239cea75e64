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
//! accepts at a published port whether anything listens behind it or not. Where no way is left, a relay in the container's
//! network is one ([`super::relay`]).

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use windlass_plan::observed::Container;
use windlass_runtime::engine::{Connection, EngineError, EngineErrorKind, EngineResult, Relay};

use super::DockerEngine;
use crate::error::plain;
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

/// An address to dial.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Way {
    address: String,
    /// The container's network, or empty: the engine's host.
    through: String,
}

/// Whether anybody has ever answered through a network. Where nobody did, the way is not tried again: an attempt of a probe is
/// short, and would end before the next way's turn.
#[derive(Default)]
pub(super) struct Known(Mutex<BTreeMap<String, bool>>);

impl Known {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leads_nowhere(&self, way: &Way) -> bool {
        self.lock().get(&way.through) == Some(&false)
    }
}

/// An attempt that waits for an answer; dropped without one, it leaves a note.
struct Waiting<'k> {
    known: &'k Known,
    way: &'k Way,
    heard: bool,
}

impl Waiting<'_> {
    fn answered(mut self) {
        self.heard = true;
        self.known.lock().insert(self.way.through.clone(), true);
    }

    /// Neither an answer nor silence.
    fn unclear(mut self) {
        self.heard = true;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.heard {
            self.known.lock().entry(self.way.through.clone()).or_insert(false);
        }
    }
}

impl DockerEngine {
    /// Opens a connection by the first way that leads there, else through a relay.
    pub(super) async fn connect_to(&self, container: &Container, port: u16, relay: &Relay) -> EngineResult<Connection> {
        let operation = format!("connect to {}:{port}", container.name);
        let mut ways = ways(&self.endpoint, &self.host, container, port);
        ways.retain(|way| !self.ways.leads_nowhere(way));
        match first_open(&self.endpoint, &self.ways, &ways).await {
            Tried::Open(connection) => return Ok(connection),
            Tried::Failed(error) => return Err(plain(operation, error.to_string())),
            Tried::NoWay if !has_address(container) => {
                let kind = EngineErrorKind::NotRunning;
                return Err(EngineError { kind, ..plain(operation, "the container has no address") });
            }
            Tried::NoWay => {}
        }
        let done = self.dial_by_relay(container, port, relay).await;
        done.map_err(|error| {
            if error.kind == EngineErrorKind::OutOfReach {
                out_of_reach(operation, (container, port), relay, &error.message)
            } else {
                EngineError { operation, ..error }
            }
        })
    }
}

fn out_of_reach(operation: String, (container, port): (&Container, u16), relay: &Relay, why: &str) -> EngineError {
    EngineError {
        operation,
        message: format!(
            "it cannot be probed from here: no route leads to the engine's networks, the port is not published, and a relay \
             of image {} does not come about: {why}",
            relay.image
        ),
        kind: EngineErrorKind::OutOfReach,
        hint: Some(format!(
            "publish port {port} of service `{}`, name an image that the engine has or can pull \
             (`x-windlass: {{ relay: {{ image: … }} }}`), or give the service a `healthcheck`",
            container.service()
        )),
    }
}

fn has_address(container: &Container) -> bool {
    container.networks.contains_key("host") || container.networks.values().any(|found| !found.ip_address.is_empty())
}

/// Addresses of a container's port as they are to be dialled, best first.
fn ways(endpoint: &Endpoint, host: &str, container: &Container, port: u16) -> Vec<Way> {
    let own = container.networks.iter().filter(|(_, found)| !found.ip_address.is_empty());
    let own = own.map(|(name, found)| Way { address: joined(&found.ip_address, port), through: name.clone() });
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
    let on_host = shared.into_iter().chain(published).map(|address| Way { address, through: String::new() });
    own.filter(|_| routed).chain(on_host).collect()
}

async fn first_open(endpoint: &Endpoint, known: &Known, ways: &[Way]) -> Tried {
    let mut tried = Tried::NoWay;
    for way in ways {
        let waiting = Waiting { known, way, heard: false };
        match open(endpoint, &way.address).await {
            Ok(connection) => {
                waiting.answered();
                return Tried::Open(connection);
            }
            // Who refuses was reached: that is the answer, and no other way gives a better one.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused && !endpoint.is_costly() => {
                waiting.answered();
                return Tried::Failed(error);
            }
            Err(error) => {
                // Without an answer in time, or told that there is none to be had: silence. ssh says of most failures only
                // that they are; and on this machine's own engine an address without an answer is one of a container that
                // ends.
                let silent = error.kind() == io::ErrorKind::TimedOut
                    || (error.kind() != io::ErrorKind::ConnectionRefused && !endpoint.routes_containers());
                if !silent {
                    waiting.unclear();
                }
                tried = Tried::Failed(error);
            }
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

    fn addresses(endpoint: &Endpoint, host: &str, container: &Container) -> Vec<String> {
        ways(endpoint, host, container, 9200).into_iter().map(|way| way.address).collect()
    }

    fn way(address: &str) -> Way {
        Way { address: address.to_owned(), through: "shop_default".to_owned() }
    }

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
        assert_eq!(addresses(&endpoint, "unix:///x", &container(Some(19200))), ["127.0.0.1:19200"]);
        assert!(addresses(&endpoint, "unix:///x", &container(None)).is_empty());
    }

    #[test]
    fn containers_of_roots_engine_are_reached_themselves() {
        let root = Endpoint::Unix("/".into());
        let found = addresses(&root, "unix:///", &container(Some(19200)));
        assert_eq!(found, ["172.18.0.2:9200", "127.0.0.1:19200"]);
    }

    #[test]
    fn a_remote_engine_publishes_on_its_own_host() {
        let endpoint = Endpoint::Tcp { address: "box:2375".to_owned() };
        assert_eq!(addresses(&endpoint, "tcp://box:2375", &container(Some(80))), ["box:80"]);
        assert_eq!(addresses(&endpoint, "tcp://[fe80::1]:2375", &container(Some(80))), ["[fe80::1]:80"]);
        let ssh = Endpoint::Ssh(Arc::new(Ssh::new(Vec::new(), "box".to_owned(), Vec::new())));
        assert_eq!(addresses(&ssh, "ssh://box", &container(Some(80))), ["172.18.0.2:9200", "127.0.0.1:80"]);
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
        let (endpoint, known) = (Endpoint::Tcp { address: String::new() }, Known::default());
        let (refusing, open, _listener) = refusing_and_open().await;
        let ways = [way(&refusing), way(&open)];
        assert!(matches!(first_open(&endpoint, &known, &ways[1..]).await, Tried::Open(_)));
        assert!(matches!(first_open(&endpoint, &known, &ways).await, Tried::Failed(_)));
        assert!(!known.leads_nowhere(&ways[0]));
    }

    #[tokio::test]
    async fn a_way_that_leads_nowhere_is_followed_by_the_next_and_not_tried_again() {
        let (endpoint, known) = (Endpoint::Tcp { address: String::new() }, Known::default());
        let (_, open, _listener) = refusing_and_open().await;
        // No such name: fails at once, and is no refusal.
        let nowhere = Way { through: "other".to_owned(), ..way("nowhere.invalid:1") };
        let ways = [nowhere.clone(), way(&open)];
        assert!(matches!(first_open(&endpoint, &known, &ways).await, Tried::Open(_)));
        assert!(known.leads_nowhere(&nowhere) && !known.leads_nowhere(&ways[1]));
    }

    #[test]
    fn an_attempt_that_is_given_up_counts_as_silence_unless_somebody_ever_answered() {
        let (known, way) = (Known::default(), way("172.18.0.2:80"));
        drop(Waiting { known: &known, way: &way, heard: false });
        assert!(known.leads_nowhere(&way));
        Waiting { known: &known, way: &way, heard: false }.answered();
        drop(Waiting { known: &known, way: &way, heard: false });
        assert!(!known.leads_nowhere(&way));
    }

    #[tokio::test]
    async fn a_container_without_an_address_does_not_run() {
        let options = crate::connect::ConnectOptions { host: Some("tcp://box:2375".into()), ..Default::default() };
        let engine = crate::connect::connect(options).unwrap();
        let stopped = Container { name: "x".into(), ..Container::from(Row::default()) };
        let error = engine.connect_to(&stopped, 9200, &Relay::default()).await.err().unwrap();
        assert_eq!(error.kind, EngineErrorKind::NotRunning);
    }
}
