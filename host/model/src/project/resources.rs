//! Top-level networks, volumes, secrets, configs and models.

use serde::Serialize;

use super::{Extensions, StringMap};

/// A network.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Network {
    /// Engine name.
    pub name: String,
    /// Driver; empty: the engine's default.
    pub driver: String,
    /// Driver options.
    pub driver_opts: StringMap,
    /// Address management.
    pub ipam: Ipam,
    /// Made by somebody else: must exist, is never changed or removed.
    pub external: bool,
    /// No way out.
    pub internal: bool,
    /// Standalone containers may attach (swarm).
    pub attachable: bool,
    /// Labels.
    pub labels: StringMap,
    /// IPv4.
    pub enable_ipv4: Option<bool>,
    /// IPv6.
    pub enable_ipv6: Option<bool>,
    /// `x-…`.
    #[serde(skip)]
    pub extensions: Extensions,
}

/// Address management of a network.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Ipam {
    /// Driver.
    pub driver: String,
    /// Driver options.
    pub options: StringMap,
    /// Pools.
    pub config: Vec<IpamPool>,
}

/// One address pool.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct IpamPool {
    /// Subnet, CIDR.
    pub subnet: String,
    /// Gateway.
    pub gateway: String,
    /// Range of addresses for containers.
    pub ip_range: String,
    /// Addresses in use by others.
    pub aux_addresses: StringMap,
}

/// A volume.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Volume {
    /// Engine name.
    pub name: String,
    /// Driver; empty: `local`.
    pub driver: String,
    /// Driver options.
    pub driver_opts: StringMap,
    /// Made by somebody else.
    pub external: bool,
    /// Labels.
    pub labels: StringMap,
    /// `x-…`.
    #[serde(skip)]
    pub extensions: Extensions,
}

/// A secret or a config.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct FileObject {
    /// Engine name.
    pub name: String,
    /// Absolute path.
    pub file: String,
    /// Variable of the project's environment that holds the content.
    pub environment: String,
    /// Content, typed in the file or resolved from `environment`.
    pub content: String,
    /// Made by somebody else.
    pub external: bool,
    /// Labels.
    pub labels: StringMap,
    /// Secret driver.
    pub driver: String,
    /// Options of the driver.
    pub driver_opts: StringMap,
    /// Template driver.
    pub template_driver: String,
    /// `x-…`.
    #[serde(skip)]
    pub extensions: Extensions,
}

/// An AI model.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Model {
    /// Engine name.
    pub name: String,
    /// Model reference.
    pub model: String,
    /// Context size.
    pub context_size: i64,
    /// Flags.
    pub runtime_flags: Vec<String>,
    /// `x-…`.
    #[serde(skip)]
    pub extensions: Extensions,
}
