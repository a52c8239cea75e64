//! `up` in the foreground: the run and the containers' output side by side, then the output until all ends or Ctrl-C.

use std::collections::BTreeSet;
use std::sync::Arc;

use windlass_model::Project;
use windlass_plan::{Plan, StopOptions};
use windlass_runtime::engine::{ContainerFilter, LogOptions};
use windlass_runtime::{Engine, Outcome, ProjectLock, Shutdown, execute};

use crate::commands::execution::{Run, ending, execution, run_quietly, take_back};
use crate::commands::up::{Planned, UpArgs, attachable};
use crate::entry::context::Context;
use crate::entry::global_args::seconds;
use crate::entry::project;
use crate::entry::signals::Signals;
use crate::errors::{CliError, CliResult};
use crate::output::follow::{Exit, FollowOptions, Follower, Next};
use crate::output::logs::{LogPrinter, LogStyle};
use crate::output::reporter::Reporter;
use crate::output::summary;

/// How long the ends of stopped containers are waited for.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(1);

/// What an attached `up` works with.
struct Session<'s> {
    context: &'s Context,
    engine: Arc<dyn Engine>,
    project: Arc<Project>,
    args: &'s UpArgs,
    follower: Follower,
    signals: Signals,
    shutdown: Shutdown,
    /// Containers that ended while others were still being started.
    early: Vec<Exit>,
}

/// Runs the plan and stays with the containers.
pub(crate) async fn up(
    context: &Context,
    engine: Arc<dyn Engine>,
    planned: Planned,
    args: &UpArgs,
    lock: Option<ProjectLock>,
) -> CliResult<()> {
    let Planned { project, observed, plan } = planned;
    let services = attachable(args, &project)?;
    let style =
        LogStyle { bare: args.no_log_prefix, monochrome: args.no_color, timestamps: args.timestamps, split: true };
    let printer = Arc::new(LogPrinter::new(Arc::clone(&context.ui), style));
    let names: Vec<String> = names(&project, &services);
    names.iter().for_each(|name| printer.register(name));
    context.ui.data(format!("Attaching to {}\n", names.join(", ")))?;
    let options = FollowOptions {
        project: project.name.clone(),
        services: Some(services),
        except: BTreeSet::new(),
        since: None,
        announce: true,
    };
    let mut follower = Follower::subscribe(Arc::clone(&engine), printer, options).await?;
    for container in
        observed.containers.iter().filter(|container| container.is_up() && plan.untouched.contains(&container.name))
    {
        follower
            .add(container, LogOptions { follow: true, tail: Some("0".to_owned()), ..LogOptions::default() })
            .await?;
    }
    let (signals, shutdown) = Signals::listen()?;
    let mut session =
        Session { context, engine, project: Arc::new(project), args, follower, signals, shutdown, early: Vec::new() };
    let plan = Arc::new(plan);
    let outcome = session.run(&plan).await?;
    if outcome.failures.is_empty() && outcome.interrupted == windlass_runtime::shutdown::Urgency::None {
        // Staying with the output keeps nobody else from changing the project.
        drop(lock);
        summary::show(context, &session.engine, &session.project, &plan, &outcome).await?;
        return session.stay().await;
    }
    session.stop().await?;
    take_back(context, &session.engine, &session.project, &plan, &outcome).await;
    ending(&plan, &outcome)
}

fn names(project: &Project, services: &BTreeSet<String>) -> Vec<String> {
    let of = |name: &String| {
        project.services.get(name).into_iter().flat_map(|service| {
            (1..=service.replicas()).map(|number| {
                let full = project.container_name(service, number);
                full.strip_prefix(&format!("{}{}", project.name, project.separator)).unwrap_or(&full).to_owned()
            })
        })
    };
    services.iter().flat_map(of).collect()
}

impl Session<'_> {
    /// Runs the plan while output is shown.
    async fn run(&mut self, plan: &Arc<Plan>) -> CliResult<Outcome> {
        let run = Run {
            engine: Arc::clone(&self.engine),
            project: Arc::clone(&self.project),
            plan: Arc::clone(plan),
            keep_going: false,
        };
        let reporter = Reporter::new(self.context, "up", Arc::clone(plan));
        let work = execution(self.context, &run)?;
        let mut running = std::pin::pin!(execute(work, self.shutdown.clone(), &reporter));
        let mut redraw = tokio::time::interval(std::time::Duration::from_millis(100));
        let mut events = true;
        let outcome = loop {
            tokio::select! {
                outcome = &mut running => break outcome,
                () = self.signals.next() => {}
                next = self.follower.next(), if events => match next? {
                    Next::Exit(exit) => self.early.push(exit),
                    Next::Broken => events = false,
                    Next::Output => {}
                },
                _ = redraw.tick() => reporter.redraw(),
            }
        };
        reporter.finish(&outcome);
        Ok(outcome)
    }

    /// Shows output until every container ended, one that matters ended, or the user asks to stop.
    async fn stay(&mut self) -> CliResult<()> {
        let from = self.args.exit_code_from.clone();
        let on_failure = self.args.abort_on_container_failure;
        let on_exit = self.args.abort_on_container_exit || (from.is_some() && !on_failure);
        let aborts = |exit: &Exit| on_exit || (on_failure && exit.code != 0);
        if let Some(first) = std::mem::take(&mut self.early).into_iter().find(aborts) {
            return self.abort(first, from.as_deref()).await;
        }
        while !self.follower.is_over() {
            tokio::select! {
                () = self.signals.next() => {
                    self.context.ui.info("Gracefully Stopping... press Ctrl+C again to force");
                    self.stop().await?;
                    return Err(CliError::Interrupted);
                }
                next = self.follower.next() => match next? {
                    Next::Exit(exit) if aborts(&exit) => return self.abort(exit, from.as_deref()).await,
                    Next::Broken => break,
                    _ => {}
                },
            }
        }
        self.follower.drain().await
    }

    async fn abort(&mut self, first: Exit, from: Option<&str>) -> CliResult<()> {
        self.context.ui.info("Aborting on container exit...");
        let exits = self.stop().await?;
        let chosen = match from {
            Some(service) if service != first.service => exits.into_iter().find(|exit| exit.service == service),
            _ => Some(first),
        };
        match chosen.map_or(0, |exit| exit.code) {
            0 => Ok(()),
            code => Err(CliError::Exit(code)),
        }
    }

    /// Stops what was started, output still shown; a second wish kills.
    async fn stop(&mut self) -> CliResult<Vec<Exit>> {
        let observed = self.engine.observe(&project::scope(&self.project)).await?;
        let targets = if self.args.shape.services.is_empty() { Vec::new() } else { self.args.shape.services.clone() };
        let options = StopOptions { targets, timeout: seconds(self.args.timeout) };
        let plan = Arc::new(windlass_plan::stop(&self.project, &observed, &options)?);
        let run = Run { engine: Arc::clone(&self.engine), project: Arc::clone(&self.project), plan, keep_going: true };
        // The wish to stop has been heard already; stopping itself is not to be interrupted gracefully.
        let (_trigger, calm) = Shutdown::channel();
        let mut stopping = std::pin::pin!(run_quietly(self.context, "stop", run, calm));
        let mut exits = Vec::new();
        let mut events = true;
        loop {
            tokio::select! {
                outcome = &mut stopping => {
                    outcome?;
                    break;
                }
                () = self.signals.next() => kill_all(&self.engine, &self.project.name).await?,
                next = self.follower.next(), if events => match next? {
                    Next::Exit(exit) => exits.push(exit),
                    Next::Broken => events = false,
                    Next::Output => {}
                },
            }
        }
        // The engine tells of the last ends a little later than it answers.
        let rest = async {
            while !self.follower.is_over() {
                match self.follower.next().await? {
                    Next::Exit(exit) => exits.push(exit),
                    Next::Broken => break,
                    Next::Output => {}
                }
            }
            Ok::<_, CliError>(())
        };
        match tokio::time::timeout(LAST_WORDS, rest).await {
            Ok(told) => told?,
            // Services that were not to be stopped go on: no end to wait for.
            Err(_) => return Ok(exits),
        }
        self.follower.drain().await?;
        Ok(exits)
    }
}

/// Kills every running container of the project; one that ended meanwhile is what was wanted.
async fn kill_all(engine: &Arc<dyn Engine>, project: &str) -> CliResult<()> {
    let filter = ContainerFilter { project: Some(project.to_owned()), all: false, one_off: Some(false), service: None };
    let containers = engine.list_containers(&filter).await?;
    let kills = containers.iter().map(|container| engine.kill_container(&container.id, "SIGKILL"));
    futures_util::future::join_all(kills).await;
    Ok(())
}
