//! The way of events to the sink: limits what may wait there, without ever holding up the run.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use windlass_plan::Plan;
use windlass_runtime::engine::OutputChunk;
use windlass_runtime::event::{EventSink, Stamped};

use crate::event::{Event, Output, Sink};
use crate::in_flight::InFlight;
use crate::timeouts::OUTPUT_BUDGET;

/// The way of events to the sink; clones lead to the same one.
#[derive(Clone)]
pub(crate) struct Feed {
    sink: Arc<dyn Sink>,
    in_flight: InFlight,
    room: Arc<Semaphore>,
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("in_flight", &self.in_flight).finish_non_exhaustive()
    }
}

impl Feed {
    pub(crate) fn new(sink: Arc<dyn Sink>, in_flight: InFlight) -> Self {
        Self { sink, in_flight, room: Arc::new(Semaphore::new(OUTPUT_BUDGET as usize)) }
    }

    /// Passes an event on.
    pub(crate) fn event(&self, event: Event) {
        self.sink.event(event);
    }

    /// Says that something did not go as it should.
    pub(crate) fn warn(&self, text: impl Into<String>) {
        self.event(Event::Warning(text.into()));
    }

    /// Passes a piece of output on when there is room for it.
    ///
    /// # Cancel safety
    /// The piece is lost when this is dropped before it resolves.
    pub(crate) async fn output(&self, name: &str, chunk: OutputChunk) {
        // A piece that is larger than the whole budget takes all of it.
        let size = u32::try_from(chunk.bytes.len()).unwrap_or(u32::MAX).clamp(1, OUTPUT_BUDGET);
        let room = Arc::clone(&self.room).acquire_many_owned(size).await.ok();
        self.event(Event::Output(Output { name: name.to_owned(), chunk, _room: room }));
    }

    /// The events of one plan's steps.
    pub(crate) fn of_plan<'f>(&'f self, plan: &'f Plan) -> Steps<'f> {
        Steps { feed: self, plan }
    }

    /// Resolves when for so long no step did anything but wait.
    ///
    /// # Cancel safety
    /// Safe, but the time is counted anew.
    pub(crate) async fn only_waited(&self, limit: Duration) {
        self.in_flight.only_waited(limit).await;
    }

    /// The steps of a plan are over.
    pub(crate) fn plan_is_over(&self) {
        self.in_flight.clear();
    }
}

/// Passes the events of one plan's steps on.
pub(crate) struct Steps<'f> {
    feed: &'f Feed,
    plan: &'f Plan,
}

impl EventSink for Steps<'_> {
    fn emit(&self, event: Stamped) {
        self.feed.in_flight.note(self.plan, &event.event);
        self.feed.event(Event::Step(event));
    }
}
