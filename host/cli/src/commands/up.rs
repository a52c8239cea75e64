//! `windlass up`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use windlass_model::Project;
use windlass_plan::options::{Build, Recreate};
use windlass_plan::step::BuildOptions;
use windlass_plan::{Observed, Plan, PlanResult, UpOptions};
use windlass_runtime::Engine;

use crate::commands::attached;
use crate::commands::execution::{Answers, Run, announce, ending, plan_with_answers, run_to_end, take_back};
use crate::entry::context::Context;
use crate::entry::global_args::seconds;
use crate::entry::{lock, project};
use crate::errors::{CliError, CliResult};
use crate::output::summary;

/// Create and start containers, and wait until they are ready and their data is loaded
///
/// Services start as soon as their own dependencies are up: running, ready if they have a probe, their data loaded.
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) shape: ShapeArgs,
    /// Run in the background
    #[arg(short, long)]
    pub(crate) detach: bool,
    /// Stop all when a container ends
    #[arg(long)]
    pub(crate) abort_on_container_exit: bool,
    /// Stop all when a container ends with an error
    #[arg(long)]
    pub(crate) abort_on_container_failure: bool,
    /// Exit with the code of this service's container; implies --abort-on-container-exit
    #[arg(long, value_name = "SERVICE")]
    pub(crate) exit_code_from: Option<String>,
    /// Show the output of these services only
    #[arg(long, value_name = "SERVICE")]
    pub(crate) attach: Vec<String>,
    /// Do not show the output of these services
    #[arg(long, value_name = "SERVICE")]
    pub(crate) no_attach: Vec<String>,
    /// Also show the output of dependencies
    #[arg(long)]
    pub(crate) attach_dependencies: bool,
    /// Do not start what was created
    #[arg(long)]
    no_start: bool,
    /// Recreate dependencies even when they are unchanged
    #[arg(long)]
    always_recreate_deps: bool,
    /// New anonymous volumes instead of the old ones; also recreates
    #[arg(short = 'V', long)]
    renew_anon_volumes: bool,
    /// Leave dependencies alone
    #[arg(long)]
    no_deps: bool,
    /// Seconds between the request to stop and the kill
    #[arg(short, long, value_name = "SECONDS")]
    pub(crate) timeout: Option<u64>,
    /// Wait until all run, and are healthy where the engine checks that; implies --detach
    #[arg(long)]
    wait: bool,
    /// Maximum duration in seconds to wait with --wait
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    wait_timeout: Option<i64>,
    /// No colours in container output
    #[arg(long)]
    pub(crate) no_color: bool,
    /// No names before container output
    #[arg(long)]
    pub(crate) no_log_prefix: bool,
    /// Times before container output
    #[arg(long)]
    pub(crate) timestamps: bool,
    #[arg(long, hide = true)]
    menu: Option<bool>,
}

/// Flags that `up`, `create` and `plan` share.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ShapeArgs {
    /// Build images before the start
    #[arg(long)]
    pub(crate) build: bool,
    /// Never build
    #[arg(long)]
    pub(crate) no_build: bool,
    /// No output of builds
    #[arg(long)]
    quiet_build: bool,
    /// No progress of pulls
    #[arg(long)]
    quiet_pull: bool,
    /// When to pull: `always`, `missing`, `never`, `build`, `policy` (what the file says)
    #[arg(long, value_name = "POLICY")]
    pull: Option<String>,
    /// Recreate even what is unchanged
    #[arg(long)]
    pub(crate) force_recreate: bool,
    /// Recreate nothing
    #[arg(long)]
    pub(crate) no_recreate: bool,
    /// Remove containers of services that are no longer in the file
    #[arg(long)]
    pub(crate) remove_orphans: bool,
    /// Number of replicas
    #[arg(long, value_name = "SERVICE=NUM")]
    scale: Vec<String>,
    /// Answer yes to questions
    #[arg(short, long, alias = "y")]
    pub(crate) yes: bool,
    /// Only these services and their dependencies
    pub(crate) services: Vec<String>,
}

impl ShapeArgs {
    /// What the planner is told; flags that exclude each other are refused in the peer's words.
    pub(crate) fn options(&self, context: &Context) -> CliResult<UpOptions> {
        let conflicts = [
            (self.build && self.no_build, "--build and --no-build are incompatible"),
            (self.force_recreate && self.no_recreate, "--force-recreate and --no-recreate are incompatible"),
            (
                context.settings.ignore_orphans && self.remove_orphans,
                "cannot combine COMPOSE_IGNORE_ORPHANS and --remove-orphans",
            ),
        ];
        refuse(&conflicts)?;
        let pull = self.pull.clone().filter(|policy| policy != "policy");
        if let Some(other) = pull
            .as_deref()
            .filter(|policy| !matches!(*policy, "always" | "missing" | "never" | "build" | "if_not_present"))
        {
            return Err(CliError::usage(format!("invalid --pull option {other:?}")));
        }
        let recreate = match (self.force_recreate, self.no_recreate) {
            (true, _) => Recreate::Force,
            (_, true) => Recreate::Never,
            _ => Recreate::Diverged,
        };
        Ok(UpOptions {
            targets: self.services.clone(),
            recreate,
            recreate_deps: if self.no_recreate { Recreate::Never } else { Recreate::Diverged },
            build: match (self.build, self.no_build) {
                (true, _) => Build::Always,
                (_, true) => Build::Never,
                _ => Build::Missing,
            },
            build_options: BuildOptions { quiet: self.quiet_build, ..BuildOptions::default() },
            pull,
            scale: scales(&self.scale)?,
            remove_orphans: self.remove_orphans || context.settings.remove_orphans,
            ignore_orphans: context.settings.ignore_orphans,
            now: context.unix_now(),
            ..UpOptions::default()
        })
    }
}

fn scales(list: &[String]) -> CliResult<BTreeMap<String, u32>> {
    let one = |text: &String| {
        let parsed =
            text.split_once('=').and_then(|(service, number)| Some((service.to_owned(), number.parse().ok()?)));
        parsed.ok_or_else(|| CliError::usage(format!("invalid --scale option {text:?}. Should be SERVICE=NUM")))
    };
    list.iter().map(one).collect()
}

fn refuse(conflicts: &[(bool, &str)]) -> CliResult<()> {
    match conflicts.iter().find(|(conflict, _)| *conflict) {
        Some((_, text)) => Err(CliError::usage(*text)),
        None => Ok(()),
    }
}

impl UpArgs {
    fn check(&self) -> CliResult<()> {
        let aborts = self.abort_on_container_exit || self.abort_on_container_failure;
        let attaching = !self.attach.is_empty() || self.attach_dependencies;
        refuse(&[
            (self.wait_timeout.is_some_and(|seconds| seconds < 0), "--wait-timeout must be a non-negative integer"),
            (
                self.abort_on_container_exit && self.abort_on_container_failure,
                "--abort-on-container-failure cannot be combined with --abort-on-container-exit",
            ),
            (
                self.wait && (self.abort_on_container_exit || attaching),
                "--wait cannot be combined with --abort-on-container-exit, --attach or --attach-dependencies",
            ),
            (
                self.detach && (aborts || attaching || self.exit_code_from.is_some()),
                "--detach cannot be combined with --abort-on-container-exit, --abort-on-container-failure, --attach, --attach-dependencies or --watch",
            ),
            (
                self.renew_anon_volumes && self.shape.no_recreate,
                "--no-recreate and --renew-anon-volumes are incompatible",
            ),
            (
                self.always_recreate_deps && self.shape.no_recreate,
                "--always-recreate-deps and --no-recreate are incompatible",
            ),
            (!self.attach.is_empty() && self.attach_dependencies, "cannot combine --attach and --attach-dependencies"),
        ])
    }

    fn options(&self, context: &Context) -> CliResult<UpOptions> {
        let shape = self.shape.options(context)?;
        let force = self.renew_anon_volumes && shape.recreate == Recreate::Diverged;
        Ok(UpOptions {
            no_deps: self.no_deps,
            recreate: if force { Recreate::Force } else { shape.recreate },
            recreate_deps: if self.always_recreate_deps { Recreate::Force } else { shape.recreate_deps },
            no_start: self.no_start,
            timeout: seconds(self.timeout),
            renew_anon_volumes: self.renew_anon_volumes,
            wait: self.wait,
            ..shape
        })
    }
}

/// A project, what the engine has of it, and the plan for it.
pub(crate) struct Planned {
    pub(crate) project: Project,
    pub(crate) observed: Observed,
    pub(crate) plan: Plan,
}

/// Observes and plans.
pub(crate) async fn planned(
    context: &Context,
    engine: &Arc<dyn Engine>,
    project: Project,
    options: &UpOptions,
    yes: bool,
) -> CliResult<Planned> {
    let observed = engine.observe(&project::scope(&project)).await?;
    let make = |answers: &Answers| -> PlanResult<Plan> {
        let answered = UpOptions {
            recreate_volumes: answers.recreate.clone(),
            keep_volumes: answers.keep.clone(),
            ..options.clone()
        };
        windlass_plan::up(&project, &observed, &answered)
    };
    let plan = plan_with_answers(context, yes, make)?;
    Ok(Planned { project, observed, plan })
}

pub(crate) async fn run(context: &Context, args: UpArgs) -> CliResult<()> {
    args.check()?;
    let options = args.options(context)?;
    let engine = context.engine()?;
    let project = project::selected(context, &engine, &options.targets, options.no_deps).await?;
    project::not_empty(&project)?;
    let lock = if context.settings.dry_run { None } else { Some(lock::acquire(context, &project.name, "up")?) };
    let planned = planned(context, &engine, project, &options, args.shape.yes).await?;
    if !announce(context, &planned.plan)? {
        return Ok(());
    }
    if !(args.detach || args.wait || args.no_start) {
        return attached::up(context, engine, planned, &args, lock).await;
    }
    let Planned { project, plan, .. } = planned;
    let (project, plan) = (Arc::new(project), Arc::new(plan));
    let run =
        Run { engine: Arc::clone(&engine), project: Arc::clone(&project), plan: Arc::clone(&plan), keep_going: false };
    let running = run_to_end(context, "up", run);
    let outcome = match args
        .wait_timeout
        .and_then(|seconds| u64::try_from(seconds).ok())
        .filter(|seconds| *seconds > 0 && args.wait)
    {
        Some(limit) => tokio::time::timeout(Duration::from_secs(limit), running)
            .await
            .map_err(|_| CliError::usage(format!("application not healthy after {limit}s")))??,
        None => running.await?,
    };
    summary::show(context, &engine, &project, &plan, &outcome).await?;
    take_back(context, &engine, &project, &plan, &outcome).await;
    ending(&plan, &outcome)
}

/// Services whose output an attached `up` shows.
pub(crate) fn attachable(args: &UpArgs, project: &Project) -> CliResult<BTreeSet<String>> {
    let wanted = |name: &str| project.services.get(name).is_none_or(|service| service.attach != Some(false));
    let all: BTreeSet<String> = project.services.keys().cloned().collect();
    let unknown: Vec<&String> = args.attach.iter().filter(|name| !all.contains(*name)).collect();
    if !unknown.is_empty() {
        let names: Vec<&str> = unknown.into_iter().map(String::as_str).collect();
        return Err(CliError::usage(format!("cannot attach to services not included in up: {}", names.join(", "))));
    }
    let base: BTreeSet<String> = if !args.attach.is_empty() {
        args.attach.iter().cloned().collect()
    } else if args.shape.services.is_empty() || args.attach_dependencies {
        all.into_iter().filter(|name| wanted(name)).collect()
    } else {
        args.shape.services.iter().filter(|name| wanted(name)).cloned().collect()
    };
    Ok(base.into_iter().filter(|name| !args.no_attach.contains(name)).collect())
}
