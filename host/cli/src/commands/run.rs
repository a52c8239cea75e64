//! From a request to an exit code: starts a session, passes signals on to it, shows what it tells, and waits for its end.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use windlass_plan::step::Action;
use windlass_plan::{Observed, Plan, PlanResult};
use windlass_runtime::{Engine, ExecuteOptions, Failure as StepFailure, FailureKind, ProjectDialer};
use windlass_session::{
    After, Answers, Asked, Ended, Handle, HooksMaker, Loaded, LogsRequest, Proposal, Reason, Request, Session, Subject,
};

use crate::entry::backend::HooksRequest;
use crate::entry::context::Context;
use crate::entry::signals::Signals;
use crate::entry::{lock, project};
use crate::errors::{CliError, CliResult, Failure};
use crate::output::logs::LogStyle;
use crate::output::screen::Screen;

/// How long the last words may take when the user leaves at once: the terminal may be what hangs.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Loads a project.
pub(crate) type Loading = BoxFuture<'static, CliResult<Subject>>;

/// A command that changes a project, as far as all of them are alike.
pub(crate) struct Change {
    /// Name of the command.
    pub(crate) command: &'static str,
    /// The services that it was called for; none: all.
    pub(crate) services: Vec<String>,
    /// It takes the project's lock.
    pub(crate) locks: bool,
    /// After a failure it goes on with all that does not need the failed step.
    pub(crate) keep_going: bool,
}

impl Change {
    /// A command that takes the lock and goes on after failures: what cannot be stopped or removed keeps nothing else from it.
    pub(crate) const fn locked(command: &'static str) -> Self {
        Self { command, services: Vec::new(), locks: true, keep_going: true }
    }

    /// For these services only.
    pub(crate) fn of(self, services: &[String]) -> Self {
        Self { services: services.to_vec(), ..self }
    }

    /// Its request to a session.
    pub(crate) fn request(
        self,
        context: &Context,
        engine: Arc<dyn Engine>,
        load: Loading,
        plan: impl Fn(&windlass_model::Project, &Observed, &Answers) -> PlanResult<Proposal> + Send + Sync + 'static,
    ) -> CliResult<Request<CliError>> {
        let now = (context.now)().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Ok(Request {
            command: self.command,
            load,
            lock: if self.locks { Some(lock::request(context, self.command, &self.services)?) } else { None },
            plan: Box::new(plan),
            hooks: hooks(context, &engine),
            engine,
            options: ExecuteOptions {
                run_id: format!("{:x}-{:x}", now.as_nanos(), std::process::id()),
                lock_id: lock::id(context),
                who: lock::who(),
                keep_going: self.keep_going,
                ..ExecuteOptions::default()
            },
            dry_run: context.settings.dry_run,
            yes: false,
            deadline: None,
            after: After::Nothing,
        })
    }
}

fn hooks(context: &Context, engine: &Arc<dyn Engine>) -> HooksMaker<CliError> {
    let (context, engine) = (context.clone(), Arc::clone(engine));
    Box::new(move |project| {
        let dialer = Arc::new(ProjectDialer::new(engine, project));
        context.backend.hooks(HooksRequest { settings: &context.settings, project, dialer })
    })
}

/// Loads the project of a command that can do without a file, as [`project::known`].
pub(crate) fn known(context: &Context, services: &[String], images: bool) -> Loading {
    let (context, services) = (context.clone(), services.to_vec());
    Box::pin(async move { project::known(&context, &services, images) })
}

/// Loads the project of a command that needs the file.
pub(crate) fn loaded(context: &Context) -> Loading {
    let context = context.clone();
    Box::pin(async move {
        let loaded = project::load(&context, |options| options.default_platform = true)?;
        Ok(Subject::Loaded(Box::new(Loaded { project: loaded.project, typed: Some(Arc::new(loaded.tree)) })))
    })
}

/// Runs a command whose plan needs no consent, to its end.
pub(crate) async fn plain(
    context: &Context,
    change: Change,
    load: Loading,
    plan: impl Fn(&windlass_model::Project, &Observed) -> PlanResult<Plan> + Send + Sync + 'static,
) -> CliResult<()> {
    let engine = context.engine()?;
    let planner = move |project: &windlass_model::Project, observed: &Observed, _: &Answers| {
        plan(project, observed).map(Proposal::Run)
    };
    run(context, change.request(context, engine, load, planner)?, LogStyle::default()).await
}

/// Runs a session to its end.
pub(crate) async fn run(context: &Context, request: Request<CliError>, style: LogStyle) -> CliResult<()> {
    let signals = Signals::listen()?;
    let screen = Screen::open(context, style)?;
    let handle = Session::spawn(request, screen.sink());
    attend(context, handle, screen, signals).await
}

/// Follows logs to their end.
pub(crate) async fn follow_logs(context: &Context, request: LogsRequest, style: LogStyle) -> CliResult<()> {
    let signals = Signals::listen()?;
    let screen = Screen::open(context, style)?;
    let handle = Session::follow_logs(request, screen.sink());
    attend(context, handle, screen, signals).await
}

/// Waits for a session's end; signals and a closed output are passed on to it.
async fn attend(
    context: &Context,
    mut handle: Handle<CliError>,
    mut screen: Screen,
    mut signals: Signals,
) -> CliResult<()> {
    let mut readable = true;
    let ended = loop {
        tokio::select! {
            ended = handle.join() => break ended,
            () = signals.next() => if handle.stop(Reason::Signal) == Asked::Leave {
                leave(context, &handle).await;
                return Err(CliError::Interrupted);
            },
            () = screen.unread(), if readable => {
                readable = false;
                handle.stop(Reason::ClosedOutput);
            }
        }
    };
    let shown = tokio::select! {
        shown = screen.finish() => shown,
        // The terminal does not take what is left, and the user does not want to wait for it.
        () = signals.next() => Err(CliError::Interrupted),
    };
    result(ended?)?;
    shown
}

/// Says what may be left half done. A thread of its own prints it: the terminal may be what hangs.
async fn leave(context: &Context, handle: &Handle<CliError>) {
    let (ui, open) = (Arc::clone(&context.ui), handle.in_flight());
    let (sender, printed) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        if open.is_empty() {
            ui.warning("left at once: containers may still run or be stopping");
        } else {
            ui.warning(format_args!(
                "left at once: the engine may still be at work on, or have half done: {}",
                open.join(", ")
            ));
        }
        ui.hint("the next `windlass up` or `windlass down` puts right what is left, containers with temporary names included");
        let _ = sender.send(());
    });
    drop(tokio::time::timeout(LAST_WORDS, printed).await);
}

/// The command's result from the session's.
fn result(ended: Ended) -> CliResult<()> {
    match ended {
        Ended::Done | Ended::Aborted { code: 0 } => Ok(()),
        Ended::Failed { plan, outcome } => Err(CliError::Run(kind(&plan, &outcome.failures))),
        Ended::Interrupted => Err(CliError::Interrupted),
        Ended::TimedOut(limit) => Err(CliError::state(format!("application not healthy after {}s", limit.as_secs()))),
        // Exits like a process that SIGPIPE killed (128 + 13).
        Ended::Unread => Err(CliError::Exit(141)),
        Ended::Aborted { code } => Err(CliError::Exit(u8::try_from(code & 0xff).unwrap_or(1))),
    }
}

/// The first failure decides the exit code.
fn kind(plan: &Plan, failures: &[StepFailure]) -> Failure {
    let Some(first) = failures.first() else { return Failure::Step };
    if first.kind == FailureKind::Unreachable {
        return Failure::Unreachable;
    }
    match plan.steps.get(first.step.0).map(|step| &step.action) {
        Some(Action::Probe { .. }) => Failure::Probe,
        Some(Action::Load { .. }) => Failure::Load,
        Some(Action::PluginHook { .. }) => Failure::Hook,
        None
        | Some(
            Action::PullImage { .. }
            | Action::BuildImage { .. }
            | Action::CreateNetwork { .. }
            | Action::RemoveNetwork { .. }
            | Action::ConnectNetwork { .. }
            | Action::DisconnectNetwork { .. }
            | Action::CreateVolume { .. }
            | Action::RemoveVolume { .. }
            | Action::CreateContainer(_)
            | Action::InjectFiles { .. }
            | Action::StartContainer { .. }
            | Action::StopContainer { .. }
            | Action::RestartContainer { .. }
            | Action::KillContainer { .. }
            | Action::RemoveContainer { .. }
            | Action::UnpauseContainer { .. }
            | Action::RenameContainer { .. }
            | Action::RemoveImage { .. }
            | Action::Await { .. }
            | Action::ExecHook { .. }
            | Action::RunHookContainer { .. }
            | Action::Up,
        ) => Failure::Step,
    }
}
