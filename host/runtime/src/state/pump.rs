//! Keeps one subscription and one list, and looks at single containers where events do not tell enough.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, FuturesUnordered};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use windlass_plan::observed::Container;

use super::book::Book;
use super::snapshot::{Link, Snapshot};
use crate::engine::{
    ContainerDetails, ContainerEvent, ContainerFilter, Engine, EngineError, EngineErrorKind, EngineResult,
};
use crate::timeouts::{
    EVENTS_BATCH, EVENTS_PATIENCE, EVENTS_RETRY, EVENTS_RETRY_MAX, LOOK_RETRIES, LOOKS, backoff, pause,
};

/// What a [`super::World`] asks of its pump.
pub(super) enum Request {
    /// Begin, if nobody has asked for anything so far.
    Begin,
    /// Look at a container by id or name; answered with its id once the snapshot is at least as recent as the request.
    Look { id: String, answer: Answer },
}

/// Takes the id of a container that was looked at.
pub(super) type Answer = oneshot::Sender<EngineResult<String>>;
type Events = BoxStream<'static, EngineResult<ContainerEvent>>;
type Looked = (String, EngineResult<ContainerDetails>);

/// The running part of a [`super::World`]: whoever opens one runs [`Pump::run`] beside it.
pub struct Pump {
    engine: Arc<dyn Engine>,
    project: String,
    requests: mpsc::UnboundedReceiver<Request>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    book: Book,
    /// Where the first subscription began, for a reconnection before the first event.
    since: Option<String>,
    /// Attempts to connect since the last event.
    attempts: u32,
    /// Containers to look at, with those who wait for it.
    wanted: BTreeMap<String, Vec<Answer>>,
    /// Containers that are being looked at, with those who asked before that began.
    under_way: HashMap<String, Vec<Answer>>,
    looks: FuturesUnordered<BoxFuture<'static, Looked>>,
}

/// Why following ended.
enum Stop {
    /// Nobody has a [`super::World`] any more.
    Unused,
    /// The connection was lost.
    Lost(String),
}

impl Pump {
    pub(super) fn new(
        engine: Arc<dyn Engine>,
        project: &str,
        requests: mpsc::UnboundedReceiver<Request>,
        snapshots: watch::Sender<Arc<Snapshot>>,
    ) -> Self {
        Self {
            engine,
            project: project.to_owned(),
            requests,
            snapshots,
            book: Book::default(),
            since: None,
            attempts: 0,
            wanted: BTreeMap::new(),
            under_way: HashMap::new(),
            looks: FuturesUnordered::new(),
        }
    }

    /// Subscribes when somebody first needs it, and again whenever the connection is lost. Ends when the last
    /// [`super::World`] is dropped.
    ///
    /// # Cancel safety
    /// Only reads from the engine, so dropping it loses nothing but the news; those who wait for news get an error.
    pub async fn run(mut self) {
        // Nothing is asked of the engine for a run in which nobody waits for anything.
        match self.requests.recv().await {
            Some(request) => self.take(request),
            None => return,
        }
        loop {
            let events = match self.connect().await {
                Ok(Some(events)) => events,
                Ok(None) => return,
                Err(error) => return self.refuse_all(&error).await,
            };
            match self.follow(events).await {
                Stop::Unused => return,
                Stop::Lost(reason) => self.lost(reason),
            }
        }
    }

    fn take(&mut self, request: Request) {
        match request {
            Request::Begin => {}
            Request::Look { id, answer } => self.wanted.entry(id).or_default().push(answer),
        }
    }

    fn publish(&mut self) {
        if let Some(snapshot) = self.book.next_snapshot() {
            self.snapshots.send_replace(Arc::new(snapshot));
        }
    }

    fn lost(&mut self, reason: String) {
        // Reads only: they begin anew once the engine answers again.
        self.looks.clear();
        for (id, answers) in self.under_way.drain() {
            self.wanted.entry(id).or_default().extend(answers);
        }
        self.book.set_link(Link::Reconnecting { reason });
        self.publish();
    }

    /// Opens the subscription and lists, until that works. `None`: nobody needs it any more.
    async fn connect(&mut self) -> EngineResult<Option<Events>> {
        let began = Instant::now();
        loop {
            self.attempts += 1;
            // Also before the first attempt to reconnect: a stream that ends at once must not make a busy loop.
            if self.attempts > 1 || self.book.is_listed() {
                let rest = pause(backoff(EVENTS_RETRY, EVENTS_RETRY_MAX, self.attempts, self.attempts.into()));
                if self.meanwhile(rest).await.is_none() {
                    return Ok(None);
                }
            }
            let since = self.book.latest().map(stamp).or_else(|| self.since.clone());
            self.since.get_or_insert_with(now);
            let opening = open(Arc::clone(&self.engine), self.project.clone(), since);
            match self.meanwhile(opening).await {
                None => return Ok(None),
                Some(Ok((events, rows))) => {
                    let doubtful = self.book.list(&rows);
                    for id in doubtful {
                        self.wanted.entry(id).or_default();
                    }
                    self.book.set_link(Link::Connected);
                    self.publish();
                    return Ok(Some(events));
                }
                Some(Err(error)) if began.elapsed() >= EVENTS_PATIENCE || !may_heal(error.kind) => return Err(error),
                Some(Err(error)) => {
                    self.book.set_link(Link::Reconnecting { reason: error.message });
                    self.publish();
                }
            }
        }
    }

    /// Does something while requests are taken. `None`: nobody needs it any more.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                request = self.requests.recv() => self.take(request?),
                done = &mut work => return Some(done),
            }
        }
    }

    /// Takes what the engine tells until the connection is lost.
    async fn follow(&mut self, events: Events) -> Stop {
        let mut events = events.ready_chunks(EVENTS_BATCH);
        loop {
            self.begin_looks();
            let lost = tokio::select! {
                biased;
                request = self.requests.recv() => match request {
                    Some(request) => {
                        self.take(request);
                        None
                    }
                    None => return Stop::Unused,
                },
                Some(looked) = self.looks.next(), if !self.looks.is_empty() => self.looked(looked),
                batch = events.next() => match batch {
                    Some(batch) => self.events(batch),
                    None => Some("the engine ended the stream of events".to_owned()),
                },
            };
            self.publish();
            if let Some(reason) = lost {
                return Stop::Lost(reason);
            }
        }
    }

    /// Takes events; `Some`: why there will be no more.
    fn events(&mut self, batch: Vec<EngineResult<ContainerEvent>>) -> Option<String> {
        for event in batch {
            match event {
                Ok(event) => {
                    self.attempts = 0;
                    if self.book.event(&event) {
                        self.wanted.entry(event.id).or_default();
                    }
                }
                Err(error) => return Some(error.message),
            }
        }
        None
    }

    /// One look at a time a container, and a few at once: whoever asks while one is under way needs another one, for that
    /// one may have been answered before the request.
    fn begin_looks(&mut self) {
        let next = |pump: &Self| {
            let room = pump.looks.len() < LOOKS;
            let free = |id: &&String| !pump.under_way.contains_key(*id);
            pump.wanted.keys().find(free).filter(|_| room).cloned()
        };
        while let Some(id) = next(self) {
            let answers = self.wanted.remove(&id).unwrap_or_default();
            self.under_way.insert(id.clone(), answers);
            self.looks.push(look(Arc::clone(&self.engine), id).boxed());
        }
    }

    /// Takes a look's result; `Some`: the connection is lost.
    fn looked(&mut self, (id, result): Looked) -> Option<String> {
        let answers = self.under_way.remove(&id).unwrap_or_default();
        let (answer, lost) = match result {
            Ok(details) => {
                self.book.inspected(&details);
                (Ok(details.container.id), None)
            }
            Err(error) if error.kind == EngineErrorKind::NotFound => {
                self.book.removed(&id);
                (Err(error), None)
            }
            Err(error) if answers.is_empty() || error.kind == EngineErrorKind::Unreachable => {
                self.wanted.entry(id).or_default().extend(answers);
                return Some(error.message);
            }
            Err(error) => (Err(error), None),
        };
        // The answer must find the snapshot that it is about.
        self.publish();
        for waiting in answers {
            // Whoever asked may have given up meanwhile.
            drop(waiting.send(answer.as_ref().map(String::clone).map_err(copy)));
        }
        lost
    }

    /// There will be no news: tells everyone who waits, and who still asks.
    async fn refuse_all(mut self, error: &EngineError) {
        self.book.set_link(Link::Broken { reason: error.message.clone() });
        self.publish();
        let waiting = std::mem::take(&mut self.wanted).into_values().flatten();
        waiting.for_each(|answer| drop(answer.send(Err(copy(error)))));
        while let Some(request) = self.requests.recv().await {
            if let Request::Look { answer, .. } = request {
                drop(answer.send(Err(copy(error))));
            }
        }
    }
}

/// Another attempt to connect may succeed.
fn may_heal(kind: EngineErrorKind) -> bool {
    !matches!(kind, EngineErrorKind::Denied | EngineErrorKind::Refused | EngineErrorKind::Unsupported)
}

/// The subscription first: what happens while the list is made is told by events.
async fn open(
    engine: Arc<dyn Engine>,
    project: String,
    since: Option<String>,
) -> EngineResult<(Events, Vec<Container>)> {
    let events = engine.events(Some(&project), since.as_deref()).await?;
    let filter = ContainerFilter { project: Some(project), all: true, one_off: None, service: None };
    let rows = engine.list_containers(&filter).await?;
    Ok((events, rows))
}

/// Looks at one container; a read may be repeated when the engine stumbles.
async fn look(engine: Arc<dyn Engine>, id: String) -> Looked {
    let mut attempt = 1;
    loop {
        match engine.inspect_container(&id).await {
            Err(error)
                if matches!(error.kind, EngineErrorKind::Other | EngineErrorKind::Unanswered)
                    && attempt <= LOOK_RETRIES =>
            {
                attempt += 1;
                pause(backoff(EVENTS_RETRY, EVENTS_RETRY_MAX, attempt, u64::from(attempt))).await;
            }
            result => return (id, result),
        }
    }
}

fn copy(error: &EngineError) -> EngineError {
    EngineError {
        operation: error.operation.clone(),
        message: error.message.clone(),
        kind: error.kind,
        hint: error.hint.clone(),
    }
}

const NANOS: i64 = 1_000_000_000;

/// As the engine takes times: seconds with a fraction.
fn stamp(time_nano: i64) -> String {
    format!("{}.{:09}", time_nano.div_euclid(NANOS), time_nano.rem_euclid(NANOS))
}

/// Our own clock: good enough to ask for the history of a gap, since the list tells what is true.
fn now() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}.{:09}", now.as_secs(), now.subsec_nanos())
}
