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
    /// With a guard, what would go on running is started only where the guard holds.
    pub(super) fn or(self, guard: Option<Guard>) -> Self {
        match (self, guard) {
            (Self::Runs | Self::Unpause, Some(guard)) => Self::If(guard),
            (Self::Runs | Self::Unpause, None) => Self::Always,
            (start, _) => start,
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
