//! A guest's standard error: a ring that keeps the end, and never blocks or fails the guest.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

use crate::limits::Defaults;

/// The ring; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Ring(Arc<Mutex<Vec<u8>>>);

impl Ring {
    fn push(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&bytes[bytes.len().saturating_sub(Defaults::STDERR)..]);
        let excess = kept.len().saturating_sub(Defaults::STDERR);
        kept.drain(..excess);
    }

    /// The last lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&kept);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(Defaults::STDERR_LINES)..].iter().map(|line| (*line).to_owned()).collect()
    }
}

impl IsTerminal for Ring {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Ring {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Ring {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_end_and_is_no_terminal() {
        let ring = Ring::default();
        assert!(!ring.is_terminal(), "a guest must not colour what ends in a failure's text");
        let last = Defaults::STDERR_LINES + 3;
        (1..=last).for_each(|number| ring.push(format!("line {number}\n\n").as_bytes()));
        let lines = ring.lines();
        assert_eq!((lines.len(), lines.last()), (Defaults::STDERR_LINES, Some(&format!("line {last}"))));
        ring.push("x".repeat(2 * Defaults::STDERR).as_bytes());
        ring.push(b"\nend");
        let lines = ring.lines();
        assert_eq!((lines[0].len(), lines.last().map(String::as_str)), (Defaults::STDERR - 4, Some("end")));
    }
}
