//! Text that others wrote — files, engines, plugins — made safe to print: what would move the cursor, change the terminal or turn
//! the order of reading around is shown as an escape instead.

use std::borrow::Cow;

/// The text with its control characters and marks of direction written as escapes: `\x1b`, `\u202e`. Line feeds and tabs stay.
///
/// The escapes beyond `\x1f` are those of JSON, so that a line of JSON, which has none of the others, keeps its meaning.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| match c {
        c if !is_hidden(c) => c.to_string(),
        '\r' => "\\r".to_owned(),
        c if c < ' ' => format!("\\x{:02x}", u32::from(c)),
        c => format!("\\u{:04x}", u32::from(c)),
    };
    Cow::Owned(text.chars().map(escape).collect())
}

/// A line of a container's output without its colours, which would be noise as escapes.
pub(crate) fn colourless(line: &str) -> Cow<'_, str> {
    if !line.contains("\x1b[") {
        return Cow::Borrowed(line);
    }
    let mut parts = line.split("\x1b[");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit() && c != ';');
        match end.and_then(|end| part[end..].strip_prefix('m')) {
            Some(rest) => kept.push_str(rest),
            None => kept.extend(["\x1b[", part]),
        }
    }
    Cow::Owned(kept)
}

/// Controls of ASCII and of Latin-1 (U+0080 to U+009F), and what overrides or isolates the direction of text.
fn is_hidden(c: char) -> bool {
    let kept = matches!(c, '\n' | '\t');
    !kept
        && (c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
}

#[cfg(test)]
mod tests {
    use super::{colourless, visible};

    #[test]
    fn colours_are_dropped_and_nothing_else() {
        assert_eq!(colourless("\x1b[31;1mred\x1b[0m \x1b[2J \x1b[m."), "red \x1b[2J .");
    }

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        let table = [
            ("\x1b[31mred\x1b]0;owned\x07", "\\x1b[31mred\\x1b]0;owned\\x07"),
            ("\u{9b}31m \u{7f}", "\\u009b31m \\u007f"),
            ("a\u{202e}b\u{2066}c\u{2069}", "a\\u202eb\\u2066c\\u2069"),
            ("one\r\ttwo\nthree", "one\\r\ttwo\nthree"),
            ("日本語 é ✔", "日本語 é ✔"),
        ];
        for (text, expected) in table {
            assert_eq!(visible(text), expected, "{text:?}");
        }
    }
}
