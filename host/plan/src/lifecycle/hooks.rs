//! Plugin hooks as steps.

use std::sync::Arc;

use windlass_model::Project;
use windlass_model::project::Service;
use windlass_model::windlass::{Hook, OnFailure, Stage};

use crate::graph::{Builder, Draft, Role};
use crate::step::{Action, ContainerRef, Guard, StepId};
use crate::units::UnitId;

/// The plugin hooks of a stage for one container, one after another; returns what the next step needs.
pub(crate) fn stage_hooks(
    builder: &mut Builder,
    (service, stage): (&Service, Stage),
    container: &ContainerRef,
    Place { mut needs, guard, unit }: Place,
) -> Vec<StepId> {
    for hook in service.windlass.hooks.get(&stage).into_iter().flatten() {
        let optional = hook.on_failure == OnFailure::Warn || stage.entry().only_warns;
        let action = Action::PluginHook { stage, hook: Arc::new(hook.clone()), container: Some(container.clone()) };
        let mut draft = Draft::new(action, stage_cause(stage, hook)).of(&service.name).optional(optional);
        draft = draft.needs(needs).guard(guard.clone());
        if let Some((unit, role)) = unit {
            draft = draft.unit(unit, role);
        }
        needs = vec![builder.push(draft)];
    }
    needs
}

/// Where hooks stand in the graph.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// What the first hook needs.
    pub(crate) needs: Vec<StepId>,
    /// When they run at all.
    pub(crate) guard: Option<Guard>,
    /// The change that they are a part of.
    pub(crate) unit: Option<(UnitId, Role)>,
}

/// Hooks around the whole project, one after another. A failure before `up` is an error, any other a warning.
pub(crate) fn project_hooks(builder: &mut Builder, project: &Project, stage: Stage, skip: bool) -> Vec<StepId> {
    let hooks = project.windlass.hooks.get(&stage).filter(|_| !skip);
    let mut last: Vec<StepId> = Vec::new();
    for hook in hooks.into_iter().flatten() {
        let optional = hook.on_failure == OnFailure::Warn || stage.entry().only_warns;
        let action = Action::PluginHook { stage, hook: Arc::new(hook.clone()), container: None };
        let draft = Draft::new(action, stage_cause(stage, hook)).needs(last).optional(optional);
        last = vec![builder.push(draft)];
    }
    last
}

/// Why a plugin is called.
fn stage_cause(stage: Stage, hook: &Hook) -> String {
    let target = hook.target.as_ref().map(|target| format!(" for {target}")).unwrap_or_default();
    format!("{stage} hook{target}")
}
