//! The validated project: what planner and engine work on, and what `config` prints.
//!
//! Field order is the order in which `docker compose config` prints attributes and over which config hashes are
//! computed; see `render` and `hash` before moving one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

mod build;
mod deploy;
mod hook;
mod resources;
mod service;

pub use build::*;
pub use deploy::*;
pub use hook::*;
pub use resources::*;
pub use service::*;

/// Any JSON value, for extensions and driver-specific options.
pub type Json = serde_json::Value;
/// Names to optional values: `None` means "declared without a value and not set in the project's environment".
pub type OptionalMap = BTreeMap<String, Option<String>>;
/// Names to values, sorted.
pub type StringMap = BTreeMap<String, String>;
/// `x-…` attributes, sorted.
pub type Extensions = BTreeMap<String, Json>;

/// A whole project, normalised: names, default network, implied dependencies and absolute paths are filled in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Project {
    /// Valid project name.
    pub name: String,
    /// Absolute base directory of relative paths.
    pub working_dir: PathBuf,
    /// Absolute paths of the compose files, in order.
    pub compose_files: Vec<PathBuf>,
    /// `--env-file` list as given (label `environment_file`), absolute; empty when the default `.env` was used.
    pub env_files: Vec<PathBuf>,
    /// Environment used for interpolation.
    pub environment: StringMap,
    /// Separator in container and image names: `-`, or `_` with `--compatibility`.
    pub separator: char,
    /// Enabled services by name, sorted. Plans and steps share them; loading changes them through [`Project::services_mut`].
    pub services: IndexMap<String, Arc<Service>>,
    /// Services outside the selected profiles, sorted.
    pub disabled_services: IndexMap<String, Arc<Service>>,
    /// Networks by key.
    pub networks: BTreeMap<String, Network>,
    /// Volumes by key.
    pub volumes: BTreeMap<String, Volume>,
    /// Secrets by key.
    pub secrets: BTreeMap<String, FileObject>,
    /// Configs by key.
    pub configs: BTreeMap<String, FileObject>,
    /// Models by key.
    pub models: BTreeMap<String, Model>,
    /// Top-level `x-…`.
    pub extensions: Extensions,
    /// `x-windlass` of the top level, with `windlass.yaml` merged over it.
    pub windlass: crate::windlass::ProjectSettings,
}

/// Variable of the platform that services without one of their own have.
const DEFAULT_PLATFORM: &str = "DOCKER_DEFAULT_PLATFORM";

impl Project {
    /// Enabled services, to be changed: free as long as nothing shares them, which is so until the project is loaded.
    /// A service that somebody shares is copied first, so what he sees does not change.
    pub fn services_mut(&mut self) -> impl Iterator<Item = &mut Service> {
        self.services.values_mut().map(Arc::make_mut)
    }

    /// One enabled service, to be changed; see [`Project::services_mut`].
    pub fn service_mut(&mut self, name: &str) -> Option<&mut Service> {
        self.services.get_mut(name).map(Arc::make_mut)
    }

    /// Image of a service: its `image`, or `<project><separator><service>` when it is only built.
    #[must_use]
    pub fn image_of(&self, service: &Service) -> String {
        if service.image.is_empty() {
            format!("{}{}{}", self.name, self.separator, service.name)
        } else {
            service.image.clone()
        }
    }

    /// Platform of a service's images: its own `platform`, else `DOCKER_DEFAULT_PLATFORM`, else empty (the engine's own).
    #[must_use]
    pub fn platform_of<'a>(&'a self, service: &'a Service) -> &'a str {
        if service.platform.is_empty() {
            self.environment.get(DEFAULT_PLATFORM).map(String::as_str).unwrap_or_default()
        } else {
            &service.platform
        }
    }

    /// Container name of a replica, counted from 1.
    #[must_use]
    pub fn container_name(&self, service: &Service, number: u32) -> String {
        if service.container_name.is_empty() {
            format!("{}{s}{}{s}{number}", self.name, service.name, s = self.separator)
        } else {
            service.container_name.clone()
        }
    }
}
