//! A service and the small types its attributes need.

use std::time::Duration;

use indexmap::IndexMap;
use serde::Serialize;

use super::{Build, Deploy, Develop, Extensions, OptionalMap, ServiceHook, StringMap};

/// One service. Text attributes that are absent are empty strings; numbers that are absent are `None` or 0 as noted.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Service {
    /// Key under `services`.
    #[serde(skip)]
    pub name: String,
    /// Profiles that enable it.
    pub profiles: Vec<String>,
    /// Engine annotations.
    pub annotations: StringMap,
    /// `false`: `up` does not attach its logs.
    pub attach: Option<bool>,
    /// How to build its image.
    pub build: Option<Build>,
    /// Watch rules.
    pub develop: Option<Develop>,
    /// Block I/O limits.
    pub blkio_config: Option<BlkioConfig>,
    /// Added capabilities.
    pub cap_add: Vec<String>,
    /// Dropped capabilities.
    pub cap_drop: Vec<String>,
    /// Parent cgroup.
    pub cgroup_parent: String,
    /// `host` or `private`.
    pub cgroup: String,
    /// Windows: number of CPUs.
    pub cpu_count: i64,
    /// Windows: percent of CPU.
    pub cpu_percent: f32,
    /// CFS period, microseconds.
    pub cpu_period: i64,
    /// CFS quota, microseconds.
    pub cpu_quota: i64,
    /// Real-time period, microseconds.
    pub cpu_rt_period: i64,
    /// Real-time runtime, microseconds.
    pub cpu_rt_runtime: i64,
    /// CPUs, as a fraction.
    pub cpus: f32,
    /// CPUs to run on (`0-3`).
    pub cpuset: String,
    /// Relative weight.
    pub cpu_shares: i64,
    /// `None`: the image's.
    pub command: Option<Vec<String>>,
    /// Configs granted.
    pub configs: Vec<FileReference>,
    /// Fixed container name.
    pub container_name: String,
    /// Credential spec (Windows).
    pub credential_spec: Option<CredentialSpec>,
    /// Dependencies by service.
    pub depends_on: IndexMap<String, Dependency>,
    /// Replicas, resources and restart policy.
    pub deploy: Option<Deploy>,
    /// Device cgroup rules.
    pub device_cgroup_rules: Vec<String>,
    /// Devices.
    pub devices: Vec<DeviceMapping>,
    /// DNS servers.
    pub dns: Vec<String>,
    /// Resolver options.
    pub dns_opt: Vec<String>,
    /// Search domains.
    pub dns_search: Vec<String>,
    /// NIS domain name.
    pub domainname: String,
    /// `None`: the image's.
    pub entrypoint: Option<Vec<String>>,
    /// External program that provides the service.
    pub provider: Option<Provider>,
    /// Resolved environment.
    pub environment: OptionalMap,
    /// Environment files, kept only with `--no-env-resolution`.
    pub env_file: Vec<EnvFile>,
    /// Exposed container ports (`80`, `80/udp`).
    pub expose: Vec<String>,
    /// Links to containers outside the project.
    pub external_links: Vec<String>,
    /// Host name to addresses.
    pub extra_hosts: IndexMap<String, Vec<String>>,
    /// Additional groups.
    pub group_add: Vec<String>,
    /// GPUs.
    pub gpus: Option<Vec<DeviceRequest>>,
    /// Host name.
    pub hostname: String,
    /// Engine health check.
    pub healthcheck: Option<HealthCheck>,
    /// Image reference; empty when only built.
    pub image: String,
    /// Run an init process.
    pub init: Option<bool>,
    /// IPC mode.
    pub ipc: String,
    /// Isolation technology.
    pub isolation: String,
    /// User labels (Compose's own are added at creation).
    pub labels: StringMap,
    /// Label files, kept only with `--no-env-resolution`.
    pub label_file: Vec<String>,
    /// Links.
    pub links: Vec<String>,
    /// Log driver.
    pub logging: Option<Logging>,
    /// Memory limit, bytes; 0: none.
    pub mem_limit: i64,
    /// Memory reservation, bytes; 0: none.
    pub mem_reservation: i64,
    /// Memory plus swap, bytes; -1: unlimited; 0: unset.
    pub memswap_limit: i64,
    /// Swappiness; 0: unset.
    pub mem_swappiness: i64,
    /// MAC address of the primary network's endpoint.
    pub mac_address: String,
    /// AI models by key.
    pub models: IndexMap<String, Option<ServiceModel>>,
    /// `none`, `host`, `bridge`, `service:X`, `container:X`.
    pub network_mode: String,
    /// Attached networks by key; `None`: all defaults.
    pub networks: IndexMap<String, Option<ServiceNetwork>>,
    /// Disable the OOM killer.
    pub oom_kill_disable: bool,
    /// OOM score adjustment; 0: unset.
    pub oom_score_adj: i64,
    /// PID namespace.
    pub pid: String,
    /// Process limit; 0: unset.
    pub pids_limit: i64,
    /// `os/arch[/variant]`.
    pub platform: String,
    /// Published ports.
    pub ports: Vec<Port>,
    /// Full privileges.
    pub privileged: bool,
    /// When to pull.
    pub pull_policy: String,
    /// Read-only root file system.
    pub read_only: bool,
    /// `no`, `always`, `on-failure[:N]`, `unless-stopped`.
    pub restart: String,
    /// Container runtime.
    pub runtime: String,
    /// Replicas; `None`: 1. `deploy.replicas` is kept in step by normalisation.
    pub scale: Option<u32>,
    /// Secrets granted.
    pub secrets: Vec<FileReference>,
    /// Security options.
    pub security_opt: Vec<String>,
    /// Size of `/dev/shm`, bytes; 0: unset.
    pub shm_size: i64,
    /// Keep standard input open.
    pub stdin_open: bool,
    /// Time between stop signal and kill.
    pub stop_grace_period: Option<Duration>,
    /// Signal that asks it to stop.
    pub stop_signal: String,
    /// Storage driver options.
    pub storage_opt: StringMap,
    /// Kernel parameters.
    pub sysctls: StringMap,
    /// `path[:options]`.
    pub tmpfs: Vec<String>,
    /// Allocate a terminal.
    pub tty: bool,
    /// Limits by name.
    pub ulimits: IndexMap<String, Ulimit>,
    /// Give the container the engine's API socket.
    pub use_api_socket: bool,
    /// User (and group).
    pub user: String,
    /// User namespace.
    pub userns_mode: String,
    /// UTS namespace.
    pub uts: String,
    /// Mounts.
    pub volumes: Vec<Mount>,
    /// Services or containers whose volumes are mounted.
    pub volumes_from: Vec<String>,
    /// Working directory.
    pub working_dir: String,
    /// Hooks in a container of their own before the start.
    pub pre_start: Vec<ServiceHook>,
    /// Commands run in the container after the start.
    pub post_start: Vec<ServiceHook>,
    /// Commands run in the container before the stop.
    pub pre_stop: Vec<ServiceHook>,
    /// `x-…`.
    #[serde(skip)]
    pub extensions: Extensions,
    /// `x-windlass` of the service, with `windlass.yaml` merged over it.
    #[serde(skip)]
    pub windlass: crate::windlass::ServiceSettings,
}

impl Service {
    /// Number of replicas wanted.
    #[must_use]
    pub fn replicas(&self) -> u32 {
        let deployed = self.deploy.as_ref().and_then(|deploy| deploy.replicas);
        self.scale.or(deployed).unwrap_or(1)
    }

    /// Keys of its networks, the highest priority first, ties by name.
    #[must_use]
    pub fn networks_by_priority(&self) -> Vec<&String> {
        let priority =
            |key: &str| self.networks.get(key).and_then(Option::as_ref).map_or(0, |network| network.priority);
        let mut keys: Vec<&String> = self.networks.keys().collect();
        keys.sort_by_key(|key| (std::cmp::Reverse(priority(key)), key.as_str()));
        keys
    }

    /// Key and settings of the network whose address stands for the service.
    #[must_use]
    pub fn primary_network(&self) -> Option<(&str, Option<&ServiceNetwork>)> {
        let key = self.networks_by_priority().into_iter().next()?;
        Some((key, self.networks.get(key).and_then(Option::as_ref)))
    }
}

/// When a dependency is good enough to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Its container runs.
    #[default]
    ServiceStarted,
    /// The engine says healthy.
    ServiceHealthy,
    /// It exited with code 0.
    ServiceCompletedSuccessfully,
}

/// One entry of `depends_on`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dependency {
    /// What to wait for.
    pub condition: Condition,
    /// Restart this service when the dependency is recreated or restarted.
    pub restart: bool,
    /// `false`: a failure of the dependency is only a warning.
    pub required: bool,
}

/// An environment file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnvFile {
    /// Absolute path (as written with `--no-path-resolution`).
    pub path: String,
    /// Missing is an error.
    pub required: bool,
    /// `raw` or empty.
    pub format: String,
}

/// Health check; `test` empty means the image's own test with other timings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct HealthCheck {
    /// `["CMD", …]`, `["CMD-SHELL", text]`, `["NONE"]`.
    pub test: Vec<String>,
    /// Time limit of one check.
    pub timeout: Option<Duration>,
    /// Time between checks.
    pub interval: Option<Duration>,
    /// Failures in a row that mean unhealthy.
    pub retries: Option<u64>,
    /// Failures in this time do not count.
    pub start_period: Option<Duration>,
    /// Interval during the start period.
    pub start_interval: Option<Duration>,
    /// Turned off.
    pub disable: bool,
    /// `x-…`.
    #[serde(skip)]
    pub extensions: Extensions,
}

/// A published port, canonical form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Port {
    /// Name, informative.
    pub name: String,
    /// `ingress` or `host`.
    pub mode: String,
    /// Address on the host; empty: all.
    pub host_ip: String,
    /// Container port.
    pub target: u16,
    /// Host port, range, or empty for an ephemeral one.
    pub published: String,
    /// `tcp`, `udp`, `sctp`.
    pub protocol: String,
    /// Application protocol, informative.
    pub app_protocol: String,
    /// `x-…`.
    #[serde(skip)]
    pub extensions: Extensions,
}

/// Kind of a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum MountKind {
    /// A named or anonymous volume.
    #[default]
    Volume,
    /// A host path.
    Bind,
    /// Memory.
    Tmpfs,
    /// Windows named pipe.
    Npipe,
    /// Swarm cluster volume.
    Cluster,
    /// An image's file system.
    Image,
}

impl MountKind {
    /// The value of `type` in a compose file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Volume => "volume",
            Self::Bind => "bind",
            Self::Tmpfs => "tmpfs",
            Self::Npipe => "npipe",
            Self::Cluster => "cluster",
            Self::Image => "image",
        }
    }
}

/// A mount, canonical form.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Mount {
    /// Kind.
    #[serde(rename = "type")]
    pub kind: MountKind,
    /// Volume key, absolute host path or image; empty for anonymous volumes and tmpfs.
    pub source: String,
    /// Path in the container.
    pub target: String,
    /// Read-only.
    pub read_only: bool,
    /// Ignored by today's engines.
    pub consistency: String,
    /// Options of binds.
    pub bind: Option<BindOptions>,
    /// Options of volumes.
    pub volume: Option<VolumeOptions>,
    /// Options of tmpfs.
    pub tmpfs: Option<TmpfsOptions>,
    /// Options of images.
    pub image: Option<ImageOptions>,
    /// `x-…`.
    #[serde(skip)]
    pub extensions: Extensions,
}

/// Options of a bind mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BindOptions {
    /// `z` or `Z`.
    pub selinux: String,
    /// `rprivate`, `rshared`, …
    pub propagation: String,
    /// Create the host path when it is missing.
    pub create_host_path: bool,
    /// `create_host_path` was written, or implied by the short form: Compose 2 hashed it then.
    #[serde(skip)]
    pub host_path_written: bool,
    /// `enabled`, `disabled`, `writable`, `readonly`.
    pub recursive: String,
}

impl Default for BindOptions {
    fn default() -> Self {
        Self {
            selinux: String::new(),
            propagation: String::new(),
            create_host_path: true,
            host_path_written: false,
            recursive: String::new(),
        }
    }
}

/// Options of a volume mount.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VolumeOptions {
    /// Labels of an anonymous volume.
    pub labels: StringMap,
    /// Do not copy the image's content into a new volume.
    pub nocopy: bool,
    /// Path inside the volume.
    pub subpath: String,
}

/// Options of a tmpfs mount.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TmpfsOptions {
    /// Bytes; 0: unlimited.
    pub size: i64,
    /// File mode; 0: the engine's default.
    pub mode: u32,
}

/// Options of an image mount.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImageOptions {
    /// Path inside the image.
    pub subpath: String,
}

/// A secret or config granted to a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FileReference {
    /// Key of the top-level definition.
    pub source: String,
    /// Absolute path in the container.
    pub target: String,
    /// Owner, numeric.
    pub uid: String,
    /// Group, numeric.
    pub gid: String,
    /// File mode.
    pub mode: Option<u32>,
}

/// Settings of one network attachment.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ServiceNetwork {
    /// Additional names.
    pub aliases: Vec<String>,
    /// Driver options of the endpoint.
    pub driver_opts: StringMap,
    /// Order of attachment; the highest is the primary.
    pub priority: i64,
    /// Gateway priority.
    pub gw_priority: i64,
    /// Interface name in the container.
    pub interface_name: String,
    /// Static address.
    pub ipv4_address: String,
    /// Static address.
    pub ipv6_address: String,
    /// Link-local addresses.
    pub link_local_ips: Vec<String>,
    /// MAC address.
    pub mac_address: String,
    /// `x-…`.
    #[serde(skip)]
    pub extensions: Extensions,
}

/// Log driver and options.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Logging {
    /// Driver.
    pub driver: String,
    /// Options.
    pub options: StringMap,
    /// `x-…`.
    #[serde(skip)]
    pub extensions: Extensions,
}

/// A limit: one number for both, or soft and hard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Ulimit {
    /// Written as a single number.
    pub single: Option<i64>,
    /// Soft limit.
    pub soft: i64,
    /// Hard limit.
    pub hard: i64,
}

/// A device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DeviceMapping {
    /// Path on the host or CDI name.
    pub source: String,
    /// Path in the container.
    pub target: String,
    /// `rwm`.
    pub permissions: String,
}

/// A request for devices of a driver.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DeviceRequest {
    /// Capabilities wanted.
    pub capabilities: Vec<String>,
    /// Driver.
    pub driver: String,
    /// Number; -1: all, also where neither number nor ids are given; 0: ids are given.
    pub count: i64,
    /// Ids.
    pub device_ids: Vec<String>,
    /// Driver options.
    pub options: StringMap,
}

/// Block I/O limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BlkioConfig {
    /// 10 to 1000.
    pub weight: u16,
    /// Weight per device.
    pub weight_device: Vec<WeightDevice>,
    /// Bytes per second.
    pub device_read_bps: Vec<ThrottleDevice>,
    /// Operations per second.
    pub device_read_iops: Vec<ThrottleDevice>,
    /// Bytes per second.
    pub device_write_bps: Vec<ThrottleDevice>,
    /// Operations per second.
    pub device_write_iops: Vec<ThrottleDevice>,
}

/// Weight of a device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WeightDevice {
    /// Device path.
    pub path: String,
    /// Weight.
    pub weight: u16,
}

/// Rate of a device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ThrottleDevice {
    /// Device path.
    pub path: String,
    /// Bytes or operations per second.
    pub rate: i64,
}

/// Credential spec (Windows).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CredentialSpec {
    /// Config key.
    pub config: String,
    /// File.
    pub file: String,
    /// Registry key.
    pub registry: String,
}

/// An external provider program.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Provider {
    /// Name of the program.
    #[serde(rename = "type")]
    pub kind: String,
    /// Options; each key may have several values.
    pub options: IndexMap<String, Vec<String>>,
}

/// Variables that a model's endpoint and name are given in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ServiceModel {
    /// Variable with the endpoint.
    pub endpoint_var: String,
    /// Variable with the model's name.
    pub model_var: String,
}
