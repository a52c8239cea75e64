//! What is known of a project's containers at one moment.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use windlass_plan::observed::{ContainerState, Health};

/// Ends that an instance remembers; older ones are forgotten, so that a container that crashes for days takes no more
/// memory than one that crashed a few times.
pub const ENDS_KEPT: usize = 16;

/// What is known of a project's containers at one moment. Never changes; the next moment has a snapshot of its own.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Grows by one with every snapshot, from 0 (nothing is known yet).
    pub revision: u64,
    /// The containers have been listed at least once: before that, nothing is known of them.
    pub listed: bool,
    /// Containers by full id, one-off and hook containers included. Removed ones stay for a while with
    /// [`Phase::Removed`], so that those who wait for them learn of it.
    pub containers: BTreeMap<String, Arc<Instance>>,
    /// Whether the snapshot follows the engine right now.
    pub link: Link,
}

impl Snapshot {
    /// A container by full id, or by name among those that exist.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Arc<Instance>> {
        let named =
            || self.containers.values().find(|instance| instance.name == id && instance.phase != Phase::Removed);
        self.containers.get(id).or_else(named)
    }

    /// Containers of a service that exist, one-off and hook containers left out, by number.
    #[must_use]
    pub fn replicas(&self, service: &str) -> Vec<&Arc<Instance>> {
        let of = |instance: &&Arc<Instance>| instance.service == service && instance.is_replica();
        let mut found: Vec<_> = self.containers.values().filter(of).collect();
        found.sort_by_key(|instance| instance.number);
        found
    }
}

/// Whether the snapshot follows the engine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Link {
    /// Nobody has needed it yet, or the first subscription is under way.
    #[default]
    Idle,
    /// Events arrive.
    Connected,
    /// The connection was lost and is opened again; what the snapshot says is what was true before.
    Reconnecting {
        /// Why it was lost, in one line.
        reason: String,
    },
    /// It could not be opened again: there will be no news.
    Broken {
        /// Why, in one line.
        reason: String,
    },
}

/// Where a container is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Made, never started.
    Created,
    /// Runs.
    Running,
    /// Frozen.
    Paused,
    /// Ended, and its restart policy will start it again.
    Restarting,
    /// Ended, and stays so until someone starts it.
    Exited,
    /// The engine could not remove it.
    Dead,
    /// The engine is removing it.
    Removing,
    /// It does not exist any more.
    Removed,
}

impl Phase {
    /// It neither runs nor will by itself.
    #[must_use]
    pub fn is_over(self) -> bool {
        match self {
            Self::Exited | Self::Dead | Self::Removing | Self::Removed => true,
            Self::Created | Self::Running | Self::Paused | Self::Restarting => false,
        }
    }
}

impl From<ContainerState> for Phase {
    fn from(state: ContainerState) -> Self {
        match state {
            ContainerState::Created => Self::Created,
            ContainerState::Running => Self::Running,
            ContainerState::Paused => Self::Paused,
            ContainerState::Restarting => Self::Restarting,
            ContainerState::Removing => Self::Removing,
            ContainerState::Exited => Self::Exited,
            ContainerState::Dead => Self::Dead,
        }
    }
}

/// One end of a container's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Exit code; `None`: the engine has not said it yet.
    pub code: Option<i64>,
    /// When, by the engine's clock, in nanoseconds since the epoch.
    pub time: i64,
}

/// One container.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Full id.
    pub id: String,
    /// Name without the leading slash.
    pub name: String,
    /// Service; empty where the container carries no such label.
    pub service: String,
    /// Replica number, from 1; 0 for one-off and hook containers without one.
    pub number: u32,
    /// Made by `run`.
    pub one_off: bool,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Where it is in its life.
    pub phase: Phase,
    /// Health by the engine's own check; `None`: it has no check. Means something only while it runs.
    pub health: Option<Health>,
    /// Exit code of the last end; `None`: it never ended, or the engine has not said it yet.
    pub exit_code: Option<i64>,
    /// The kernel killed one of its processes for want of memory in the current or last run.
    pub oom: bool,
    /// Times that it was started, as far as that was seen: compare two values, do not trust one alone.
    pub starts: u64,
    /// The last ends that were seen since the project is watched, oldest first.
    pub ends: VecDeque<Ended>,
    /// What only an inspection tells; `None`: nobody needed it so far.
    pub facts: Option<Facts>,
}

impl Instance {
    /// A replica of a service: not of `run`, not of a hook.
    #[must_use]
    pub fn is_replica(&self) -> bool {
        self.phase != Phase::Removed
            && !self.one_off
            && self.labels.contains_key(windlass_plan::labels::CONFIG_HASH)
            && !self.labels.contains_key(windlass_plan::labels::HOOK)
    }
}

/// What only an inspection tells, as of the last one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Created with a terminal: its log has no stream marks.
    pub tty: bool,
    /// Start of the current or last run, as the engine prints it.
    pub started_at: String,
    /// The same in nanoseconds since the epoch, by the engine's clock; `None`: it never ran.
    pub started: Option<i64>,
    /// Times that the restart policy started it.
    pub restart_count: i64,
    /// Output of the last health check.
    pub health_log: Option<String>,
    /// Why the engine could not start it; empty where it could.
    pub error: String,
}
