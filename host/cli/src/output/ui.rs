//! Streams, colour, width and quiet as one value: the only file that prints.
//!
//! Data goes to standard output, status to standard error. On a terminal the lower lines can be a *live area* that is
//! redrawn in place; everything else that is printed meanwhile appears above it, whichever stream it goes to.

use std::fmt::Display;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use unicode_width::UnicodeWidthChar as _;

use super::visible::visible;
use crate::errors::{CliError, CliResult};

/// A narrower terminal has to wrap.
pub(crate) const NARROWEST: usize = 20;

/// Where the output goes and the input comes from.
pub struct Streams {
    /// Standard output.
    pub out: Box<dyn Write + Send>,
    /// Standard error.
    pub err: Box<dyn Write + Send>,
    /// Standard input.
    pub input: Box<dyn Read + Send>,
    /// Which of them are terminals.
    pub terminals: Terminals,
    /// Columns and rows of the terminal now: a person may make it wider or narrower at any time.
    pub size: Size,
}

/// Asks for columns and rows of the terminal; `None`: there is none.
pub type Size = Box<dyn Fn() -> Option<(u16, u16)> + Send + Sync>;

/// What is known about the terminals at the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terminals {
    /// Standard input is one.
    pub input: bool,
    /// Standard output is one.
    pub out: bool,
    /// Standard error is one.
    pub err: bool,
    /// Its size in columns and rows at the start, where there is one.
    pub size: Option<(u16, u16)>,
}

/// Colours of texts; they never carry the meaning alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Names and headings.
    Bold,
    /// Less important.
    Dim,
    /// Success.
    Green,
    /// Warning.
    Yellow,
    /// Failure.
    Red,
    /// Pointers.
    Cyan,
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Red => "31",
            Self::Cyan => "36",
        }
    }
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UiOptions {
    /// Colours on standard output.
    pub colour_out: bool,
    /// Colours on standard error.
    pub colour_err: bool,
    /// Columns.
    pub width: usize,
    /// Columns of a line of a file in a message: more than `width` where no terminal would break it.
    pub excerpt_width: usize,
    /// Rows of the terminal.
    pub height: usize,
    /// Information lines go to standard output.
    pub status_on_stdout: bool,
    /// A person can answer questions.
    pub interactive: bool,
    /// Standard output is the terminal too, so that what is printed there must make room for the live area.
    pub shared_terminal: bool,
}

impl UiOptions {
    /// Plain text, for messages before the settings are known.
    #[must_use]
    pub const fn plain() -> Self {
        Self {
            colour_out: false,
            colour_err: false,
            width: 80,
            excerpt_width: 160,
            height: 24,
            status_on_stdout: false,
            interactive: false,
            shared_terminal: false,
        }
    }
}

/// Writes all output of the program.
///
/// Standard output has a lock of its own: a reader that does not take it must not keep errors from being shown.
pub(crate) struct Ui {
    out: Mutex<Box<dyn Write + Send>>,
    inner: Mutex<Inner>,
    options: UiOptions,
    size: Size,
}

struct Inner {
    err: Box<dyn Write + Send>,
    input: Option<Box<dyn Read + Send>>,
    live: Vec<String>,
    /// Columns of each line that is on the screen.
    drawn: Vec<usize>,
    problems_as_json: bool,
    directory: PathBuf,
}

impl Ui {
    /// Prints on these streams.
    #[must_use]
    pub(crate) fn new(streams: Streams, options: UiOptions) -> Self {
        let Streams { out, err, input, terminals: _, size } = streams;
        Self {
            out: Mutex::new(out),
            inner: Mutex::new(Inner {
                err,
                input: Some(input),
                live: Vec::new(),
                drawn: Vec::new(),
                problems_as_json: false,
                directory: PathBuf::new(),
            }),
            options,
            size,
        }
    }

    /// From here on places in files below this directory are shown relative to it.
    pub(crate) fn stand_in(&self, directory: &Path) {
        self.lock().directory = directory.to_path_buf();
    }

    /// A path as a person in the current directory would write it.
    #[must_use]
    pub(crate) fn shown(&self, path: &Path) -> String {
        let directory = self.lock().directory.clone();
        let inside = path.strip_prefix(&directory).ok().filter(|_| !directory.as_os_str().is_empty());
        inside.unwrap_or(path).display().to_string()
    }

    /// From here on problems of files are for a machine.
    pub(crate) fn problems_as_json(&self) {
        self.lock().problems_as_json = true;
    }

    /// Whether problems of files are for a machine.
    #[must_use]
    pub(crate) fn wants_json_problems(&self) -> bool {
        self.lock().problems_as_json
    }

    /// How it prints.
    #[must_use]
    pub(crate) const fn options(&self) -> &UiOptions {
        &self.options
    }

    /// Columns and rows for what is redrawn in place: those of the terminal now, where there is one.
    #[must_use]
    pub(crate) fn size(&self) -> (usize, usize) {
        let now = self.terminal().map(|(columns, rows)| (usize::from(columns).max(NARROWEST), usize::from(rows)));
        now.unwrap_or((self.options.width, self.options.height))
    }

    fn terminal(&self) -> Option<(u16, u16)> {
        (self.size)().filter(|(columns, rows)| *columns > 0 && *rows > 0)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints data, as it is, to standard output.
    ///
    /// # Errors
    /// When the reader is gone: time to stop.
    pub(crate) fn data(&self, text: impl AsRef<[u8]>) -> CliResult<()> {
        // On one terminal the live area makes room, and both streams wait for each other.
        let mut inner = self.options.shared_terminal.then(|| self.lock());
        if let Some(inner) = &mut inner {
            inner.erase(self.terminal());
        }
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let written = out.write_all(text.as_ref()).and_then(|()| out.flush());
        drop(out);
        if let Some(inner) = &mut inner {
            inner.draw();
        }
        drop(inner);
        written.map_err(|source| match source.kind() {
            // Exits like a process that SIGPIPE killed (128 + 13).
            io::ErrorKind::BrokenPipe => CliError::Exit(141),
            _ => CliError::io("write to standard output", source),
        })
    }

    /// Prints bytes, as they are, to standard error.
    pub(crate) fn data_err(&self, bytes: &[u8]) {
        self.above(bytes);
    }

    /// Prints a line of status. What a terminal would obey is made visible.
    pub(crate) fn status(&self, line: impl Display) {
        self.painted(visible(&line.to_string()));
    }

    /// Prints a line of status as it is: one that holds [`Self::paint`]ed parts, or output of a container or a build.
    pub(crate) fn painted(&self, line: impl Display) {
        self.above(format!("{line}\n").as_bytes());
    }

    /// Prints an information line, which `COMPOSE_STATUS_STDOUT` moves to standard output.
    pub(crate) fn info(&self, line: impl Display) {
        if self.options.status_on_stdout {
            drop(self.data(format!("{}\n", visible(&line.to_string()))));
        } else {
            self.status(line);
        }
    }

    /// Prints a warning.
    pub(crate) fn warning(&self, text: impl Display) {
        let word = self.paint(Style::Yellow, "warning:");
        self.painted(format_args!("{word} {}", visible(&text.to_string())));
    }

    /// Prints an error's headline.
    pub(crate) fn error(&self, text: impl Display) {
        let word = self.paint(Style::Red, "error:");
        self.painted(format_args!("{word} {}", visible(&text.to_string())));
    }

    /// Prints what to do about it.
    pub(crate) fn hint(&self, text: impl Display) {
        let word = self.paint(Style::Cyan, "hint:");
        self.painted(format_args!("  {word} {}", visible(&text.to_string())));
    }

    /// Text for standard error, made visible, in a style where colours are wanted.
    #[must_use]
    pub(crate) fn paint(&self, style: Style, text: impl Display) -> String {
        let text = text.to_string();
        let text = visible(&text);
        if self.options.colour_err { format!("\x1b[{}m{text}\x1b[0m", style.code()) } else { text.to_string() }
    }

    /// Replaces the live area; an empty one goes away.
    pub(crate) fn live(&self, lines: Vec<String>) {
        let mut inner = self.lock();
        inner.live = lines;
        inner.erase(self.terminal());
        inner.draw();
    }

    /// Asks a question whose default answer is no.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub(crate) fn ask(&self, question: &str) -> CliResult<bool> {
        self.read_answer(question).map_err(|source| CliError::io("read the answer", source))
    }

    fn read_answer(&self, question: &str) -> io::Result<bool> {
        let mut inner = self.lock();
        inner.erase(self.terminal());
        inner.err.write_all(format!("{} [yN] ", visible(question)).as_bytes())?;
        inner.err.flush()?;
        let answer = match inner.input.as_mut() {
            Some(input) => first_line(input)?,
            None => String::new(),
        };
        // The end of the line that a person typed is on the screen already.
        if !self.options.interactive {
            inner.err.write_all(b"\n")?;
        }
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Takes standard input away, for whoever reads all of it.
    #[must_use]
    pub(crate) fn take_input(&self) -> Option<Box<dyn Read + Send>> {
        self.lock().input.take()
    }

    fn above(&self, bytes: &[u8]) {
        let mut inner = self.lock();
        inner.erase(self.terminal());
        // There is no channel left to report that standard error is closed.
        drop(inner.err.write_all(bytes));
        inner.draw();
        drop(inner.err.flush());
    }
}

impl Inner {
    /// Takes the live area away. In a terminal that has become narrower since, its lines take more rows than one each.
    fn erase(&mut self, terminal: Option<(u16, u16)>) {
        if self.drawn.is_empty() {
            return;
        }
        let columns = terminal.map_or(usize::MAX, |(columns, _)| usize::from(columns));
        let rows: usize = self.drawn.drain(..).map(|line| line.div_ceil(columns).max(1)).sum();
        drop(self.err.write_all(format!("\x1b[{rows}F\x1b[J").as_bytes()));
        drop(self.err.flush());
    }

    fn draw(&mut self) {
        if self.live.is_empty() {
            return;
        }
        let text: String = self.live.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        drop(self.err.write_all(text.as_bytes()));
        drop(self.err.flush());
        self.drawn = self.live.iter().map(|line| columns(line)).collect();
    }
}

/// Columns that a line takes; escape sequences take none.
pub(crate) fn columns(line: &str) -> usize {
    let mut escape = false;
    let wide = line.chars().map(|c| {
        let inside = escape || c == '\x1b';
        escape = inside && !(escape && c.is_ascii_alphabetic());
        if inside { 0 } else { c.width().unwrap_or(0) }
    });
    wide.sum()
}

fn first_line(input: &mut dyn Read) -> io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while input.read(&mut byte)? == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU16, Ordering};

    use super::*;

    #[derive(Clone, Default)]
    struct Tape(Arc<Mutex<Vec<u8>>>);

    impl Write for Tape {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// In a narrower terminal one line of the live area may stand on several rows: all of them go.
    #[test]
    fn a_live_area_goes_from_a_terminal_that_became_narrower() {
        let (tape, wide) = (Tape::default(), Arc::new(AtomicU16::new(80)));
        let now = Arc::clone(&wide);
        let streams = Streams {
            out: Box::new(io::sink()),
            err: Box::new(tape.clone()),
            input: Box::new(io::empty()),
            terminals: Terminals::default(),
            size: Box::new(move || Some((now.load(Ordering::Relaxed), 24))),
        };
        let ui = Ui::new(streams, UiOptions::plain());
        ui.live(vec![format!("\x1b[1m{}\x1b[0m", "a".repeat(80)), "日本語".to_owned(), String::new()]);
        ui.live(Vec::new());
        ui.live(vec!["b".repeat(80), "日本語".to_owned()]);
        wide.store(30, Ordering::Relaxed);
        ui.status("above");
        assert_eq!(ui.size(), (30, 24));
        let written = String::from_utf8(tape.0.lock().unwrap().clone()).unwrap();
        let ups: Vec<&str> = written.split("\x1b[").filter_map(|part| part.split_once('F')).map(|(up, _)| up).collect();
        assert_eq!(ups, ["3", "4"]);
    }
}
