//! SIGINT and SIGTERM as one stream of wishes.

use tokio::signal::unix::{Signal, SignalKind, signal};
use windlass_runtime::Shutdown;
use windlass_runtime::shutdown::ShutdownTrigger;

use crate::errors::{CliError, CliResult};

/// Listens to signals and raises the wish to stop: the first gracefully, the second at once.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    trigger: ShutdownTrigger,
}

impl Signals {
    /// Starts to listen: from here on the signals no longer end the process.
    ///
    /// # Errors
    /// When the system refuses to install a handler.
    pub(crate) fn listen() -> CliResult<(Self, Shutdown)> {
        let (trigger, shutdown) = Shutdown::channel();
        let open = |kind| signal(kind).map_err(|source| CliError::io("listen to signals", source));
        let signals =
            Self { interrupt: open(SignalKind::interrupt())?, terminate: open(SignalKind::terminate())?, trigger };
        Ok((signals, shutdown))
    }

    /// Waits for the next signal and raises the wish.
    ///
    /// # Cancel safety
    /// Safe: a signal that arrives in between is kept by the streams.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        self.trigger.escalate();
    }
}
