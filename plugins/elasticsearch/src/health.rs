//! What `/_cluster/health` says, and what it means.

use serde::Deserialize;
use windlass_plugin::{Verdict, not_yet};

/// Health of a cluster or index, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Red,
    Yellow,
    Green,
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Red => "red",
            Self::Yellow => "yellow",
            Self::Green => "green",
        })
    }
}

/// The part of the answer that matters. An answer without these is not from Elasticsearch.
#[derive(Debug, Deserialize)]
pub(crate) struct Health {
    pub(crate) status: Status,
    pub(crate) timed_out: bool,
    pub(crate) number_of_nodes: u32,
    #[serde(default)]
    pub(crate) unassigned_shards: u32,
    #[serde(default)]
    pub(crate) initializing_shards: u32,
}

impl Health {
    /// Judges the health of `what` (`the cluster`, `index \`x\``).
    pub(crate) fn judge(&self, what: &str, wanted: Status) -> Verdict {
        if self.timed_out {
            return not_yet("status", format!("the health of {what} was not known in time (`timed_out`)"));
        }
        if self.status >= wanted {
            return Verdict::Ready;
        }
        let verdict = not_yet("status", format!("{what} is {}, not {wanted}{}", self.status, self.shards()));
        if self.lone_node_cannot_be_green(wanted) {
            return verdict.hint(
                "one node cannot hold the replicas of its own shards: ask for `min-status: yellow`, or set \
                 `number_of_replicas: 0` on its indexes",
            );
        }
        verdict
    }

    fn lone_node_cannot_be_green(&self, wanted: Status) -> bool {
        let settled = self.status == Status::Yellow && self.initializing_shards == 0;
        wanted == Status::Green && settled && self.number_of_nodes == 1 && self.unassigned_shards > 0
    }

    fn shards(&self) -> String {
        match (self.initializing_shards, self.unassigned_shards) {
            (0, 0) => String::new(),
            (0, missing) => format!(" ({missing} shards unassigned)"),
            (starting, missing) => format!(" ({starting} shards starting, {missing} unassigned)"),
        }
    }
}
