//! Every duration and size that a session decides by itself, in one table.

use std::time::Duration;

/// How often a held lock is tried again. The system offers no way to wait for a file lock that could also be given up, and a
/// person does not notice a fifth of a second.
pub const LOCK_POLL: Duration = Duration::from_millis(200);

/// Bytes of container output that may wait for the terminal. When they are used up, logs are read no further until the
/// terminal catches up; the run itself is never held up.
pub const OUTPUT_BUDGET: u32 = 1 << 20;

/// How long the last output of containers that have ended may take to arrive.
pub const LAST_OUTPUT: Duration = Duration::from_secs(2);

/// How long a start waits for the attachment to its container's output. An engine that does not attach in this time must not
/// keep the container from starting.
pub const ATTACH_LIMIT: Duration = Duration::from_secs(5);

/// How long `logs -f` stays after the last container ended: one that is restarted or replaced comes back within this time.
pub const FOLLOW_LINGER: Duration = Duration::from_secs(3);

/// How long after the last start the summary looks at the containers that nothing has checked: a command that does not exist ends
/// one within some ten milliseconds, and a summary that calls it running misleads. Less than a person notices.
pub const SUMMARY_SETTLING: Duration = Duration::from_millis(200);

/// How long the summary waits for the last lines of containers that ended.
pub const LAST_LINES_LIMIT: Duration = Duration::from_secs(2);

/// Lines of output that the summary shows of a container that ended with an error.
pub const LAST_LINES: usize = 5;

/// Waits.
///
/// # Cancel safety
/// Safe.
pub(crate) async fn pause(duration: Duration) {
    // A limit on something that never happens: the tree's only `sleep` is in the runtime's table of timeouts.
    drop(tokio::time::timeout(duration, std::future::pending::<()>()).await);
}
