//! Every limit of a plugin call, in one table, and the memory limiter that remembers what it refused.

use std::time::Duration;

use windlass_model::windlass::Stage;

/// Limits that hold unless the project file says otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Defaults;

impl Defaults {
    /// Memory of one call, all linear memories and tables together, bytes. JavaScript and Python guests need 16 MiB to exist.
    pub const MEMORY: u64 = 128 << 20;
    /// Wall clock of a hook. Overridden by `timeout` of the hook or by `limits.timeout` of the plugin.
    pub const HOOK: Duration = Duration::from_secs(10);
    /// Wall clock of one probe attempt; the runtime passes `attempt-timeout`.
    pub const PROBE: Duration = Duration::from_secs(2);
    /// Wall clock of planning a load.
    pub const PLAN_LOAD: Duration = Duration::from_secs(60);
    /// Wall clock of applying one step of a load.
    pub const APPLY_LOAD: Duration = Duration::from_secs(600);
    /// Log lines passed on of one call; the rest is counted.
    pub const LOG_LINES: u32 = 1_000;
    /// Bytes of a log line, panic message or failure text.
    pub const TEXT: usize = 16 << 10;
    /// Bytes kept of standard error.
    pub const STDERR: usize = 8 << 10;
    /// Lines of standard error shown.
    pub const STDERR_LINES: usize = 20;
    /// Steps of one load.
    pub const LOAD_STEPS: usize = 1_000;
    /// Bytes given by one `inputs.read`.
    pub const READ: u32 = 1 << 20;
    /// Connections open at once in one call.
    pub const CONNECTIONS: usize = 64;
    /// Pause between two ticks of the epoch: how soon an endless loop yields.
    pub const TICK: Duration = Duration::from_millis(10);

    /// Wall clock of a stage's call.
    #[must_use]
    pub const fn timeout(stage: Stage) -> Duration {
        match stage {
            Stage::Probe => Self::PROBE,
            Stage::Load => Self::APPLY_LOAD,
            _ => Self::HOOK,
        }
    }
}

/// Counts all memory of a store against one limit.
#[derive(Debug)]
pub(crate) struct MemoryLimit {
    limit: u64,
    used: u64,
    /// A growth was refused.
    pub(crate) exceeded: bool,
}

impl MemoryLimit {
    pub(crate) const fn new(limit: u64) -> Self {
        Self { limit, used: 0, exceeded: false }
    }

    pub(crate) const fn limit(&self) -> u64 {
        self.limit
    }

    fn grow(&mut self, current: usize, desired: usize, unit: u64) -> bool {
        let more = (desired.saturating_sub(current) as u64).saturating_mul(unit);
        if self.used.saturating_add(more) > self.limit {
            self.exceeded = true;
            return false;
        }
        self.used += more;
        true
    }
}

impl wasmtime::ResourceLimiter for MemoryLimit {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired, 1))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired, 16))
    }
}

/// Bytes as people write them.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..0x40_0000 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

/// Seconds as people write them.
pub(crate) fn seconds(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        return format!("{} ms", duration.as_millis());
    }
    let text = format!("{:.1}", duration.as_secs_f64());
    format!("{} s", text.strip_suffix(".0").unwrap_or(&text))
}

/// Cuts a text at a limit, at a character, and says so.
pub(crate) fn bounded(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = (0..=limit).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}… ({} bytes in all)", &text[..end], text.len())
}

#[cfg(test)]
mod tests {
    use wasmtime::ResourceLimiter as _;

    use super::*;

    #[test]
    fn memory_and_tables_count_against_one_limit() {
        let mut limit = MemoryLimit::new(1000);
        assert!(limit.memory_growing(0, 500, None).unwrap());
        // A table's element takes 16 bytes of ours, whatever it holds.
        assert!(limit.table_growing(0, 31, None).unwrap());
        assert!(!limit.exceeded);
        assert!(!limit.table_growing(31, 32, None).unwrap());
        assert!(limit.exceeded);
        assert!(limit.memory_growing(500, 504, None).unwrap());
        assert!(!limit.memory_growing(504, 505, None).unwrap());
    }
}
