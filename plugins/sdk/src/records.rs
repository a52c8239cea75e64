//! JSON documents out of a file, one at a time, each with the line it starts on: NDJSON, or one JSON array.
//!
//! Splits only; whether a record is valid JSON is for the caller to find out, who can then name the line. Line breaks
//! inside a record are kept, so NDJSON may also be pretty-printed.

use crate::inputs::Pieces;
use crate::{Failure, failure};

/// A record larger than this is taken for a file of another kind.
const MAX_RECORD: usize = 32 << 20;

/// One document as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Line on which it starts, from 1.
    pub line: u64,
    /// Text, without separators around it.
    pub text: Vec<u8>,
}

/// Iterates over the records of an input.
#[derive(Debug)]
pub struct Records<'a> {
    pieces: Pieces<'a>,
    piece: Vec<u8>,
    position: usize,
    splitter: Splitter,
    done: bool,
}

impl<'a> Records<'a> {
    /// From the start of an input.
    pub fn new(pieces: Pieces<'a>) -> Self {
        Self { pieces, piece: Vec::new(), position: 0, splitter: Splitter::default(), done: false }
    }

    /// Loads the next piece; false at the end.
    fn refill(&mut self) -> Result<bool, Failure> {
        self.position = 0;
        match self.pieces.next() {
            Some(piece) => self.piece = piece?,
            None => return Ok(false),
        }
        Ok(true)
    }

    fn advance(&mut self) -> Result<Option<Record>, Failure> {
        loop {
            while let Some(byte) = self.piece.get(self.position) {
                self.position += 1;
                if let Some(record) = self.splitter.feed(*byte)? {
                    return Ok(Some(record));
                }
            }
            if !self.refill()? {
                self.done = true;
                return self.splitter.finish();
            }
        }
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let result = self.advance().transpose();
        self.done |= matches!(result, Some(Err(_)));
        result
    }
}

/// Where a byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Layout {
    /// Nothing but white space so far.
    #[default]
    Unknown,
    /// A document after another.
    Lines,
    /// Inside `[ … ]`.
    Array,
    /// After the `]`.
    Closed,
}

/// Finds the ends of records byte by byte.
#[derive(Debug, Default)]
struct Splitter {
    layout: Layout,
    line: u64,
    start: u64,
    text: Vec<u8>,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Splitter {
    fn feed(&mut self, byte: u8) -> Result<Option<Record>, Failure> {
        if self.line == 0 {
            self.line = 1;
        }
        let record = if self.in_string { self.string(byte) } else { self.plain(byte)? };
        if byte == b'\n' {
            self.line += 1;
        }
        if self.text.len() > MAX_RECORD {
            let size = MAX_RECORD >> 20;
            return Err(failure(format!("the document on line {} is larger than {size} MiB", self.start)));
        }
        Ok(record)
    }

    /// A byte inside a string. A string that is not closed ends with its line, so that one typo costs one record.
    fn string(&mut self, byte: u8) -> Option<Record> {
        if byte == b'\n' && self.layout == Layout::Lines {
            return self.take();
        }
        self.text.push(byte);
        match (self.escaped, byte) {
            (true, _) => self.escaped = false,
            (false, b'\\') => self.escaped = true,
            (false, b'"') => self.in_string = false,
            _ => {}
        }
        None
    }

    fn plain(&mut self, byte: u8) -> Result<Option<Record>, Failure> {
        if self.depth == 0 && self.between(byte)? {
            return Ok(self.take());
        }
        if self.text.is_empty() && byte.is_ascii_whitespace() || self.skipped(byte) {
            return Ok(None);
        }
        if self.text.is_empty() {
            self.start = self.line;
        }
        self.text.push(byte);
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        Ok(None)
    }

    /// Bytes that frame the records and belong to none.
    fn skipped(&mut self, byte: u8) -> bool {
        const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
        let at_start = self.layout == Layout::Unknown && self.line == 1;
        if self.layout == Layout::Unknown && byte == b'[' {
            self.layout = Layout::Array;
            return true;
        }
        if at_start && BYTE_ORDER_MARK.contains(&byte) {
            return true;
        }
        if self.layout == Layout::Unknown {
            self.layout = Layout::Lines;
        }
        matches!((self.layout, byte), (Layout::Array | Layout::Closed, b',' | b']')) && self.depth == 0
    }

    /// Whether the byte, at depth 0, ends a record.
    fn between(&mut self, byte: u8) -> Result<bool, Failure> {
        match (self.layout, byte) {
            (Layout::Lines, b'\n') | (Layout::Array, b',') => Ok(true),
            (Layout::Array, b']') => {
                self.layout = Layout::Closed;
                Ok(true)
            }
            (Layout::Closed, byte) if !byte.is_ascii_whitespace() => {
                Err(failure(format!("line {}: text after the end of the JSON array", self.line)))
            }
            _ => Ok(false),
        }
    }

    fn take(&mut self) -> Option<Record> {
        self.depth = 0;
        self.in_string = false;
        self.escaped = false;
        let mut text = std::mem::take(&mut self.text);
        text.truncate(text.trim_ascii_end().len());
        (!text.is_empty()).then_some(Record { line: self.start, text })
    }

    fn finish(&mut self) -> Result<Option<Record>, Failure> {
        if self.layout == Layout::Array {
            return Err(
                failure(format!("line {}: the JSON array is not closed", self.line)).hint("is the file complete?")
            );
        }
        Ok(self.take())
    }
}

#[cfg(test)]
mod tests;
