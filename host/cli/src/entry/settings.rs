//! Flags, variables and defaults as plain values: what a run knows before it does anything.

use std::path::PathBuf;

use windlass_model::LoadOptions;

use crate::entry::env_vars::{self, Environment};
use crate::entry::global_args::GlobalArgs;
use crate::errors::{CliError, CliResult};
use crate::output::ui::{NARROWEST, Terminals, UiOptions};

/// Kinds of progress output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A live line a service.
    Tty,
    /// A line a resource, when it ends.
    Plain,
    /// An object an event.
    Json,
    /// Failures only.
    Quiet,
}

/// When to use colours and cursor movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ansi {
    /// On terminals.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Values of the global flags, after variables and defaults.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Current directory.
    pub cwd: PathBuf,
    /// Environment of the process.
    pub environment: Environment,
    /// `-f`; empty: the loader looks at `COMPOSE_FILE` and then searches.
    pub files: Vec<PathBuf>,
    /// `-p`, else `COMPOSE_PROJECT_NAME`.
    pub project_name: Option<String>,
    /// `-p` was given and `-f` was not: most commands then need no file.
    pub name_only: bool,
    /// `--project-directory`.
    pub project_directory: Option<PathBuf>,
    /// `--env-file`.
    pub env_files: Vec<PathBuf>,
    /// `--profile`.
    pub profiles: Vec<String>,
    /// Kind of progress output.
    pub progress: Progress,
    /// When to use colours.
    pub ansi: Ansi,
    /// Limit of engine calls at once.
    pub parallel: Option<usize>,
    /// `_` as the separator.
    pub compatibility: bool,
    /// Print the plan only.
    pub dry_run: bool,
    /// Fail at once when another run is changing the project.
    pub no_wait_lock: bool,
    /// Most seconds to wait for another run that is changing the project; `None`: until it ends.
    pub wait_lock: Option<u64>,
    /// Keep what no service uses.
    pub all_resources: bool,
    /// Print more.
    pub verbose: bool,
    /// `COMPOSE_REMOVE_ORPHANS`.
    pub remove_orphans: bool,
    /// `COMPOSE_IGNORE_ORPHANS`.
    pub ignore_orphans: bool,
    /// What is known about the terminals.
    pub terminals: Terminals,
}

impl Settings {
    /// Resolves flags over variables over defaults.
    ///
    /// # Errors
    /// When a value is not among the possible ones, or two contradict each other.
    pub fn resolve(
        flags: GlobalArgs,
        mut environment: Environment,
        cwd: PathBuf,
        terminals: Terminals,
    ) -> CliResult<Self> {
        environment.choose_engine(flags.host.as_deref(), flags.context.as_deref());
        let ansi = ansi(&flags, &environment)?;
        let progress = progress(&flags, &environment, ansi, terminals)?;
        Ok(Self {
            ansi,
            progress,
            parallel: parallel(&flags, &environment)?,
            name_only: flags.project_name.is_some() && flags.files.is_empty(),
            project_name: flags.project_name.or_else(|| text(&environment, env_vars::COMPOSE_PROJECT_NAME)),
            files: flags.files,
            project_directory: flags.project_directory,
            env_files: flags.env_files,
            profiles: flags.profiles,
            compatibility: flags.compatibility || environment.says_yes(env_vars::COMPOSE_COMPATIBILITY),
            dry_run: flags.dry_run,
            no_wait_lock: flags.lock.no_wait_lock,
            wait_lock: flags.lock.wait_lock,
            all_resources: flags.all_resources,
            verbose: flags.verbose,
            remove_orphans: environment.says_yes(env_vars::COMPOSE_REMOVE_ORPHANS),
            ignore_orphans: environment.says_yes(env_vars::COMPOSE_IGNORE_ORPHANS),
            cwd,
            environment,
            terminals,
        })
    }

    /// How to print.
    #[must_use]
    pub fn ui_options(&self) -> UiOptions {
        let colours = |terminal: bool| match self.ansi {
            Ansi::Always => true,
            Ansi::Never => false,
            Ansi::Auto => terminal && !is_dumb(&self.environment) && self.environment.get(env_vars::NO_COLOR).is_none(),
        };
        let columns = self.environment.get(env_vars::COLUMNS).and_then(|text| text.parse().ok());
        let size = self.terminals.size;
        let columns = size.map(|(columns, _)| usize::from(columns)).or(columns);
        UiOptions {
            colour_out: colours(self.terminals.out),
            colour_err: colours(self.terminals.err),
            width: columns.unwrap_or(80).max(NARROWEST),
            excerpt_width: columns.unwrap_or(160).max(NARROWEST),
            height: size.map_or(24, |(_, rows)| usize::from(rows)),
            status_on_stdout: self.environment.says_yes(env_vars::COMPOSE_STATUS_STDOUT),
            interactive: self.terminals.input && self.terminals.err,
            shared_terminal: self.terminals.out && self.terminals.err,
        }
    }

    /// What the loader gets, before a command adds its own requests.
    #[must_use]
    pub fn load_options(&self) -> LoadOptions {
        LoadOptions {
            cwd: self.cwd.clone(),
            home: self.environment.path(env_vars::HOME),
            files: self.files.clone(),
            project_directory: self.project_directory.clone(),
            project_name: self.project_name.clone(),
            env_files: self.env_files.clone(),
            profiles: self.profiles.clone(),
            environment: self.environment.all().clone(),
            all_resources: self.all_resources,
            compatibility: self.compatibility,
            windlass_file: true,
            ..LoadOptions::default()
        }
    }
}

fn text(environment: &Environment, name: &str) -> Option<String> {
    environment.get(name).map(str::to_owned)
}

fn ansi(flags: &GlobalArgs, environment: &Environment) -> CliResult<Ansi> {
    if flags.no_ansi {
        return Ok(Ansi::Never);
    }
    match flags.ansi.as_deref().or_else(|| environment.get(env_vars::COMPOSE_ANSI)) {
        None | Some("auto") => Ok(Ansi::Auto),
        Some("always") => Ok(Ansi::Always),
        Some("never") => Ok(Ansi::Never),
        Some(other) => {
            Err(CliError::usage(format!("unsupported --ansi value {other:?}: it can be `auto`, `always` or `never`")))
        }
    }
}

/// A terminal that understands no escape sequences, as those of editors.
fn is_dumb(environment: &Environment) -> bool {
    environment.get(env_vars::TERM) == Some("dumb")
}

fn progress(flags: &GlobalArgs, environment: &Environment, ansi: Ansi, terminals: Terminals) -> CliResult<Progress> {
    match flags.progress.as_deref().or_else(|| environment.get(env_vars::COMPOSE_PROGRESS)) {
        None | Some("auto") if terminals.err && ansi == Ansi::Auto && is_dumb(environment) => Ok(Progress::Plain),
        None | Some("auto") if terminals.err && ansi != Ansi::Never => Ok(Progress::Tty),
        None | Some("auto") => Ok(Progress::Plain),
        Some("tty") if ansi == Ansi::Never => {
            Err(CliError::usage("can't use --progress tty while ANSI support is disabled"))
        }
        Some("tty") => Ok(Progress::Tty),
        Some("plain") if ansi == Ansi::Always => {
            Err(CliError::usage("can't use --progress plain while ANSI support is forced"))
        }
        Some("plain") => Ok(Progress::Plain),
        Some("json") => Ok(Progress::Json),
        Some("quiet" | "none") => Ok(Progress::Quiet),
        Some(other) => Err(CliError::usage(format!("unsupported --progress value {other:?}"))),
    }
}

fn parallel(flags: &GlobalArgs, environment: &Environment) -> CliResult<Option<usize>> {
    let variable = environment.get(env_vars::COMPOSE_PARALLEL_LIMIT);
    let limit = match (flags.parallel, variable) {
        (Some(limit), _) => limit,
        (None, Some(text)) => text.parse().map_err(|_| {
            CliError::usage(format!("{} must be an integer (found: {text:?})", env_vars::COMPOSE_PARALLEL_LIMIT))
        })?,
        (None, None) => -1,
    };
    Ok(usize::try_from(limit).ok().filter(|limit| *limit > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: Terminals = Terminals { input: true, out: true, err: true, size: Some((100, 30)) };

    fn resolve<const N: usize>(flags: GlobalArgs, variables: [(&str, &str); N], terminals: Terminals) -> Settings {
        Settings::resolve(flags, Environment::from(variables), "/work".into(), terminals).unwrap()
    }

    fn refusal<const N: usize>(flags: GlobalArgs, variables: [(&str, &str); N]) -> String {
        let environment = Environment::from(variables);
        Settings::resolve(flags, environment, "/".into(), Terminals::default()).unwrap_err().to_string()
    }

    fn flags() -> GlobalArgs {
        GlobalArgs::default()
    }

    #[test]
    fn flags_choose_the_engine_before_variables_do() {
        let far = [("DOCKER_HOST", "tcp://far:1"), ("DOCKER_CONTEXT", "far")];
        let hosted = resolve(GlobalArgs { host: Some("ssh://near".into()), ..flags() }, far, TERMINAL).environment;
        assert_eq!((hosted.get("DOCKER_HOST"), hosted.get("DOCKER_CONTEXT")), (Some("ssh://near"), None));
        let named = resolve(GlobalArgs { context: Some("near".into()), ..flags() }, far, TERMINAL).environment;
        assert_eq!((named.get("DOCKER_HOST"), named.get("DOCKER_CONTEXT")), (None, Some("near")));
    }

    #[test]
    fn flags_win_over_variables_and_variables_over_defaults() {
        let named = GlobalArgs { project_name: Some("flag".into()), ..flags() };
        let variable = [("COMPOSE_PROJECT_NAME", "variable")];
        assert_eq!(resolve(named, variable, TERMINAL).project_name.as_deref(), Some("flag"));
        assert_eq!(resolve(flags(), variable, TERMINAL).project_name.as_deref(), Some("variable"));
        assert_eq!(resolve(flags(), [], TERMINAL).project_name, None);
        let limited = GlobalArgs { parallel: Some(3), ..flags() };
        assert_eq!(resolve(limited, [("COMPOSE_PARALLEL_LIMIT", "5")], TERMINAL).parallel, Some(3));
        assert_eq!(resolve(flags(), [("COMPOSE_PARALLEL_LIMIT", "5")], TERMINAL).parallel, Some(5));
        // As in `docker compose`: everything below 1 is no limit.
        for none in ["-1", "0", "-2"] {
            assert_eq!(resolve(flags(), [("COMPOSE_PARALLEL_LIMIT", none)], TERMINAL).parallel, None);
            let flag = GlobalArgs { parallel: none.parse().ok(), ..flags() };
            assert_eq!(resolve(flag, [("COMPOSE_PARALLEL_LIMIT", "5")], TERMINAL).parallel, None);
        }
    }

    #[test]
    fn only_a_name_on_the_command_line_makes_the_file_needless() {
        let named = GlobalArgs { project_name: Some("x".into()), ..flags() };
        let filed = GlobalArgs { files: vec!["a.yaml".into()], ..named.clone() };
        assert!(resolve(named, [], TERMINAL).name_only);
        assert!(!resolve(filed, [], TERMINAL).name_only);
        assert!(!resolve(flags(), [("COMPOSE_PROJECT_NAME", "x")], TERMINAL).name_only);
    }

    #[test]
    fn progress_follows_flag_variable_and_terminal() {
        let plain = GlobalArgs { progress: Some("plain".into()), ..flags() };
        let json = [("COMPOSE_PROGRESS", "json")];
        assert_eq!(resolve(plain, json, TERMINAL).progress, Progress::Plain);
        assert_eq!(resolve(flags(), json, TERMINAL).progress, Progress::Json);
        assert_eq!(resolve(flags(), [], TERMINAL).progress, Progress::Tty);
        assert_eq!(resolve(flags(), [], Terminals::default()).progress, Progress::Plain);
        assert_eq!(resolve(flags(), [("COMPOSE_ANSI", "never")], TERMINAL).progress, Progress::Plain);
    }

    #[test]
    fn contradictions_are_refused_in_the_peers_words() {
        let tty = GlobalArgs { progress: Some("tty".into()), ansi: Some("never".into()), ..flags() };
        assert_eq!(refusal(tty, []), "can't use --progress tty while ANSI support is disabled");
        let plain = GlobalArgs { progress: Some("plain".into()), ..flags() };
        assert_eq!(
            refusal(plain, [("COMPOSE_ANSI", "always")]),
            "can't use --progress plain while ANSI support is forced"
        );
        let foo = GlobalArgs { progress: Some("foo".into()), ..flags() };
        assert_eq!(refusal(foo, []), "unsupported --progress value \"foo\"");
    }

    #[test]
    fn colours_obey_no_color_and_ansi() {
        let colour = |flags, variables: &[(&str, &str); 1], terminals| {
            resolve(flags, *variables, terminals).ui_options().colour_out
        };
        let always = GlobalArgs { ansi: Some("always".into()), ..flags() };
        assert!(colour(flags(), &[("X", "")], TERMINAL));
        assert!(!colour(flags(), &[("NO_COLOR", "1")], TERMINAL));
        assert!(colour(flags(), &[("NO_COLOR", "")], TERMINAL));
        assert!(!colour(flags(), &[("X", "")], Terminals::default()));
        assert!(colour(always, &[("NO_COLOR", "1")], Terminals::default()));
    }

    #[test]
    fn a_dumb_terminal_gets_plain_text() {
        let of = |flags, term: &str| {
            let settings = resolve(flags, [("TERM", term)], TERMINAL);
            (settings.progress, settings.ui_options().colour_err)
        };
        assert_eq!(of(flags(), "xterm"), (Progress::Tty, true));
        assert_eq!(of(flags(), "dumb"), (Progress::Plain, false));
        let always = || GlobalArgs { ansi: Some("always".into()), ..flags() };
        assert_eq!(of(always(), "dumb"), (Progress::Tty, true));
    }

    #[test]
    fn width_is_the_terminals_then_columns_then_80() {
        let width = |variables: [(&str, &str); 1], terminals| resolve(flags(), variables, terminals).ui_options().width;
        assert_eq!(width([("COLUMNS", "70")], TERMINAL), 100);
        assert_eq!(width([("COLUMNS", "70")], Terminals::default()), 70);
        assert_eq!(width([("X", "")], Terminals::default()), 80);
    }
}
