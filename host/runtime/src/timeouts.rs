//! Every duration and count that the runtime decides by itself, in one table. What users can set is in the model.

use std::time::Duration;

/// First pause before the stream of events is opened again after it broke; grows like a probe's.
pub const EVENTS_RETRY: Duration = Duration::from_millis(100);
/// Longest of those pauses.
pub const EVENTS_RETRY_MAX: Duration = Duration::from_secs(2);
/// How long the stream may fail to open before those who wait for the engine's news fail: longer than an engine takes to
/// restart.
pub const EVENTS_PATIENCE: Duration = Duration::from_secs(60);
/// How long the way back of a change is tried while the engine does not answer: it may be restarting.
pub const WAY_BACK_PATIENCE: Duration = Duration::from_secs(30);
/// How long a name that is taken by no container that can be seen may stay so: an engine under load takes seconds between the
/// two when it makes a container for a run that was killed.
pub const NAME_PATIENCE: Duration = Duration::from_secs(10);
/// First pause before such a name is asked for again.
pub const NAME_RETRY: Duration = Duration::from_millis(50);
/// Longest of those pauses.
pub const NAME_RETRY_MAX: Duration = Duration::from_secs(1);
/// Most events that are taken before the new state is shown: a storm of events costs one new state for so many.
pub const EVENTS_BATCH: usize = 256;
/// Most containers that are inspected at once because events did not tell enough.
pub const LOOKS: usize = 16;
/// Times that such an inspection is repeated when the engine stumbles (not when it cannot be reached).
pub const LOOK_RETRIES: u32 = 3;
/// How long a container without a health check has to run before `--wait` believes that it does: crashes at the start were seen
/// after 50 to 400 milliseconds.
pub const SETTLING: Duration = Duration::from_secs(1);
/// Growth of the pause between probe attempts.
pub const BACKOFF_FACTOR: f64 = 1.5;
/// Caps the pause between attempts at 1/PATIENCE of the time waited so far, but never below the first pause; jitter comes on
/// top.
pub const PATIENCE: u32 = 12;
/// Jitter of that pause, to either side.
pub const JITTER: f64 = 0.2;
/// First pause before a hook or a load step is called again; grows like a probe's.
pub const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// Longest of those pauses.
pub const RETRY_PAUSE_MAX: Duration = Duration::from_secs(2);
/// How long a load step is tried again while the plugin says that another attempt may succeed.
pub const LOAD_RETRY: Duration = Duration::from_secs(30);
/// Limit of one call of a loader, where the project file gives none.
pub const LOAD_TIMEOUT: Duration = Duration::from_secs(600);
/// How often a run that loads shows the others that it is alive.
pub const LOAD_RENEWAL: Duration = Duration::from_secs(15);
/// How long a run that loads may show no sign of life before another takes over; several renewals may get lost.
pub const LOAD_LEASE: Duration = Duration::from_secs(60);
/// How often a run that waits for another's load looks.
pub const LOAD_WATCH: Duration = Duration::from_secs(2);
/// Lines of a container's log that a failure shows.
pub const LOG_TAIL: usize = 10;
/// Limit for reading those lines: a failure is reported without them rather than late.
pub const LOG_TAIL_TIMEOUT: Duration = Duration::from_secs(2);
/// Lines of a Compose hook's output that its failure shows.
pub const HOOK_TAIL_LINES: usize = 10;
/// Bytes of a Compose hook's output that its failure shows.
pub const HOOK_TAIL_BYTES: usize = 2048;

/// Waits.
///
/// # Cancel safety
/// Safe.
#[expect(clippy::disallowed_methods, reason = "the one place that waits for time: back-off, never to win a race")]
pub(crate) async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// The pause before attempt `attempt` (from 1: none before the first): grows from `first` to `longest`, with jitter drawn
/// from `seed`.
#[must_use]
pub fn backoff(first: Duration, longest: Duration, attempt: u32, seed: u64) -> Duration {
    let exponent = i32::try_from(attempt.saturating_sub(2)).unwrap_or(i32::MAX).min(64);
    let grown = first.as_secs_f64() * BACKOFF_FACTOR.powi(exponent);
    let capped = grown.min(longest.as_secs_f64());
    // splitmix64: enough to keep replicas from asking in step.
    let mut mixed = seed.wrapping_add(u64::from(attempt).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    let unit = f64::from(u32::try_from(mixed >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX);
    Duration::from_secs_f64(capped * (1.0 + JITTER * (2.0 * unit - 1.0)))
}
