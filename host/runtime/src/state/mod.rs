//! The World: what is true of a project's containers, told to everyone by one list and one subscription to events.
//!
//! Those who wait for something read levels (is it running, is it healthy, did it end and how often), never single
//! events. So nobody can miss one: whatever was lost while a connection was broken is put right by the list that follows
//! the new subscription. `docs/design/state.md` says what is promised and why.

mod book;
mod link;
mod pump;
mod snapshot;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

pub use link::{LinkNews, LinkWatch};
pub use pump::Pump;
pub use snapshot::{ENDS_KEPT, Ended, Facts, Instance, Link, Phase, Snapshot};

use crate::engine::{Engine, EngineError, EngineErrorKind, EngineResult};
use pump::Request;

/// A view of a project's containers as they are; clone it freely.
#[derive(Clone)]
pub struct World {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    requests: mpsc::UnboundedSender<Request>,
}

impl World {
    /// A view of a project, and the pump that must run beside it: in a task of its own that is joined after the last view
    /// is dropped, or polled beside whatever waits for the view. The engine is asked for nothing before somebody uses the
    /// view.
    #[must_use]
    pub fn open(engine: &Arc<dyn Engine>, project: &str) -> (Self, Pump) {
        let (sender, snapshots) = watch::channel(Arc::new(Snapshot::default()));
        let (requests, receiver) = mpsc::unbounded_channel();
        let pump = Pump::new(Arc::clone(engine), project, receiver, sender);
        (Self { snapshots, requests }, pump)
    }

    /// What is known now. Empty, with revision 0, before the first list has arrived.
    #[must_use]
    pub fn now(&self) -> Arc<Snapshot> {
        self.begin();
        Arc::clone(&self.snapshots.borrow())
    }

    /// The next snapshot that is newer than `revision`: at once, if there is one already. Snapshots between may have been
    /// passed over; counters and ends in the instances tell what happened between them.
    ///
    /// # Errors
    /// When the pump has ended: there will be no news.
    ///
    /// # Cancel safety
    /// Safe: only looks.
    pub async fn changed(&self, revision: u64) -> EngineResult<Arc<Snapshot>> {
        self.begin();
        let mut snapshots = self.snapshots.clone();
        let newer = snapshots.wait_for(|snapshot| snapshot.revision > revision).await;
        newer
            .map(|snapshot| Arc::clone(&snapshot))
            .map_err(|_| no_news("nobody follows the engine any more".to_owned()))
    }

    /// The first snapshot, from the list of all containers on.
    ///
    /// # Errors
    /// When the engine cannot be followed.
    ///
    /// # Cancel safety
    /// Safe: only looks.
    pub async fn listed(&self) -> EngineResult<Arc<Snapshot>> {
        self.until(|_| Some(())).await?;
        Ok(self.now())
    }

    /// Waits until `decide` has an answer to a snapshot. It is asked again for every new one, also while the connection
    /// is lost and opened again: then it sees what was true before.
    ///
    /// # Errors
    /// When the engine cannot be followed (any more).
    ///
    /// # Cancel safety
    /// Safe: only looks.
    pub async fn until<T>(&self, mut decide: impl FnMut(&Snapshot) -> Option<T>) -> EngineResult<T> {
        let mut revision = 0;
        loop {
            let snapshot = self.changed(revision).await?;
            revision = snapshot.revision;
            if let Link::Broken { reason } = &snapshot.link {
                return Err(no_news(reason.clone()));
            }
            // Before the first list an answer would be a guess.
            if let Some(answer) = snapshot.listed.then(|| decide(&snapshot)).flatten() {
                return Ok(answer);
            }
        }
    }

    /// The next thing to tell a person of the connection. Asks the engine for nothing by itself.
    ///
    /// # Cancel safety
    /// Safe: what `watch` was not told is seen the next time.
    pub async fn link_news(&self, watch: &mut LinkWatch) -> LinkNews {
        let (mut snapshots, mut news) = (self.snapshots.clone(), None);
        let told = snapshots.wait_for(|snapshot| {
            news = watch.note(&snapshot.link);
            news.is_some()
        });
        drop(told.await);
        match news {
            Some(news) => news,
            // The pump has ended.
            None => std::future::pending().await,
        }
    }

    /// Looks at one container by id or name, so that the view is at least as recent as this call: whoever has just started
    /// a container must not decide by what was true before. Resolves to the container as it is then, with its
    /// [`Facts`].
    ///
    /// # Errors
    /// When the engine has no such container or cannot be asked.
    ///
    /// # Cancel safety
    /// Safe: the look goes on for others.
    pub async fn look(&self, id: &str) -> EngineResult<Arc<Instance>> {
        let (answer, looked) = oneshot::channel();
        let gone = || no_news("nobody follows the engine any more".to_owned());
        self.requests.send(Request::Look { id: id.to_owned(), answer }).map_err(|_| gone())?;
        let id = looked.await.map_err(|_| gone())??;
        let instance = self.snapshots.borrow().containers.get(&id).cloned();
        instance.ok_or_else(gone)
    }

    fn begin(&self) {
        if self.snapshots.borrow().revision == 0 {
            // A pump that has ended is told of by the closed channel of snapshots.
            drop(self.requests.send(Request::Begin));
        }
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("World").field("revision", &self.snapshots.borrow().revision).finish_non_exhaustive()
    }
}

fn no_news(message: String) -> EngineError {
    EngineError {
        operation: "follow the engine's events".to_owned(),
        message,
        kind: EngineErrorKind::Unreachable,
        hint: None,
    }
}
