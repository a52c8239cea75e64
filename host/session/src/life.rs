//! The life itself: one function a phase, in the order in which they happen.

use std::sync::Arc;
use std::time::Duration;

use windlass_model::Project;
use windlass_plan::step::Question;
use windlass_plan::{Observed, Plan, rebuild_from_labels};
use windlass_runtime::engine::Scope;
use windlass_runtime::shutdown::Urgency;
use windlass_runtime::timeouts::SETTLING;
use windlass_runtime::{Ending, Engine, Outcome};

use crate::attached;
use crate::error::Error;
use crate::event::{Answer, Event};
use crate::feed::Feed;
use crate::handle::Ended;
use crate::lock::{Holder, LockRequest, ProjectLock};
use crate::request::{After, Answers, FollowRequest, Loaded, Planner, Proposal, Request, Subject};
use crate::runner::Runner;
use crate::scope::scope;
use crate::stop::{Reason, Stops};
use crate::{summary, undo};

/// What a phase leads to.
enum Next<T> {
    Go(T),
    Over(Ended),
}

/// From loading to the end.
pub(crate) async fn live<E: From<Error>>(request: Request<E>, feed: Feed, stops: Stops) -> Result<Ended, E> {
    let Request { command, engine, load, lock, plan, hooks, options, dry_run, yes, deadline, after } = request;
    let Some(subject) = stops.unless_stopped(load).await else { return Ok(Ended::Interrupted) };
    let subject = subject?;
    let lock_request = lock.filter(|_| !dry_run);
    // The lock comes before the look: what was observed without it may be gone when it is acted upon.
    let lock = match take_lock(lock_request.as_ref(), subject.name(), (&feed, &stops)).await? {
        Next::Go(lock) => lock,
        Next::Over(ended) => return Ok(ended),
    };
    let Some(seen) = stops.unless_stopped(look(&engine, subject)).await else { return Ok(Ended::Interrupted) };
    let seen = seen?;
    let after = after.with_project(&seen.project)?;
    let asking = Asking { feed: &feed, stops: &stops, dry_run, yes };
    let plan = match asking.plan(&plan, &seen).await? {
        Next::Go(plan) => Arc::new(plan),
        Next::Over(ended) => return Ok(ended),
    };
    let hooks = hooks(&seen.project)?;
    let Seen { project, typed, observed } = seen;
    let runner = Runner { engine, project, typed, hooks, world: None, options, feed, stops };
    match after {
        Afterwards::Nothing => {
            let outcome = timed(&runner, deadline, runner.main(command, &plan)).await;
            Ok(ending(&runner, plan, outcome, deadline))
        }
        Afterwards::Summary => {
            let outcome = timed(&runner, deadline, runner.main(command, &plan)).await;
            finished(&runner, &plan, &outcome).await;
            Ok(ending(&runner, plan, outcome, deadline))
        }
        Afterwards::Follow(follow) => {
            let held = attached::Held { request: lock_request, lock };
            let task = attached::Task { title: command, plan: &plan, observed: &observed };
            Ok(attached::up(runner, task, &follow, held).await?)
        }
    }
}

impl Subject {
    fn name(&self) -> &str {
        match self {
            Self::Loaded(loaded) => &loaded.project.name,
            Self::Named { name, .. } => name,
        }
    }
}

/// [`After`], once the project is known.
enum Afterwards {
    Nothing,
    Summary,
    Follow(FollowRequest),
}

impl<E> After<E> {
    fn with_project(self, project: &Project) -> Result<Afterwards, E> {
        Ok(match self {
            Self::Nothing => Afterwards::Nothing,
            Self::Summary => Afterwards::Summary,
            Self::Follow(follow) => Afterwards::Follow(follow(project)?),
        })
    }
}

/// Waits for the project's lock; tells for whom.
async fn take_lock(
    request: Option<&LockRequest>,
    project: &str,
    (feed, stops): (&Feed, &Stops),
) -> Result<Next<Option<ProjectLock>>, Error> {
    let Some(request) = request else { return Ok(Next::Go(None)) };
    let waiting = |holder: &Holder| feed.event(Event::LockHeld { holder: holder.to_string() });
    match stops.unless_stopped(ProjectLock::acquire(request, project, waiting)).await {
        None => Ok(Next::Over(Ended::Interrupted)),
        Some(lock) => Ok(Next::Go(Some(lock?))),
    }
}

/// The project and what exists of it.
struct Seen {
    project: Arc<Project>,
    typed: Option<Arc<windlass_model::node::Node>>,
    observed: Observed,
}

async fn look(engine: &Arc<dyn Engine>, subject: Subject) -> Result<Seen, Error> {
    match subject {
        Subject::Loaded(loaded) => {
            let Loaded { project, typed } = *loaded;
            let observed = engine.observe(&scope(&project)).await?;
            Ok(Seen { project: Arc::new(project), typed, observed })
        }
        Subject::Named { name, images } => {
            let mut observed = engine.observe(&Scope { project: Some(name.clone()), ..Scope::default() }).await?;
            let project = rebuild_from_labels(&name, &observed);
            if images {
                observed = engine.observe(&scope(&project)).await?;
            }
            Ok(Seen { project: Arc::new(project), typed: None, observed })
        }
    }
}

/// Who is asked while the plan is made.
struct Asking<'s> {
    feed: &'s Feed,
    stops: &'s Stops,
    dry_run: bool,
    yes: bool,
}

impl Asking<'_> {
    /// Plans, asks what the plan asks, plans again with the answers, and shows the result.
    async fn plan(&self, planner: &Planner, seen: &Seen) -> Result<Next<Plan>, Error> {
        let mut answers = Answers::default();
        let plan = loop {
            let proposal = planner(&seen.project, &seen.observed, &answers)?;
            let plan = match self.consent(proposal).await {
                Next::Go(plan) => plan,
                Next::Over(ended) => return Ok(Next::Over(ended)),
            };
            if plan.questions.is_empty() || self.dry_run {
                break plan;
            }
            for question in &plan.questions {
                let Some(yes) = self.ask(windlass_plan::render::ask(question)).await else {
                    return Ok(Next::Over(Ended::Interrupted));
                };
                let Question::RecreateVolume { volume } = question;
                let list = if yes { &mut answers.recreate } else { &mut answers.keep };
                list.insert(volume.clone());
            }
        };
        if let Some(violation) = windlass_plan::check(&plan).into_iter().next() {
            return Err(Error::Contradiction(violation));
        }
        self.feed.event(Event::Planned { plan: Arc::new(plan.clone()), dry_run: self.dry_run });
        Ok(if self.dry_run { Next::Over(Ended::Done) } else { Next::Go(plan) })
    }

    /// The plan of a proposal that the user agrees to. With `--dry-run` nothing is asked: nothing will happen.
    async fn consent(&self, proposal: Proposal) -> Next<Plan> {
        match proposal {
            Proposal::Run(plan) => Next::Go(plan),
            Proposal::Nothing(sentence) => {
                self.feed.event(Event::Say(sentence));
                Next::Over(Ended::Done)
            }
            Proposal::Tell(plan, sentence) => {
                if !self.dry_run {
                    self.feed.event(Event::Say(sentence));
                }
                Next::Go(plan)
            }
            Proposal::Confirm(plan, _) if self.dry_run => Next::Go(plan),
            Proposal::Confirm(plan, question) => match self.ask(question).await {
                Some(true) => Next::Go(plan),
                Some(false) => Next::Over(Ended::Done),
                None => Next::Over(Ended::Interrupted),
            },
        }
    }

    /// The answer; `None`: the run was asked to stop instead.
    async fn ask(&self, question: String) -> Option<bool> {
        if self.yes {
            return Some(true);
        }
        let (sender, answer) = tokio::sync::oneshot::channel();
        self.feed.event(Event::Ask { question, answer: Answer(sender) });
        self.stops.unless_stopped(answer).await.map(|answer| answer.unwrap_or(false))
    }
}

/// Runs to the end; asks to stop when the waiting has taken too long, and then waits all the same.
async fn timed(
    runner: &Runner,
    deadline: Option<Duration>,
    running: impl Future<Output = Arc<Outcome>>,
) -> Arc<Outcome> {
    let mut running = std::pin::pin!(running);
    let Some(limit) = deadline else { return running.await };
    tokio::select! {
        biased;
        outcome = &mut running => return outcome,
        // The time in which a container shows that it stays up is not spent waiting for it.
        () = runner.feed.only_waited(limit.saturating_add(SETTLING)) => drop(runner.stops.ask(Reason::Deadline)),
    }
    running.await
}

/// The last words of an `up`: its summary, or taking back what it made.
pub(crate) async fn finished(runner: &Runner, plan: &Arc<Plan>, outcome: &Arc<Outcome>) {
    match outcome.ending() {
        Ending::Success => summary::show(runner, plan, outcome).await,
        Ending::Failed => undo::take_back(runner, plan, outcome).await,
        Ending::Interrupted => {}
    }
}

/// The session's end after its plan.
pub(crate) fn ending(runner: &Runner, plan: Arc<Plan>, outcome: Arc<Outcome>, deadline: Option<Duration>) -> Ended {
    let asked = runner.stops.urgency() > Urgency::None;
    match (runner.stops.reason(), deadline) {
        (Some(Reason::Signal), _) if asked => Ended::Interrupted,
        // A run that succeeded in spite of the deadline was in time.
        (Some(Reason::Deadline), Some(limit)) if outcome.ending() != Ending::Success => Ended::TimedOut(limit),
        _ if !outcome.failures.is_empty() => Ended::Failed { plan, outcome },
        (Some(Reason::ClosedOutput), _) => Ended::Unread,
        _ => Ended::Done,
    }
}
