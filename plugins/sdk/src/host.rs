//! Log, progress and time.

use std::sync::Once;
use std::time::Duration;

use crate::bindings::imports::wasi::clocks::monotonic_clock;
use crate::bindings::imports::windlass::plugin::host as wit;
use crate::{Diagnostic, Severity};

/// Talking to the person in front of Windlass, and time.
pub trait Host {
    /// One log line.
    fn log(&self, severity: Severity, message: &str);
    /// A finding about the user's files.
    fn report(&self, diagnostic: &Diagnostic);
    /// How far the call is.
    fn progress(&self, done: u64, total: Option<u64>, label: &str);
    /// Sleeps; returns early when the call is cancelled.
    fn sleep(&self, duration: Duration);
    /// Until this call is ended by force.
    fn remaining(&self) -> Duration;
    /// Whether the user asked to stop.
    fn cancelled(&self) -> bool;
    /// Time since some point in the past; never goes back. (`std::time::Instant` traps in a plugin.)
    fn now(&self) -> Duration;
}

/// The real host.
#[derive(Debug, Clone, Copy)]
pub struct WitHost;

impl Host for WitHost {
    fn log(&self, severity: Severity, message: &str) {
        wit::log(severity, message, &[]);
    }

    fn report(&self, diagnostic: &Diagnostic) {
        wit::report(diagnostic);
    }

    fn progress(&self, done: u64, total: Option<u64>, label: &str) {
        wit::progress(done, total, label);
    }

    fn sleep(&self, duration: Duration) {
        wit::sleep(u32::try_from(duration.as_millis()).unwrap_or(u32::MAX));
    }

    fn remaining(&self) -> Duration {
        Duration::from_millis(wit::remaining_ms())
    }

    fn cancelled(&self) -> bool {
        wit::cancelled()
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(monotonic_clock::now())
    }
}

/// Sends the message of a panic to the host: the trap that follows says nothing, and there is no stderr.
pub(crate) fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(|info| wit::panicked(&info.to_string()))));
}
