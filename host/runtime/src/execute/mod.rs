//! Runs a plan: one event loop, a capped set of tasks, no policy.
//!
//! The loop in [`dispatch`] owns the state of all steps and is the only one that emits events. Tasks ([`task`]) run the
//! effects of [`crate::steps`]; they report to the loop through one channel. When a run is ending (a failure, a request to
//! stop) nothing new starts but steps that complete what was begun.

mod dispatch;
mod graph;
mod task;

use crate::event::EventSink;
use crate::execution::Execution;
use crate::outcome::Outcome;
use crate::shutdown::Shutdown;

/// Runs the plan to its end, or until nothing more may be done.
///
/// # Cancel safety
/// Not cancel safe: steps in flight would be dropped half-way. Ask through `shutdown` instead.
pub async fn execute(execution: Execution, shutdown: Shutdown, sink: &dyn EventSink) -> Outcome {
    dispatch::Dispatcher::new(execution, shutdown, sink).run().await
}
