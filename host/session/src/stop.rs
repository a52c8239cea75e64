//! Why a run is asked to stop, and how far.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use windlass_runtime::Shutdown;
use windlass_runtime::shutdown::{ShutdownTrigger, Urgency};

/// Why a run is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Nobody reads the output any more. The plan is finished all the same; only the following ends.
    ClosedOutput,
    /// The run waited longer than it may. What was begun is completed, nothing new starts, and what runs goes on.
    Deadline,
    /// A container ended, and the user asked to stop all of them then.
    AbortFlag,
    /// A signal: the first asks to stop gracefully, the second kills, the third is for the caller.
    Signal,
}

/// What asking to stop led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The run will end: [`crate::Handle::join`] it.
    Ending,
    /// Killing was asked for already and did not help. It is for the caller to leave, and to say what may be left
    /// ([`crate::Handle::in_flight`]).
    Leave,
}

/// The request to stop, as the run and its owner share it.
#[derive(Debug, Clone)]
pub(crate) struct Stops {
    asked: Arc<Mutex<State>>,
    trigger: Arc<ShutdownTrigger>,
    shutdown: Shutdown,
    unread: watch::Receiver<bool>,
    unread_trigger: Arc<watch::Sender<bool>>,
}

#[derive(Debug, Default)]
struct State {
    signals: u32,
    reason: Option<Reason>,
}

impl Stops {
    pub(crate) fn new() -> Self {
        let (trigger, shutdown) = Shutdown::channel();
        let (unread_trigger, unread) = watch::channel(false);
        Self {
            asked: Arc::default(),
            trigger: Arc::new(trigger),
            shutdown,
            unread,
            unread_trigger: Arc::new(unread_trigger),
        }
    }

    /// Asks to stop. A later reason replaces one that weighs less: a signal is what the user wants, whatever came before.
    pub(crate) fn ask(&self, reason: Reason) -> Asked {
        let mut state = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        state.reason = state.reason.max(Some(reason));
        match reason {
            Reason::ClosedOutput => drop(self.unread_trigger.send(true)),
            Reason::Deadline | Reason::AbortFlag => self.trigger.raise(Urgency::Graceful),
            Reason::Signal => {
                state.signals += 1;
                match state.signals {
                    1 => self.trigger.raise(Urgency::Graceful),
                    2 => self.trigger.raise(Urgency::Immediate),
                    _ => return Asked::Leave,
                }
            }
        }
        Asked::Ending
    }

    /// Why; the weightiest reason so far.
    pub(crate) fn reason(&self) -> Option<Reason> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).reason
    }

    /// How far.
    pub(crate) fn urgency(&self) -> Urgency {
        self.shutdown.urgency()
    }

    /// The request as steps of a plan are given it.
    pub(crate) fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Nobody reads the output any more.
    pub(crate) fn is_unread(&self) -> bool {
        *self.unread.borrow()
    }

    /// Resolves when the run is asked to stop at least this far.
    ///
    /// # Cancel safety
    /// Safe: holds no state of its own.
    pub(crate) async fn reached(&self, level: Urgency) {
        self.shutdown.clone().reached(level).await;
    }

    /// Resolves when nobody reads the output any more.
    ///
    /// # Cancel safety
    /// Safe: holds no state of its own.
    pub(crate) async fn unread(&self) {
        if self.unread.clone().wait_for(|unread| *unread).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// The answer of something that only reads, or `None` when the run is asked to stop before.
    ///
    /// # Cancel safety
    /// As `reading`, which is dropped when the run is asked to stop: nothing that changes the engine may be passed in.
    pub(crate) async fn unless_stopped<T>(&self, reading: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.reached(Urgency::Graceful) => None,
            answer = reading => Some(answer),
        }
    }
}
