//! What services share: networks and volumes that containers have to wait for, and what becomes of the containers that
//! use those which are replaced.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use windlass_model::Project;
use windlass_model::project::Service;

use crate::containers::claims;
use crate::containers::images::Images;
use crate::containers::networks::NetworkPlanner;
use crate::containers::spec;
use crate::containers::volumes::VolumePlanner;
use crate::error::PlanResult;
use crate::graph::{Builder, Draft, Rank, Role};
use crate::observed::{Container, Observed};
use crate::options::UpOptions;
use crate::step::{Action, StepId};

/// What containers have to wait for, and what happened to those that exist.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    /// By network key: steps after which it can be used.
    pub(crate) networks: BTreeMap<String, Vec<StepId>>,
    /// By volume key: steps after which it can be used.
    pub(crate) volumes: BTreeMap<String, Vec<StepId>>,
    /// Existing containers by id: networks that they were detached from, and have to be attached to again.
    pub(crate) detached: BTreeMap<String, Vec<Detached>>,
    /// Existing containers by id that the plan stops to change a network.
    pub(crate) stopped: BTreeMap<String, StepId>,
    /// Existing containers by id that the plan removes for a volume.
    pub(crate) removed: BTreeMap<String, StepId>,
    /// Network ids by engine name, for attachment checks.
    pub(crate) network_ids: BTreeMap<String, String>,
}

/// A container that the plan takes off a network.
#[derive(Debug, Clone)]
pub(crate) struct Detached {
    /// Engine name of the network that it belongs to afterwards.
    pub(crate) network: String,
    /// The step that detaches it; `None`: it is off already.
    pub(crate) by: Option<StepId>,
    /// Steps after which it can be attached again.
    pub(crate) needs: Vec<StepId>,
}

impl Resources {
    /// Plans everything that the services use.
    pub(crate) fn plan(builder: &mut Builder, scope: &Scope<'_>, images: &Images) -> PlanResult<Self> {
        let mut networks = BTreeSet::new();
        let mut volumes = BTreeSet::new();
        for service in scope.services {
            networks.extend(spec::networks(scope.project, service)?.into_iter().map(|(key, _)| key));
            volumes.extend(spec::volumes(scope.project, service)?.into_keys());
        }
        let mut resources = Self::default();
        let mut planner = NetworkPlanner { scope, resources: &mut resources };
        for key in networks {
            planner.network(builder, &key)?;
        }
        let mut planner = VolumePlanner { scope, images, resources: &mut resources };
        for key in volumes {
            planner.volume(builder, &key)?;
        }
        Ok(resources)
    }

    /// What a container of the service has to wait for.
    pub(crate) fn ready(&self, service: &Service) -> Vec<StepId> {
        let networks = service.networks.keys().filter_map(|key| self.networks.get(key));
        let volumes = service.volumes.iter().filter_map(|mount| self.volumes.get(&mount.source));
        networks.chain(volumes).flatten().copied().collect()
    }
}

/// What the planners of networks and volumes look at.
pub(crate) struct Scope<'a> {
    pub(crate) project: &'a Project,
    pub(crate) observed: &'a Observed,
    pub(crate) options: &'a UpOptions,
    pub(crate) services: &'a [Arc<Service>],
    /// Containers that must not be stopped, see [`crate::containers::joins::cut_off`].
    pub(crate) cut_off: &'a BTreeSet<String>,
}

/// Stops a container that was up, as part of its own change: the way back starts it again, unless `unless` succeeded.
pub(crate) fn stop(builder: &mut Builder, container: &Container, draft: Draft, unless: Option<StepId>) -> StepId {
    let unit = builder.unit_of(&container.id);
    let step = builder.push(draft.unit(unit, Role::Break).releases(claims::running(container)));
    undo_stop(builder, container, step, unless);
    step
}

/// Adds to the way back that a stopped container runs again.
pub(crate) fn undo_stop(builder: &mut Builder, container: &Container, stop: StepId, unless: Option<StepId>) {
    let unit = builder.unit_of(&container.id);
    let action = Action::StartContainer { container: container.reference(), port_range: false };
    builder.undo(unit, Rank::Start, (stop, unless), action);
}
