//! The last words of a container, for a failure.

use futures_util::StreamExt as _;

use super::context::Context;
use crate::engine::{LogOptions, OutputChunk};
use crate::timeouts::{LOG_TAIL, LOG_TAIL_TIMEOUT};

/// The last lines of a container's log; none when they cannot be had in time.
pub(super) async fn log_tail(context: &Context, id: &str, tty: bool) -> Vec<String> {
    let options = LogOptions { tail: Some(LOG_TAIL.to_string()), ..LogOptions::default() };
    let read = async {
        let stream = context.run.execution.engine.logs(id, tty, &options).await.ok()?;
        let chunks: Vec<OutputChunk> = stream.filter_map(|chunk| async { chunk.ok() }).collect().await;
        let bytes: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.bytes.to_vec()).collect();
        Some(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect::<Vec<_>>())
    };
    let mut lines = tokio::time::timeout(LOG_TAIL_TIMEOUT, read).await.ok().flatten().unwrap_or_default();
    lines.split_off(lines.len().saturating_sub(LOG_TAIL))
}
