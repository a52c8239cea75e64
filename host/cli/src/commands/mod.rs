//! One file a command: its arguments, whose comments are the help, and what it does.

use crate::entry::args::{Cli, Command, complete_command};
use crate::entry::context::Context;
use crate::errors::CliResult;

pub(crate) mod build;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod create;
pub(crate) mod digests;
pub(crate) mod down;
pub(crate) mod exec;
pub(crate) mod images;
pub(crate) mod kill;
pub(crate) mod logs;
pub(crate) mod ls;
pub(crate) mod manual;
pub(crate) mod plan;
pub(crate) mod plugin_metadata;
pub(crate) mod port;
pub(crate) mod ps;
pub(crate) mod pull;
pub(crate) mod restart;
pub(crate) mod rm;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod start;
pub(crate) mod stop;
pub(crate) mod up;
pub(crate) mod version;

/// Calls the command that was named.
pub(crate) async fn dispatch(context: &Context, cli: Cli) -> CliResult<()> {
    let Some(command) = cli.command else {
        if cli.version {
            return version::run(context, &version::VersionArgs::default());
        }
        let help = complete_command().render_help().to_string();
        context.ui.data(help)?;
        return Ok(());
    };
    match command {
        Command::Build(args) => build::run(context, args).await,
        Command::Completion(args) => completion::run(context, &args),
        Command::Config(args) => config::run(context, args).await,
        Command::Create(args) => create::run(context, args).await,
        Command::Down(args) => down::run(context, args).await,
        Command::Exec(args) => exec::run(context, args).await,
        Command::Images(args) => images::run(context, args).await,
        Command::Kill(args) => kill::run(context, args).await,
        Command::Logs(args) => logs::run(context, args).await,
        Command::Ls(args) => ls::run(context, args).await,
        Command::Manual(args) => manual::run(context, &args),
        Command::Plan(args) => plan::run(context, args).await,
        Command::PluginMetadata => plugin_metadata::run(context),
        Command::Port(args) => port::run(context, args).await,
        Command::Ps(args) => ps::run(context, args).await,
        Command::Pull(args) => pull::run(context, args).await,
        Command::Restart(args) => restart::run(context, args).await,
        Command::Rm(args) => rm::run(context, args).await,
        Command::Schema(args) => schema::run(context, &args),
        Command::Start(args) => start::run(context, args).await,
        Command::Stop(args) => stop::run(context, args).await,
        Command::Up(args) => up::run(context, *args).await,
        Command::Version(args) => version::run(context, &args),
    }
}
