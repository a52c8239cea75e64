//! What is being done to the engine right now: what may be left half done when somebody leaves at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use windlass_plan::render::{subject, verb};
use windlass_plan::{Action, Plan, StepId};
use windlass_runtime::Event;

/// Steps that have begun and not ended, of the plan that runs now.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight {
    steps: Arc<Mutex<BTreeMap<StepId, String>>>,
    work: watch::Sender<Work>,
}

/// What of it is more than waiting for containers to become what they are to be.
#[derive(Debug, Clone, Default)]
struct Work {
    open: BTreeSet<StepId>,
    /// Such steps that have begun so far: somebody who looks seldom sees that there was one.
    begun: u64,
}

impl InFlight {
    /// Keeps the list by an event of the run.
    pub(crate) fn note(&self, plan: &Plan, event: &Event) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::StepStarted(id) => {
                steps.insert(*id, words(plan, *id));
                if !waits(&plan.steps[id.0].action) {
                    self.work.send_modify(|work| {
                        work.open.insert(*id);
                        work.begun += 1;
                    });
                }
            }
            Event::StepSkipped(id, _)
            | Event::StepDone(id, _)
            | Event::StepFailed { step: id, .. }
            | Event::StepCancelled(id) => {
                steps.remove(id);
                self.work.send_if_modified(|work| work.open.remove(id));
            }
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
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.work.send_modify(|work| work.open.clear());
    }

    /// Resolves when for so long nothing was done but waiting.
    ///
    /// # Cancel safety
    /// Safe, but the time is counted anew.
    pub(crate) async fn only_waited(&self, limit: Duration) {
        let mut work = self.work.subscribe();
        loop {
            // The sender lives as long as `self`.
            let Ok(begun) = work.wait_for(|work| work.open.is_empty()).await.map(|work| work.begun) else { return };
            if tokio::time::timeout(limit, work.wait_for(|work| work.begun > begun)).await.is_err() {
                return;
            }
        }
    }

    /// What is under way, in words, in the order of the plan.
    pub(crate) fn list(&self) -> Vec<String> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// It does nothing by itself.
fn waits(action: &Action) -> bool {
    matches!(action, Action::Await { .. } | Action::Probe { .. } | Action::Up)
}

/// A container that is recreated exists under a temporary name until the old one is gone: that name is what a person will find.
fn words(plan: &Plan, id: StepId) -> String {
    let step = &plan.steps[id.0];
    match &step.action {
        Action::CreateContainer(spec) => format!("{} {}", verb(&step.action), spec.create_name),
        action => format!("{} {}", verb(action), subject(step)),
    }
}
