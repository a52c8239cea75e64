//! Relays: containers of our own in a network of the project, through which ports are reached that no address leads to.
//!
//! One for each network and run, made when something first needs it. A connection is one command in it, whose input and output
//! are the connection's: it takes the engine's own connection, so it works through TLS and ssh alike.
//!
//! A relay holds on to our connection: its only process reads its standard input, which is attached to us. When this process
//! ends, however that happens, the engine closes the input, the relay ends, and the engine removes it. What a lost network
//! keeps alive nonetheless is removed by the next run, by its label.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bollard::container::AttachContainerResults;
use bollard::models::{ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HostConfig, NetworkingConfig};
use bollard::query_parameters::{AttachContainerOptions, CreateContainerOptions, RemoveContainerOptions};
use bytes::{Buf as _, Bytes};
use futures_util::future::{BoxFuture, FutureExt as _, Shared};
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use tokio::sync::{OnceCell, oneshot};
use tokio_util::io::StreamReader;
use windlass_plan::labels;
use windlass_plan::observed::Container;
use windlass_runtime::engine::{
    Cluster as _, Connection, EngineError, EngineErrorKind, EngineResult, ExecSession, ExecSpec, Instances as _,
    OutputChunk, OutputStream, Relay,
};

use super::{DockerEngine, images};
use crate::api::Api;
use crate::auth;
use crate::config_file::ConfigFile;
use crate::convert::container::Row;
use crate::error::{engine_error, plain};

mod address;

/// What the command in the relay prints once the connection stands; what follows is the service's.
const CONNECTED: u8 = b'+';
/// Connects, says so, and passes both directions on. `nc` alone would not tell a connection from the wait for one: it runs a
/// program once it has connected, whose input and output are the connection, and ours are kept as 3 and 4. `dd` passes on what
/// it reads; `cat` would let the kernel splice, which locks the pipe of the output for as long as the service says nothing.
const PASS_ON: &str = r#"exec nc "$0" "$1" -e sh -c "printf + >&4
dd bs=64k <&3 2>/dev/null & dd bs=64k >&4 2>/dev/null; kill \$! 2>/dev/null" 3<&0 4>&1"#;
/// Fails where the image cannot do that.
const IS_FIT: &str = "nc --help 2>&1 | grep -q -e '-e PROG'";

/// The relays that this process has made, by project and network.
#[derive(Default)]
pub(super) struct Relays(Mutex<BTreeMap<Place, Entry>>);

/// Project and network.
type Place = (String, String);

/// A relay that is there, or on its way. A task of its own makes it: an attempt of a probe, which may give up at any time,
/// must neither leave a half-made container nor begin the pull of the image again.
type Pending = Shared<BoxFuture<'static, Result<Arc<Live>, Failed>>>;

struct Entry {
    relay: Pending,
    /// Its end tells the task that no relay is wanted any more.
    wanted: oneshot::Sender<()>,
}

/// A relay that runs.
struct Live {
    id: String,
    /// Keeps it alive.
    _held: Mutex<AttachContainerResults>,
    fit: OnceCell<bool>,
}

/// Why there is no relay.
#[derive(Clone)]
struct Failed {
    kind: EngineErrorKind,
    message: String,
}

impl From<EngineError> for Failed {
    fn from(error: EngineError) -> Self {
        // An engine that cannot be reached may be there again later; what it refuses it refuses again.
        let passing = matches!(error.kind, EngineErrorKind::Unreachable | EngineErrorKind::Denied);
        let kind = if passing { error.kind } else { EngineErrorKind::OutOfReach };
        Self { kind, message: error.to_string() }
    }
}

impl Relays {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Place, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The relay at a place; begun when there is none.
    fn at(&self, place: &Place, site: impl FnOnce() -> Site) -> Pending {
        let mut made = self.lock();
        let entry = made.entry(place.clone()).or_insert_with(|| begin(site()));
        entry.relay.clone()
    }

    fn forget(&self, place: &Place) {
        self.lock().remove(place);
    }

    fn take(&self, project: &str) -> Vec<Entry> {
        let mut made = self.lock();
        let (taken, kept) = std::mem::take(&mut *made).into_iter().partition(|((owner, _), _)| owner == project);
        *made = kept;
        let taken: BTreeMap<Place, Entry> = taken;
        taken.into_values().collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "the entry owns the task; `end_dialling` waits for its end")]
fn begin(site: Site) -> Entry {
    let (wanted, unwanted) = oneshot::channel();
    let task = tokio::spawn(site.build(unwanted));
    let relay = task.map(|ended| {
        ended.unwrap_or_else(|panic| Err(Failed { kind: EngineErrorKind::Other, message: panic.to_string() }))
    });
    Entry { relay: relay.boxed().shared(), wanted }
}

/// All that a relay is made from.
struct Site {
    api: Api,
    config: ConfigFile,
    environment: Vec<(String, String)>,
    /// Id of the network, or `host`.
    network: String,
    relay: Relay,
}

impl Site {
    async fn build(self, unwanted: oneshot::Receiver<()>) -> Result<Arc<Live>, Failed> {
        tokio::select! {
            had = self.have_image() => had?,
            _ = unwanted => return Err(plain("start a relay", "the run has ended").into()),
        }
        let id = self.create().await?;
        match self.start(&id).await {
            Ok(held) => Ok(Arc::new(Live { id, _held: Mutex::new(held), fit: OnceCell::new() })),
            Err(error) => {
                let options = RemoveContainerOptions { v: true, force: true, link: false };
                // The first error is the one that matters.
                drop(self.api.docker().remove_container(&id, Some(options)).await);
                Err(error.into())
            }
        }
    }

    async fn have_image(&self) -> EngineResult<()> {
        let image = &self.relay.image;
        let operation = format!("inspect image {image}");
        match self.api.docker().inspect_image(image).await.map_err(|error| engine_error(operation, &error)) {
            Err(error) if error.kind == EngineErrorKind::NotFound => {}
            known => return known.map(drop),
        }
        let known = auth::header(&self.config, &self.environment, image).await;
        let known = known.map_err(|error| images::helper_failed(&format!("pull image {image}"), &error))?;
        images::pull(&self.api.signed_in(known), image, "", &|_| {}).await
    }

    async fn create(&self) -> EngineResult<String> {
        let name = format!("windlass-relay-{:016x}", RandomState::new().hash_one(()));
        let options = CreateContainerOptions { name: Some(name), ..CreateContainerOptions::default() };
        let body = self.body(self.address().await?);
        let made = self.api.docker().create_container(Some(options), body).await;
        Ok(made.map_err(|error| engine_error("create a relay", &error))?.id)
    }

    /// An address of its own, where the project has services with fixed ones. Else the engine's next.
    async fn address(&self) -> EngineResult<Option<String>> {
        if self.relay.keep_free.is_empty() || self.network == "host" {
            return Ok(None);
        }
        let network = self.api.docker().inspect_network(&self.network, None).await;
        let network = network.map_err(|error| engine_error("inspect the relay's network", &error))?;
        Ok(address::highest_free(&network, &self.relay.keep_free))
    }

    fn body(&self, address: Option<String>) -> ContainerCreateBody {
        let endpoint = |address| EndpointSettings {
            ipam_config: Some(EndpointIpamConfig { ipv4_address: Some(address), ..EndpointIpamConfig::default() }),
            ..EndpointSettings::default()
        };
        let networking = address.map(|address| NetworkingConfig {
            endpoints_config: Some([(self.network.clone(), endpoint(address))].into()),
        });
        ContainerCreateBody {
            image: Some(self.relay.image.clone()),
            entrypoint: Some(vec!["cat".to_owned()]),
            cmd: Some(Vec::new()),
            attach_stdin: Some(true),
            open_stdin: Some(true),
            stdin_once: Some(true),
            labels: Some([(labels::RELAY.to_owned(), self.relay.project.clone())].into()),
            host_config: Some(HostConfig {
                network_mode: Some(self.network.clone()),
                auto_remove: Some(true),
                readonly_rootfs: Some(true),
                cap_drop: Some(vec!["ALL".to_owned()]),
                security_opt: Some(vec!["no-new-privileges".to_owned()]),
                ..HostConfig::default()
            }),
            networking_config: networking,
            ..ContainerCreateBody::default()
        }
    }

    async fn start(&self, id: &str) -> EngineResult<AttachContainerResults> {
        let options = AttachContainerOptions { stream: true, stdin: true, ..AttachContainerOptions::default() };
        let docker = self.api.docker();
        let held = docker.attach_container(id, Some(options)).await;
        let held = held.map_err(|error| engine_error("attach to a relay", &error))?;
        docker.start_container(id, None).await.map_err(|error| engine_error("start a relay", &error))?;
        Ok(held)
    }
}

impl DockerEngine {
    /// Opens a connection through a relay in a network of the container.
    pub(super) async fn dial_by_relay(
        &self,
        container: &Container,
        port: u16,
        relay: &Relay,
    ) -> EngineResult<Connection> {
        let (network, address) = meeting(container).ok_or_else(|| plain("start a relay", "no network to meet in"))?;
        let place = (relay.project.clone(), network.clone());
        let api = self.api().await?.clone();
        let site = || Site {
            api: api.clone(),
            config: self.config.clone(),
            environment: self.options.environment.clone(),
            network: network.clone(),
            relay: relay.clone(),
        };
        let mut again = true;
        loop {
            let live = self.relays.at(&place, site).await;
            let live = live.map_err(|failed| {
                if failed.kind != EngineErrorKind::OutOfReach {
                    self.relays.forget(&place);
                }
                EngineError { kind: failed.kind, ..plain("start a relay", failed.message) }
            })?;
            match self.pass_on(&live, &address, port).await {
                // Somebody removed it, or the engine was restarted.
                Err(error) if again && is_gone(error.kind) => self.relays.forget(&place),
                done => return done,
            }
            again = false;
        }
    }

    async fn pass_on(&self, live: &Live, address: &str, port: u16) -> EngineResult<Connection> {
        let command = ["sh", "-c", PASS_ON, address, &port.to_string()].map(str::to_owned).to_vec();
        let mut session = self.exec(&live.id, &ExecSpec { command, stdin: true, ..ExecSpec::default() }).await?;
        let mut words = Vec::new();
        while let Some(chunk) = session.output.next().await {
            let OutputChunk { stream, mut bytes } = chunk?;
            if stream == OutputStream::Stdout && bytes.first() == Some(&CONNECTED) {
                bytes.advance(1);
                return Ok(joined(bytes, session));
            }
            words.extend_from_slice(&bytes);
        }
        let words = String::from_utf8_lossy(&words).trim().to_owned();
        if *live.fit.get_or_try_init(|| self.is_fit(live)).await? {
            return Err(plain("connect through the relay", words));
        }
        let message = format!("the relay's image has no shell or no BusyBox `nc` with `-e` ({words})");
        Err(EngineError { kind: EngineErrorKind::OutOfReach, ..plain("connect through the relay", message) })
    }

    async fn is_fit(&self, live: &Live) -> EngineResult<bool> {
        let command = ["sh", "-c", IS_FIT].map(str::to_owned).to_vec();
        let mut session = self.exec(&live.id, &ExecSpec { command, ..ExecSpec::default() }).await?;
        while session.output.next().await.is_some() {}
        Ok(self.exec_exit_code(&session.id).await? == 0)
    }

    /// Ends the relays of a project, and those of runs that were killed.
    pub(super) async fn end_relays(&self, project: &str) -> EngineResult<()> {
        let taken = self.relays.take(project);
        // Where every container can be reached nobody makes relays.
        if taken.is_empty() && self.endpoint.routes_containers() {
            return Ok(());
        }
        for Entry { relay, wanted } in taken {
            drop(wanted);
            drop(relay.await);
        }
        self.remove_relays(&json!({ "label": [format!("{}={project}", labels::RELAY)] })).await.map(drop)
    }

    /// Removes the relays in a network; true: there was one.
    pub(super) async fn clear_network(&self, network: &str) -> EngineResult<bool> {
        self.remove_relays(&json!({ "label": [labels::RELAY], "network": [network] })).await
    }

    async fn remove_relays(&self, filters: &serde_json::Value) -> EngineResult<bool> {
        let query = [("all", "1"), ("filters", &filters.to_string())];
        let found: Vec<Row> = self.get("list relays", "/containers/json", &query).await?;
        let found: Vec<Container> = found.into_iter().map(Container::from).collect();
        for relay in &found {
            self.remove_container(&relay.id, true, true).await?;
        }
        Ok(!found.is_empty())
    }
}

/// A network in which the container can be met, and its address there.
fn meeting(container: &Container) -> Option<(String, String)> {
    if container.networks.contains_key("host") {
        return Some(("host".to_owned(), "127.0.0.1".to_owned()));
    }
    let (name, found) = container.networks.iter().find(|(_, found)| !found.ip_address.is_empty())?;
    let network = if found.network_id.is_empty() { name } else { &found.network_id };
    Some((network.clone(), found.ip_address.clone()))
}

fn is_gone(kind: EngineErrorKind) -> bool {
    matches!(kind, EngineErrorKind::NotFound | EngineErrorKind::NotRunning | EngineErrorKind::Conflict)
}

/// Output and input of the command as one; what it printed so far comes first.
fn joined(first: Bytes, session: ExecSession) -> Connection {
    let rest = session.output.filter_map(async |chunk| match chunk {
        Ok(OutputChunk { stream: OutputStream::Stdout, bytes }) => Some(Ok(bytes)),
        Ok(_) => None,
        Err(error) => Some(Err(io::Error::other(error))),
    });
    let output = stream::iter([Ok(first)]).chain(rest).boxed();
    let input = session.input.unwrap_or_else(|| Box::pin(tokio::io::sink()));
    Box::new(tokio::io::join(StreamReader::new(output), input))
}

#[cfg(test)]
mod tests;
