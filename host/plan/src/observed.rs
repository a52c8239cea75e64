//! What the engine has, as one snapshot.

use std::collections::BTreeMap;

/// Snapshot of everything of a project on the engine.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// Containers of the project in all states, one-off ones included, sorted by name.
    pub containers: Vec<Container>,
    /// Networks: the project's by label, and those looked up by the names of the model.
    pub networks: Vec<Network>,
    /// Volumes: the project's by label (ledger markers included), and those looked up by the names of the model.
    pub volumes: Vec<Volume>,
    /// Local images, by what was asked for.
    pub images: LocalImages,
    /// Facts about the engine.
    pub engine: EngineInfo,
}

/// Local images by the reference and the platform asked for: one reference may be here for several platforms, or for another
/// one than is wanted. What is absent has no entry.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LocalImages {
    /// By reference, then by platform (`linux/arm64`; empty: none asked for).
    by_reference: BTreeMap<String, BTreeMap<String, Image>>,
}

impl LocalImages {
    /// The image that stands for a reference on a platform; an empty platform is the engine's choice.
    #[must_use]
    pub fn get(&self, reference: &str, platform: &str) -> Option<&Image> {
        self.by_reference.get(reference)?.get(platform)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, reference: &str, platform: &str) -> Option<&mut Image> {
        self.by_reference.get_mut(reference)?.get_mut(platform)
    }

    /// Whether the reference is here for the platform.
    #[must_use]
    pub fn contains(&self, reference: &str, platform: &str) -> bool {
        self.get(reference, platform).is_some()
    }

    /// Records an answer of the engine, or replaces an earlier one.
    pub fn insert(&mut self, reference: &str, platform: &str, image: Image) {
        self.by_reference.entry(reference.to_owned()).or_default().insert(platform.to_owned(), image);
    }
}

/// Facts about the engine that decisions need.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EngineInfo {
    /// Engine version (`28.5.2`).
    pub version: String,
    /// Negotiated API version, major and minor.
    pub api_version: (u32, u32),
    /// `linux` or `windows`.
    pub os: String,
    /// `amd64`, `arm64`, …
    pub architecture: String,
    /// A swarm node (external networks may be invisible until used).
    pub swarm: bool,
}

/// State of a container.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerState {
    /// Made, never started.
    #[default]
    Created,
    /// Runs.
    Running,
    /// Frozen.
    Paused,
    /// Between two runs of its restart policy.
    Restarting,
    /// Being removed.
    Removing,
    /// Ended.
    Exited,
    /// Could not be removed.
    Dead,
}

/// The engine's health state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Not decided yet.
    Starting,
    /// Healthy.
    Healthy,
    /// Unhealthy.
    Unhealthy,
}

/// A container, as far as one list call tells.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Container {
    /// Full id.
    pub id: String,
    /// Name without the leading slash.
    pub name: String,
    /// Image reference it was created from.
    pub image: String,
    /// Image id.
    pub image_id: String,
    /// Command line as the engine prints it.
    pub command: String,
    /// State.
    pub state: ContainerState,
    /// Health; `None`: no health check.
    pub health: Option<Health>,
    /// Exit code of an ended container.
    pub exit_code: Option<i64>,
    /// The engine's status text (`Up 3 seconds (healthy)`).
    pub status: String,
    /// Creation time, seconds since the epoch.
    pub created: i64,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Attached networks by engine name.
    pub networks: BTreeMap<String, Endpoint>,
    /// Mounts.
    pub mounts: Vec<MountPoint>,
    /// Ports.
    pub ports: Vec<PortMapping>,
    /// Ids of the containers whose namespaces it uses ([`joined`]): it cannot be started where one of them does not run.
    pub joins: Vec<String>,
}

/// Whose namespaces a container uses: its network mode tells of one, its labels of the others, where Windlass made it.
#[must_use]
pub fn joined(network_mode: &str, labels: &BTreeMap<String, String>) -> Vec<String> {
    let recorded = labels.get(crate::labels::JOINS).map(String::as_str).unwrap_or_default();
    let recorded = recorded.split(',').filter(|id| !id.is_empty());
    let mut owners: Vec<String> = recorded.chain(network_mode.strip_prefix("container:")).map(str::to_owned).collect();
    owners.sort();
    owners.dedup();
    owners
}

impl Container {
    /// Value of a `com.docker.compose.…` label.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }
}

/// One attachment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Network id; empty for a container that never ran on some engines.
    pub network_id: String,
    /// IPv4 address; empty when it does not run.
    pub ip_address: String,
    /// Aliases, where the list tells them.
    pub aliases: Vec<String>,
}

/// One mount of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MountPoint {
    /// `volume`, `bind`, `tmpfs`, …
    pub kind: String,
    /// Volume name.
    pub name: String,
    /// Host path.
    pub source: String,
    /// Path in the container.
    pub destination: String,
    /// Writable.
    pub writable: bool,
}

/// One port of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PortMapping {
    /// Host address; empty: not published.
    pub host_ip: String,
    /// Host port; `None`: not published.
    pub public: Option<u16>,
    /// Container port.
    pub private: u16,
    /// `tcp`, `udp`, `sctp`.
    pub protocol: String,
}

/// A network of the engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Driver.
    pub driver: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// A volume of the engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Volume {
    /// Name.
    pub name: String,
    /// Driver.
    pub driver: String,
    /// Creation time as the engine prints it; with the name, the volume's identity.
    pub created_at: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// A local image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// Image id.
    pub id: String,
    /// What the label `com.docker.compose.image` records: digest of the platform's manifest, else the id.
    pub content_digest: String,
    /// Tags.
    pub tags: Vec<String>,
    /// Paths that the image declares as volumes.
    pub volumes: Vec<String>,
    /// Exposed ports (`80/tcp`).
    pub exposed_ports: Vec<String>,
    /// It has a health check of its own.
    pub has_healthcheck: bool,
    /// `os/arch[/variant]`.
    pub platform: String,
    /// Time of the last tag or pull, seconds since the epoch; 0: unknown.
    pub last_tagged: i64,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}
