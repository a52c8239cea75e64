use std::io::Write;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::*;
use crate::output::ui::{Streams, Terminals, UiOptions};

#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<u8>>>);

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What is printed of pieces of standard output of one container, without names before the lines.
fn printed(style: LogStyle, pieces: &[&[u8]]) -> String {
    let tape = Tape::default();
    let streams = Streams {
        out: Box::new(tape.clone()),
        err: Box::new(std::io::sink()),
        input: Box::new(std::io::empty()),
        terminals: Terminals::default(),
        size: Box::new(|| None),
    };
    let ui = Arc::new(Ui::new(streams, UiOptions::plain()));
    let mut printer = LogPrinter::new(ui, LogStyle { bare: true, ..style });
    for piece in pieces {
        let chunk = OutputChunk { stream: OutputStream::Stdout, bytes: Bytes::copy_from_slice(piece) };
        printer.chunk("web-1", &chunk).unwrap();
    }
    printer.flush("web-1").unwrap();
    let bytes = tape.0.lock().unwrap().clone();
    String::from_utf8(bytes).expect("no character is broken")
}

#[test]
fn a_line_that_comes_in_pieces_is_one_line() {
    assert_eq!(printed(LogStyle::default(), &[b"one\ntw", b"o", b"\nthree"]), "one\ntwo\nthree\n");
    let euro = "\u{20ac}\n".as_bytes();
    assert_eq!(printed(LogStyle::default(), &[&euro[..2], &euro[2..]]), "\u{20ac}\n");
}

#[test]
fn the_engine_stamps_every_piece_and_a_line_shows_one_time() {
    let stamped = LogStyle { stamped: true, ..LogStyle::default() };
    let pieces: [&[u8]; 3] = [
        b"2026-01-31T12:00:00.000000001Z a",
        b"2026-01-31T12:00:00.000000001Z b\n",
        b"2026-01-31T12:00:01.000000001Z c\n",
    ];
    let lines = "2026-01-31T12:00:00.000000001Z ab\n2026-01-31T12:00:01.000000001Z c\n";
    assert_eq!(printed(stamped, &pieces), lines);
    // Without the engine's times a line may well hold one.
    assert_eq!(printed(LogStyle::default(), &pieces[..2]).matches("2026").count(), 2);
    assert_eq!(printed(stamped, &[b"2026-01-31T12:00:00.000000001Z a ", b"no time\n"]).matches("no time").count(), 1);
}

#[test]
fn a_line_without_end_is_broken_before_it_takes_all_memory() {
    let piece = "\u{20ac}".repeat(LONGEST_LINE / 4);
    let text = printed(LogStyle::default(), &[piece.as_bytes(); 4]);
    assert!(text.lines().count() >= 3 && text.lines().all(|line| line.len() <= LONGEST_LINE), "broken into pieces");
    assert_eq!(text.chars().filter(|c| *c == '\u{20ac}').count(), LONGEST_LINE, "nothing is lost");
}
