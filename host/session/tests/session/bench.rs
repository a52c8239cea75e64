//! A place to run sessions at: an engine in memory, a directory for locks, and a tape of everything that is told.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use windlass_model::Project;
use windlass_plan::render::{subject, verb};
use windlass_plan::{Observed, Plan, PlanResult, UpOptions};
use windlass_runtime::{Event as RunEvent, ExecuteOptions, Outcome};
use windlass_session::{
    Abort, After, Answer, Answers, Ended, Error, Event, FollowRequest, Handle, Loaded, LockPlace, LockRequest,
    LockWait, Proposal, Request, Session, Sink, Subject,
};
use windlass_testkit::{FakeEngine, FakeHooks, project};

/// A database and what depends on it.
pub(crate) const SHOP: &str = "services:
  db: { image: postgres }
  web: { image: nginx, depends_on: [db] }
";

pub(crate) struct Bench {
    pub(crate) engine: FakeEngine,
    pub(crate) tape: Arc<Tape>,
    base: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let engine = FakeEngine::new();
        let base = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(base.path().join("run")).expect("a directory");
        Self { engine, tape: Arc::default(), base }
    }

    pub(crate) fn lock(&self, wait: LockWait) -> LockRequest {
        LockRequest {
            place: LockPlace { runtime: Some(self.base.path().join("run")), temporary: self.base.path().join("tmp") },
            engine: "memory".to_owned(),
            holder: "windlass up, process 1".to_owned(),
            wait,
        }
    }

    /// A request with a plan of its own.
    pub(crate) fn request(
        &self,
        yaml: &str,
        plan: impl Fn(&Project, &Observed) -> PlanResult<Plan> + Send + Sync + 'static,
    ) -> Request<Error> {
        let project = project(yaml);
        Request {
            command: "up",
            engine: Arc::new(self.engine.clone()),
            load: Box::pin(async move { Ok(Subject::Loaded(Box::new(Loaded { project, typed: None }))) }),
            lock: Some(self.lock(LockWait::Forever)),
            plan: Box::new(move |project: &Project, observed: &Observed, _: &Answers| {
                plan(project, observed).map(Proposal::Run)
            }),
            hooks: Box::new(|_| Ok(Arc::new(FakeHooks::new()))),
            options: ExecuteOptions { run_id: "run".to_owned(), ..ExecuteOptions::default() },
            dry_run: false,
            yes: false,
            deadline: None,
            after: After::Nothing,
        }
    }

    /// `up -d` of these services, or of all.
    pub(crate) fn detached(&self, yaml: &str, targets: &[&str]) -> Request<Error> {
        let targets = targets.iter().map(|target| (*target).to_owned()).collect();
        let options = UpOptions { targets, ..UpOptions::default() };
        let plan = move |project: &Project, observed: &Observed| windlass_plan::up(project, observed, &options);
        Request { after: After::Summary, ..self.request(yaml, plan) }
    }

    /// `up` in the foreground.
    pub(crate) fn attached(&self, yaml: &str, targets: &[&str], abort: Abort, from: Option<&str>) -> Request<Error> {
        let names: Vec<String> = targets.iter().map(|target| (*target).to_owned()).collect();
        let from = from.map(str::to_owned);
        let follow = move |project: &Project| {
            let all: BTreeSet<String> = project.services.keys().cloned().collect();
            let services = if names.is_empty() { all } else { names.iter().cloned().collect() };
            Ok(FollowRequest { services, targets: names.clone(), timeout: None, abort, exit_code_from: from.clone() })
        };
        Request { after: After::Follow(Box::new(follow)), ..self.detached(yaml, targets) }
    }

    pub(crate) fn spawn(&self, request: Request<Error>) -> Handle<Error> {
        Session::spawn(request, Arc::clone(&self.tape) as Arc<dyn Sink>)
    }

    /// Runs a session to its end.
    pub(crate) async fn run(&self, request: Request<Error>) -> Ended {
        self.spawn(request).join().await.expect("the session itself works")
    }

    /// Names of the containers that run.
    pub(crate) fn running(&self) -> Vec<String> {
        let all = self.engine.snapshot().containers;
        all.iter().filter(|container| container.is_up()).map(|container| container.name.clone()).collect()
    }

    /// Calls of the engine that begin with a word.
    pub(crate) fn calls(&self, word: &str) -> Vec<String> {
        self.engine.calls().into_iter().filter(|call| call.starts_with(word)).collect()
    }
}

/// Remembers everything that is told.
pub(crate) struct Tape {
    state: Mutex<State>,
    length: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    lines: Vec<String>,
    plan: Option<Arc<Plan>>,
    outcomes: Vec<Arc<Outcome>>,
    /// Questions stay open until they are answered.
    answers: Vec<Answer>,
}

impl Default for Tape {
    fn default() -> Self {
        Self { state: Mutex::default(), length: watch::channel(0).0 }
    }
}

impl Tape {
    pub(crate) fn lines(&self) -> Vec<String> {
        self.state.lock().expect("nobody panics with it").lines.clone()
    }

    pub(crate) fn has(&self, part: &str) -> bool {
        self.lines().iter().any(|line| line.contains(part))
    }

    /// Answers the open questions.
    pub(crate) fn answer(&self, yes: bool) {
        let open = std::mem::take(&mut self.state.lock().expect("nobody panics with it").answers);
        open.into_iter().for_each(|answer| answer.give(yes));
    }

    /// Resolves when a line with `part` was told.
    pub(crate) async fn until(&self, part: &str) {
        let mut length = self.length.subscribe();
        let told = length.wait_for(|_| self.has(part));
        let told = tokio::time::timeout(Duration::from_secs(3600), told).await;
        assert!(told.is_ok(), "never told: {part}; told: {:#?}", self.lines());
    }
}

impl Sink for Tape {
    fn event(&self, event: Event) {
        let mut state = self.state.lock().expect("nobody panics with it");
        let line = match event {
            Event::LockHeld { holder } => format!("waits for {holder}"),
            Event::Planned { .. } => "planned".to_owned(),
            Event::Say(text) => format!("says {text}"),
            Event::Warning(text) => format!("warning: {text}"),
            Event::Ask { question, answer } => {
                state.answers.push(answer);
                format!("asks {question}")
            }
            Event::Began { title, plan, .. } => {
                state.plan = Some(plan);
                format!("began {title}")
            }
            Event::Step(stamped) => step(state.plan.as_deref().expect("a plan began"), &stamped.event),
            Event::Ended(outcome) => {
                state.outcomes.push(outcome);
                "ended".to_owned()
            }
            Event::Summary(summary) => {
                let state =
                    |c: &windlass_plan::observed::Container| format!("{} {:?} {:?}", c.name, c.state, c.exit_code);
                format!(
                    "summary {:?} {:?}",
                    summary.containers.iter().map(state).collect::<Vec<_>>(),
                    summary.last_lines
                )
            }
            Event::Following(_) => "following".to_owned(),
            Event::Attaching(names) => format!("attaching to {}", names.join(" ")),
            Event::Output(output) => {
                format!("{} | {}", output.name, String::from_utf8_lossy(&output.chunk.bytes).trim_end())
            }
            Event::OutputEnded(_) => return,
            Event::NoOutput { name, reason } => format!("no output of {name}: {reason}"),
            Event::Exited { name, code, again } => format!("{name} exited {code}{}", if again { " again" } else { "" }),
            Event::Stopping => "stopping".to_owned(),
            Event::Aborting => "aborting".to_owned(),
        };
        state.lines.push(line);
        let length = state.lines.len();
        drop(state);
        self.length.send_replace(length);
    }
}

fn step(plan: &Plan, event: &RunEvent) -> String {
    let words = |id: &windlass_plan::StepId| {
        let step = &plan.steps[id.0];
        format!("{} {}", verb(&step.action), subject(step))
    };
    match event {
        RunEvent::StepStarted(id) => format!("begins: {}", words(id)),
        RunEvent::StepDone(id, _) => format!("done: {}", words(id)),
        RunEvent::StepSkipped(id, _) => format!("skipped: {}", words(id)),
        RunEvent::StepCancelled(id) => format!("cancelled: {}", words(id)),
        RunEvent::StepFailed { step, message, .. } => format!("failed: {}: {message}", words(step)),
        other => format!("{other:?}"),
    }
}
