//! Output of containers as it comes, from their start to their end, restarts included.
//!
//! One subscription to events, one stream a running container, all owned by the [`Follower`]; dropping it ends them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, SelectAll};
use windlass_plan::observed::{Container, ContainerState};
use windlass_runtime::Engine;
use windlass_runtime::engine::{ContainerEvent, ContainerFilter, EngineResult, LogOptions, OutputChunk};

use crate::errors::CliResult;
use crate::output::logs::{LogPrinter, short_name};

/// Whose output, and from when.
pub(crate) struct FollowOptions {
    pub(crate) project: String,
    /// Services; `None`: all.
    pub(crate) services: Option<BTreeSet<String>>,
    /// Services whose output is not shown.
    pub(crate) except: BTreeSet<String>,
    /// Subscribe from this time on.
    pub(crate) since: Option<String>,
    /// Say when containers end.
    pub(crate) announce: bool,
}

/// A container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exit {
    pub(crate) service: String,
    pub(crate) code: u8,
}

/// What came next.
pub(crate) enum Next {
    /// Something was printed, or an event was taken: there may be more at once.
    Output,
    /// A container ended and will not be restarted.
    Exit(Exit),
    /// The engine's events broke off.
    Broken,
}

enum Piece {
    Output(String, EngineResult<OutputChunk>),
    End(String),
}

/// Follows the containers of a project.
pub(crate) struct Follower {
    engine: Arc<dyn Engine>,
    printer: Arc<LogPrinter>,
    options: FollowOptions,
    events: BoxStream<'static, EngineResult<ContainerEvent>>,
    outputs: SelectAll<BoxStream<'static, Piece>>,
    /// An event that was taken from the stream and is not dealt with yet.
    taken: Option<ContainerEvent>,
    /// Running containers that are followed: id to name and service.
    running: BTreeMap<String, (String, String)>,
    /// A container was ever followed.
    seen: bool,
}

impl Follower {
    /// Subscribes; nothing that starts from now on is missed.
    pub(crate) async fn subscribe(
        engine: Arc<dyn Engine>,
        printer: Arc<LogPrinter>,
        options: FollowOptions,
    ) -> CliResult<Self> {
        let events = engine.events(Some(&options.project), options.since.as_deref()).await?;
        Ok(Self {
            engine,
            printer,
            options,
            events,
            outputs: SelectAll::new(),
            taken: None,
            running: BTreeMap::new(),
            seen: false,
        })
    }

    fn wanted(&self, container: &Container) -> bool {
        let service = container.service();
        let named = self.options.services.as_ref().is_none_or(|services| services.contains(service));
        named && !self.options.except.contains(service) && !container.is_one_off()
    }

    /// Follows a container that runs already.
    pub(crate) async fn add(&mut self, container: &Container, mut log: LogOptions) -> CliResult<()> {
        if !self.wanted(container) {
            return Ok(());
        }
        let name = short_name(container, &self.options.project);
        self.printer.register(&name);
        let details = self.engine.inspect_container(&container.id).await?;
        if log.since.is_none() && log.tail.is_none() {
            // From the start of this run: its first lines may be older than the event that tells of it.
            let started = details.started_at.parse::<jiff::Timestamp>().ok();
            log.since = started.map(|time| format!("{}.{:09}", time.as_second(), time.subsec_nanosecond()));
        }
        let stream = self.engine.logs(&container.id, details.tty, &log).await?;
        let (own, end) = (name.clone(), name.clone());
        let pieces = stream.map(move |chunk| Piece::Output(own.clone(), chunk));
        let last = futures_util::stream::once(async move { Piece::End(end) });
        self.outputs.push(pieces.chain(last).boxed());
        if matches!(container.state, ContainerState::Running | ContainerState::Restarting | ContainerState::Paused) {
            self.expect_end(container);
        }
        Ok(())
    }

    /// An event will tell of its end.
    fn expect_end(&mut self, container: &Container) {
        let name = short_name(container, &self.options.project);
        self.running.insert(container.id.clone(), (name, container.service().to_owned()));
        self.seen = true;
    }

    /// Whether everything that was followed has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.seen && self.running.is_empty()
    }

    /// Prints what is left of output that has already arrived, after the last container ended.
    pub(crate) async fn drain(&mut self) -> CliResult<()> {
        while let Some(piece) = self.outputs.next().await {
            self.print(piece)?;
        }
        Ok(())
    }

    /// Waits for the next piece of output or event and deals with it.
    ///
    /// # Cancel safety
    /// Safe: streams keep what was not taken, and an event is put away only once it is dealt with; nothing changes before the
    /// last wait of dealing with it.
    pub(crate) async fn next(&mut self) -> CliResult<Next> {
        if let Some(event) = self.taken.clone() {
            let next = self.event(event).await;
            self.taken = None;
            return next;
        }
        tokio::select! {
            Some(piece) = self.outputs.next(), if !self.outputs.is_empty() => {
                self.print(piece)?;
                Ok(Next::Output)
            }
            event = self.events.next() => match event {
                Some(Ok(event)) => {
                    self.taken = Some(event);
                    Ok(Next::Output)
                }
                Some(Err(_)) | None => Ok(Next::Broken),
            },
        }
    }

    fn print(&self, piece: Piece) -> CliResult<()> {
        match piece {
            Piece::Output(name, Ok(chunk)) => self.printer.chunk(&name, &chunk),
            // The stream of a removed container breaks off; its end is told by an event.
            Piece::Output(_, Err(_)) => Ok(()),
            Piece::End(name) => self.printer.flush(&name),
        }
    }

    async fn event(&mut self, event: ContainerEvent) -> CliResult<Next> {
        match event.action.as_str() {
            "start" if !self.running.contains_key(&event.id) => {
                if let Some(container) = self.container(&event.id).await? {
                    self.add(&container, LogOptions { follow: true, ..LogOptions::default() }).await?;
                    if self.wanted(&container) {
                        // Even when it ended meanwhile: the event that says so is still to come.
                        self.expect_end(&container);
                    }
                }
                Ok(Next::Output)
            }
            "die" => self.died(&event).await,
            _ => Ok(Next::Output),
        }
    }

    async fn container(&self, id: &str) -> CliResult<Option<Container>> {
        let filter = ContainerFilter {
            project: Some(self.options.project.clone()),
            all: true,
            one_off: Some(false),
            service: None,
        };
        let all = self.engine.list_containers(&filter).await?;
        Ok(all.into_iter().find(|container| container.id == id))
    }

    async fn died(&mut self, event: &ContainerEvent) -> CliResult<Next> {
        if !self.running.contains_key(&event.id) {
            return Ok(Next::Output);
        }
        let code = event.attributes.get("exitCode").and_then(|code| code.parse::<i64>().ok()).unwrap_or(0);
        let now = self.container(&event.id).await?;
        let Some((name, service)) = self.running.remove(&event.id) else { return Ok(Next::Output) };
        let again = now
            .is_some_and(|container| matches!(container.state, ContainerState::Running | ContainerState::Restarting));
        if self.options.announce {
            let tail = if again { " (restarting)" } else { "" };
            self.printer.event(&name, &format!("exited with code {code}{tail}"))?;
        }
        if again {
            return Ok(Next::Output);
        }
        Ok(Next::Exit(Exit { service, code: u8::try_from(code & 0xff).unwrap_or(1) }))
    }
}
