//! After a failure: takes back what the run made, where nothing was started yet.

use std::collections::BTreeSet;
use std::sync::Arc;

use windlass_plan::{Plan, StepId};
use windlass_runtime::outcome::StepResult;
use windlass_runtime::{Ending, FailureKind, Outcome};

use crate::runner::Runner;
use crate::scope::scope;

/// Takes back what a failed run made. The failure stays what the session ends with: what cannot be taken back, or is not because
/// the user asked to stop, is a warning.
pub(crate) async fn take_back(runner: &Runner, plan: &Plan, outcome: &Outcome) {
    if outcome.failures.iter().any(|failure| failure.kind == FailureKind::Unreachable) {
        return;
    }
    let ended = |results: &[StepResult]| -> BTreeSet<StepId> {
        let records = plan.steps.iter().zip(&outcome.steps);
        records.filter(|(_, record)| results.contains(&record.result)).map(|(step, _)| step.id).collect()
    };
    let (done, failed) = (ended(&[StepResult::Done]), ended(&[StepResult::Failed, StepResult::Warned]));
    let left = |why: &str| runner.feed.warn(format!("what the failed run made is still there: {why}"));
    let now = match runner.stops.unless_stopped(runner.engine.observe(&scope(&runner.project))).await {
        None => return left("interrupted"),
        Some(Err(error)) => return left(&error.to_string()),
        Some(Ok(now)) => now,
    };
    let Some(undo) = windlass_plan::undo(plan, &done, &failed, &now) else { return };
    let outcome = runner.clean_up("taking back", &Arc::new(undo), runner.stops.shutdown()).await;
    if outcome.ending() == Ending::Interrupted {
        left("interrupted");
    }
}
