//! Log lines with the container's name before them: aligned, coloured, whole lines only.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use windlass_plan::observed::Container;
use windlass_runtime::engine::{OutputChunk, OutputStream};

use crate::errors::CliResult;
use crate::output::ui::Ui;

/// Colours in the order in which containers get them.
const COLOURS: [&str; 10] = ["36", "33", "32", "35", "34", "36;1", "33;1", "32;1", "35;1", "34;1"];

/// Bytes of a line that are kept until its end comes. A longer line is broken: a container that never prints a line feed must not
/// take all memory.
const LONGEST_LINE: usize = 1 << 20;

/// How lines look.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LogStyle {
    /// No prefix.
    pub(crate) bare: bool,
    /// No colours.
    pub(crate) monochrome: bool,
    /// The time of reception before each line.
    pub(crate) timestamps: bool,
    /// The engine has put its times into the output.
    pub(crate) stamped: bool,
    /// Standard error of containers goes to ours; else all to standard output.
    pub(crate) split: bool,
}

/// Prints the output of several containers.
pub(crate) struct LogPrinter {
    ui: Arc<Ui>,
    style: LogStyle,
    width: usize,
    colours: HashMap<String, usize>,
    /// Lines whose end has not come yet, of standard output and standard error.
    partial: HashMap<String, [Vec<u8>; 2]>,
}

/// Name of a container in its project: `web-1`, or its own name where the project's is no prefix of it.
pub(crate) fn short_name(container: &Container, project: &str) -> String {
    let rest = container.name.strip_prefix(project).and_then(|rest| rest.strip_prefix(['-', '_']));
    rest.unwrap_or(&container.name).to_owned()
}

impl LogPrinter {
    pub(crate) fn new(ui: Arc<Ui>, style: LogStyle) -> Self {
        Self { ui, style, width: 0, colours: HashMap::new(), partial: HashMap::new() }
    }

    /// Makes a container known, so that names are aligned.
    pub(crate) fn register(&mut self, name: &str) {
        self.width = self.width.max(name.chars().count());
        let next = self.colours.len();
        self.colours.entry(name.to_owned()).or_insert(next);
    }

    /// Prints the whole lines of a piece and keeps the rest.
    pub(crate) fn chunk(&mut self, name: &str, chunk: &OutputChunk) -> CliResult<()> {
        if !self.colours.contains_key(name) {
            self.register(name);
        }
        let error = chunk.stream == OutputStream::Stderr;
        let lines = self.partial.entry(name.to_owned()).or_default();
        let mut pending = mem::take(&mut lines[usize::from(error)]);
        let mut text = Vec::new();
        // The engine keeps long lines in pieces, and puts its time before each of them.
        let continued = self.style.stamped && !pending.is_empty();
        let mut rest = if continued { without_time(&chunk.bytes) } else { &chunk.bytes[..] };
        // Only what is new is searched: a line that comes in a thousand pieces is not looked at a thousand times.
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            pending.extend_from_slice(&rest[..=end]);
            self.line(name, &pending, &mut text);
            pending.clear();
            rest = &rest[end + 1..];
        }
        pending.extend_from_slice(rest);
        while pending.len() > LONGEST_LINE {
            let rest = pending.split_off(boundary(&pending, LONGEST_LINE));
            pending.push(b'\n');
            self.line(name, &pending, &mut text);
            pending = rest;
        }
        if let Some(lines) = self.partial.get_mut(name) {
            lines[usize::from(error)] = pending;
        }
        self.print(error, &text)
    }

    /// Prints what is left of a container's output.
    pub(crate) fn flush(&mut self, name: &str) -> CliResult<()> {
        for (error, mut line) in [false, true].into_iter().zip(self.partial.remove(name).unwrap_or_default()) {
            if !line.is_empty() {
                line.push(b'\n');
                let mut text = Vec::new();
                self.line(name, &line, &mut text);
                self.print(error, &text)?;
            }
        }
        Ok(())
    }

    /// A line about a container rather than of it.
    pub(crate) fn event(&self, name: &str, text: &str) -> CliResult<()> {
        let mut line = painted(self.colour(name), &format!("{name} {text}")).into_bytes();
        line.push(b'\n');
        self.ui.data(line)
    }

    fn print(&self, error: bool, text: &[u8]) -> CliResult<()> {
        if text.is_empty() {
            return Ok(());
        }
        if error && self.style.split {
            self.ui.data_err(text);
            return Ok(());
        }
        self.ui.data(text)
    }

    fn line(&self, name: &str, line: &[u8], text: &mut Vec<u8>) {
        if !self.style.bare {
            let prefix = format!("{name:width$} | ", width = self.width + 1);
            text.extend(painted(self.colour(name), &prefix).into_bytes());
        }
        if self.style.timestamps {
            text.extend(format!("{} ", jiff::Timestamp::now()).into_bytes());
        }
        text.extend_from_slice(line);
    }

    fn colour(&self, name: &str) -> Option<&'static str> {
        let wanted = self.ui.options().colour_out && !self.style.monochrome;
        wanted.then(|| COLOURS[self.colours.get(name).copied().unwrap_or(0) % COLOURS.len()])
    }
}

/// The piece without the engine's time before it (`2026-01-31T12:00:00.000000000Z `).
fn without_time(piece: &[u8]) -> &[u8] {
    const LONGEST_TIME: usize = 40;
    let end = piece.iter().take(LONGEST_TIME).position(|byte| *byte == b' ');
    let time = end.and_then(|end| std::str::from_utf8(&piece[..end]).ok());
    match (end, time.and_then(|time| time.parse::<jiff::Timestamp>().ok())) {
        (Some(end), Some(_)) => &piece[end + 1..],
        _ => piece,
    }
}

/// The last place not after `limit` that is not in the middle of a character.
fn boundary(bytes: &[u8], limit: usize) -> usize {
    (limit.saturating_sub(3)..=limit).rev().find(|at| bytes[*at] & 0xc0 != 0x80).unwrap_or(limit)
}

fn painted(code: Option<&str>, text: &str) -> String {
    code.map_or_else(|| text.to_owned(), |code| format!("\x1b[{code}m{text}\x1b[0m"))
}

#[cfg(test)]
mod tests;
