//! An engine in memory with believable state: names, ids, labels, networks, volumes, images, health and exits.
//!
//! Calls take no time unless told to ([`FakeEngine::delay`]); health and exits happen when a [`Behaviour`] says so, in
//! tokio's time, so that tests with paused time are exact and quick.

mod cluster;
mod conflicts;
mod images;
mod instances;
mod life;
mod state;
mod store;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use windlass_model::Project;
use windlass_plan::Observed;
use windlass_plan::observed::{Container, ContainerState, Health, Image, Network, Volume};
use windlass_runtime::engine::{EngineError, EngineErrorKind, EngineResult, ExecSpec};

use state::State;

/// What a container of a service does once it is started.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    /// Ends by itself: after which time, with which code.
    pub exit: Option<(Duration, i64)>,
    /// Has a health check: after which time which state.
    pub health: Option<(Duration, Health)>,
    /// Lines of its log.
    pub log: Vec<String>,
}

/// An engine in memory. Clones share their state.
#[derive(Clone, Default)]
pub struct FakeEngine {
    state: Arc<Mutex<State>>,
    timers: Arc<Mutex<JoinSet<()>>>,
}

impl FakeEngine {
    /// An engine with nothing in it. Pulling any image works and brings an image whose digest is made of its name.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what containers of a service do once they are started.
    #[must_use]
    pub fn with(self, service: &str, behaviour: Behaviour) -> Self {
        self.with_runs(service, vec![behaviour])
    }

    /// Says what the first, second, … run of a container of a service does; the last one stands for all that follow. A
    /// container whose service has a restart policy is started again when it ends by itself.
    #[must_use]
    pub fn with_runs(self, service: &str, runs: Vec<Behaviour>) -> Self {
        self.lock().behaviours.insert(service.to_owned(), runs);
        self
    }

    /// Puts an image there.
    #[must_use]
    pub fn with_image(self, reference: &str, image: Image) -> Self {
        self.lock().images.insert(reference.to_owned(), image);
        self
    }

    /// Puts an image there whose digest is made of its name.
    #[must_use]
    pub fn with_plain_image(self, reference: &str) -> Self {
        self.with_image(reference, plain_image(reference, 0))
    }

    /// What a pull or build of this image brings from now on.
    pub fn publish(&self, reference: &str, image: Image) {
        self.lock().registry.insert(reference.to_owned(), image);
    }

    /// Makes calls fail whose record (as [`Self::calls`] gives it) starts with `call`, with this message.
    pub fn fail(&self, call: &str, kind: EngineErrorKind, message: &str) {
        self.lock().failures.push((call.to_owned(), kind, message.to_owned()));
    }

    /// The answer to the next `create …` call whose record starts with `call` is lost: the engine does the work, and the caller learns
    /// only that the connection ended.
    pub fn lose_answer(&self, call: &str) {
        self.lock().lost.push(call.to_owned());
    }

    /// Takes no more calls at once than this.
    pub fn take_at_once(&self, calls: usize) {
        self.lock().at_once = Some(calls);
    }

    /// Takes such failures back.
    pub fn heal(&self) {
        self.lock().failures.clear();
    }

    /// Makes calls take time whose record starts with `call`.
    pub fn delay(&self, call: &str, duration: Duration) {
        self.lock().delays.push((call.to_owned(), duration));
    }

    /// What a command in a container prints, and its exit code; the first word that the command contains decides.
    pub fn on_exec(&self, word: &str, output: &str, code: i64) {
        self.lock().commands.push((word.to_owned(), output.to_owned(), code));
    }

    /// Puts a container there as it is.
    pub fn insert_container(&self, container: Container) {
        self.lock().containers.insert(container.id.clone(), container);
    }

    /// Puts a network there as it is.
    pub fn insert_network(&self, network: Network) {
        self.lock().networks.insert(network.name.clone(), network);
    }

    /// Puts a volume there as it is.
    pub fn insert_volume(&self, volume: Volume) {
        self.lock().volumes.insert(volume.name.clone(), volume);
    }

    /// All calls that change something, in order: `create web-1`, `start web-1`, `remove volume data`, … Containers by name.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        self.lock().calls.clone()
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        self.lock().calls.clear();
    }

    /// Everything that exists, as a snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Observed {
        self.lock().snapshot()
    }

    /// What a run of a project sees: everything that exists, and the images that its services use.
    #[must_use]
    pub fn seen_by(&self, project: &Project) -> Observed {
        let state = self.lock();
        let mut observed = state.snapshot();
        for service in project.services.values() {
            let (reference, platform) = (project.image_of(service), project.platform_of(service));
            if let Some(image) = state.images.get(&reference) {
                observed.images.insert(&reference, platform, image.clone());
            }
        }
        observed
    }

    /// A container by name.
    #[must_use]
    pub fn container(&self, name: &str) -> Option<Container> {
        self.lock().containers.values().find(|container| container.name == name).cloned()
    }

    /// A container's process ends by itself; a restart policy starts it again.
    pub fn exit(&self, name: &str, code: i64) {
        let (id, again) = {
            let mut state = self.lock();
            let id = state.find(name, "exit").map(|container| container.id.clone()).unwrap_or_default();
            (id, state.exit_by_itself(name, code))
        };
        if let Some(after) = again {
            let work = life::live_again(self.weak(), id, after);
            self.timers.lock().unwrap_or_else(PoisonError::into_inner).spawn(work);
        }
    }

    /// Someone else starts a container.
    pub fn start(&self, name: &str) {
        let started = self.lock().start(name, "start");
        if let Ok(Some(first)) = started {
            self.live(name, first);
        }
    }

    /// The kernel kills a process of a container for want of memory.
    pub fn oom(&self, name: &str) {
        let mut state = self.lock();
        let Ok(id) = state.find(name, "oom").map(|container| container.id.clone()) else { return };
        state.runs.entry(id.clone()).or_default().oom = true;
        state.publish(&id, "oom");
    }

    /// Tells of something that happened to a container and changes nothing (`exec_start: …`, `top`).
    pub fn tell(&self, name: &str, action: &str) {
        let mut state = self.lock();
        let Ok(id) = state.find(name, action).map(|container| container.id.clone()) else { return };
        state.publish(&id, action);
    }

    /// Freezes a container, as `docker pause` does.
    pub fn pause(&self, name: &str) {
        drop(self.lock().freeze(name, "pause", ContainerState::Paused));
    }

    /// Changes a container's health.
    pub fn set_health(&self, name: &str, health: Health) {
        self.lock().set_health(name, health);
    }

    /// Ends all event streams, as a lost connection does.
    pub fn drop_events(&self) {
        self.lock().events.break_off(None);
    }

    /// Ends all event streams with an error.
    pub fn break_events(&self, message: &str) {
        self.lock().events.break_off(Some(message));
    }

    /// Forgets the events so far, so that a subscription `since` an earlier time does not tell of them any more.
    pub fn forget_events(&self) {
        self.lock().events.forget();
    }

    /// How often a reading call was made whose record (`list`, `events`, `inspect web-1`,
    /// `log web-1 follow since 12.0 tail 5`) starts with this.
    #[must_use]
    pub fn reads(&self, record: &str) -> usize {
        let state = self.lock();
        state.reads.iter().filter(|(call, _)| call.starts_with(record)).map(|(_, times)| times).sum()
    }

    /// Environment that a container was created with.
    #[must_use]
    pub fn environment(&self, name: &str) -> BTreeMap<String, Option<String>> {
        let state = self.lock();
        let spec = state.specs.values().rev().find(|spec| spec.container.name == name);
        spec.map(|spec| spec.service.environment.clone()).unwrap_or_default()
    }

    /// Commands that were run in containers, in order, with all that was asked for.
    #[must_use]
    pub fn execs(&self) -> Vec<ExecSpec> {
        self.lock().exec_specs.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a changing call; waits and fails as told.
    async fn call(&self, record: String) -> EngineResult<()> {
        let delay = {
            let mut state = self.lock();
            state.calls.push(record.clone());
            let delay = state.delays.iter().find(|(call, _)| record.starts_with(call));
            delay.map(|(_, duration)| *duration)
        };
        if let Some(duration) = delay {
            wait(duration).await;
        }
        self.check(&record)
    }

    /// Fails where the answer to this call is lost.
    fn answered(&self, record: &str) -> EngineResult<()> {
        let mut state = self.lock();
        let lost = state.lost.iter().position(|call| record.starts_with(call));
        let Some(lost) = lost else { return Ok(()) };
        state.lost.remove(lost);
        let message = "the connection ended before the answer".to_owned();
        Err(EngineError { operation: record.to_owned(), message, kind: EngineErrorKind::Unanswered, hint: None })
    }

    /// As [`Self::call`], about a container; resolves to the record.
    async fn on_container(&self, verb: &str, id: &str) -> EngineResult<String> {
        let name = self.lock().name_of(id);
        let operation = format!("{verb} {name}");
        self.call(operation.clone()).await?;
        Ok(operation)
    }

    fn check(&self, record: &str) -> EngineResult<()> {
        let state = self.lock();
        let failure = state.failures.iter().find(|(call, ..)| record.starts_with(call));
        failure.map_or(Ok(()), |(_, kind, message)| {
            Err(EngineError { operation: record.to_owned(), message: message.clone(), kind: *kind, hint: None })
        })
    }

    /// Records a reading call; fails as told.
    fn read(&self, record: &str) -> EngineResult<()> {
        *self.lock().reads.entry(record.to_owned()).or_default() += 1;
        self.check(record)
    }

    /// Lets a started container live as its behaviour says.
    fn live(&self, container: &str, first: (usize, Behaviour)) {
        let Ok(id) = self.lock().find(container, "").map(|container| container.id.clone()) else { return };
        let work = life::live(self.weak(), id, first);
        self.timers.lock().unwrap_or_else(PoisonError::into_inner).spawn(work);
    }

    fn weak(&self) -> life::WeakEngine {
        life::WeakEngine(Arc::downgrade(&self.state))
    }
}

#[expect(clippy::disallowed_methods, reason = "a fake that takes the time it is told to take")]
async fn wait(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// As an engine that tells them apart says it.
fn error(kind: EngineErrorKind, operation: &str, message: impl Into<String>) -> EngineError {
    EngineError { operation: operation.to_owned(), message: message.into(), kind, hint: None }
}

fn plain_image(reference: &str, generation: u32) -> Image {
    let digest = format!("sha256:{reference}@{generation}");
    Image { id: digest.clone(), content_digest: digest, tags: vec![reference.to_owned()], ..Image::default() }
}

fn not_found(operation: &str, message: String) -> EngineError {
    EngineError { operation: operation.to_owned(), message, kind: EngineErrorKind::NotFound, hint: None }
}

fn in_use(operation: &str, message: String) -> EngineError {
    EngineError { operation: operation.to_owned(), message, kind: EngineErrorKind::InUse, hint: None }
}

fn conflict(operation: &str, message: String) -> EngineError {
    EngineError { operation: operation.to_owned(), message, kind: EngineErrorKind::Conflict, hint: None }
}
