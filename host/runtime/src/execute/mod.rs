//! Runs a plan: one event loop, a capped set of tasks, no policy.
//!
//! The loop in [`dispatch`] owns the state of all steps and is the only one that emits events. Tasks ([`task`]) run the
//! effects of [`crate::steps`]; they report to the loop through one channel. When a run is ending (a failure, a request to
//! stop) nothing new starts but steps that complete what was begun.

mod dispatch;
mod graph;
mod task;

use std::sync::Arc;
use std::time::SystemTime;

use crate::engine::EngineErrorKind;
use crate::event::{Event, EventSink, Stamped};
use crate::execution::Execution;
use crate::outcome::Outcome;
use crate::shutdown::Shutdown;

/// Runs the plan to its end, or until nothing more may be done.
///
/// # Cancel safety
/// Not cancel safe: steps in flight would be dropped half-way. Ask through `shutdown` instead.
pub async fn execute(execution: Execution, shutdown: Shutdown, sink: &dyn EventSink) -> Outcome {
    let (engine, project) = (Arc::clone(&execution.engine), execution.plan.project.clone());
    let outcome = dispatch::Dispatcher::new(execution, shutdown, sink).run().await;
    // Whatever came of the run: what its plugins dialled through goes with it. An engine that is gone has taken it along.
    match engine.end_dialling(&project).await {
        Err(error) if error.kind != EngineErrorKind::Unreachable => {
            let event = Event::Note { warning: true, text: error.to_string() };
            sink.emit(Stamped { at: SystemTime::now(), elapsed: outcome.elapsed, event });
        }
        Ok(()) | Err(_) => {}
    }
    outcome
}
