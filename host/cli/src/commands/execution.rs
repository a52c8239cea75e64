//! From a plan to its end: notes, questions, reporter, signals, exit code.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use windlass_model::Project;
use windlass_plan::step::{Action, Question};
use windlass_plan::{Observed, Plan, PlanResult, StepId};
use windlass_runtime::outcome::StepResult;
use windlass_runtime::{
    Ending, Engine, ExecuteOptions, Execution, Failure as StepFailure, FailureKind, Outcome, ProjectDialer, Shutdown,
    execute,
};

use crate::entry::backend::HooksRequest;
use crate::entry::context::Context;
use crate::entry::settings::Progress;
use crate::entry::signals::Signals;
use crate::entry::{lock, project};
use crate::errors::{CliError, CliResult, Failure};
use crate::output::reporter::Reporter;

/// How often the live area is drawn anew.
const REDRAW: Duration = Duration::from_millis(100);

/// What is about to run.
pub(crate) struct Run {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) project: Arc<Project>,
    pub(crate) plan: Arc<Plan>,
    /// After a failure go on with what does not need it.
    pub(crate) keep_going: bool,
}

/// Answers to the plan's questions so far.
#[derive(Debug, Default, Clone)]
pub(crate) struct Answers {
    pub(crate) recreate: BTreeSet<String>,
    pub(crate) keep: BTreeSet<String>,
}

/// Plans, asks what the plan asks, plans again with the answers.
pub(crate) fn plan_with_answers(
    context: &Context,
    yes: bool,
    plan: impl Fn(&Answers) -> PlanResult<Plan>,
) -> CliResult<Plan> {
    let mut answers = Answers::default();
    loop {
        let made = plan(&answers)?;
        if made.questions.is_empty() || context.settings.dry_run {
            return Ok(made);
        }
        for question in &made.questions {
            let Question::RecreateVolume { volume } = question;
            let agreed = yes || context.ui.ask(&windlass_plan::render::ask(question))?;
            let list = if agreed { &mut answers.recreate } else { &mut answers.keep };
            list.insert(volume.clone());
        }
    }
}

/// Shows a plan's notes; with `--dry-run` prints the plan and says that this was all.
pub(crate) fn announce(context: &Context, plan: &Plan) -> CliResult<bool> {
    let violations = windlass_plan::check(plan);
    if let Some(violation) = violations.first() {
        return Err(CliError::Internal(format!("the plan contradicts itself ({violation:?})")));
    }
    if context.settings.dry_run {
        context.ui.data(windlass_plan::render(plan))?;
        return Ok(false);
    }
    for note in &plan.notes {
        if note.warning { context.ui.warning(&note.text) } else { context.ui.status(&note.text) }
    }
    if matches!(context.settings.progress, Progress::Plain | Progress::Tty) {
        plan.untouched.iter().for_each(|name| context.ui.status(format_args!(" Container {name} Running")));
    }
    Ok(true)
}

/// Observes, plans, announces and runs a command's plan to its end.
pub(crate) async fn run_plan(
    context: &Context,
    title: &'static str,
    project: Project,
    observed: &Observed,
    plan: impl FnOnce(&Project, &Observed) -> PlanResult<Plan>,
) -> CliResult<()> {
    let plan = plan(&project, observed)?;
    if !announce(context, &plan)? {
        return Ok(());
    }
    let engine = context.engine()?;
    let plan = Arc::new(plan);
    let run = Run { engine, project: Arc::new(project), plan: Arc::clone(&plan), keep_going: true };
    let outcome = run_to_end(context, title, run).await?;
    ending(&plan, &outcome)
}

/// Runs with signals: the first asks to stop gracefully, the second at once.
pub(crate) async fn run_to_end(context: &Context, title: &'static str, run: Run) -> CliResult<Outcome> {
    let (mut signals, shutdown) = Signals::listen()?;
    let reporter = Reporter::new(context, title, Arc::clone(&run.plan));
    let execution = execution(context, &run)?;
    let mut running = std::pin::pin!(execute(execution, shutdown, &reporter));
    let mut redraw = tokio::time::interval(REDRAW);
    let outcome = loop {
        tokio::select! {
            outcome = &mut running => break outcome,
            () = signals.next() => {}
            _ = redraw.tick() => reporter.redraw(),
        }
    };
    reporter.finish(&outcome);
    Ok(outcome)
}

/// Everything that the runtime needs for a run.
pub(crate) fn execution(context: &Context, run: &Run) -> CliResult<Execution> {
    let dialer = Arc::new(ProjectDialer::new(Arc::clone(&run.engine), &run.project.name));
    let hooks = context.backend.hooks(HooksRequest { settings: &context.settings, project: &run.project, dialer })?;
    let now = (context.now)().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ok(Execution {
        plan: Arc::clone(&run.plan),
        project: Arc::clone(&run.project),
        engine: Arc::clone(&run.engine),
        hooks,
        world: None,
        options: ExecuteOptions {
            parallel: context.settings.parallel,
            run_id: format!("{:x}-{:x}", now.as_nanos(), std::process::id()),
            lock_id: lock::id(context),
            who: lock::who(),
            keep_going: run.keep_going,
        },
    })
}

/// Runs a plan whose end nobody listens to signals for (a stop after Ctrl-C).
pub(crate) async fn run_quietly(
    context: &Context,
    title: &'static str,
    run: Run,
    shutdown: Shutdown,
) -> CliResult<Outcome> {
    let reporter = Reporter::new(context, title, Arc::clone(&run.plan));
    let outcome = execute(execution(context, &run)?, shutdown, &reporter).await;
    reporter.finish(&outcome);
    Ok(outcome)
}

/// After a failure: takes back what the run made, where nothing was started yet. The failure stays what the command ends
/// with: what cannot be taken back is a warning.
pub(crate) async fn take_back(
    context: &Context,
    engine: &Arc<dyn Engine>,
    project: &Arc<Project>,
    plan: &Plan,
    outcome: &Outcome,
) {
    let reachable = outcome.failures.iter().all(|failure| failure.kind != FailureKind::Unreachable);
    if outcome.ending() == Ending::Failed
        && reachable
        && let Err(error) = undo(context, engine, project, (plan, outcome)).await
    {
        context.ui.warning(format_args!("what the failed run made is still there: {error}"));
    }
}

async fn undo(
    context: &Context,
    engine: &Arc<dyn Engine>,
    project: &Arc<Project>,
    (plan, outcome): (&Plan, &Outcome),
) -> CliResult<()> {
    let ended = |results: &[StepResult]| -> BTreeSet<StepId> {
        let records = plan.steps.iter().zip(&outcome.steps);
        records.filter(|(_, record)| results.contains(&record.result)).map(|(step, _)| step.id).collect()
    };
    let (done, failed) = (ended(&[StepResult::Done]), ended(&[StepResult::Failed, StepResult::Warned]));
    let now = engine.observe(&project::scope(project)).await?;
    let Some(undo) = windlass_plan::undo(plan, &done, &failed, &now) else { return Ok(()) };
    let run = Run { engine: Arc::clone(engine), project: Arc::clone(project), plan: Arc::new(undo), keep_going: true };
    let (_trigger, calm) = Shutdown::channel();
    run_quietly(context, "taking back", run, calm).await.map(drop)
}

/// The command's result from the run's.
pub(crate) fn ending(plan: &Plan, outcome: &Outcome) -> CliResult<()> {
    match outcome.ending() {
        Ending::Success => Ok(()),
        Ending::Interrupted => Err(CliError::Interrupted),
        Ending::Failed => Err(CliError::Run(kind(plan, &outcome.failures))),
    }
}

/// The first failure decides the exit code.
fn kind(plan: &Plan, failures: &[StepFailure]) -> Failure {
    let Some(first) = failures.first() else { return Failure::Step };
    match (first.kind, plan.steps.get(first.step.0).map(|step| &step.action)) {
        (FailureKind::Unreachable, _) => Failure::Unreachable,
        (_, Some(Action::Probe { .. })) => Failure::Probe,
        (_, Some(Action::Load { .. })) => Failure::Load,
        (_, Some(Action::PluginHook { .. })) => Failure::Hook,
        _ => Failure::Step,
    }
}
