//! The trace of engine calls, for `--verbose` and `RUST_LOG`: a line a call on standard error.

use std::fmt::{Debug, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use windlass_runtime::engine::TRACE;

use crate::output::ui::Ui;

/// Whether `RUST_LOG` asks for the trace: a level (`debug`, `trace`), or one for `windlass` or a part of it
/// (`windlass::engine=debug`). Other targets have nothing to tell.
pub(crate) fn wanted(filter: &str) -> bool {
    filter.split(',').any(|directive| {
        let (target, level) = match directive.trim().split_once('=') {
            Some((target, level)) => (target, level),
            None => (TRACE, directive.trim()),
        };
        let ours = target == TRACE || TRACE.starts_with(&format!("{target}::"));
        ours && matches!(level.to_ascii_lowercase().as_str(), "debug" | "trace" | "windlass" | TRACE)
    })
}

/// Prints the trace's events.
pub(crate) struct Printer {
    ui: Arc<Ui>,
    spans: AtomicU64,
}

impl Printer {
    /// Prints from now on.
    pub(crate) fn new(ui: Arc<Ui>) -> Self {
        Self { ui, spans: AtomicU64::new(0) }
    }
}

impl Subscriber for Printer {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == TRACE && *metadata.level() <= Level::DEBUG
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.ui.info(format_args!("engine: {}", line.0));
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

/// The values of an event, one after another: `start container 3f… 12ms`.
#[derive(Default)]
struct Line(String);

impl Line {
    fn add(&mut self, value: std::fmt::Arguments<'_>) {
        let gap = if self.0.is_empty() { "" } else { " " };
        write!(self.0, "{gap}{value}").expect("writing to a string cannot fail");
    }
}

impl Visit for Line {
    fn record_str(&mut self, _field: &Field, value: &str) {
        if !value.is_empty() {
            self.add(format_args!("{value}"));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "elapsed" => self.add(format_args!("{value:.1?}")),
            _ => self.add(format_args!("{value:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::wanted;

    #[test]
    fn levels_and_targets_of_rust_log() {
        for yes in ["debug", "trace", "DEBUG", "windlass=debug", "hyper=info,windlass::engine=trace"] {
            assert!(wanted(yes), "{yes}");
        }
        for no in ["", "info", "warn", "hyper=debug", "windlass=info", "windlassx=debug"] {
            assert!(!wanted(no), "{no}");
        }
    }
}
