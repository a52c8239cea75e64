//! Output of containers and commands: a terminal's is raw, any other is framed (eight bytes of header a piece).

use bollard::container::LogOutput;
use bollard::errors::Error;
use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _};
use windlass_runtime::engine::{EngineResult, OutputChunk, OutputStream};

use crate::error::{engine_error, plain};

/// Bytes of a frame's header: stream, three zeros, length.
const HEADER: usize = 8;

/// bollard's pieces as ours.
pub(crate) fn framed(
    pieces: impl Stream<Item = Result<LogOutput, Error>> + Send + 'static,
    operation: String,
) -> BoxStream<'static, EngineResult<OutputChunk>> {
    let chunk = |piece| {
        let (stream, bytes) = match piece {
            LogOutput::StdErr { message } => (OutputStream::Stderr, message),
            LogOutput::StdIn { message } | LogOutput::StdOut { message } | LogOutput::Console { message } => {
                (OutputStream::Stdout, message)
            }
        };
        OutputChunk { stream, bytes }
    };
    pieces.map(move |piece| piece.map(chunk).map_err(|error| engine_error(operation.clone(), &error))).boxed()
}

/// Turns bytes into pieces with their stream.
pub(crate) fn output(
    bytes: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    tty: bool,
    operation: String,
) -> BoxStream<'static, EngineResult<OutputChunk>> {
    let failed = move |error: std::io::Error| plain(operation.clone(), error.to_string());
    if tty {
        let raw = |bytes| OutputChunk { stream: OutputStream::Stdout, bytes };
        return bytes.map(move |piece| piece.map(raw).map_err(&failed)).boxed();
    }
    let state = (Box::pin(bytes), BytesMut::new());
    futures_util::stream::unfold(state, move |(mut bytes, mut buffer)| {
        let failed = failed.clone();
        async move {
            loop {
                if let Some(chunk) = take_frame(&mut buffer) {
                    return Some((Ok(chunk), (bytes, buffer)));
                }
                match bytes.next().await? {
                    Ok(piece) => buffer.extend_from_slice(&piece),
                    Err(error) => return Some((Err(failed(error)), (bytes, buffer))),
                }
            }
        }
    })
    .boxed()
}

fn take_frame(buffer: &mut BytesMut) -> Option<OutputChunk> {
    let header = buffer.get(..HEADER)?;
    let stream = if header[0] == 2 { OutputStream::Stderr } else { OutputStream::Stdout };
    let length = u32::from_be_bytes([header[4], header[5], header[6], header[7]]) as usize;
    if buffer.len() < HEADER + length {
        return None;
    }
    buffer.advance(HEADER);
    Some(OutputChunk { stream, bytes: buffer.split_to(length).freeze() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_are_put_together_across_pieces() {
        let whole = b"\x01\0\0\0\0\0\0\x03one\x02\0\0\0\0\0\0\x03two";
        let pieces = whole.chunks(5).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect::<Vec<_>>();
        let chunks: Vec<_> = output(futures_util::stream::iter(pieces), false, "x".into()).collect().await;
        let read: Vec<_> =
            chunks.into_iter().map(|chunk| chunk.unwrap()).map(|chunk| (chunk.stream, chunk.bytes)).collect();
        assert_eq!(read, [(OutputStream::Stdout, Bytes::from("one")), (OutputStream::Stderr, Bytes::from("two"))]);
    }
}
