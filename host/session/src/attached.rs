//! `up` in the foreground: the plan with the containers' output beside it, then the output until all ends, one that matters ends,
//! or the user asks to stop.

use std::collections::BTreeSet;
use std::sync::Arc;

use windlass_model::Project;
use windlass_plan::{Action, Observed, Plan, StopOptions};
use windlass_runtime::engine::{ContainerFilter, EngineErrorKind};
use windlass_runtime::outcome::StepResult;
use windlass_runtime::shutdown::Urgency;
use windlass_runtime::{Outcome, Shutdown};

use crate::error::Error;
use crate::event::Event;
use crate::follow::{Existing, FollowOptions, Followed, Following, Progress, short_name};
use crate::handle::Ended;
use crate::life::{ending, finished};
use crate::lock::{Holder, LockRequest, ProjectLock};
use crate::request::FollowRequest;
use crate::runner::Runner;
use crate::scope::scope;
use crate::stop::Reason;
use crate::timeouts::LAST_OUTPUT;

/// The project's lock, and how to take it again: nobody is kept from changing the project while its output is followed.
pub(crate) struct Held {
    pub(crate) request: Option<LockRequest>,
    pub(crate) lock: Option<ProjectLock>,
}

/// What is to be done at first.
pub(crate) struct Task<'t> {
    pub(crate) title: &'static str,
    pub(crate) plan: &'t Arc<Plan>,
    pub(crate) observed: &'t Observed,
}

/// An attached `up` at work.
struct Attached<'r> {
    runner: Runner,
    request: &'r FollowRequest,
    following: Following,
    held: Held,
}

/// Runs the plan and stays with the containers.
pub(crate) async fn up(
    mut runner: Runner,
    task: Task<'_>,
    request: &FollowRequest,
    held: Held,
) -> Result<Ended, Error> {
    let names = names(&runner.project, &request.services);
    runner.feed.event(Event::Attaching(names));
    let options = follow_options(&runner.project, task.plan, task.observed, request);
    let starting = Following::start(&runner.engine, runner.feed.clone(), options);
    let Some(following) = runner.stops.unless_stopped(starting).await else { return Ok(Ended::Interrupted) };
    let following = following?;
    runner.options.gate = Some(following.gate());
    runner.world = Some(following.world());
    let mut attached = Attached { runner, request, following, held };
    let outcome = attached.run(task.title, task.plan).await;
    if attached.runner.stops.urgency() > Urgency::None {
        if attached.runner.stops.reason() == Some(Reason::Signal) && came_before_any_start(task.plan, &outcome) {
            return Ok(Ended::Interrupted);
        }
        if outcome.interrupted == Urgency::None || attached.runner.stops.reason() == Some(Reason::AbortFlag) {
            attached.tell_end();
        }
        return attached.end().await;
    }
    // The last use of the lock, whatever comes: the summary only reads, and what is taken back is taken back under it.
    finished(&attached.runner, task.plan, &outcome).await;
    attached.held.lock = None;
    if outcome.failures.is_empty() {
        return attached.stay().await;
    }
    // What runs goes on running, as with `-d`: a mistake in one service is no reason to stop the others.
    Ok(ending(&attached.runner, Arc::clone(task.plan), outcome, None))
}

/// The run was to start something and came to none of it: images were pulled or built, say. What runs then ran before, and none of
/// it is this run's to stop.
fn came_before_any_start(plan: &Plan, outcome: &Outcome) -> bool {
    let starts = plan
        .steps
        .iter()
        .zip(&outcome.steps)
        .filter(|(step, _)| matches!(step.action, Action::StartContainer { .. } | Action::UnpauseContainer { .. }));
    let results: Vec<&StepResult> = starts.map(|(_, record)| &record.result).collect();
    results.contains(&&StepResult::Cancelled) && !results.iter().any(|result| started(result))
}

fn started(result: &StepResult) -> bool {
    match result {
        StepResult::Done | StepResult::Warned => true,
        StepResult::Skipped(_) | StepResult::Failed | StepResult::Cancelled => false,
    }
}

fn follow_options(project: &Project, plan: &Plan, observed: &Observed, request: &FollowRequest) -> FollowOptions {
    let untouched = observed.containers.iter().filter(|container| plan.untouched.contains(&container.name));
    let terminals = project.services.values().filter(|service| service.tty);
    FollowOptions {
        project: project.name.clone(),
        services: Some(request.services.clone()),
        number: None,
        existing: Existing::Untouched(untouched.map(|container| container.name.clone()).collect()),
        terminals: terminals.map(|service| service.name.clone()).collect(),
        timestamps: false,
        announce: true,
    }
}

/// Names within the project of the containers that will be there.
fn names(project: &Project, services: &BTreeSet<String>) -> Vec<String> {
    let of = |name: &String| {
        project.services.get(name).into_iter().flat_map(|service| {
            (1..=service.replicas()).map(|number| short_name(&project.container_name(service, number), &project.name))
        })
    };
    services.iter().flat_map(of).collect()
}

impl Attached<'_> {
    /// Runs the plan. A container that ends with an error meanwhile, and so ends the `up`, ends the run; one that ended well is
    /// dealt with when all others had their chance to start.
    async fn run(&self, title: &'static str, plan: &Arc<Plan>) -> Arc<Outcome> {
        let aborts = |end: &Followed| end.code != 0 && self.request.abort.is_due(end.code);
        let mut running = std::pin::pin!(self.runner.main(title, plan));
        tokio::select! {
            biased;
            outcome = &mut running => return outcome,
            progress = self.following.until(|progress| progress.ends.iter().any(aborts)) => {
                if progress.ends.iter().any(aborts) {
                    self.runner.stops.ask(Reason::AbortFlag);
                }
            }
        }
        running.await
    }

    /// Shows output until every container ended, one that matters ended, or the user asks to stop.
    async fn stay(&mut self) -> Result<Ended, Error> {
        let aborts = |progress: &Progress| progress.ends.iter().any(|end| self.request.abort.is_due(end.code));
        let enough = |progress: &Progress| progress.is_over() || aborts(progress);
        let stops = self.runner.stops.clone();
        let progress = tokio::select! {
            biased;
            () = stops.reached(Urgency::Graceful) => {
                self.tell_end();
                return self.end().await;
            }
            () = stops.unread() => return Ok(Ended::Unread),
            progress = self.following.until(enough) => progress,
        };
        if aborts(&progress) {
            stops.ask(Reason::AbortFlag);
            self.tell_end();
            return self.end().await;
        }
        if let Some(reason) = progress.broken.filter(|_| self.following.now().broken.is_some()) {
            return Err(lost(reason));
        }
        self.drain().await;
        Ok(if stops.is_unread() { Ended::Unread } else { Ended::Done })
    }

    /// Says that the containers are stopped now, and why. Who asked while the plan ran was told then.
    fn tell_end(&self) {
        let aborted = self.runner.stops.reason() == Some(Reason::AbortFlag);
        self.runner.feed.event(if aborted { Event::Aborting } else { Event::Stopping });
    }

    /// Stops the containers, and says how the `up` ended.
    async fn end(&mut self) -> Result<Ended, Error> {
        // The end that led here; those that stopping leads to come after it.
        let first = self.following.now().ends.into_iter().find(|end| self.request.abort.is_due(end.code));
        self.stop().await?;
        self.drain().await;
        if self.runner.stops.reason() != Some(Reason::AbortFlag) {
            return Ok(Ended::Interrupted);
        }
        let ends = self.following.now().ends;
        // A service that has not ended, or is not followed, has no code: then it is that of the end that led here.
        let named = self.request.exit_code_from.as_ref();
        let chosen = named.and_then(|service| ends.into_iter().find(|end| end.service == *service)).or(first);
        Ok(Ended::Aborted { code: chosen.map_or(0, |end| end.code) })
    }

    /// Stops what this `up` is about; kills it when the user asks again.
    async fn stop(&mut self) -> Result<(), Error> {
        let stops = self.runner.stops.clone();
        let mut stopped = BTreeSet::new();
        if stops.urgency() < Urgency::Immediate {
            let preparing = self.stop_plan();
            let plan = tokio::select! {
                biased;
                () = stops.reached(Urgency::Immediate) => None,
                plan = preparing => Some(plan?),
            };
            if let Some(plan) = plan {
                stopped = plan.steps.iter().filter_map(|step| stopped_by(&step.action)).collect();
                self.carry_out(Arc::new(plan)).await;
            }
        }
        if stops.urgency() == Urgency::Immediate {
            stopped.extend(self.kill().await?);
        }
        // Ends can be told later than the calls that led to them return.
        let told = self.following.until(|progress| progress.running.is_disjoint(&stopped));
        drop(tokio::time::timeout(LAST_OUTPUT, told).await);
        Ok(())
    }

    /// Takes the lock again, and plans the stop of what is there then.
    async fn stop_plan(&mut self) -> Result<Plan, Error> {
        if let (None, Some(request)) = (&self.held.lock, &self.held.request) {
            let feed = self.runner.feed.clone();
            let waiting = |holder: &Holder| feed.event(Event::LockHeld { holder: holder.to_string() });
            self.held.lock = Some(ProjectLock::acquire(request, &self.runner.project.name, waiting).await?);
        }
        let observed = self.runner.engine.observe(&scope(&self.runner.project)).await?;
        let options = StopOptions { targets: self.request.targets.clone(), timeout: self.request.timeout };
        Ok(windlass_plan::stop(&self.runner.project, &observed, &options)?)
    }

    /// Runs the plan of stopping. The user has already asked to stop, which is what it does: only asking again hurries it.
    async fn carry_out(&self, plan: Arc<Plan>) {
        let (trigger, shutdown) = Shutdown::channel();
        let mut running = std::pin::pin!(self.runner.clean_up("stop", &plan, shutdown));
        tokio::select! {
            biased;
            _ = &mut running => return,
            () = self.runner.stops.reached(Urgency::Immediate) => trigger.raise(Urgency::Immediate),
        }
        running.await;
    }

    /// Kills the running containers of the services that this `up` was asked for, and no others.
    async fn kill(&self) -> Result<BTreeSet<String>, Error> {
        let project = &self.runner.project;
        let filter =
            ContainerFilter { project: Some(project.name.clone()), all: false, one_off: Some(false), service: None };
        let targets = &self.request.targets;
        let ours = |service: &str| match targets.is_empty() {
            true => project.services.contains_key(service),
            false => targets.iter().any(|target| target == service),
        };
        let mut containers = self.runner.engine.list_containers(&filter).await?;
        containers.retain(|container| ours(container.service()));
        let kills = containers.iter().map(|container| async {
            match self.runner.engine.kill_container(&container.id, "SIGKILL").await {
                // It ended by itself meanwhile.
                Err(error) if matches!(error.kind, EngineErrorKind::NotRunning | EngineErrorKind::NotFound) => {}
                Err(error) => self.runner.feed.warn(error.to_string()),
                Ok(()) => {}
            }
        });
        futures_util::future::join_all(kills).await;
        Ok(containers.into_iter().map(|container| container.id).collect())
    }

    /// Waits for output of runs that are over and that has not been passed on. A reader that is slow is waited for; one that is
    /// gone, or a user who wants to leave, is not.
    async fn drain(&self) {
        let stops = &self.runner.stops;
        let further = if stops.urgency() > Urgency::None { Urgency::Immediate } else { Urgency::Graceful };
        if stops.urgency() == Urgency::Immediate {
            return;
        }
        tokio::select! {
            biased;
            () = stops.unread() => {}
            () = stops.reached(further) => {}
            _ = self.following.until(|progress| !progress.draining) => {}
        }
    }
}

fn stopped_by(action: &Action) -> Option<String> {
    let Action::StopContainer { container, .. } = action else { return None };
    container.id.clone()
}

fn lost(reason: String) -> Error {
    Error::Engine(windlass_runtime::EngineError {
        operation: "follow the containers".to_owned(),
        message: reason,
        kind: EngineErrorKind::Unreachable,
        hint: Some("the containers go on; `windlass logs -f` follows them again".to_owned()),
    })
}
