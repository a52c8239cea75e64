//! Telling a person that the engine's news stop and come again, once each, however often it is tried in between.

use super::snapshot::Link;

/// What became of the connection, for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkNews {
    /// It was lost, and is opened again.
    Lost {
        /// Why, in one line.
        reason: String,
    },
    /// It was lost, and is there again.
    Found,
}

impl LinkNews {
    /// It in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Lost { reason } => format!("the connection to the engine was lost, and is tried again: {reason}"),
            Self::Found => {
                "the connection to the engine is there again; nothing that happened meanwhile is missed".to_owned()
            }
        }
    }
}

/// Remembers what was told of the connection.
#[derive(Debug, Clone, Copy, Default)]
pub struct LinkWatch {
    connected: bool,
    lost: bool,
}

impl LinkWatch {
    /// What there is to tell now. A first connection that is slow to come is nothing lost.
    pub fn note(&mut self, link: &Link) -> Option<LinkNews> {
        match link {
            Link::Connected => {
                self.connected = true;
                std::mem::take(&mut self.lost).then_some(LinkNews::Found)
            }
            Link::Reconnecting { reason } if self.connected && !self.lost => {
                self.lost = true;
                Some(LinkNews::Lost { reason: reason.clone() })
            }
            Link::Reconnecting { .. } | Link::Idle | Link::Broken { .. } => None,
        }
    }
}
