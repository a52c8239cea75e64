//! What is being done to the engine right now: what may be left half done when somebody leaves at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use windlass_plan::render::{subject, verb};
use windlass_plan::{Action, Plan, StepId};
use windlass_runtime::Event;

/// Steps that have begun and not ended, of the plan that runs now.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight(Arc<Mutex<BTreeMap<StepId, String>>>);

impl InFlight {
    /// Keeps the list by an event of the run.
    pub(crate) fn note(&self, plan: &Plan, event: &Event) {
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::StepStarted(id) => drop(steps.insert(*id, words(plan, *id))),
            Event::StepSkipped(id, _) | Event::StepDone(id, _) => drop(steps.remove(id)),
            Event::StepFailed { step, .. } | Event::StepCancelled(step) => drop(steps.remove(step)),
            Event::Transfer(..)
            | Event::ProbeAttempt { .. }
            | Event::LoadProgress { .. }
            | Event::PluginLog { .. }
            | Event::HookOutput { .. }
            | Event::Note { .. }
            | Event::ShutdownRequested(_) => {}
        }
    }

    /// The plan is over.
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What is under way, in words, in the order of the plan.
    pub(crate) fn list(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// A container that is recreated exists under a temporary name until the old one is gone: that name is what a person will find.
fn words(plan: &Plan, id: StepId) -> String {
    let step = &plan.steps[id.0];
    match &step.action {
        Action::CreateContainer(spec) => format!("{} {}", verb(&step.action), spec.create_name),
        action => format!("{} {}", verb(action), subject(step)),
    }
}
