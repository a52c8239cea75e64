//! Why there is no plan.

/// No plan can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A name on the command line.
    #[error("no such service: {0}")]
    NoSuchService(String),
    /// Dependencies in a circle, first and last name the same.
    #[error("dependency cycle detected: {}", .0.join(" -> "))]
    Cycle(Vec<String>),
    /// Somebody else's network.
    #[error("network {0} declared as external, but could not be found")]
    ExternalNetworkMissing(String),
    /// Network names are not unique.
    #[error("multiple networks with name {0:?} were found. Use network ID as `name` to avoid ambiguity")]
    NetworkAmbiguous(String),
    /// Somebody else's volume.
    #[error("external volume {0:?} not found")]
    ExternalVolumeMissing(String),
    /// A key that the model does not define.
    #[error("service {service:?} refers to undefined {kind} {key}")]
    Undefined {
        /// Service.
        service: String,
        /// `network` or `volume`.
        kind: &'static str,
        /// Key.
        key: String,
    },
    /// A fixed name stands for one container only.
    #[error(
        "service {service:?} has the container name {name:?} and {replicas} replicas: remove `container_name` to scale it"
    )]
    FixedNameScaled {
        /// Service.
        service: String,
        /// Its `container_name`.
        name: String,
        /// Wanted replicas.
        replicas: u32,
    },
    /// The model asks for what this version cannot do.
    #[error("service {service:?} uses `{attribute}`, which is not supported yet")]
    Unsupported {
        /// Service.
        service: String,
        /// Attribute.
        attribute: &'static str,
    },
    /// A container that the plan leaves as it is has what a new one needs, and only one can have it.
    #[error("{wanted_by} needs {claim}, which container {held_by} holds")]
    Taken {
        /// Port, name or address.
        claim: String,
        /// Container that would take it.
        wanted_by: String,
        /// Container that has it.
        held_by: String,
        /// What to do about it.
        hint: String,
    },
    /// A container is started in the namespaces of one that does not run and that the plan leaves as it is.
    #[error("service {service:?} uses the namespaces of {owner}, which does not run")]
    OwnerStopped {
        /// Service.
        service: String,
        /// Service whose namespaces it uses.
        owner: String,
    },
    /// Data would be lost under a container that runs and cannot be made again.
    #[error("volume {volume} has to be recreated, and the one-off container {container} uses it")]
    VolumeInUse {
        /// Engine name of the volume.
        volume: String,
        /// Container made by `run`.
        container: String,
    },
    /// `start` finds nothing to start.
    #[error("service {0:?} has no container to start")]
    NothingToStart(String),
    /// `pull_policy` or `--pull`.
    #[error("invalid pull policy {0:?}: use always, missing, never, build, daily, weekly or every_<duration>")]
    PullPolicy(String),
}

/// Whose matter a [`PlanError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanErrorKind {
    /// What the user typed or wrote.
    Request,
    /// What exists in the engine.
    State,
}

impl PlanError {
    /// Whose matter it is.
    #[must_use]
    pub const fn kind(&self) -> PlanErrorKind {
        match self {
            Self::NoSuchService(_)
            | Self::Cycle(_)
            | Self::Undefined { .. }
            | Self::FixedNameScaled { .. }
            | Self::Unsupported { .. }
            | Self::PullPolicy(_) => PlanErrorKind::Request,
            Self::ExternalNetworkMissing(_)
            | Self::NetworkAmbiguous(_)
            | Self::ExternalVolumeMissing(_)
            | Self::Taken { .. }
            | Self::OwnerStopped { .. }
            | Self::VolumeInUse { .. }
            | Self::NothingToStart(_) => PlanErrorKind::State,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::ExternalNetworkMissing(name) => {
                Some(format!("create it (`docker network create {name}`) or remove `external: true`"))
            }
            Self::ExternalVolumeMissing(name) => {
                Some(format!("create it (`docker volume create {name}`) or remove `external: true`"))
            }
            Self::Taken { hint, .. } => Some(hint.clone()),
            Self::OwnerStopped { owner, .. } => Some(format!("start {owner} first, or leave out `--no-deps`")),
            Self::VolumeInUse { container, .. } => Some(format!("stop it first: `docker stop {container}`")),
            Self::NothingToStart(_) => Some("`up` creates it".to_owned()),
            Self::NoSuchService(_)
            | Self::Cycle(_)
            | Self::NetworkAmbiguous(_)
            | Self::Undefined { .. }
            | Self::FixedNameScaled { .. }
            | Self::Unsupported { .. }
            | Self::PullPolicy(_) => None,
        }
    }
}

/// Result of planning.
pub type PlanResult<T> = Result<T, PlanError>;
