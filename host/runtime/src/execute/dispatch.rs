//! The loop: takes steps whose turn has come, starts their tasks, and says what happens.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use windlass_plan::units::{self, Undo, UnitId};
use windlass_plan::{Action, Plan, Step, StepId};

use super::graph::Graph;
use super::task;
use crate::event::{Event, EventSink, Stamped};
use crate::execution::Execution;
use crate::failure::StepError;
use crate::outcome::{Failure, FailureKind, Outcome, StepResult};
use crate::shutdown::{Shutdown, Urgency};
use crate::state::{LinkNews, LinkWatch, Pump, World};
use crate::steps::{Context, End, Run, manner, tolerates};

/// State of the loop.
pub(super) struct Dispatcher<'a> {
    plan: Arc<Plan>,
    run: Arc<Run>,
    pump: Option<Pump>,
    shutdown: Shutdown,
    sink: &'a dyn EventSink,
    began: Instant,
    graph: Graph,
    tasks: JoinSet<End>,
    running: HashMap<Id, (StepId, Instant)>,
    /// Running steps that keep the engine busy (and do not just wait).
    busy: usize,
    failures: Vec<Failure>,
    noticed: Urgency,
    way_back: WayBack,
}

/// What is taken back of units that could not be completed, one effect after another.
#[derive(Default)]
struct WayBack {
    /// Units of which it is known what is left to do.
    settled: BTreeSet<UnitId>,
    queue: VecDeque<Undo>,
    current: Option<(Id, Undo)>,
    /// Containers of which the user knows that they run again. One that was stopped for two reasons is started for each of them.
    told: BTreeSet<String>,
}

impl WayBack {
    fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.current.is_none()
    }
}

/// What the loop wakes up for.
enum Wake {
    Event((StepId, Event)),
    Ended(Result<(Id, End), JoinError>),
    Urgency,
    Link(LinkNews),
}

impl<'a> Dispatcher<'a> {
    pub(super) fn new(execution: Execution, shutdown: Shutdown, sink: &'a dyn EventSink) -> Self {
        let plan = Arc::clone(&execution.plan);
        let (world, pump) = match execution.world.clone() {
            Some(world) => (world, None),
            None => {
                let (world, pump) = World::open(&execution.engine, &plan.project);
                (world, Some(pump))
            }
        };
        Self {
            graph: Graph::new(&plan),
            run: Arc::new(Run::new(execution, world)),
            plan,
            pump,
            shutdown,
            sink,
            began: Instant::now(),
            tasks: JoinSet::new(),
            running: HashMap::new(),
            busy: 0,
            failures: Vec::new(),
            noticed: Urgency::None,
            way_back: WayBack::default(),
        }
    }

    /// Until every step has ended.
    pub(super) async fn run(mut self) -> Outcome {
        let (sender, mut events) = mpsc::unbounded_channel();
        let pump = self.pump.take().map(Pump::run);
        // Whoever brought the view along tells of its connection.
        let (world, own, mut link) = (self.run.world.clone(), pump.is_some(), LinkWatch::default());
        let mut pump = std::pin::pin!(async move {
            if let Some(pump) = pump {
                pump.await;
            }
            std::future::pending::<()>().await;
        });
        loop {
            self.notice();
            self.start(&sender);
            self.take_back(&sender);
            if self.running.is_empty() && self.way_back.is_empty() {
                break;
            }
            let wake = tokio::select! {
                biased;
                Some(event) = events.recv() => Wake::Event(event),
                Some(ended) = self.tasks.join_next_with_id() => Wake::Ended(ended),
                () = next_urgency(&mut self.shutdown, self.noticed) => Wake::Urgency,
                () = &mut pump => continue,
                news = world.link_news(&mut link), if own => Wake::Link(news),
            };
            match wake {
                Wake::Event((_, event)) => self.emit(event),
                Wake::Ended(ended) => {
                    while let Ok((_, event)) = events.try_recv() {
                        self.emit(event);
                    }
                    self.ended(ended);
                }
                Wake::Link(news) => {
                    let warning = matches!(news, LinkNews::Lost { .. });
                    self.emit(Event::Note { warning, text: news.sentence() });
                }
                Wake::Urgency => {}
            }
        }
        self.outcome()
    }

    fn notice(&mut self) {
        let urgency = self.shutdown.urgency();
        if urgency > self.noticed {
            self.noticed = urgency;
            self.emit(Event::ShutdownRequested(urgency == Urgency::Immediate));
        }
    }

    /// Nothing new may start.
    fn ending(&self) -> bool {
        let failed = !self.failures.is_empty() && !self.run.execution.options.keep_going;
        failed || self.noticed > Urgency::None
    }

    /// Starts all steps whose turn has come.
    fn start(&mut self, sender: &mpsc::UnboundedSender<(StepId, Event)>) {
        let limit = self.run.execution.engine.parallel().max(1);
        let plan = Arc::clone(&self.plan);
        loop {
            let full = self.busy >= limit;
            let Some(id) = self.graph.take(|id| !full || manner(&plan.steps[id.0].action).waits) else { return };
            let step = &plan.steps[id.0];
            if self.ending() && !units::completes(&plan, id, |step| self.graph.progress(step)) {
                self.end(id, StepResult::Cancelled, (None, None));
            } else if matches!(step.action, Action::Up) {
                let now = self.began.elapsed();
                self.emit(Event::StepDone(id, Duration::ZERO));
                self.end(id, StepResult::Done, (Some(now), Some(now)));
            } else {
                self.spawn(step, sender);
            }
        }
    }

    fn spawn(&mut self, step: &Step, sender: &mpsc::UnboundedSender<(StepId, Event)>) {
        self.emit(Event::StepStarted(step.id));
        self.graph.begin(step.id);
        self.busy += usize::from(!manner(&step.action).waits);
        let context = Context::new(&self.run, step.id, &self.shutdown, sender);
        let handle = self.tasks.spawn(task::run(context));
        self.running.insert(handle.id(), (step.id, Instant::now()));
    }

    fn ended(&mut self, ended: Result<(Id, End), JoinError>) {
        let (task, end) = match ended {
            Ok((task, end)) => (task, end),
            Err(error) => (error.id(), End::Failed(panicked(&error))),
        };
        let Some((id, started)) = self.running.remove(&task) else { return self.taken_back(task, end) };
        let plan = Arc::clone(&self.plan);
        let step = &plan.steps[id.0];
        self.busy -= usize::from(!manner(&step.action).waits);
        let finished = self.began.elapsed();
        let result = self.result(step, end, started);
        let since = started.duration_since(self.began);
        self.end(id, result, (Some(since), Some(finished)));
    }

    /// Records how a step ended; tells of all that are cancelled with it.
    fn end(&mut self, id: StepId, result: StepResult, times: (Option<Duration>, Option<Duration>)) {
        for cancelled in self.graph.end(id, result, times) {
            self.emit(Event::StepCancelled(cancelled));
        }
    }

    /// Units that have come to an end without their goal are taken back, in the order in which they would have got there.
    fn take_back(&mut self, sender: &mpsc::UnboundedSender<(StepId, Event)>) {
        let plan = Arc::clone(&self.plan);
        let open = (0..plan.units.len()).map(UnitId).filter(|unit| !self.way_back.settled.contains(unit));
        let progress = |step| self.graph.progress(step);
        let ended = open.filter_map(|unit| Some((unit, plan.units[unit.0].way_back(progress)?)));
        let mut ended: Vec<(UnitId, Vec<&Undo>)> = ended.collect();
        ended.sort_by_key(|(unit, _)| plan.units[unit.0].goals.clone());
        for (unit, undo) in ended {
            self.way_back.settled.insert(unit);
            self.way_back.queue.extend(undo.into_iter().cloned());
        }
        if self.way_back.current.is_none()
            && let Some(undo) = self.way_back.queue.pop_front()
        {
            let context = Context::new(&self.run, undo.of, &self.shutdown, sender);
            let handle = self.tasks.spawn(task::take_back(context, undo.action.clone()));
            self.way_back.current = Some((handle.id(), undo));
        }
    }

    fn taken_back(&mut self, task: Id, end: End) {
        let Some((_, undo)) = self.way_back.current.take_if(|(id, _)| *id == task) else { return };
        let plan = Arc::clone(&self.plan);
        let matters = undo.must_succeed(|step| self.graph.progress(step));
        match (end, &undo.action) {
            (End::Failed(_), _) if !matters => {}
            (End::Failed(error), action) if self.is_told(action, &error) => {}
            (End::Failed(error), _) => drop(self.failed(&plan.steps[undo.of.0], error)),
            (_, Action::StartContainer { container, .. }) if self.way_back.told.insert(container.name.clone()) => {
                self.emit(Event::Note { warning: true, text: format!("{}: {}", container.name, undo.cause) });
            }
            (End::Done | End::Skipped(_) | End::Cancelled, _) => {}
        }
    }

    /// A step of the plan could not do the very same for the same reason, and the user has read it.
    fn is_told(&self, action: &Action, error: &StepError) -> bool {
        let same = |step: StepId| self.plan.steps[step.0].action == *action;
        self.failures.iter().any(|failure| failure.message == error.message && same(failure.step))
    }

    fn result(&mut self, step: &Step, end: End, started: Instant) -> StepResult {
        match end {
            End::Done => {
                self.emit(Event::StepDone(step.id, started.elapsed()));
                StepResult::Done
            }
            End::Skipped(reason) => {
                self.emit(Event::StepSkipped(step.id, reason.clone()));
                StepResult::Skipped(reason)
            }
            End::Cancelled => StepResult::Cancelled,
            End::Failed(error) => self.failed(step, error),
        }
    }

    fn failed(&mut self, step: &Step, error: StepError) -> StepResult {
        let StepError { message, hint, details, kind, unanswered: _ } = error;
        let warning = step.optional && tolerates(&step.action, kind);
        self.emit(Event::StepFailed {
            step: step.id,
            message: message.clone(),
            hint: hint.clone(),
            details: details.clone(),
            kind,
            warning,
        });
        if warning {
            return StepResult::Warned;
        }
        let service = step.service.clone();
        self.failures.push(Failure { step: step.id, service, message, hint, details, kind });
        StepResult::Failed
    }

    fn emit(&self, event: Event) {
        self.sink.emit(Stamped { at: SystemTime::now(), elapsed: self.began.elapsed(), event });
    }

    fn outcome(self) -> Outcome {
        debug_assert!(self.graph.is_done(), "a step is neither running nor ended");
        Outcome {
            steps: self.graph.into_records(),
            failures: self.failures,
            interrupted: self.noticed,
            elapsed: self.began.elapsed(),
        }
    }
}

/// Resolves when the user asks for more than is known.
async fn next_urgency(shutdown: &mut Shutdown, noticed: Urgency) {
    let next = match noticed {
        Urgency::None => Urgency::Graceful,
        Urgency::Graceful => Urgency::Immediate,
        Urgency::Immediate => return std::future::pending().await,
    };
    shutdown.reached(next).await;
}

fn panicked(error: &JoinError) -> StepError {
    StepError::new(FailureKind::Engine, format!("internal error: {error}"))
        .hint(Some("this is a defect of Windlass: please report it".to_owned()))
}
