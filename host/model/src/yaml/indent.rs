//! Flow collections and quoted text whose further lines stand left of where the YAML specification wants them.
//!
//! Go's YAML reads them, and many compose files have them; the scanner used here does not. Such lines are moved to the
//! right before the text is scanned again: blanks at the start of a line mean nothing inside brackets and quotes.

/// Blanks put before a moved line.
const SHIFT: usize = 256;
/// Most regions moved in one file; each costs one more scan.
const MAX_REGIONS: usize = 64;

/// A text with some of its lines moved.
#[derive(Default)]
pub(super) struct Moved {
    /// Lines moved, from 1.
    lines: std::collections::BTreeSet<usize>,
    regions: usize,
}

impl Moved {
    /// The column as the user typed it; both count from 0.
    pub(super) fn column(&self, line: usize, column: usize) -> usize {
        if self.lines.contains(&line) { column.saturating_sub(SHIFT) } else { column }
    }

    /// The text with the region moved that the scanner stumbled over on `line` (from 1); `None` when that is not the cause.
    pub(super) fn retry(&mut self, text: &str, reason: &str, line: usize) -> Option<String> {
        let quoted = reason == "invalid indentation in quoted scalar";
        let flow = matches!(reason, "invalid indentation" | "invalid indentation in flow construct");
        if self.regions == MAX_REGIONS || !(quoted || flow) {
            return None;
        }
        self.regions += 1;
        let before = self.lines.len();
        self.lines.extend(region(text, line, quoted));
        (self.lines.len() > before).then(|| self.apply(text))
    }

    /// The text with its lines moved.
    pub(super) fn apply(&self, text: &str) -> String {
        let pad = " ".repeat(SHIFT);
        let moved = |(index, line): (usize, &str)| {
            if self.lines.contains(&(index + 1)) { format!("{pad}{line}") } else { line.to_owned() }
        };
        text.split_inclusive('\n').enumerate().map(moved).collect()
    }
}

/// Lines from the first one up to where the bracket or quote closes. A bracket is known to be open before its line; a
/// quoted text starts on it, and stays where it is.
fn region(text: &str, first: usize, quoted: bool) -> std::ops::Range<usize> {
    let mut state = State { depth: usize::from(!quoted), quote: None };
    let mut last = first;
    for (index, line) in text.split('\n').enumerate().skip(first - 1) {
        last = index + 1;
        state.line(line);
        if state.depth == 0 && state.quote.is_none() {
            break;
        }
    }
    first + usize::from(quoted)..last + 1
}

struct State {
    depth: usize,
    quote: Option<char>,
}

impl State {
    fn line(&mut self, line: &str) {
        let mut previous = ' ';
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            match (self.quote, c) {
                (Some('"'), '\\') => drop(chars.next()),
                (Some(open), c) if c == open => self.quote = None,
                (Some(_), _) => {}
                (None, '"' | '\'') if !previous.is_alphanumeric() => self.quote = Some(c),
                (None, '#') if previous.is_whitespace() => return,
                (None, '[' | '{') => self.depth += 1,
                (None, ']' | '}') => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            previous = c;
        }
    }
}
