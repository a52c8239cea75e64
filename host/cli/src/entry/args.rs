//! The command line as a whole: the global flags and the list of commands.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::commands;
use crate::entry::global_args::{GlobalArgs, LockArgs};
use crate::errors::{CliError, CliResult};

/// Run your Docker Compose file, unchanged, and bring it up ready.
#[derive(Debug, Parser)]
#[command(
    name = "windlass",
    bin_name = "windlass",
    disable_version_flag = true,
    args_override_self = true,
    subcommand_value_name = "COMMAND",
    max_term_width = 100,
    after_help = "Run `windlass COMMAND --help` for the flags of a command."
)]
pub struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    /// Print the version.
    #[arg(short = 'v', long, hide = true)]
    pub(crate) version: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The commands; each variant's arguments and help are in its file.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Build(commands::build::BuildArgs),
    Completion(commands::completion::CompletionArgs),
    #[command(visible_alias = "convert")]
    Config(commands::config::ConfigArgs),
    Create(commands::create::CreateArgs),
    Down(commands::down::DownArgs),
    Exec(commands::exec::ExecArgs),
    Images(commands::images::ImagesArgs),
    Kill(commands::kill::KillArgs),
    Logs(commands::logs::LogsArgs),
    Ls(commands::ls::LsArgs),
    #[command(hide = true)]
    Manual(commands::manual::ManualArgs),
    Plan(commands::plan::PlanArgs),
    #[command(name = commands::plugin_metadata::COMMAND, hide = true)]
    PluginMetadata,
    Port(commands::port::PortArgs),
    Ps(commands::ps::PsArgs),
    Pull(commands::pull::PullArgs),
    Restart(commands::restart::RestartArgs),
    Rm(commands::rm::RmArgs),
    Schema(commands::schema::SchemaArgs),
    Start(commands::start::StartArgs),
    Stop(commands::stop::StopArgs),
    Up(Box<commands::up::UpArgs>),
    Version(commands::version::VersionArgs),
}

impl Command {
    /// The flags for the project's lock, of those that take it.
    const fn lock(&self) -> Option<&LockArgs> {
        match self {
            Self::Create(args) => Some(&args.lock),
            Self::Down(args) => Some(&args.lock),
            Self::Kill(args) => Some(&args.lock),
            Self::Restart(args) => Some(&args.lock),
            Self::Rm(args) => Some(&args.lock),
            Self::Start(args) => Some(&args.lock),
            Self::Stop(args) => Some(&args.lock),
            Self::Up(args) => Some(&args.lock),
            Self::PluginMetadata
            | Self::Build(_)
            | Self::Completion(_)
            | Self::Config(_)
            | Self::Exec(_)
            | Self::Images(_)
            | Self::Logs(_)
            | Self::Ls(_)
            | Self::Manual(_)
            | Self::Plan(_)
            | Self::Port(_)
            | Self::Ps(_)
            | Self::Pull(_)
            | Self::Schema(_)
            | Self::Version(_) => None,
        }
    }
}

impl Cli {
    /// The global flags. Those for the lock may stand on either side of the subcommand.
    ///
    /// # Errors
    /// When they are given to a command that takes no lock: a flag without effect would be taken for a promise.
    pub(crate) fn global(&self, name: &str) -> CliResult<GlobalArgs> {
        let mut global = self.global.clone();
        let (before, own) = (global.lock.given(), self.command.as_ref().and_then(Command::lock));
        match (before, own) {
            (Some(flag), None) => {
                let hint = "leave it out: only commands that change the project's containers wait for each other";
                return Err(CliError::hinted(format!("`{name}` takes no lock: {flag} has no effect on it"), hint));
            }
            (Some(one), Some(own)) if own.given().is_some_and(|other| other != one) => {
                return Err(CliError::usage("--no-wait-lock and --wait-lock contradict each other"));
            }
            (_, Some(own)) if own.given().is_some() => global.lock = own.clone(),
            (Some(_) | None, _) => {}
        }
        Ok(global)
    }
}

/// The whole command line, for parsing, completion scripts and manual pages.
pub(crate) fn complete_command() -> clap::Command {
    Cli::command()
}

/// Commands of `docker compose` that are not there yet; `docs/differences.md` lists them too.
pub(crate) const MISSING: [&str; 18] = [
    "alpha", "attach", "bridge", "commit", "cp", "events", "export", "pause", "publish", "push", "run", "scale",
    "stats", "top", "unpause", "volumes", "wait", "watch",
];

/// Why the arguments were refused: a command that is only missing is called by its name, where clap would suggest another one.
pub(crate) fn refusal(error: clap::Error) -> CliError {
    let name = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(name)) if error.kind() == ErrorKind::InvalidSubcommand => name,
        _ => return error.into(),
    };
    if !MISSING.contains(&name.as_str()) {
        return error.into();
    }
    CliError::hinted(
        format!("`{name}` is not there yet"),
        format!("`docker compose {name}` works on the same project; docs/differences.md lists what else is missing"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_missing_and_documented() {
        let documented = include_str!("../../../../docs/differences.md");
        for name in MISSING {
            assert!(complete_command().find_subcommand(name).is_none(), "{name} is there");
            assert!(documented.contains(&format!("`{name}`")), "{name} is not documented");
        }
    }
}
