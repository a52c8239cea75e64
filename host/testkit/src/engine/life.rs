//! How a container of the fake engine lives: runs, ends, restart policies, health, and the events that tell of it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError, Weak};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use windlass_plan::labels;
use windlass_plan::observed::{Container, ContainerState, Health};
use windlass_runtime::engine::{ContainerEvent, EngineError, EngineErrorKind, EngineResult, Times};

use super::conflicts;
use super::state::State;
use super::{Behaviour, FakeEngine, conflict, wait};

/// Events that an engine remembers for those who subscribe `since` an earlier time.
const REMEMBERED: usize = 256;
/// The engine's pause before the first restart; it doubles with every one.
const RESTART_PAUSE: Duration = Duration::from_millis(100);

/// Events, told and remembered.
#[derive(Default)]
pub(super) struct Events {
    pub(super) subscribers: Vec<UnboundedSender<EngineResult<ContainerEvent>>>,
    history: VecDeque<ContainerEvent>,
}

impl Events {
    fn publish(&mut self, event: ContainerEvent) {
        self.subscribers.retain(|subscriber| subscriber.send(Ok(event.clone())).is_ok());
        self.history.push_back(event);
        if self.history.len() > REMEMBERED {
            self.history.pop_front();
        }
    }

    /// Subscribes; first comes what is remembered from `since` on.
    pub(super) fn subscribe(&mut self, sender: UnboundedSender<EngineResult<ContainerEvent>>, since: Option<&str>) {
        if let Some(since) = since.and_then(nanoseconds) {
            let old = self.history.iter().filter(|event| event.time_nano >= since);
            old.for_each(|event| drop(sender.send(Ok(event.clone()))));
        }
        self.subscribers.push(sender);
    }

    /// Ends all streams, with an error where a message is given.
    pub(super) fn break_off(&mut self, message: Option<&str>) {
        for subscriber in std::mem::take(&mut self.subscribers) {
            if let Some(message) = message {
                let error = EngineError {
                    operation: "read events".to_owned(),
                    message: message.to_owned(),
                    kind: EngineErrorKind::Other,
                    hint: None,
                };
                drop(subscriber.send(Err(error)));
            }
        }
    }

    /// Forgets what happened, as an engine does that restarts or has too much to remember.
    pub(super) fn forget(&mut self) {
        self.history.clear();
    }
}

/// `SECONDS.NANOSECONDS`.
fn nanoseconds(text: &str) -> Option<i64> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    seconds.parse::<i64>().ok()?.checked_mul(1_000_000_000)?.checked_add(fraction.parse().ok()?)
}

/// What the engine knows of a container's runs.
#[derive(Debug, Clone, Default)]
pub(super) struct Runs {
    pub(super) times: Times,
    /// Starts so far: tells one run's timers from the next one's.
    pub(super) number: usize,
    pub(super) restarts: u32,
    pub(super) oom: bool,
}

impl FakeEngine {
    /// Events of a project, as they come; not counted as a call.
    pub(super) fn subscribe(
        &self,
        project: Option<&str>,
        since: Option<&str>,
    ) -> BoxStream<'static, EngineResult<ContainerEvent>> {
        let (sender, receiver) = unbounded_channel();
        self.lock().events.subscribe(sender, since);
        let project = project.map(str::to_owned);
        let wanted = move |event: &EngineResult<ContainerEvent>| {
            let of = |event: &ContainerEvent| event.attributes.get(labels::PROJECT).cloned();
            let keep = event.as_ref().map_or(true, |event| project.is_none() || of(event) == project);
            std::future::ready(keep)
        };
        let events =
            stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|event| (event, receiver)) });
        events.filter(wanted).boxed()
    }
}

impl State {
    /// What containers of a service print.
    pub(super) fn log_of(&self, service: &str) -> Vec<String> {
        let runs = self.behaviours.get(service);
        runs.and_then(|runs| runs.last()).map(|behaviour| behaviour.log.clone()).unwrap_or_default()
    }

    /// Tells of something that happened to a container.
    pub(super) fn publish(&mut self, id: &str, action: &str) {
        let clock = self.tick();
        let Some(container) = self.containers.get(id) else { return };
        let event = event(container, action, clock);
        self.events.publish(event);
    }

    /// A container's run is ended from outside: no restart policy applies.
    pub(super) fn exit(&mut self, name: &str, code: i64) {
        self.end(name, code, ContainerState::Exited);
    }

    /// A container's run ends by itself. `Some`: its restart policy starts it again after this time.
    pub(super) fn exit_by_itself(&mut self, name: &str, code: i64) -> Option<Duration> {
        let id = self.find(name, "exit").ok()?.id.clone();
        let restarts = self.runs.get(&id).map_or(0, |runs| runs.restarts);
        let policy = self.specs.get(&id).map(|spec| spec.service.restart.clone()).unwrap_or_default();
        let again = match policy.split_once(':').unwrap_or((&policy, "")) {
            ("always" | "unless-stopped", _) => true,
            ("on-failure", most) => code != 0 && most.parse::<u32>().map_or(true, |most| restarts < most),
            _ => false,
        };
        self.end(name, code, if again { ContainerState::Restarting } else { ContainerState::Exited });
        again.then(|| RESTART_PAUSE * 2_u32.saturating_pow(restarts))
    }

    fn end(&mut self, name: &str, code: i64, state: ContainerState) {
        let clock = self.tick();
        let Ok(container) = self.find_mut(name, "exit") else { return };
        if !container.is_up() {
            return;
        }
        let was_restarting = container.state == ContainerState::Restarting;
        container.state = state;
        container.exit_code = Some(code);
        let word = if state == ContainerState::Restarting { "Restarting" } else { "Exited" };
        container.status = format!("{word} ({code}) 1 second ago");
        // An engine calls every container with a check unhealthy that does not run.
        container.health = container.health.map(|_| Health::Unhealthy);
        container.networks.values_mut().for_each(|endpoint| endpoint.ip_address.clear());
        let id = container.id.clone();
        self.runs.entry(id.clone()).or_default().times.finished = Some(clock);
        // One that waits for its restart has ended before: that it will not come back is told like this.
        self.publish(&id, if was_restarting { "stop" } else { "die" });
    }

    pub(super) fn set_health(&mut self, name: &str, health: Health) {
        let clock = self.tick();
        let Ok(container) = self.find_mut(name, "health") else { return };
        if container.state != ContainerState::Running {
            return;
        }
        container.health = Some(health);
        let word = match health {
            Health::Starting => "starting",
            Health::Healthy => "healthy",
            Health::Unhealthy => "unhealthy",
        };
        container.status = format!("Up 1 second ({word})");
        let id = container.id.clone();
        self.runs.entry(id.clone()).or_default().times.checked = Some(clock);
        self.publish(&id, &format!("health_status: {word}"));
    }

    /// Starts it; `None`: it runs already.
    pub(super) fn start(&mut self, id: &str, operation: &str) -> EngineResult<Option<(usize, Behaviour)>> {
        let container = self.find(id, operation)?;
        match container.state {
            ContainerState::Running => return Ok(None),
            ContainerState::Paused => {
                return Err(conflict(operation, "cannot start a paused container, try unpause instead".to_owned()));
            }
            _ => {}
        }
        let (id, service) = (container.id.clone(), container.service().to_owned());
        let number = self.runs.entry(id.clone()).or_default().number;
        let runs = self.behaviours.get(&service).map(Vec::as_slice).unwrap_or_default();
        let behaviour = runs.get(number).or(runs.last()).cloned().unwrap_or_default();
        self.refuse_conflicts(&id, operation)?;
        let clock = self.tick();
        let checked = behaviour.health.is_some() || self.has_healthcheck(&id);
        let fixed = self.specs.get(&id).map(conflicts::addresses).unwrap_or_default();
        let container = self.find_mut(&id, operation)?;
        container.state = ContainerState::Running;
        container.exit_code = None;
        container.health = checked.then_some(Health::Starting);
        container.status = if checked { "Up 1 second (health: starting)" } else { "Up 1 second" }.to_owned();
        for (network, endpoint) in &mut container.networks {
            let dynamic = || format!("172.20.{}.{}", clock / 250, clock % 250 + 2);
            endpoint.ip_address = fixed.get(network).cloned().unwrap_or_else(dynamic);
        }
        let runs = self.runs.entry(id.clone()).or_default();
        runs.number += 1;
        runs.oom = false;
        runs.times.started = Some(clock);
        self.publish(&id, "start");
        Ok(Some((number + 1, behaviour)))
    }

    /// Freezes or thaws it.
    pub(super) fn freeze(&mut self, id: &str, operation: &str, state: ContainerState) -> EngineResult<()> {
        let container = self.find_mut(id, operation)?;
        container.state = state;
        let id = container.id.clone();
        self.publish(&id, if state == ContainerState::Paused { "pause" } else { "unpause" });
        Ok(())
    }

    /// The restart policy starts it again, unless it was stopped or removed meanwhile.
    fn start_again(&mut self, id: &str) -> Option<(usize, Behaviour)> {
        let waiting = self.find(id, "").is_ok_and(|container| container.state == ContainerState::Restarting);
        if !waiting {
            return None;
        }
        self.runs.entry(id.to_owned()).or_default().restarts += 1;
        self.start(id, "restart").ok().flatten()
    }

    fn has_healthcheck(&self, id: &str) -> bool {
        let spec = self.find(id, "").ok().and_then(|container| self.specs.get(&container.id));
        spec.and_then(|spec| spec.service.healthcheck.as_ref()).is_some_and(|check| !check.disable)
    }
}

/// Timers must not keep the engine alive that owns them.
pub(super) struct WeakEngine(pub(super) Weak<Mutex<State>>);

impl WeakEngine {
    fn apply<T>(&self, change: impl FnOnce(&mut State) -> T) -> Option<T> {
        let state = self.0.upgrade()?;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        Some(change(&mut state))
    }

    /// Changes the state if the container is still in that run.
    fn during<T>(&self, id: &str, run: usize, change: impl FnOnce(&mut State, &str) -> T) -> Option<T> {
        self.apply(|state| {
            let same = state.runs.get(id).is_some_and(|runs| runs.number == run);
            let name = same.then(|| state.name_of(id))?;
            Some(change(state, &name))
        })?
    }
}

/// Lets a container live as its behaviour says, over all restarts.
pub(super) async fn live(engine: WeakEngine, id: String, first: (usize, Behaviour)) {
    let (mut run, mut behaviour) = first;
    loop {
        let mut passed = Duration::ZERO;
        if let Some((after, health)) = behaviour.health
            && behaviour.exit.is_none_or(|(end, _)| after < end)
        {
            wait(after).await;
            passed = after;
            engine.during(&id, run, |state, name| state.set_health(name, health));
        }
        let Some((after, code)) = behaviour.exit else { return };
        wait(after.saturating_sub(passed)).await;
        let again = engine.during(&id, run, |state, name| state.exit_by_itself(name, code)).flatten();
        let Some(next) = restarted(&engine, &id, again).await else { return };
        (run, behaviour) = next;
    }
}

/// The next run, if the restart policy brings one.
async fn restarted(engine: &WeakEngine, id: &str, after: Option<Duration>) -> Option<(usize, Behaviour)> {
    wait(after?).await;
    engine.apply(|state| state.start_again(id))?
}

/// The same from an end that a test has brought about.
pub(super) async fn live_again(engine: WeakEngine, id: String, after: Duration) {
    if let Some(next) = restarted(&engine, &id, Some(after)).await {
        live(engine, id, next).await;
    }
}

/// One event of a container.
fn event(container: &Container, action: &str, clock: i64) -> ContainerEvent {
    let mut attributes: BTreeMap<String, String> = container.labels.clone();
    attributes.insert("name".to_owned(), container.name.clone());
    if let Some(code) = container.exit_code.filter(|_| action == "die") {
        attributes.insert("exitCode".to_owned(), code.to_string());
    }
    ContainerEvent { id: container.id.clone(), action: action.to_owned(), attributes, time_nano: clock }
}
