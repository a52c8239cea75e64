//! Compose's own hooks of a service.

use serde::Serialize;

use super::{Extensions, OptionalMap};

/// A `pre_start`, `post_start` or `pre_stop` entry.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ServiceHook {
    /// Command.
    pub command: Vec<String>,
    /// User.
    pub user: String,
    /// Full privileges.
    pub privileged: bool,
    /// Working directory.
    pub working_dir: String,
    /// Environment.
    pub environment: OptionalMap,
    /// Image of a `pre_start` container.
    pub image: String,
    /// `pre_start` only.
    pub per_replica: bool,
    /// `x-…`.
    #[serde(skip)]
    pub extensions: Extensions,
}
