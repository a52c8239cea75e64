//! The services whose namespaces a planned service uses.

use windlass_model::project::Service;

use crate::containers::converge::Converge;
use crate::error::{PlanError, PlanResult};
use crate::graph::{Builder, select};
use crate::units::UnitId;

impl Converge<'_> {
    /// Who is in the namespaces of a container that this plan leaves alone (`--no-deps`) starts only while that runs.
    pub(crate) fn owners_run(&self, service: &Service) -> PlanResult<()> {
        let planned = |name: &str| self.planned.iter().any(|service| service.name == name);
        let left = select::joined(service).into_iter().filter(|owner| !self.options.no_start && !planned(owner));
        for owner in left {
            let first = self.live.get(owner).and_then(|replicas| replicas.first());
            if let Some(owner) = first.filter(|first| !first.is_up()) {
                return Err(PlanError::OwnerStopped {
                    service: service.name.clone(),
                    owner: owner.service().to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Nothing runs in the namespaces of a container that is taken back: its change and the owners' end the same way.
    pub(crate) fn join_owners(&self, builder: &mut Builder, service: &Service, unit: UnitId) {
        for owner in select::shared(service).into_iter().filter_map(|name| self.peers.get(name)) {
            owner.units.iter().for_each(|owner| builder.join(*owner, unit));
        }
    }
}
