//! `windlass up`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clap::Args;
use windlass_model::Project;
use windlass_plan::options::{Build, Recreate};
use windlass_plan::step::BuildOptions;
use windlass_plan::{Observed, UpOptions};
use windlass_session::{Abort, After, Answers, FollowRequest, Proposal, Request, Subject};

use super::run::{self, Change};
use crate::entry::context::Context;
use crate::entry::global_args::{LockArgs, grace, seconds};
use crate::entry::project;
use crate::errors::{CliError, CliResult};
use crate::output::logs::LogStyle;

/// Create and start containers, and wait until they are ready and their data is loaded
///
/// Services start as soon as their own dependencies are up: running, ready if they have a probe, their data loaded.
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    shape: ShapeArgs,
    #[command(flatten)]
    reach: ReachArgs,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    /// Run in the background
    #[arg(short, long)]
    detach: bool,
    /// Stop all when a container ends
    #[arg(long)]
    abort_on_container_exit: bool,
    /// Stop all when a container ends with an error
    #[arg(long)]
    abort_on_container_failure: bool,
    /// Exit with the code of this service's container; implies --abort-on-container-exit
    #[arg(long, value_name = "SERVICE")]
    exit_code_from: Option<String>,
    /// Show the output of these services only
    #[arg(long, value_name = "SERVICE")]
    attach: Vec<String>,
    /// Do not show the output of these services
    #[arg(long, value_name = "SERVICE")]
    no_attach: Vec<String>,
    /// Also show the output of dependencies
    #[arg(long)]
    attach_dependencies: bool,
    /// Do not start what was created
    #[arg(long)]
    no_start: bool,
    /// Seconds between the request to stop and the kill; -1: never kill
    #[arg(short, long, value_name = "SECONDS", allow_negative_numbers = true)]
    timeout: Option<i32>,
    /// Wait until all run, and are healthy where the engine checks that; implies --detach
    #[arg(long)]
    wait: bool,
    /// Maximum duration in seconds to wait with --wait
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    wait_timeout: Option<i64>,
    /// No colours in container output
    #[arg(long)]
    no_color: bool,
    /// No names before container output
    #[arg(long)]
    no_log_prefix: bool,
    /// Times before container output
    #[arg(long)]
    timestamps: bool,
    #[arg(long, hide = true)]
    menu: Option<bool>,
}

/// Flags that `up` and `plan` share: how far a change reaches.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ReachArgs {
    /// Recreate dependencies even when they are unchanged
    #[arg(long)]
    always_recreate_deps: bool,
    /// New anonymous volumes instead of the old ones; also recreates
    #[arg(short = 'V', long)]
    renew_anon_volumes: bool,
    /// Leave dependencies alone
    #[arg(long)]
    no_deps: bool,
}

/// Flags that `up`, `create` and `plan` share.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ShapeArgs {
    /// Build images before the start
    #[arg(long)]
    build: bool,
    /// Never build
    #[arg(long)]
    no_build: bool,
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
    force_recreate: bool,
    /// Recreate nothing
    #[arg(long)]
    no_recreate: bool,
    /// Remove containers of services that are no longer in the file
    #[arg(long)]
    remove_orphans: bool,
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
                context.settings.ignore_orphans && (self.remove_orphans || context.settings.remove_orphans),
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
            quiet_pull: self.quiet_pull,
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
            (!self.attach.is_empty() && self.attach_dependencies, "cannot combine --attach and --attach-dependencies"),
        ])
    }

    fn options(&self, context: &Context) -> CliResult<UpOptions> {
        let base = self.reach.apply(self.shape.options(context)?)?;
        Ok(UpOptions { no_start: self.no_start, timeout: grace(self.timeout), wait: self.wait, ..base })
    }

    fn is_attached(&self) -> bool {
        !(self.detach || self.wait || self.no_start)
    }

    /// What is followed of a project.
    fn follow(&self, project: &Project) -> CliResult<FollowRequest> {
        project::check_names(self.exit_code_from.as_slice(), project.services.keys().map(String::as_str))?;
        let abort = match (self.abort_on_container_failure, self.abort_on_container_exit) {
            (true, _) => Abort::OnFailure,
            (false, true) => Abort::OnExit,
            (false, false) if self.exit_code_from.is_some() => Abort::OnExit,
            (false, false) => Abort::Never,
        };
        Ok(FollowRequest {
            services: attachable(self, project)?,
            targets: self.shape.services.clone(),
            timeout: grace(self.timeout),
            abort,
            exit_code_from: self.exit_code_from.clone(),
        })
    }
}

impl ReachArgs {
    /// The options with these flags; flags that exclude each other are refused in the words of docker compose.
    pub(crate) fn apply(&self, options: UpOptions) -> CliResult<UpOptions> {
        let never = options.recreate == Recreate::Never;
        refuse(&[
            (self.renew_anon_volumes && never, "--no-recreate and --renew-anon-volumes are incompatible"),
            (self.always_recreate_deps && never, "--always-recreate-deps and --no-recreate are incompatible"),
        ])?;
        // New anonymous volumes are only had by a new container.
        let force = self.renew_anon_volumes && options.recreate == Recreate::Diverged;
        Ok(UpOptions {
            no_deps: self.no_deps,
            recreate: if force { Recreate::Force } else { options.recreate },
            recreate_deps: if self.always_recreate_deps { Recreate::Force } else { options.recreate_deps },
            renew_anon_volumes: self.renew_anon_volumes,
            ..options
        })
    }
}

/// The request of a command that creates. `needed`: a project without services is a mistake.
pub(crate) fn request(
    context: &Context,
    change: Change,
    options: UpOptions,
    yes: bool,
    needed: bool,
) -> CliResult<Request<CliError>> {
    let engine = context.engine()?;
    let load = {
        let (context, engine, targets, no_deps) =
            (context.clone(), Arc::clone(&engine), options.targets.clone(), options.no_deps);
        Box::pin(async move {
            let loaded = project::selected(&context, &engine, &targets, no_deps).await?;
            if needed {
                project::not_empty(&loaded.project)?;
            }
            Ok(Subject::Loaded(Box::new(loaded)))
        })
    };
    let plan = move |project: &Project, observed: &Observed, answers: &Answers| {
        let answered = UpOptions {
            recreate_volumes: answers.recreate.clone(),
            keep_volumes: answers.keep.clone(),
            ..options.clone()
        };
        windlass_plan::up(project, observed, &answered).map(Proposal::Run)
    };
    Ok(Request { yes, ..change.request(context, engine, load, plan)? })
}

pub(crate) async fn run(context: &Context, args: UpArgs) -> CliResult<()> {
    args.check()?;
    let change = Change { keep_going: false, ..Change::locked("up").of(&args.shape.services) };
    let mut request = request(context, change, args.options(context)?, args.shape.yes, true)?;
    let style = LogStyle {
        bare: args.no_log_prefix,
        monochrome: args.no_color,
        timestamps: args.timestamps,
        split: true,
        ..LogStyle::default()
    };
    let limit = args.wait_timeout.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
    request.deadline = seconds(limit.filter(|_| args.wait));
    request.after =
        if args.is_attached() { After::Follow(Box::new(move |project| args.follow(project))) } else { After::Summary };
    run::run(context, request, style).await
}

/// Services whose output an attached `up` shows.
fn attachable(args: &UpArgs, project: &Project) -> CliResult<BTreeSet<String>> {
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
