//! A sink that remembers.

use std::sync::{Mutex, PoisonError};

use windlass_plan::Plan;
use windlass_plan::render::{subject, verb};
use windlass_runtime::event::{Event, EventSink, Stamped};

/// Remembers all events of a run.
#[derive(Debug, Default)]
pub struct Recorder {
    events: Mutex<Vec<Stamped>>,
}

impl EventSink for Recorder {
    fn emit(&self, event: Stamped) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }
}

impl Recorder {
    /// All events so far.
    #[must_use]
    pub fn events(&self) -> Vec<Stamped> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends of steps, notes and warnings as lines, in order; times left out.
    #[must_use]
    pub fn lines(&self, plan: &Plan) -> Vec<String> {
        self.events().into_iter().filter_map(|stamped| line(plan, stamped.event)).collect()
    }
}

fn line(plan: &Plan, event: Event) -> Option<String> {
    let step = |id: windlass_plan::StepId| {
        let step = &plan.steps[id.0];
        format!("{} {}", verb(&step.action), subject(step))
    };
    Some(match event {
        Event::StepDone(id, _) => format!("done: {}", step(id)),
        Event::StepSkipped(id, reason) => format!("skipped: {}: {reason}", step(id)),
        Event::StepFailed { step: id, message, warning, .. } => {
            format!("{}: {}: {message}", if warning { "warned" } else { "failed" }, step(id))
        }
        Event::Note { text, .. } => format!("note: {text}"),
        Event::ShutdownRequested(at_once) => format!("shutdown{}", if at_once { " at once" } else { "" }),
        _ => return None,
    })
}
