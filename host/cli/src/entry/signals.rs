//! SIGINT, SIGTERM and SIGHUP as one stream of requests to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::errors::{CliError, CliResult};

/// Listens to the signals that ask to stop. What a signal means is decided by whoever is asked to stop.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Starts to listen: from here on the signals no longer end the process.
    ///
    /// # Errors
    /// When the system refuses to install a handler.
    pub(crate) fn listen() -> CliResult<Self> {
        let open = |kind| signal(kind).map_err(|source| CliError::io("listen to signals", source));
        Ok(Self {
            interrupt: open(SignalKind::interrupt())?,
            terminate: open(SignalKind::terminate())?,
            hang_up: open(SignalKind::hangup())?,
        })
    }

    /// Waits for the next signal.
    ///
    /// # Cancel safety
    /// Safe: a signal that arrives in between is kept by the streams.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
