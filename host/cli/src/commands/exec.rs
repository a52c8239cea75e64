//! `windlass exec`.

use std::io::Read as _;

use clap::Args;
use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;
use windlass_plan::observed::Container;
use windlass_runtime::Engine;
use windlass_runtime::engine::{ContainerFilter, ExecSession, ExecSpec, OutputStream};

use crate::entry::context::Context;
use crate::entry::project;
use crate::entry::terminal::{self, RawMode};
use crate::errors::{CliError, CliResult};

/// Run a command in a running container
#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    /// Run it in the background
    #[arg(short, long)]
    detach: bool,
    /// Environment: `KEY=VALUE`, or `KEY` from the environment
    #[arg(short, long, value_name = "KEY=VALUE")]
    env: Vec<String>,
    /// Number of the replica; 0 is any
    #[arg(long, value_name = "N")]
    index: Option<u32>,
    #[arg(short, long, hide = true)]
    interactive: bool,
    /// No terminal (default: one if standard output is a terminal)
    #[arg(short = 'T', long = "no-tty", alias = "no-TTY")]
    no_tty: bool,
    #[arg(short, long, hide = true)]
    tty: bool,
    /// With full privileges
    #[arg(long)]
    privileged: bool,
    /// User
    #[arg(short, long, value_name = "USER")]
    user: Option<String>,
    /// Path to the working directory inside the container
    #[arg(short, long, value_name = "DIR")]
    workdir: Option<String>,
    /// Service
    service: String,
    /// Command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: ExecArgs) -> CliResult<()> {
    if context.settings.dry_run {
        // What a command would do nobody can say without running it.
        return Err(CliError::usage("exec is not supported in dry-run mode"));
    }
    let project = project::name(context)?;
    let engine = context.engine()?;
    let container = candidate(&*engine, &project, &args).await?;
    let terminals = context.settings.terminals;
    let tty = !args.no_tty && !args.detach && terminals.out && terminals.input;
    let environment = args.env.iter().filter_map(|pair| match pair.split_once('=') {
        Some(_) => Some(pair.clone()),
        None => context.settings.environment.get(pair).map(|value| format!("{pair}={value}")),
    });
    let spec = ExecSpec {
        command: args.command,
        environment: environment.collect(),
        user: args.user.unwrap_or_default(),
        working_dir: args.workdir.unwrap_or_default(),
        privileged: args.privileged,
        tty,
        stdin: !args.detach,
        detach: args.detach,
    };
    let session = engine.exec(&container.id, &spec).await?;
    if args.detach {
        return Ok(());
    }
    let id = session.id.clone();
    let raw = tty.then(RawMode::enter).transpose();
    let raw = raw.map_err(|source| CliError::io("switch the terminal to raw mode", source))?;
    let streamed = stream(context, &*engine, session, tty).await;
    drop(raw);
    streamed?;
    match engine.exec_exit_code(&id).await? {
        0 => Ok(()),
        code => Err(CliError::Exit(u8::try_from(code & 0xff).unwrap_or(1))),
    }
}

async fn candidate(engine: &dyn Engine, project: &str, args: &ExecArgs) -> CliResult<Container> {
    let filter = ContainerFilter {
        project: Some(project.to_owned()),
        all: false,
        one_off: None,
        service: Some(args.service.clone()),
    };
    let mut containers = engine.list_containers(&filter).await?;
    containers.retain(|container| !container.is_hook());
    containers.sort_by_key(|container| (container.is_one_off(), container.number()));
    let index = args.index.filter(|index| *index > 0);
    let found = match index {
        Some(index) => containers.into_iter().find(|container| container.number() == index),
        None => containers.into_iter().next(),
    };
    found.ok_or_else(|| match index {
        Some(index) => CliError::state(format!("service {:?} is not running container #{index}", args.service)),
        None => CliError::state(format!("service {:?} is not running", args.service)),
    })
}

/// Passes input and output until the command's output ends.
async fn stream(context: &Context, engine: &dyn Engine, mut session: ExecSession, tty: bool) -> CliResult<()> {
    let mut input = session.input.take();
    let mut typed = read_input(context);
    let mut resized = resizes()?;
    if tty {
        resize(engine, &session.id).await;
    }
    loop {
        tokio::select! {
            chunk = session.output.next() => match chunk {
                Some(chunk) => {
                    let chunk = chunk?;
                    if chunk.stream == OutputStream::Stderr { context.ui.data_err(&chunk.bytes) } else { context.ui.data(&chunk.bytes)? }
                }
                None => return Ok(()),
            },
            bytes = typed.recv(), if input.is_some() => match (bytes, &mut input) {
                (Some(bytes), Some(pipe)) => {
                    // A failed write usually means that the command exited; the end of its output reports that.
                    if pipe.write_all(&bytes).await.is_err() || pipe.flush().await.is_err() {
                        input = None;
                    }
                }
                _ => {
                    if let Some(mut pipe) = input.take() {
                        drop(pipe.shutdown().await);
                    }
                }
            },
            _ = resized.recv() => resize(engine, &session.id).await,
        }
    }
}

/// Standard input, read by a thread of its own because it cannot be waited for.
fn read_input(context: &Context) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(16);
    if let Some(mut input) = context.ui.take_input() {
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(read) = input.read(&mut buffer) {
                if read == 0 || sender.blocking_send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
    }
    receiver
}

fn resizes() -> CliResult<tokio::signal::unix::Signal> {
    let kind = tokio::signal::unix::SignalKind::window_change();
    tokio::signal::unix::signal(kind).map_err(|source| CliError::io("listen to changes of the terminal's size", source))
}

/// Gives the command's terminal the size of ours. A wrong size is a nuisance, not an error.
async fn resize(engine: &dyn Engine, id: &str) {
    if let Some((width, height)) = terminal::size() {
        drop(engine.exec_resize(id, width, height).await);
    }
}
