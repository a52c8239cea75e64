//! The few engine calls that the harness itself makes, past the proxy.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value as Json;

use crate::engine::exchange;

/// An engine at a socket.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    socket: PathBuf,
}

/// An answer; the body is `null` where there is none.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Json,
}

/// One container, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Container {
    pub(crate) service: String,
    pub(crate) name: String,
    /// `running`, `exited`, …
    pub(crate) state: String,
    /// Begin of the configuration's hash; of one in the namespaces of another, whose.
    pub(crate) hash: String,
    /// Id of the container whose namespaces it uses, until [`State`] knows its name.
    owner: Option<String>,
    pub(crate) networks: Vec<String>,
    pub(crate) id: String,
}

/// All that a project has on the engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) containers: Vec<Container>,
    pub(crate) networks: Vec<String>,
    pub(crate) volumes: Vec<String>,
}

impl Api {
    pub(crate) fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// One call without a body.
    pub(crate) fn call(&self, method: &str, path: &str) -> Result<Answer> {
        // HTTP 1.0: the answer ends with the connection and is never in chunks.
        let answer = exchange(&self.socket, format!("{method} {path} HTTP/1.0\r\nHost: docker\r\n\r\n").as_bytes())?;
        let text = String::from_utf8_lossy(&answer);
        let (head, body) = text.split_once("\r\n\r\n").context("no answer")?;
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no status")?;
        Ok(Answer { status, body: serde_json::from_str(body).unwrap_or_default() })
    }

    /// What the project has; containers also by the beginning of their name, so that those without labels are seen.
    pub(crate) fn state(&self, project: &str) -> Result<State> {
        let all = self.call("GET", "/containers/json?all=1")?.body;
        let mut containers: Vec<Container> = list(&all)
            .map(container)
            .filter(|(owner, container)| owner == project || container.name.contains(project))
            .map(|(_, container)| container)
            .collect();
        let names: BTreeMap<String, String> =
            containers.iter().map(|container| (container.id.clone(), container.name.clone())).collect();
        for container in &mut containers {
            let Some(owner) = container.owner.take() else { continue };
            // The hash of such a one names its owner's id, which is another one each time.
            container.hash = names.get(&owner).map_or_else(|| "cut off".to_owned(), |name| format!("with {name}"));
        }
        containers.sort();
        let owned = |item: &&Json| item["Labels"]["com.docker.compose.project"] == project;
        let networks = self.call("GET", "/networks")?.body;
        let mut networks: Vec<String> = list(&networks).filter(owned).map(|item| text(&item["Name"])).collect();
        networks.sort();
        let volumes = self.call("GET", "/volumes")?.body;
        let mut volumes: Vec<String> =
            list(&volumes["Volumes"]).filter(owned).map(|item| text(&item["Name"])).collect();
        volumes.sort();
        Ok(State { containers, networks, volumes })
    }

    /// Removes everything of the project.
    pub(crate) fn clear(&self, project: &str) -> Result<()> {
        for _ in 0..3 {
            let state = self.state(project)?;
            if state == State::default() {
                return Ok(());
            }
            std::thread::scope(|scope| {
                for container in &state.containers {
                    scope.spawn(|| self.call("DELETE", &format!("/containers/{}?force=1&v=1", container.id)));
                }
            });
            for network in &state.networks {
                self.call("DELETE", &format!("/networks/{network}"))?;
            }
            for volume in &state.volumes {
                self.call("DELETE", &format!("/volumes/{volume}?force=1"))?;
            }
        }
        let left = self.state(project)?;
        ensure!(left == State::default(), "cannot be removed: {left:?}");
        Ok(())
    }
}

fn list(value: &Json) -> impl Iterator<Item = &Json> {
    value.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The project and the container.
fn container(item: &Json) -> (String, Container) {
    let label = |name: &str| text(&item["Labels"][format!("com.docker.compose.{name}")]);
    let mut networks: Vec<String> = item["NetworkSettings"]["Networks"]
        .as_object()
        .map(|networks| networks.keys().cloned().collect())
        .unwrap_or_default();
    networks.sort();
    let mode = text(&item["HostConfig"]["NetworkMode"]).strip_prefix("container:").map(str::to_owned);
    let owner = mode.or_else(|| item["Labels"]["dev.windlass.joins"].as_str().map(str::to_owned));
    let container = Container {
        service: label("service"),
        name: text(&item["Names"][0]).trim_start_matches('/').to_owned(),
        state: text(&item["State"]),
        hash: label("config-hash").get(..8).unwrap_or_default().to_owned(),
        owner,
        networks,
        id: text(&item["Id"]),
    };
    (label("project"), container)
}
