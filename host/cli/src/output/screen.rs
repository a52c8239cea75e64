//! Shows what a session tells. A thread of its own does it, behind a queue: a terminal that is slow, or a pager that waits for a
//! key, holds up the printing and the reading of logs, never the run.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use windlass_runtime::Event as RunEvent;
use windlass_runtime::event::{EventSink as _, Stamped};
use windlass_session::{Event, Output, Sink};

use crate::entry::context::Context;
use crate::entry::settings::Progress;
use crate::errors::{CliError, CliResult};
use crate::output::logs::{LogPrinter, LogStyle};
use crate::output::reporter::Reporter;
use crate::output::summary;

/// How often the live area is drawn anew.
const REDRAW: Duration = Duration::from_millis(100);

/// Progress reports that may wait to be shown. Later ones are dropped until the terminal catches up: the next one says more.
const PROGRESS_BACKLOG: usize = 256;

/// Shows what one session tells.
pub(crate) struct Screen {
    queue: Queue,
    shared: Arc<Shared>,
    unread: watch::Receiver<bool>,
    done: oneshot::Receiver<()>,
}

/// The way to the thread that prints.
#[derive(Clone)]
struct Queue {
    sender: mpsc::Sender<Message>,
    backlog: Arc<AtomicUsize>,
}

enum Message {
    Event(Event),
    /// The session is over; nothing that comes later is shown.
    End,
}

/// What the thread that prints has to say to the rest.
#[derive(Default)]
struct Shared {
    /// A person is being asked; nobody can tell for how long.
    asking: AtomicBool,
    /// The first error of the output.
    error: Mutex<Option<CliError>>,
}

impl Screen {
    /// Starts the thread that prints.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub(crate) fn open(context: &Context, style: LogStyle) -> CliResult<Self> {
        let (sender, messages) = mpsc::channel();
        let queue = Queue { sender, backlog: Arc::default() };
        let (unread_sender, unread) = watch::channel(false);
        let (done_sender, done) = oneshot::channel();
        let shared = Arc::<Shared>::default();
        let printer = Printer {
            context: context.clone(),
            logs: LogPrinter::new(Arc::clone(&context.ui), style),
            reporter: None,
            shared: Arc::clone(&shared),
            unread: unread_sender,
            backlog: Arc::clone(&queue.backlog),
        };
        let work = move || {
            printer.work(&messages);
            let _ = done_sender.send(());
        };
        let thread = std::thread::Builder::new().name("screen".to_owned()).spawn(work);
        thread.map_err(|source| CliError::io("start the thread that prints", source))?;
        Ok(Self { queue, shared, unread, done })
    }

    /// Where the session's events go.
    pub(crate) fn sink(&self) -> Arc<dyn Sink> {
        Arc::new(self.queue.clone())
    }

    /// Resolves when nobody reads the output any more.
    ///
    /// # Cancel safety
    /// Safe: holds no state of its own.
    pub(crate) async fn unread(&self) {
        if self.unread.clone().wait_for(|unread| *unread).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until everything is shown.
    ///
    /// # Errors
    /// When the output could not be written.
    pub(crate) async fn finish(&mut self) -> CliResult<()> {
        drop(self.queue.sender.send(Message::End));
        // A question that nobody will answer any more must not keep the program.
        if !self.shared.asking.load(Ordering::Acquire) {
            drop((&mut self.done).await);
        }
        let error = self.shared.error.lock().unwrap_or_else(PoisonError::into_inner).take();
        error.map_or(Ok(()), Err)
    }
}

impl Sink for Queue {
    fn event(&self, event: Event) {
        if is_progress(&event) && self.backlog.fetch_add(1, Ordering::AcqRel) >= PROGRESS_BACKLOG {
            self.backlog.fetch_sub(1, Ordering::AcqRel);
            return;
        }
        // Without the thread nobody is left to be told.
        drop(self.sender.send(Message::Event(event)));
    }
}

/// It is of no interest once the next one has come.
fn is_progress(event: &Event) -> bool {
    matches!(event, Event::Step(Stamped { event: RunEvent::Transfer(..) | RunEvent::LoadProgress { .. }, .. }))
}

/// The thread that prints.
struct Printer {
    context: Context,
    logs: LogPrinter,
    reporter: Option<Reporter>,
    shared: Arc<Shared>,
    unread: watch::Sender<bool>,
    backlog: Arc<AtomicUsize>,
}

impl Printer {
    fn work(mut self, messages: &mpsc::Receiver<Message>) {
        let mut drawn = Instant::now();
        loop {
            let message = match self.reporter.as_ref().is_some_and(Reporter::is_live) {
                true => messages.recv_timeout(REDRAW.saturating_sub(drawn.elapsed())),
                false => messages.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected),
            };
            match message {
                Ok(Message::Event(event)) => self.event(event),
                Ok(Message::End) | Err(mpsc::RecvTimeoutError::Disconnected) => return,
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            if drawn.elapsed() >= REDRAW {
                drawn = Instant::now();
                self.reporter.iter().for_each(Reporter::redraw);
            }
        }
    }

    fn event(&mut self, event: Event) {
        if is_progress(&event) {
            self.backlog.fetch_sub(1, Ordering::AcqRel);
        }
        let shown = self.show(event);
        if let Err(error) = shown {
            self.shared.error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            self.unread.send_replace(true);
        }
    }

    fn show(&mut self, event: Event) -> CliResult<()> {
        let ui = &self.context.ui;
        match event {
            Event::LockHeld { holder } => {
                ui.info(format_args!("Waiting for {holder}, which is changing the project..."));
            }
            Event::Planned { plan, dry_run: true } => return self.data(windlass_plan::render(&plan).as_bytes()),
            Event::Planned { plan, dry_run: false } => self.announce(&plan),
            Event::Say(sentence) => ui.info(sentence),
            Event::Warning(text) => ui.warning(text),
            Event::Ask { question, answer } => {
                self.shared.asking.store(true, Ordering::Release);
                let answered = ui.ask(&question);
                self.shared.asking.store(false, Ordering::Release);
                answer.give(answered?);
            }
            Event::Began { title, plan, typed } => {
                self.reporter = Some(Reporter::new(&self.context, title, plan, typed));
            }
            Event::Step(stamped) => self.reporter.iter().for_each(|reporter| reporter.emit(stamped.clone())),
            Event::Ended(outcome) => self.reporter.take().iter().for_each(|reporter| reporter.finish(&outcome)),
            Event::Summary(summary) => summary::show(&self.context, &summary),
            Event::Following(names) => names.iter().for_each(|name| self.logs.register(name)),
            Event::Attaching(names) => {
                names.iter().for_each(|name| self.logs.register(name));
                return self.data(format!("Attaching to {}\n", names.join(", ")).as_bytes());
            }
            Event::Output(Output { name, chunk, .. }) if !self.is_unread() => return self.logs.chunk(&name, &chunk),
            Event::OutputEnded(name) if !self.is_unread() => return self.logs.flush(&name),
            Event::Output(_) | Event::OutputEnded(_) => {}
            Event::NoOutput { name, reason } => {
                ui.warning(format_args!("the output of {name} cannot be shown: {reason}"));
            }
            Event::Exited { name, code, again } => {
                let tail = if again { " (restarting)" } else { "" };
                return self.logs.event(&name, &format!("exited with code {code}{tail}"));
            }
            Event::Stopping => ui.info("Gracefully Stopping... press Ctrl+C again to force"),
            Event::Aborting => ui.info("Aborting on container exit..."),
        }
        Ok(())
    }

    fn is_unread(&self) -> bool {
        *self.unread.borrow()
    }

    fn data(&self, text: &[u8]) -> CliResult<()> {
        if self.is_unread() { Ok(()) } else { self.context.ui.data(text) }
    }

    /// Shows a plan's notes, and the containers that stay as they are.
    fn announce(&self, plan: &windlass_plan::Plan) {
        let ui = &self.context.ui;
        for note in &plan.notes {
            if note.warning { ui.warning(&note.text) } else { ui.status(&note.text) }
        }
        if matches!(self.context.settings.progress, Progress::Plain | Progress::Tty) {
            plan.untouched.iter().for_each(|name| ui.status(format_args!(" Container {name} Running")));
        }
    }
}
