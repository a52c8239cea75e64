//! Networks: create what is missing, replace what drifted, say what is somebody else's.

use windlass_model::project::Network;

use crate::containers::hashing;
use crate::containers::resources::{self, Detached, Resources, Scope};
use crate::error::{PlanError, PlanResult};
use crate::graph::{Builder, Draft, Rank, Role};
use crate::labels;
use crate::observed::{self, Container};
use crate::step::{Action, StepId};

/// Plans networks.
pub(crate) struct NetworkPlanner<'a, 'r> {
    pub(crate) scope: &'a Scope<'a>,
    pub(crate) resources: &'r mut Resources,
}

impl<'a> NetworkPlanner<'a, '_> {
    pub(crate) fn network(&mut self, builder: &mut Builder, key: &str) -> PlanResult<()> {
        let network = &self.scope.project.networks[key];
        let named: Vec<_> = self.scope.observed.networks.iter().filter(|live| live.name == network.name).collect();
        if network.external {
            return self.external(network, &named);
        }
        let own = self.own(key, &network.name);
        match (own, named.first()) {
            (Some(live), _) if live.name == network.name => self.existing(builder, key, network, live),
            (Some(live), None) => self.renamed(builder, key, network, live),
            (_, Some(foreign)) => {
                self.remember(foreign);
                builder.warn(foreign_network(&self.scope.project.name, foreign));
            }
            (None, None) => {
                let create = Draft::new(self.creation(key, network), "network missing");
                self.create(builder, key, create);
            }
        }
        Ok(())
    }

    fn external(&mut self, network: &Network, named: &[&observed::Network]) -> PlanResult<()> {
        if named.len() > 1 {
            return Err(PlanError::NetworkAmbiguous(network.name.clone()));
        }
        let by_id = || self.scope.observed.networks.iter().find(|live| live.id == network.name);
        match named.first().copied().or_else(by_id) {
            Some(live) => {
                self.resources.network_ids.insert(network.name.clone(), live.id.clone());
                Ok(())
            }
            None if self.scope.observed.engine.swarm => Ok(()),
            None => Err(PlanError::ExternalNetworkMissing(network.name.clone())),
        }
    }

    /// The project's network of that key: the exact name wins, else the smallest.
    fn own(&self, key: &str, name: &str) -> Option<&'a observed::Network> {
        let own = self.scope.observed.networks.iter().filter(|live| {
            live.labels.get(labels::PROJECT) == Some(&self.scope.project.name)
                && live.labels.get(labels::NETWORK).is_some_and(|label| label == key)
        });
        own.min_by_key(|live| (live.name != name, live.name.clone()))
    }

    fn remember(&mut self, live: &observed::Network) {
        self.resources.network_ids.insert(live.name.clone(), live.id.clone());
    }

    /// A network cannot be changed: all that use it are taken off, it is made anew, and all are attached again. Its removal
    /// and creation are a unit of their own, so that nobody is left without it when the run ends between the two.
    fn existing(&mut self, builder: &mut Builder, key: &str, network: &Network, live: &observed::Network) {
        let recorded = live.labels.get(labels::CONFIG_HASH);
        if recorded.is_none_or(|hash| *hash == hashing::network_hash(network)) {
            self.remember(live);
            return;
        }
        let cause = format!("configuration of network {} changed", network.name);
        let users = self.users(&live.name);
        let detached: Vec<StepId> = users.iter().map(|user| self.detach(builder, user, live, &cause)).collect();
        let unit = builder.unit_of(&live.id);
        let remove = Action::RemoveNetwork { id: live.id.clone(), name: live.name.clone() };
        let draft = Draft::new(remove, &cause).needs(detached.iter().copied());
        let removed = builder.push(draft.unit(unit, Role::Break));
        let create = Draft::new(self.creation(key, network), &cause).needs([removed]).unit(unit, Role::Goal);
        let created = self.create(builder, key, create);
        // A removal that failed may have removed it all the same: those who are attached again need one of that name.
        builder.undo(unit, Rank::Connect, (removed, Some(created)), self.creation(key, network));
        for (user, by) in users.into_iter().zip(detached) {
            self.attach_later(user, &network.name, by, vec![created]);
        }
    }

    fn renamed(&mut self, builder: &mut Builder, key: &str, network: &Network, live: &observed::Network) {
        let cause = format!("network {} is now named {}", live.name, network.name);
        let create = Draft::new(self.creation(key, network), &cause);
        let created = self.create(builder, key, create);
        let mut before = vec![created];
        for user in self.users(&live.name) {
            let step = self.detach(builder, user, live, &cause);
            before.push(step);
            self.attach_later(user, &network.name, step, vec![created]);
        }
        let remove = Action::RemoveNetwork { id: live.id.clone(), name: live.name.clone() };
        builder.push(Draft::new(remove, &cause).needs(before).optional(true));
    }

    fn users(&self, network: &str) -> Vec<&'a Container> {
        self.scope.observed.containers.iter().filter(|container| container.networks.contains_key(network)).collect()
    }

    /// Stops a container and takes it off a network. One of `run` is not stopped, for it may be gone when it stops, and
    /// somebody sits before it: it is without the network for a moment. So is one that could perhaps not be started again.
    fn detach(
        &mut self,
        builder: &mut Builder,
        container: &Container,
        live: &observed::Network,
        cause: &str,
    ) -> StepId {
        let mut needs = Vec::new();
        let stays_up = container.is_one_off() || self.scope.cut_off.contains(&container.id);
        if container.is_up() && !stays_up {
            let timeout = self.scope.options.timeout;
            needs.push(*self.resources.stopped.entry(container.id.clone()).or_insert_with(|| {
                let action = Action::StopContainer { container: container.reference(), timeout };
                resources::stop(builder, container, Draft::new(action, cause).of(container.service()), None)
            }));
        }
        let detach = Action::DisconnectNetwork { network: live.name.clone(), container: container.reference() };
        let unit = builder.unit_of(&container.id);
        builder.push(Draft::new(detach, cause).of(container.service()).needs(needs).unit(unit, Role::Break))
    }

    fn attach_later(&mut self, container: &Container, network: &str, by: StepId, mut needs: Vec<StepId>) {
        needs.push(by);
        let detached = Detached { network: network.to_owned(), by: Some(by), needs };
        self.resources.detached.entry(container.id.clone()).or_default().push(detached);
    }

    fn creation(&self, key: &str, network: &Network) -> Action {
        let mut stamped = network.clone();
        stamped.labels.extend(labels::of_project(&self.scope.project.name));
        stamped.labels.insert(labels::NETWORK.to_owned(), key.to_owned());
        stamped.labels.insert(labels::CONFIG_HASH.to_owned(), hashing::network_hash(network));
        Action::CreateNetwork { key: key.to_owned(), network: stamped }
    }

    fn create(&mut self, builder: &mut Builder, key: &str, draft: Draft) -> StepId {
        let id = builder.push(draft);
        self.resources.networks.insert(key.to_owned(), vec![id]);
        id
    }
}

fn foreign_network(project: &str, live: &observed::Network) -> String {
    let owner = match live.labels.get(labels::PROJECT) {
        Some(_) => format!("for project {project:?}"),
        None => "by compose".to_owned(),
    };
    format!(
        "a network with name {} exists but was not created {owner}.\nSet `external: true` to use an existing network",
        live.name
    )
}
