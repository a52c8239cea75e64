//! Reads the output of one run of one container, and tells of the run's end after its last line.

use std::sync::Arc;
use std::time::SystemTime;

use futures_util::StreamExt as _;
use tokio::sync::oneshot;
use windlass_runtime::Engine;
use windlass_runtime::engine::{EngineErrorKind, EngineResult, LogOptions, Output};

use crate::event::Event;
use crate::feed::Feed;
use crate::timeouts::{LAST_OUTPUT, pause};

/// Where the output comes from.
#[derive(Debug)]
pub(super) enum Source {
    /// Attach, and let the container start then.
    BeforeStart {
        /// It was created with a terminal.
        tty: bool,
        /// Lets it start.
        ready: oneshot::Sender<()>,
    },
    /// Attach to a container that runs: what it prints from now on.
    FromNow,
    /// Read the log.
    Log(LogOptions),
    /// Read the log from the start of the present run on. Its first lines may be older than the event that tells of it.
    ThisRun {
        /// The engine's times before each line.
        timestamps: bool,
    },
}

/// How a run ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exit {
    pub(super) code: i64,
    pub(super) again: bool,
}

/// Reads the output of one run.
pub(super) struct Reader {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) feed: Feed,
    pub(super) id: String,
    pub(super) name: String,
    /// Tells that the run has ended.
    pub(super) exit: oneshot::Receiver<Exit>,
    /// Tell of the end.
    pub(super) announce: bool,
}

/// The reading is over.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) id: String,
    /// When.
    pub(super) at: SystemTime,
    /// Why the output could not be had at all.
    pub(super) failure: Option<String>,
}

impl Reader {
    /// Reads to the end.
    ///
    /// # Cancel safety
    /// Only reads; output that was taken and not passed on is lost.
    pub(super) async fn run(mut self, source: Source) -> Closed {
        let (mut exit, mut failure) = (None, None);
        match self.open(source).await {
            Ok(output) => exit = self.read(output).await,
            // Removed between the event that told of it and our question: its end is told by the next snapshot.
            Err(error) if error.kind == EngineErrorKind::NotFound => {}
            Err(error) => failure = Some(error.message),
        }
        self.feed.event(Event::OutputEnded(self.name.clone()));
        // Closing first: whoever wants to tell of the end later finds nobody, and tells of it itself.
        self.exit.close();
        if let Some(Exit { code, again }) = exit.or_else(|| self.exit.try_recv().ok())
            && self.announce
        {
            self.feed.event(Event::Exited { name: self.name.clone(), code, again });
        }
        Closed { id: self.id, at: SystemTime::now(), failure }
    }

    async fn open(&self, source: Source) -> EngineResult<Output> {
        if let Source::BeforeStart { tty, ready } = source {
            let output = self.engine.attach(&self.id, tty).await;
            // Whatever came of it, the container may start.
            let _ = ready.send(());
            return output;
        }
        let details = self.engine.inspect_container(&self.id).await?;
        match source {
            Source::BeforeStart { .. } | Source::FromNow => self.engine.attach(&self.id, details.tty).await,
            Source::Log(options) => self.log(details.tty, options).await,
            Source::ThisRun { timestamps } => {
                let since = details.times.started.map(stamp);
                self.log(details.tty, LogOptions { follow: true, since, timestamps, ..LogOptions::default() }).await
            }
        }
    }

    /// The log; where the logging driver keeps none, what is printed from now on.
    async fn log(&self, tty: bool, options: LogOptions) -> EngineResult<Output> {
        let follow = options.follow;
        match self.engine.logs(&self.id, tty, &options).await {
            Err(error) if error.kind == EngineErrorKind::LogUnreadable && follow => {
                self.engine.attach(&self.id, tty).await
            }
            result => result,
        }
    }

    /// Passes the output on; resolves to how the run ended, if that was told meanwhile.
    async fn read(&mut self, mut output: Output) -> Option<Exit> {
        let mut told = None;
        loop {
            let chunk = tokio::select! {
                biased;
                chunk = output.next() => chunk,
                exit = &mut self.exit, if told.is_none() => {
                    told = Some(exit.ok());
                    continue;
                }
                // The output of a run that is over ends by itself; a stream that hangs must not hide the end.
                () = pause(LAST_OUTPUT), if told.is_some() => None,
            };
            // A stream that breaks off ends this reading. The next snapshot says whether there is more to read.
            let Some(Ok(chunk)) = chunk else { break };
            self.feed.output(&self.name, chunk).await;
        }
        told.flatten()
    }
}

/// A time as the engine takes it.
pub(super) fn stamp(nanoseconds: i64) -> String {
    const SECOND: i64 = 1_000_000_000;
    format!("{}.{:09}", nanoseconds.div_euclid(SECOND), nanoseconds.rem_euclid(SECOND))
}
