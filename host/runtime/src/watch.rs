//! One event subscription a run. Those who wait look at a container, then wait for news of it, then look again: an event
//! only wakes, the inspection tells. So nothing is polled and nothing is missed.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio::sync::{Notify, watch};

use crate::engine::{ContainerDetails, Engine, EngineError, EngineErrorKind, EngineResult};
use crate::timeouts::{EVENTS_RETRIES, EVENTS_RETRY_PAUSE, pause};

/// News of containers.
#[derive(Debug, Default)]
struct News {
    /// Grows with every piece of news.
    clock: u64,
    /// Time of the last news of a container.
    of: HashMap<String, u64>,
    /// Time of the last (re)subscription: news of all.
    of_all: u64,
    /// Why there will be no more news.
    broken: Option<String>,
}

impl News {
    fn last(&self, id: &str) -> u64 {
        self.of.get(id).copied().unwrap_or_default().max(self.of_all)
    }
}

/// Waits for news; clone it freely.
#[derive(Clone)]
pub(crate) struct Watch {
    engine: Arc<dyn Engine>,
    needed: Arc<Notify>,
    news: watch::Receiver<News>,
}

/// Keeps the subscription.
pub(crate) struct Pump {
    engine: Arc<dyn Engine>,
    project: String,
    needed: Arc<Notify>,
    news: watch::Sender<News>,
}

/// A watch and the pump that must be polled beside it.
pub(crate) fn watch(engine: &Arc<dyn Engine>, project: &str) -> (Watch, Pump) {
    let (sender, receiver) = watch::channel(News::default());
    let needed = Arc::new(Notify::new());
    let watch = Watch { engine: Arc::clone(engine), needed: Arc::clone(&needed), news: receiver };
    (watch, Pump { engine: Arc::clone(engine), project: project.to_owned(), needed, news: sender })
}

impl Pump {
    /// Subscribes when somebody first waits, and again whenever the stream breaks; ends when that cannot be done.
    ///
    /// # Cancel safety
    /// Safe: only reads.
    pub(crate) async fn run(self) {
        self.needed.notified().await;
        let mut since: Option<String> = None;
        let mut failures = 0;
        loop {
            match self.engine.events(Some(&self.project), since.as_deref()).await {
                Ok(mut stream) => {
                    failures = 0;
                    self.news.send_modify(|news| {
                        news.clock += 1;
                        news.of_all = news.clock;
                    });
                    while let Some(Ok(event)) = stream.next().await {
                        since = Some(stamp(event.time_nano));
                        self.news.send_modify(|news| {
                            news.clock += 1;
                            news.of.insert(event.id, news.clock);
                        });
                    }
                }
                Err(error) if failures >= EVENTS_RETRIES => {
                    self.news.send_modify(|news| news.broken = Some(error.to_string()));
                    return;
                }
                Err(_) => failures += 1,
            }
            pause(EVENTS_RETRY_PAUSE).await;
        }
    }
}

fn stamp(time_nano: i64) -> String {
    const NANOS: i64 = 1_000_000_000;
    format!("{}.{:09}", time_nano.div_euclid(NANOS), time_nano.rem_euclid(NANOS))
}

impl Watch {
    /// Looks at containers until `decide` has an answer; looks again only when there is news of one of them.
    ///
    /// # Errors
    /// When a container cannot be inspected, or events cannot be had.
    ///
    /// # Cancel safety
    /// Safe: only reads.
    pub(crate) async fn until<T>(
        &self,
        ids: &[String],
        mut decide: impl FnMut(&[ContainerDetails]) -> Option<T> + Send,
    ) -> EngineResult<T> {
        let mut news = self.news.clone();
        self.subscribed(&mut news).await?;
        loop {
            let seen: Vec<u64> = {
                let news = news.borrow_and_update();
                ids.iter().map(|id| news.last(id)).collect()
            };
            let looks = ids.iter().map(|id| self.engine.inspect_container(id));
            let details: EngineResult<Vec<_>> = futures_util::future::join_all(looks).await.into_iter().collect();
            if let Some(answer) = decide(&details?) {
                return Ok(answer);
            }
            let changed = news.wait_for(|news| {
                news.broken.is_some() || ids.iter().zip(&seen).any(|(id, seen)| news.last(id) > *seen)
            });
            let broken = changed.await.map_or(Some("the run is over".to_owned()), |news| news.broken.clone());
            broken.map_or(Ok(()), |reason| Err(no_events(reason)))?;
        }
    }

    async fn subscribed(&self, news: &mut watch::Receiver<News>) -> EngineResult<()> {
        self.needed.notify_one();
        let ready = news.wait_for(|news| news.of_all > 0 || news.broken.is_some()).await;
        let broken = ready.map_or(Some("the run is over".to_owned()), |news| news.broken.clone());
        broken.map_or(Ok(()), |reason| Err(no_events(reason)))
    }
}

fn no_events(message: String) -> EngineError {
    EngineError {
        operation: "follow the engine's events".to_owned(),
        message,
        kind: EngineErrorKind::Unreachable,
        hint: None,
    }
}
