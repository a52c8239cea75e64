//! `deploy`.

use std::time::Duration;

use serde::Serialize;

use super::{DeviceRequest, Extensions, Json, StringMap};

/// Replicas, resources, and what only orchestrators honour.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Deploy {
    /// `replicated`, `global`, …
    pub mode: String,
    /// Replica count.
    pub replicas: Option<u32>,
    /// Labels of the orchestrator's service.
    pub labels: StringMap,
    /// Rolling update.
    pub update_config: Option<UpdateConfig>,
    /// Rollback.
    pub rollback_config: Option<UpdateConfig>,
    /// Limits and reservations.
    pub resources: Resources,
    /// Restart policy.
    pub restart_policy: Option<RestartPolicy>,
    /// Placement.
    pub placement: Placement,
    /// `vip` or `dnsrr`.
    pub endpoint_mode: String,
    /// `x-…`.
    #[serde(skip)]
    pub extensions: Extensions,
}

/// How an update rolls.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct UpdateConfig {
    /// Replicas at once.
    pub parallelism: Option<u64>,
    /// Pause between groups.
    pub delay: Option<Duration>,
    /// `pause`, `continue`, `rollback`.
    pub failure_action: String,
    /// Time to watch each replica.
    pub monitor: Option<Duration>,
    /// Tolerated share of failures.
    pub max_failure_ratio: f32,
    /// `stop-first` or `start-first`.
    pub order: String,
}

/// Limits and reservations.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Resources {
    /// At most.
    pub limits: Option<Resource>,
    /// At least.
    pub reservations: Option<Resource>,
    /// `x-…`.
    #[serde(skip)]
    pub extensions: Extensions,
}

/// One set of resources.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Resource {
    /// CPUs, as a fraction; 0: unset.
    pub cpus: f32,
    /// Bytes; 0: unset.
    pub memory: i64,
    /// Processes; 0: unset.
    pub pids: i64,
    /// Devices.
    pub devices: Vec<DeviceRequest>,
    /// Swarm's generic resources.
    pub generic_resources: Vec<Json>,
}

/// Restart policy.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RestartPolicy {
    /// `none`, `on-failure`, `any`, …
    pub condition: String,
    /// Pause.
    pub delay: Option<Duration>,
    /// At most this many.
    pub max_attempts: Option<u64>,
    /// Time that decides whether a restart succeeded.
    pub window: Option<Duration>,
}

/// Placement.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Placement {
    /// Constraints.
    pub constraints: Vec<String>,
    /// Preferences (`spread`).
    pub preferences: Vec<String>,
    /// Replicas per node.
    pub max_replicas_per_node: u64,
}
