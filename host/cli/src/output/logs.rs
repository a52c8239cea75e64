//! Log lines with the container's name before them: aligned, coloured, whole lines only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use windlass_plan::observed::Container;
use windlass_runtime::engine::{OutputChunk, OutputStream};

use crate::errors::CliResult;
use crate::output::ui::Ui;

/// Colours in the order in which containers get them.
const COLOURS: [&str; 10] = ["36", "33", "32", "35", "34", "36;1", "33;1", "32;1", "35;1", "34;1"];

/// How lines look.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LogStyle {
    /// No prefix.
    pub(crate) bare: bool,
    /// No colours.
    pub(crate) monochrome: bool,
    /// The time of reception before each line.
    pub(crate) timestamps: bool,
    /// Standard error of containers goes to ours; else all to standard output.
    pub(crate) split: bool,
}

/// Prints the output of several containers.
pub(crate) struct LogPrinter {
    ui: Arc<Ui>,
    style: LogStyle,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    width: usize,
    colours: HashMap<String, usize>,
    partial: HashMap<(String, bool), Vec<u8>>,
}

/// Name of a container in its project: `web-1`, or its own name where the project's is no prefix of it.
pub(crate) fn short_name(container: &Container, project: &str) -> String {
    let rest = container.name.strip_prefix(project).and_then(|rest| rest.strip_prefix(['-', '_']));
    rest.unwrap_or(&container.name).to_owned()
}

impl LogPrinter {
    pub(crate) fn new(ui: Arc<Ui>, style: LogStyle) -> Self {
        Self { ui, style, state: Mutex::default() }
    }

    /// Makes a container known, so that names are aligned.
    pub(crate) fn register(&self, name: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.width = state.width.max(name.chars().count());
        let next = state.colours.len();
        state.colours.entry(name.to_owned()).or_insert(next);
    }

    /// Prints the whole lines of a piece and keeps the rest.
    pub(crate) fn chunk(&self, name: &str, chunk: &OutputChunk) -> CliResult<()> {
        let error = chunk.stream == OutputStream::Stderr;
        let mut text = Vec::new();
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let mut pending = state.partial.remove(&(name.to_owned(), error)).unwrap_or_default();
            pending.extend_from_slice(&chunk.bytes);
            while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = pending.drain(..=end).collect();
                self.line(&state, name, &line, &mut text);
            }
            if !pending.is_empty() {
                state.partial.insert((name.to_owned(), error), pending);
            }
        }
        self.print(error, &text)
    }

    /// Prints what is left of a container's output.
    pub(crate) fn flush(&self, name: &str) -> CliResult<()> {
        for error in [false, true] {
            let mut text = Vec::new();
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(mut line) = state.partial.remove(&(name.to_owned(), error)) {
                line.push(b'\n');
                self.line(&state, name, &line, &mut text);
            }
            drop(state);
            self.print(error, &text)?;
        }
        Ok(())
    }

    /// A line about a container rather than of it.
    pub(crate) fn event(&self, name: &str, text: &str) -> CliResult<()> {
        let mut line = Vec::new();
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let code = self.colour(&state, name);
        drop(state);
        line.extend(painted(code, &format!("{name} {text}")).into_bytes());
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

    fn line(&self, state: &State, name: &str, line: &[u8], text: &mut Vec<u8>) {
        if !self.style.bare {
            let prefix = format!("{name:width$} | ", width = state.width + 1);
            text.extend(painted(self.colour(state, name), &prefix).into_bytes());
        }
        if self.style.timestamps {
            text.extend(format!("{} ", jiff::Timestamp::now()).into_bytes());
        }
        text.extend_from_slice(line);
    }

    fn colour(&self, state: &State, name: &str) -> Option<&'static str> {
        let wanted = self.ui.options().colour_out && !self.style.monochrome;
        wanted.then(|| COLOURS[state.colours.get(name).copied().unwrap_or(0) % COLOURS.len()])
    }
}

fn painted(code: Option<&str>, text: &str) -> String {
    code.map_or_else(|| text.to_owned(), |code| format!("\x1b[{code}m{text}\x1b[0m"))
}
