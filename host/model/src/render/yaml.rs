//! Writes YAML the way Go's emitter does: two spaces, sequences indented, plain scalars folded at 80 columns.

use serde_json::Value as Json;

/// Column after which a plain or quoted scalar is folded at the next space.
const WIDTH: usize = 80;
/// Longest key, in bytes, that is written before its `:` on one line.
const LONGEST_KEY: usize = 128;

/// A document, ending in a line feed.
#[must_use]
pub fn document(value: &Json) -> String {
    let mut out = String::new();
    match value {
        Json::Object(map) if !map.is_empty() => block(value, 0, &mut out),
        _ => {
            out.push_str(&inline(value, 0, 0));
            out.push('\n');
        }
    }
    out
}

fn pad(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
}

fn is_block(value: &Json) -> bool {
    match value {
        Json::Object(map) => !map.is_empty(),
        Json::Array(items) => !items.is_empty(),
        _ => false,
    }
}

fn block(value: &Json, depth: usize, out: &mut String) {
    match value {
        Json::Object(map) => {
            for (key, value) in map {
                pad(depth, out);
                entry(key, value, depth, out);
            }
        }
        Json::Array(items) => {
            for item in items {
                pad(depth, out);
                self::item(item, depth, out);
            }
        }
        _ => {}
    }
}

fn entry(key: &str, value: &Json, depth: usize, out: &mut String) {
    // Readers look for the `:` of a plain key no further than this.
    if key.len() > LONGEST_KEY {
        return long_entry(key, value, depth, out);
    }
    let key = key_text(key);
    out.push_str(&key);
    out.push(':');
    if is_block(value) {
        out.push('\n');
        block(value, depth + 1, out);
    } else {
        out.push(' ');
        let column = depth * 2 + key.chars().count() + 2;
        out.push_str(&inline(value, depth, column));
        out.push('\n');
    }
}

/// `? key` and `: value`, each on a line of its own.
fn long_entry(key: &str, value: &Json, depth: usize, out: &mut String) {
    out.push_str("? ");
    out.push_str(&string(key, depth, depth * 2 + 2));
    out.push('\n');
    pad(depth, out);
    out.push_str(": ");
    inside(value, depth, out);
}

fn item(value: &Json, depth: usize, out: &mut String) {
    out.push_str("- ");
    inside(value, depth, out);
}

/// What follows a `- ` or `: ` on the same line.
fn inside(value: &Json, depth: usize, out: &mut String) {
    match value {
        Json::Object(map) if !map.is_empty() => {
            for (index, (key, value)) in map.iter().enumerate() {
                if index > 0 {
                    pad(depth + 1, out);
                }
                entry(key, value, depth + 1, out);
            }
        }
        Json::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                if index > 0 {
                    pad(depth + 1, out);
                }
                item(value, depth + 1, out);
            }
        }
        _ => {
            out.push_str(&inline(value, depth, depth * 2 + 2));
            out.push('\n');
        }
    }
}

/// A scalar or empty collection; `column` is where it starts.
fn inline(value: &Json, depth: usize, column: usize) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(value) => value.to_string(),
        Json::Number(number) => number_text(number),
        Json::String(text) => string(text, depth, column),
        Json::Array(_) => "[]".to_owned(),
        Json::Object(_) => "{}".to_owned(),
    }
}

fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() => crate::node::float_text(value),
        _ => number.to_string(),
    }
}

fn key_text(key: &str) -> String {
    match style(key) {
        Style::Literal | Style::Double => double(key, usize::MAX, 0),
        Style::Single => format!("'{}'", key.replace('\'', "''")),
        Style::Plain => key.to_owned(),
    }
}

enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

fn string(text: &str, depth: usize, column: usize) -> String {
    match style(text) {
        Style::Plain => fold(text, depth + 1, column),
        Style::Single => format!("'{}'", fold(&text.replace('\'', "''"), depth + 1, column + 1)),
        Style::Double => double(text, depth + 1, column),
        Style::Literal => literal(text, depth + 1),
    }
}

fn style(text: &str) -> Style {
    if text.is_empty() || reads_as_other_type(text) {
        return Style::Double;
    }
    // A tab alone is no reason for escapes where a block literal can hold it.
    let literal = text.contains('\n');
    let fits = |c: char| printable(c) || (literal && c == '\t');
    if !text.chars().all(fits) {
        return Style::Double;
    }
    // A block would lose blanks at the end of its lines, and where nothing but line feeds is left.
    if text.contains(" \n") || (literal && (text.ends_with(' ') || text.bytes().all(|b| b == b'\n'))) {
        return Style::Double;
    }
    if literal {
        return Style::Literal;
    }
    if text == "<<" || old_boolean(text) || base_60(text) || !plain_allowed(text) {
        Style::Single
    } else {
        Style::Plain
    }
}

/// Text that a reader would take for null, a boolean, a number or a date.
fn reads_as_other_type(text: &str) -> bool {
    !matches!(crate::yaml::plain(text), crate::node::Value::String(_)) || text.bytes().all(|b| b.is_ascii_digit())
}

/// `1:30`, a number of YAML 1.1: digits, then groups of less than 60.
fn base_60(text: &str) -> bool {
    let mut groups = text.trim_start_matches(['-', '+']).split(':');
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let first = groups.next().is_some_and(|part| part.starts_with(|c: char| c.is_ascii_digit()) && digits(part));
    let below_60 = |part: &str| part.len() <= 2 && part.parse::<u8>().is_ok_and(|value| value < 60);
    first && text.contains(':') && groups.all(below_60)
}

fn old_boolean(text: &str) -> bool {
    matches!(
        text,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF"
    )
}

fn printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

/// Whether a one-line text can stand without quotes in block context.
fn plain_allowed(text: &str) -> bool {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return false };
    let second = chars.next();
    let blank = |c: Option<char>| c.is_none_or(|c| c == ' ');
    let starts_document = text.starts_with("---") || text.starts_with("...");
    let indicator = match first {
        '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => true,
        '?' | ':' | '-' => blank(second),
        _ => false,
    };
    let inner = text.contains(": ") || text.contains(" #") || text.ends_with(':');
    !(starts_document || indicator || inner || text.starts_with(' ') || text.ends_with(' '))
}

/// Folds a one-line scalar: a space beyond the width becomes a line break.
fn fold(text: &str, depth: usize, column: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = column;
    let chars: Vec<char> = text.chars().collect();
    for (index, c) in chars.iter().enumerate() {
        let inner = index > 0 && index + 1 < chars.len();
        let single = *c == ' ' && inner && chars[index - 1] != ' ' && chars[index + 1] != ' ';
        if single && at > WIDTH {
            out.push('\n');
            pad(depth, &mut out);
            at = depth * 2;
        } else {
            out.push(*c);
            at += 1;
        }
    }
    out
}

/// Double quotes with Go's escapes, folded like plain text (a break needs a backslash before a leading space).
fn double(text: &str, depth: usize, column: usize) -> String {
    let mut out = String::from("\"");
    let mut at = column.saturating_add(1);
    let chars: Vec<char> = text.chars().collect();
    for (index, c) in chars.iter().enumerate() {
        // Only at the first blank of a run: a reader drops the blanks around a break, and the backslash keeps those
        // after it only.
        let first = index > 0 && index + 1 < chars.len() && chars[index - 1] != ' ';
        if *c == ' ' && at > WIDTH && depth < 1000 && first {
            out.push('\n');
            pad(depth, &mut out);
            at = depth * 2;
            if chars[index + 1] == ' ' {
                out.push('\\');
                at += 1;
            }
            continue;
        }
        let piece = escape(*c);
        at += piece.chars().count();
        out.push_str(&piece);
    }
    out.push('"');
    out
}

fn escape(c: char) -> String {
    match c {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\0' => "\\0".to_owned(),
        '\u{7}' => "\\a".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\t' => "\\t".to_owned(),
        '\n' => "\\n".to_owned(),
        '\u{b}' => "\\v".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        '\r' => "\\r".to_owned(),
        '\u{1b}' => "\\e".to_owned(),
        '\u{85}' => "\\N".to_owned(),
        '\u{a0}' => "\\_".to_owned(),
        '\u{2028}' => "\\L".to_owned(),
        '\u{2029}' => "\\P".to_owned(),
        c if printable(c) => c.to_string(),
        c if u32::from(c) <= 0xff => format!("\\x{:02X}", u32::from(c)),
        c if u32::from(c) <= 0xffff => format!("\\u{:04X}", u32::from(c)),
        c => format!("\\U{:08X}", u32::from(c)),
    }
}

/// `|` with the indentation and chomping marks the text needs.
fn literal(text: &str, depth: usize) -> String {
    let mut out = String::from("|");
    // A reader takes the indentation from the first line that is not empty: where blanks begin that line, it must be told.
    if text.trim_start_matches('\n').starts_with(' ') {
        out.push('2');
    }
    if !text.ends_with('\n') {
        out.push('-');
    } else if text.ends_with("\n\n") || text == "\n" {
        out.push('+');
    }
    let body = text.strip_suffix('\n').unwrap_or(text);
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            pad(depth, &mut out);
            out.push_str(line);
        }
    }
    out
}
