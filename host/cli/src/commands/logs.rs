//! `windlass logs`.

use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use futures_util::StreamExt as _;
use windlass_plan::observed::Container;
use windlass_runtime::Engine;
use windlass_runtime::engine::{ContainerFilter, EngineErrorKind, LogOptions};
use windlass_session::LogsRequest;

use super::run;
use crate::entry::context::Context;
use crate::entry::project;
use crate::errors::{CliError, CliResult};
use crate::output::logs::{LogPrinter, LogStyle, short_name};

/// Show the output of containers
#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// Go on with new output
    #[arg(short, long)]
    follow: bool,
    /// Number of the replica; 0 is all of them
    #[arg(long, value_name = "N")]
    index: Option<u32>,
    /// No colours
    #[arg(long)]
    no_color: bool,
    /// No names before the lines
    #[arg(long)]
    no_log_prefix: bool,
    /// From this time on: a timestamp, or how long ago (`42m`)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only the last lines of each container; `all` or a negative number is all of them
    #[arg(short = 'n', long, value_name = "LINES", default_value = "all", allow_negative_numbers = true, value_parser = tail)]
    tail: String,
    /// The engine's times before the lines
    #[arg(short, long)]
    timestamps: bool,
    /// Up to this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only these services
    services: Vec<String>,
}

impl LogsArgs {
    /// The number of the only replica that is wanted.
    fn replica(&self) -> Option<u32> {
        self.index.filter(|index| *index > 0)
    }
}

/// A number of lines as the engine takes it. What the engine cannot read it would take for `all`.
fn tail(text: &str) -> Result<String, String> {
    match text.parse::<i64>() {
        Ok(lines) if lines >= 0 => Ok(lines.to_string()),
        Ok(_) => Ok("all".to_owned()),
        Err(_) if text == "all" => Ok("all".to_owned()),
        Err(_) => Err("a number of lines or `all` is needed".to_owned()),
    }
}

pub(crate) async fn run(context: &Context, args: LogsArgs) -> CliResult<()> {
    if args.index.is_some() && args.services.len() != 1 {
        return Err(CliError::usage("--index can only be used with a single service"));
    }
    let name = project::name(context)?;
    if !context.settings.name_only && !args.services.is_empty() {
        let loaded = project::load(context, |options| options.profiles.push("*".to_owned()))?;
        project::check_names(&args.services, loaded.project.services.keys().map(String::as_str))?;
    }
    let engine = context.engine()?;
    let style = LogStyle {
        bare: args.no_log_prefix,
        monochrome: args.no_color,
        stamped: args.timestamps,
        ..LogStyle::default()
    };
    let containers = containers(&engine, &name, &args).await?;
    if let (Some(index), [service], true) = (args.replica(), args.services.as_slice(), containers.is_empty()) {
        return Err(CliError::state(format!("service {service:?} is not running container #{index}")));
    }
    let options = LogOptions {
        follow: args.follow,
        tail: Some(args.tail.clone()),
        since: args.since.as_deref().map(|time| moment(context, time)),
        until: args.until.as_deref().map(|time| moment(context, time)),
        timestamps: args.timestamps,
    };
    if args.follow {
        let services = (!args.services.is_empty()).then(|| args.services.iter().cloned().collect());
        let request = LogsRequest { engine, project: name, services, number: args.replica(), options };
        return run::follow_logs(context, request, style).await;
    }
    let mut printer = LogPrinter::new(Arc::clone(&context.ui), style);
    containers.iter().for_each(|container| printer.register(&short_name(container, &name)));
    let printer = Mutex::new(printer);
    let all = containers.iter().map(|container| async {
        let short = short_name(container, &name);
        match print(&engine, &printer, (&short, &container.id), &options).await {
            // The others have logs all the same.
            Err(CliError::Engine(error)) if error.kind == EngineErrorKind::LogUnreadable => {
                context.ui.warning(format_args!("the output of {short} cannot be shown: {}", error.message));
                Ok(())
            }
            // It was removed since it was listed.
            Err(CliError::Engine(error)) if error.kind == EngineErrorKind::NotFound => Ok(()),
            result => result,
        }
    });
    futures_util::future::try_join_all(all).await.map(|_| ())
}

async fn containers(engine: &Arc<dyn Engine>, project: &str, args: &LogsArgs) -> CliResult<Vec<Container>> {
    let filter = ContainerFilter { project: Some(project.to_owned()), all: true, one_off: Some(false), service: None };
    let mut all = engine.list_containers(&filter).await?;
    all.retain(|container| {
        let named = args.services.is_empty() || args.services.iter().any(|service| service == container.service());
        named && args.replica().is_none_or(|index| container.number() == index)
    });
    Ok(all)
}

async fn print(
    engine: &Arc<dyn Engine>,
    printer: &Mutex<LogPrinter>,
    (name, id): (&str, &str),
    options: &LogOptions,
) -> CliResult<()> {
    let printer = || printer.lock().unwrap_or_else(PoisonError::into_inner);
    let details = engine.inspect_container(id).await?;
    let mut output = engine.logs(id, details.tty, options).await?;
    while let Some(chunk) = output.next().await {
        printer().chunk(name, &chunk?)?;
    }
    printer().flush(name)
}

/// A time as the engine takes it: `42m` counts back from now.
fn moment(context: &Context, text: &str) -> String {
    let Ok(ago) = windlass_model::units::duration(text) else {
        let parsed = text.parse::<jiff::Timestamp>().ok();
        return parsed
            .map_or_else(|| text.to_owned(), |time| format!("{}.{:09}", time.as_second(), time.subsec_nanosecond()));
    };
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.to_owned();
    }
    (context.unix_now() - i64::try_from(ago.as_secs()).unwrap_or(0)).to_string()
}
