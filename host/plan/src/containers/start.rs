//! How a container gets to run.

use crate::observed::{Container, ContainerState};
use crate::step::Guard;

/// Whether a replica has to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Start {
    /// It runs and stays.
    Runs,
    /// Yes.
    Always,
    /// Only if the guard holds: else it runs and stays.
    If(Guard),
    /// It is paused: it goes on where it was.
    Unpause,
}

impl Start {
    /// With one more reason why it may not run any more: for sure, or where the guard holds.
    pub(super) fn or(self, guard: Option<Guard>) -> Self {
        match (self, guard) {
            (Self::Always, _) | (_, None) => Self::Always,
            (Self::Runs | Self::Unpause, Some(guard)) => Self::If(guard),
            (Self::If(one), Some(other)) => Self::If(one.or(other)),
        }
    }

    /// When it has to be started, where that is known only while the plan runs.
    pub(crate) fn guard(&self) -> Option<Guard> {
        match self {
            Self::If(guard) => Some(guard.clone()),
            Self::Runs | Self::Always | Self::Unpause => None,
        }
    }
}

/// How a container that is kept gets to run, and why.
pub(crate) fn start_of(container: &Container) -> (Start, String) {
    match container.state {
        ContainerState::Running | ContainerState::Restarting => (Start::Runs, String::new()),
        ContainerState::Created => (Start::Always, "container is not started".to_owned()),
        ContainerState::Exited => {
            let code = container.exit_code.map(|code| format!(" with code {code}")).unwrap_or_default();
            (Start::Always, format!("container has exited{code}"))
        }
        ContainerState::Paused => (Start::Unpause, "container is paused".to_owned()),
        ContainerState::Removing | ContainerState::Dead => (Start::Always, "container is dead".to_owned()),
    }
}
