//! Tabs, and two escapes: where Go's YAML takes a tab for a blank, and where it refuses it.
//!
//! The scanner used here is stricter behind a colon and inside brackets and quotes, where tabs are made blanks before the
//! text is scanned again ([`mended`]), and laxer on lines without content, which are looked at afterwards
//! ([`Covered::misplaced`]). In double quotes Go knows `\'` but not `\/`.

use saphyr_parser::{Event, ScalarStyle, Span as Mark};

/// Most lines whose tabs are replaced in one file; each costs one more scan.
pub(super) const MAX_REPLACED: usize = 256;

/// The text with the tabs or escapes replaced that the scanner stumbled over; `None` when that is not the cause. Lines count
/// from 1.
pub(super) fn mended(text: &str, reason: &str, line: usize, column: usize) -> Option<String> {
    if reason == "while parsing a quoted scalar, found unknown escape character" {
        return quotes_bare(text, line, column);
    }
    let bad = text.split_inclusive('\n').nth(line.checked_sub(1)?)?;
    let mended: String = match reason {
        "':' must be followed by a valid YAML whitespace" => {
            let (before, after): (Vec<char>, Vec<char>) =
                (bad.chars().take(column).collect(), bad.chars().skip(column).collect());
            let blank = before.iter().rev().take_while(|c| matches!(c, ' ' | '\t')).count();
            let (kept, _) = before.split_at(before.len() - blank);
            kept.iter().copied().chain(std::iter::repeat_n(' ', blank)).chain(after).collect()
        }
        "tabs disallowed within this context (block indentation)" | "tab cannot be used as indentation" => {
            let content = bad.trim_start_matches([' ', '\t']);
            format!("{}{content}", " ".repeat(bad.len() - content.len()))
        }
        _ => return None,
    };
    (mended != bad).then(|| {
        let lines = text.split_inclusive('\n').enumerate();
        lines.map(|(index, old)| if index + 1 == line { mended.as_str() } else { old }).collect()
    })
}

/// The text in double quotes that starts there, every `\'` written so that the scanner knows it.
fn quotes_bare(text: &str, line: usize, column: usize) -> Option<String> {
    let lines = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum::<usize>();
    let start = lines + text[lines..].char_indices().nth(column)?.0;
    let mut out = text[..start].to_owned();
    let mut chars = text[start..].chars();
    out.extend(chars.next().filter(|c| *c == '"'));
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('\'') => out.push_str("\\x27"),
                next => out.extend([Some('\\'), next].into_iter().flatten()),
            },
            '"' => {
                out.push('"');
                break;
            }
            c => out.push(c),
        }
    }
    out.push_str(chars.as_str());
    (out != text).then_some(out)
}

/// Lines inside scalars and brackets, gathered while a text is composed.
#[derive(Default)]
pub(super) struct Covered {
    open: Vec<(usize, usize)>,
    /// Start and end of text in double quotes.
    double: Vec<((usize, usize), (usize, usize))>,
    /// First line, line after which nothing is covered, and what the lines between are part of.
    regions: Vec<(usize, usize, Part)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    /// A quoted scalar.
    Quoted,
    /// A block or a plain scalar: its lines are indented by blanks.
    Indented,
    /// A collection that starts in this column: one in brackets, or not.
    Collection(usize),
}

impl Covered {
    pub(super) fn event(&mut self, event: &Event<'_>, mark: &Mark) {
        let (first, last) = (mark.start.line(), mark.end.line());
        match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => self.open.push((first, mark.start.col())),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some((first, column)) = self.open.pop() else { return };
                self.regions.push((first, last, Part::Collection(column)));
            }
            Event::Scalar(_, style @ (ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted), ..) => {
                if *style == ScalarStyle::DoubleQuoted {
                    self.double.push(((first, mark.start.col()), (last, mark.end.col())));
                }
                self.regions.push((first, last, Part::Quoted));
            }
            Event::Scalar(..) => self.regions.push((first, last, Part::Indented)),
            _ => {}
        }
    }

    /// The first tab that stands where only blanks may: line from 1, column from 0.
    pub(super) fn misplaced(&self, text: &str) -> Option<(usize, usize)> {
        let lines: Vec<&str> = text.split('\n').collect();
        let allowed = self.allowed(&lines);
        let mut tabs = lines.iter().enumerate().filter_map(|(index, line)| Some((index + 1, leading_tab(line)?)));
        tabs.find(|(line, column)| *column < allowed[*line])
    }

    /// By line (from 1): the first column in which a tab may stand. Every line is looked at once, however many regions there
    /// are: scalars do not overlap, and collections in brackets are counted at their ends.
    fn allowed(&self, lines: &[&str]) -> Vec<usize> {
        let mut allowed = vec![usize::MAX; lines.len() + 2];
        let mut brackets = vec![0_isize; lines.len() + 2];
        let bracket = |line: usize, column: usize| {
            lines.get(line.wrapping_sub(1)).and_then(|line| line.chars().nth(column)).is_some_and(|c| "[{".contains(c))
        };
        for (first, last, part) in self.regions.iter().filter(|(first, last, _)| first < last) {
            let last = (*last).min(lines.len());
            let from = match part {
                Part::Quoted => Some(0),
                Part::Indented => indentation(lines, *first, last),
                Part::Collection(start) if bracket(*first, *start) => {
                    brackets[first + 1] += 1;
                    brackets[last + 1] -= 1;
                    None
                }
                Part::Collection(_) => None,
            };
            if let Some(from) = from {
                allowed[first + 1..=last].iter_mut().for_each(|column| *column = from.min(*column));
            }
        }
        let mut open = 0;
        for (column, change) in allowed.iter_mut().zip(brackets) {
            open += change;
            if open > 0 {
                *column = 0;
            }
        }
        allowed
    }
}

impl Covered {
    /// The first `\/` in double quotes: Go's YAML does not know it.
    pub(super) fn escaped_slash(&self, text: &str) -> Option<(usize, usize)> {
        let lines: Vec<&str> = text.split('\n').collect();
        self.double.iter().find_map(|((first, start), (last, end))| {
            (*first..=*last).find_map(|number| {
                let mut escaped = false;
                let from = if number == *first { *start } else { 0 };
                let to = if number == *last { *end } else { usize::MAX };
                let chars = lines.get(number.wrapping_sub(1))?.chars().enumerate();
                let mut inside = chars.skip_while(|(column, _)| *column < from).take_while(|(column, _)| *column < to);
                inside.find_map(|(column, c)| {
                    let found = escaped && c == '/';
                    escaped = !escaped && c == '\\';
                    found.then(|| (number, column - 1))
                })
            })
        })
    }
}

/// Column of a tab before the content of a line (from 1).
pub(super) fn indents(text: &str, line: usize) -> Option<usize> {
    leading_tab(text.split('\n').nth(line.checked_sub(1)?)?)
}

/// Column of a tab before the content of a line, dashes of list items aside.
fn leading_tab(line: &str) -> Option<usize> {
    let mut chars = line.chars().enumerate().peekable();
    while let Some((column, c)) = chars.next() {
        match c {
            '\t' => return Some(column),
            ' ' => {}
            '-' if chars.peek().is_some_and(|(_, next)| matches!(next, ' ' | '\t')) => {}
            _ => return None,
        }
    }
    None
}

/// Blanks before the first line of a scalar's content after its first line.
fn indentation(lines: &[&str], first: usize, last: usize) -> Option<usize> {
    let own = lines.get(first..last.min(lines.len()))?;
    let line = own.iter().find(|line| !line.trim().is_empty())?;
    Some(line.len() - line.trim_start_matches(' ').len())
}
