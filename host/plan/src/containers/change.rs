//! The steps of one container's change: make the new one under a temporary name, stop the old one, move it aside, give the
//! new one its name, start it, remove the old one. Each change is a unit with its way back.

use std::sync::Arc;

use windlass_model::project::Service;
use windlass_model::windlass::Stage;

use crate::containers::claims;
use crate::containers::resources::Detached;
use crate::graph::{Builder, Draft, Rank, Role};
use crate::lifecycle::hooks::{Place, stage_hooks};
use crate::observed::Container;
use crate::step::{Action, ContainerRef, ContainerSpec, Guard, InjectedFile, StepId};
use crate::units::UnitId;

/// What the steps of one change have in common.
pub(crate) struct Change<'a> {
    pub(crate) service: &'a Service,
    pub(crate) cause: &'a str,
    pub(crate) guard: Option<Guard>,
    pub(crate) unit: UnitId,
    /// `--timeout` of its stops.
    pub(crate) timeout: Option<crate::step::StopTimeout>,
}

impl Change<'_> {
    fn draft(&self, action: Action, role: Role) -> Draft {
        Draft::new(action, self.cause).of(&self.service.name).guard(self.guard.clone()).unit(self.unit, role)
    }

    fn hooks(
        &self,
        builder: &mut Builder,
        (stage, role): (Stage, Role),
        container: &ContainerRef,
        needs: Vec<StepId>,
    ) -> Vec<StepId> {
        let place = Place { needs, guard: self.guard.clone(), unit: Some((self.unit, role)) };
        stage_hooks(builder, (self.service, stage), container, place)
    }

    /// `pre-create` hooks, creation, secrets and configs. One with a temporary name is ours alone: the way back removes it.
    pub(crate) fn make(
        &self,
        builder: &mut Builder,
        spec: &Arc<ContainerSpec>,
        needs: Vec<StepId>,
        files: Vec<InjectedFile>,
    ) -> StepId {
        let needs = self.hooks(builder, (Stage::PreCreate, Role::Make), &spec.container, needs);
        let create = self.draft(Action::CreateContainer(Arc::clone(spec)), Role::Make).needs(needs);
        let created = builder.push(create.takes([claims::name_of_new(spec, &spec.create_name)]));
        let container = ContainerRef { name: spec.create_name.clone(), ..spec.container.clone() };
        if spec.create_name != spec.container.name {
            let action = Action::RemoveContainer { container: container.clone(), volumes: false, force: true };
            builder.undo(self.unit, Rank::Clear, (created, None), action);
        }
        if files.is_empty() {
            return created;
        }
        let inject = Draft::new(Action::InjectFiles { container, files }, "secrets and configs of the model");
        let inject = inject.of(&self.service.name).guard(self.guard.clone()).unit(self.unit, Role::Make);
        builder.push(inject.needs([created]))
    }

    /// Stops a container with its hooks; what it held is free afterwards.
    pub(crate) fn stop(&self, builder: &mut Builder, old: &Container, needs: Vec<StepId>, leaves: bool) -> Vec<StepId> {
        if !old.is_up() {
            return needs;
        }
        let reference = old.reference();
        let needs = self.hooks(builder, (Stage::PreStop, Role::Break), &reference, needs);
        let mut releases = claims::running(old);
        if leaves {
            releases.extend(claims::volumes(old));
        }
        let stop = Action::StopContainer { container: reference.clone(), timeout: self.timeout };
        let stopped = builder.push(self.draft(stop, Role::Break).needs(needs).releases(releases));
        crate::containers::resources::undo_stop(builder, old, stopped, None);
        self.hooks(builder, (Stage::PostStop, Role::Change), &reference, vec![stopped])
    }

    /// Gives a container that will be removed a name of its own, so that its name is free while it can still come back.
    pub(crate) fn move_aside(&self, builder: &mut Builder, old: &Container, needs: Vec<StepId>) -> Vec<StepId> {
        let Some(aside) = old.name_aside() else { return needs };
        let rename = Action::RenameContainer { container: old.reference(), to: aside };
        let draft = self.draft(rename, Role::Break).needs(needs).releases([claims::name_of(old, &old.name)]);
        let moved = builder.push(draft);
        let action = Action::RenameContainer { container: old.reference(), to: old.name.clone() };
        builder.undo(self.unit, Rank::Name, (moved, None), action);
        vec![moved]
    }

    /// Gives the new container its name.
    pub(crate) fn name(&self, builder: &mut Builder, spec: &ContainerSpec, needs: Vec<StepId>, last: bool) -> StepId {
        let temporary = ContainerRef { name: spec.create_name.clone(), ..spec.container.clone() };
        let rename = Action::RenameContainer { container: temporary, to: spec.container.name.clone() };
        let draft = self.draft(rename, if last { Role::Goal } else { Role::Change }).needs(needs);
        builder.push(draft.takes([claims::name_of_new(spec, &spec.container.name)]))
    }

    /// Removes the old container. `named`: it still has its name, which is free for others afterwards.
    pub(crate) fn discard(
        &self,
        builder: &mut Builder,
        old: &Container,
        (needs, after): (Vec<StepId>, Vec<StepId>),
        named: bool,
    ) -> StepId {
        let remove = Action::RemoveContainer { container: old.reference(), volumes: false, force: true };
        let draft = self.draft(remove, Role::Discard).needs(needs).after(after);
        builder.push(draft.releases(named.then(|| claims::name_of(old, &old.name))))
    }

    /// Attaches a container to the networks that it was taken off, and adds that to the way back.
    pub(crate) fn attach(
        &self,
        builder: &mut Builder,
        (container, spec): (&ContainerRef, &Arc<ContainerSpec>),
        detached: &[Detached],
    ) -> Vec<StepId> {
        let mut steps = Vec::new();
        for Detached { network, by, needs } in detached {
            let action = Action::ConnectNetwork {
                network: network.clone(),
                container: container.clone(),
                spec: Arc::clone(spec),
            };
            let cause = if by.is_some() { "is new" } else { "was left by an interrupted run" };
            let draft = Draft::new(action.clone(), format!("network {network} {cause}")).of(&self.service.name);
            let step = builder.push(draft.needs(needs.iter().copied()).unit(self.unit, Role::Goal));
            if let Some(by) = by {
                builder.undo(self.unit, Rank::Connect, (*by, Some(step)), action);
            }
            steps.push(step);
        }
        steps
    }

    /// Adds to the way back that an old container is attached again to what it was taken off.
    pub(crate) fn reattach_old(
        &self,
        builder: &mut Builder,
        (container, spec): (&ContainerRef, &Arc<ContainerSpec>),
        (detached, unless): (&[Detached], Option<StepId>),
    ) {
        for Detached { network, by, .. } in detached {
            let Some(by) = by else { continue };
            let action = Action::ConnectNetwork {
                network: network.clone(),
                container: container.clone(),
                spec: Arc::clone(spec),
            };
            builder.undo(self.unit, Rank::Connect, (*by, unless), action);
        }
    }
}
