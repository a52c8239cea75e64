//! One line of a file with a caret under the place that a message is about, in the columns of a terminal.

use std::borrow::Cow;
use std::ops::Range;

use unicode_width::UnicodeWidthStr as _;

use super::visible::visible;

/// Columns of a tab, which is shown as blanks: where its stops are depends on what stands before the line.
const TAB: &str = "    ";

/// A line, and the carets below it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    /// The line, or what of it fits.
    pub(crate) line: String,
    /// Blanks before the carets.
    pub(crate) indent: usize,
    /// Carets; at least one.
    pub(crate) carets: usize,
}

/// The excerpt of a line in `room` columns; `column` (from 1) and `length` count characters.
pub(crate) fn excerpt(line: &str, column: usize, length: usize, room: usize) -> Excerpt {
    let cells: Vec<Cell<'_>> = line.char_indices().map(|(at, c)| cell(&line[at..at + c.len_utf8()])).collect();
    let target = column.saturating_sub(1).min(cells.len());
    let shown = window(&cells, target, room);
    let (before, after) = (shown.start > 0, shown.end < cells.len());
    let mark = |cut: bool| if cut { "…" } else { "" };
    let text: String = cells[shown.clone()].iter().map(|cell| &*cell.text).collect();
    let end = target.saturating_add(length).clamp(target, shown.end);
    Excerpt {
        line: format!("{}{text}{}", mark(before), mark(after)),
        indent: usize::from(before) + width(&cells[shown.start..target]),
        carets: width(&cells[target..end]).max(1),
    }
}

/// A character as it is shown.
struct Cell<'l> {
    text: Cow<'l, str>,
    width: usize,
}

fn cell(character: &str) -> Cell<'_> {
    let text = if character == "\t" { Cow::Borrowed(TAB) } else { visible(character) };
    let width = text.width();
    Cell { text, width }
}

fn width(cells: &[Cell<'_>]) -> usize {
    cells.iter().map(|cell| cell.width).sum()
}

/// The cells that fit, the target among them with a third of the room before it.
fn window(cells: &[Cell<'_>], target: usize, room: usize) -> Range<usize> {
    if width(cells) <= room {
        return 0..cells.len();
    }
    // One column at each end is for the mark that something is cut off.
    let room = room.saturating_sub(2);
    let (mut used, mut shown) = (0, target..target);
    while shown.start > 0 && used + cells[shown.start - 1].width <= room / 3 {
        shown.start -= 1;
        used += cells[shown.start].width;
    }
    while shown.end < cells.len() && used + cells[shown.end].width <= room {
        used += cells[shown.end].width;
        shown.end += 1;
    }
    // Room that is left where the line ends soon.
    while shown.start > 0 && used + cells[shown.start - 1].width <= room {
        shown.start -= 1;
        used += cells[shown.start].width;
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line with the carets below it.
    fn drawn(line: &str, column: usize, length: usize, room: usize) -> String {
        let Excerpt { line, indent, carets } = excerpt(line, column, length, room);
        format!("{line}\n{}{}", " ".repeat(indent), "^".repeat(carets))
    }

    #[test]
    fn carets_stand_below_their_characters() {
        assert_eq!(drawn("a: bogus", 4, 5, 40), "a: bogus\n   ^^^^^");
        assert_eq!(drawn("日本: bogus", 5, 5, 40), "日本: bogus\n      ^^^^^");
        assert_eq!(drawn("a: 日本", 4, 2, 40), "a: 日本\n   ^^^^");
        assert_eq!(drawn("\tx", 2, 1, 40), "    x\n    ^");
        assert_eq!(drawn("e\u{301}x", 3, 1, 40), "e\u{301}x\n ^");
        assert_eq!(drawn("\x1b[x", 3, 1, 40), "\\x1b[x\n     ^");
        assert_eq!(drawn("end", 9, 4, 40), "end\n   ^");
        assert_eq!(drawn("", 1, 1, 40), "\n^");
    }

    #[test]
    fn a_long_line_is_cut_around_its_place() {
        let long = "abcdefghijklmnopqrstuvwxyz";
        assert_eq!(drawn(long, 1, 3, 11), "abcdefghi…\n^^^");
        assert_eq!(drawn(long, 13, 2, 11), "…jklmnopqr…\n    ^^");
        assert_eq!(drawn(long, 26, 1, 11), "…rstuvwxyz\n         ^");
        assert_eq!(drawn(long, 13, 99, 11), "…jklmnopqr…\n    ^^^^^^");
    }

    #[test]
    fn whatever_the_line_it_fits_and_holds_its_place() {
        for line in ["[".repeat(40_000), "日".repeat(3_000), "\t".repeat(500)] {
            for column in [1, 2, 40, 499] {
                let Excerpt { line, indent, carets } = excerpt(&line, column, 7, 74);
                assert!(line.width() <= 74 && indent + carets <= 74, "{column}: {line}");
            }
        }
    }
}
