//! The owner's end of a session.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use windlass_plan::Plan;
use windlass_runtime::Outcome;

use crate::error::Error;
use crate::event::Sink;
use crate::feed::Feed;
use crate::in_flight::InFlight;
use crate::life;
use crate::logs::{self, LogsRequest};
use crate::request::Request;
use crate::stop::{Asked, Reason, Stops};

/// One command's life.
#[derive(Debug, Clone, Copy)]
pub struct Session;

/// A session that was started. Its owner joins it; a handle that is dropped asks the session to stop, and lets it come to its
/// end by itself.
#[derive(Debug)]
pub struct Handle<E: 'static> {
    task: JoinSet<Result<Ended, E>>,
    stops: Stops,
    in_flight: InFlight,
}

/// How a session ended.
#[derive(Debug, Clone)]
pub enum Ended {
    /// It did what it was asked to do, or there was nothing to do, or the user said no.
    Done,
    /// Steps of the plan failed.
    Failed {
        /// What was to be done.
        plan: Arc<Plan>,
        /// What came of it.
        outcome: Arc<Outcome>,
    },
    /// A signal ended it.
    Interrupted,
    /// It waited longer than it may.
    TimedOut(Duration),
    /// Nobody read the output any more; the plan was finished, and the containers go on.
    Unread,
    /// A container ended, and the others were stopped because of it.
    Aborted {
        /// Exit code of the container that decides: the one that ended, or the chosen service's.
        code: i64,
    },
}

impl Session {
    /// Starts a session on the current tokio runtime.
    #[must_use]
    pub fn spawn<E>(request: Request<E>, sink: Arc<dyn Sink>) -> Handle<E>
    where
        E: From<Error> + Send + 'static,
    {
        let (stops, in_flight) = (Stops::new(), InFlight::default());
        let feed = Feed::new(sink, in_flight.clone());
        let mut task = JoinSet::new();
        task.spawn(life::live(request, feed, stops.clone()));
        Handle { task, stops, in_flight }
    }

    /// Starts to follow logs, which is a session without a plan.
    #[must_use]
    pub fn follow_logs<E>(request: LogsRequest, sink: Arc<dyn Sink>) -> Handle<E>
    where
        E: From<Error> + Send + 'static,
    {
        let (stops, in_flight) = (Stops::new(), InFlight::default());
        let feed = Feed::new(sink, in_flight.clone());
        let mut task = JoinSet::new();
        task.spawn(logs::live(request, feed, stops.clone()));
        Handle { task, stops, in_flight }
    }
}

impl<E: From<Error> + Send + 'static> Handle<E> {
    /// Asks the session to stop. It has not stopped when this returns: join it.
    pub fn stop(&self, reason: Reason) -> Asked {
        self.stops.ask(reason)
    }

    /// Steps that have begun and not ended: what may be left half done when the caller leaves without joining.
    #[must_use]
    pub fn in_flight(&self) -> Vec<String> {
        self.in_flight.list()
    }

    /// Waits for the session's end.
    ///
    /// # Errors
    /// What the closures of the request failed with, or an [`Error`] of the session's own.
    ///
    /// # Cancel safety
    /// Safe: the session goes on, and can be joined again.
    pub async fn join(&mut self) -> Result<Ended, E> {
        match self.task.join_next().await {
            Some(Ok(ended)) => ended,
            Some(Err(error)) => Err(Error::Panicked(error.to_string()).into()),
            None => Err(Error::Panicked("it was joined before".to_owned()).into()),
        }
    }
}

impl<E: 'static> Drop for Handle<E> {
    fn drop(&mut self) {
        if !self.task.is_empty() {
            self.stops.ask(Reason::Signal);
            // Aborting the task would drop engine calls half-way.
            self.task.detach_all();
        }
    }
}
