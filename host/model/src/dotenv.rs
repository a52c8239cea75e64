//! The grammar of `.env` files, and the raw one of `docker run --env-file`.

use std::collections::HashMap;

use crate::interpolate::{Lookup, substitute};

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct DotenvError {
    /// From 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// One variable of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Name.
    pub key: String,
    /// Value.
    pub value: String,
    /// Line that it starts on, from 1.
    pub line: usize,
}

/// Variables in the order of the file; a later one wins.
pub type Pairs = Vec<Pair>;

/// A name that nobody knows, and the line that refers to it.
pub type Unset = (String, usize);

/// Reads a `.env` file. `lookup` answers first when a value refers to a variable, then the file's earlier keys; a bare
/// `KEY` takes its value from it. Names that nobody knows are added to `unset`.
///
/// # Errors
/// At the first line that is not `KEY=value`.
pub fn parse(text: &str, lookup: Lookup<'_>, unset: &mut Vec<Unset>) -> Result<Pairs, DotenvError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let mut reader = Reader { text: &text, position: 0, pairs: Vec::new(), known: HashMap::new(), line: 1, counted: 0 };
    let mut names = Vec::new();
    while reader.skip_blank() {
        reader.count_lines();
        reader.statement(lookup, &mut names)?;
        unset.extend(names.drain(..).map(|name| (name, reader.line)));
    }
    Ok(reader.pairs)
}

/// Reads a file as `docker run --env-file` does: no quotes, no expansion, comments only at line starts.
///
/// # Errors
/// At the first line whose name is empty or has blanks in it: a file in another syntax, of which half would be lost.
pub fn parse_raw(text: &str, lookup: Lookup<'_>) -> Result<Pairs, DotenvError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().map(str::trim_start).enumerate();
    let mut pairs = Vec::new();
    for (index, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let (key, value) = line.split_once('=').map_or((line, None), |(key, value)| (key, Some(value.to_owned())));
        let number = index + 1;
        if key.is_empty() {
            return Err(DotenvError { line: number, message: format!("no variable name on line '{line}'") });
        }
        if key.contains([' ', '\t']) {
            return Err(DotenvError { line: number, message: format!("variable '{key}' contains whitespaces") });
        }
        if let Some(value) = value.or_else(|| lookup(key)) {
            pairs.push(Pair { key: key.to_owned(), value, line: number });
        }
    }
    Ok(pairs)
}

struct Reader<'t> {
    text: &'t str,
    position: usize,
    pairs: Pairs,
    /// Index of the last pair of a key.
    known: HashMap<String, usize>,
    /// Line of the statement.
    line: usize,
    /// How far lines have been counted.
    counted: usize,
}

impl<'t> Reader<'t> {
    fn add(&mut self, key: String, value: String) {
        self.known.insert(key.clone(), self.pairs.len());
        self.pairs.push(Pair { key, value, line: self.line });
    }

    fn count_lines(&mut self) {
        self.line += self.text[self.counted..self.position].matches('\n').count();
        self.counted = self.position;
    }

    fn rest(&self) -> &'t str {
        &self.text[self.position..]
    }

    fn fail<T>(&self, message: impl Into<String>) -> Result<T, DotenvError> {
        let line = self.line + self.text[self.counted..self.position].matches('\n').count();
        Err(DotenvError { line, message: message.into() })
    }

    /// Skips blank lines and comments; `false` at the end.
    fn skip_blank(&mut self) -> bool {
        loop {
            self.position += self.rest().len() - self.rest().trim_start().len();
            if !self.rest().starts_with('#') {
                return !self.rest().is_empty();
            }
            self.position += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    fn statement(&mut self, lookup: Lookup<'_>, unset: &mut Vec<String>) -> Result<(), DotenvError> {
        if let Some(after) = self.rest().strip_prefix("export").filter(|after| after.starts_with([' ', '\t'])) {
            self.position += "export".len() + (after.len() - after.trim_start_matches([' ', '\t']).len());
        }
        let line = self.rest().split('\n').next().unwrap_or_default();
        let Some(end) = line.find(['=', ':']) else {
            return self.bare(line, lookup);
        };
        let key = self.key(&line[..end], line)?;
        self.position += end + 1;
        let blank = |c: char| c.is_whitespace() && c != '\n';
        self.position += self.rest().len() - self.rest().trim_start_matches(blank).len();
        let value = self.value(lookup, unset)?;
        self.add(key, value);
        Ok(())
    }

    fn bare(&mut self, line: &str, lookup: Lookup<'_>) -> Result<(), DotenvError> {
        let name = line.split(" #").next().unwrap_or_default().trim_end();
        let key = self.key(name, line)?;
        if let Some(value) = lookup(&key) {
            self.add(key, value);
        }
        self.position += line.len();
        Ok(())
    }

    fn key(&self, name: &str, line: &str) -> Result<String, DotenvError> {
        let key = name.trim_end();
        if key.is_empty() {
            return self.fail(format!("unexpected character \"=\" in variable name \"{line}\""));
        }
        if key.contains([' ', '\t']) {
            return self.fail("key cannot contain a space");
        }
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']');
        match key.chars().find(|c| !allowed(*c)) {
            Some(wrong) => self.fail(format!("unexpected character \"{wrong}\" in variable name \"{line}\"")),
            None => Ok(key.to_owned()),
        }
    }

    fn value(&mut self, lookup: Lookup<'_>, unset: &mut Vec<String>) -> Result<String, DotenvError> {
        match self.rest().chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote, lookup, unset),
            _ => {
                let line = self.rest().split('\n').next().unwrap_or_default();
                let raw = line.split(" #").next().unwrap_or_default();
                let value = self.expand(raw.trim_end(), lookup, unset)?;
                self.position += line.len();
                Ok(value)
            }
        }
    }

    fn quoted(&mut self, quote: char, lookup: Lookup<'_>, unset: &mut Vec<String>) -> Result<String, DotenvError> {
        let inner = &self.rest()[1..];
        let mut escaped = false;
        let end = inner.char_indices().find(|(_, c)| {
            let closes = *c == quote && !escaped;
            escaped = *c == '\\' && !escaped;
            closes
        });
        let Some((end, _)) = end else {
            let line = self.rest().split('\n').next().unwrap_or_default();
            return self.fail(format!("unterminated quoted value {line}"));
        };
        let raw = &inner[..end];
        let value = if quote == '\'' { raw.replace("\\'", "'") } else { self.expand(&unescape(raw), lookup, unset)? };
        // What follows on the line is a statement of its own.
        self.position += end + 2;
        Ok(value)
    }

    fn expand(&self, raw: &str, lookup: Lookup<'_>, unset: &mut Vec<String>) -> Result<String, DotenvError> {
        let both = |name: &str| {
            let earlier = || self.known.get(name).map(|index| self.pairs[*index].value.clone());
            lookup(name).or_else(earlier)
        };
        substitute(raw, &both, unset).or_else(|error| self.fail(error.to_string()))
    }
}

/// Escapes of double quotes. `\$` becomes `$$`, which expansion turns into `$`.
fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('a') => text.push('\u{7}'),
            Some('b') => text.push('\u{8}'),
            Some('c') => text.push_str("\\c"),
            Some('f') => text.push('\u{c}'),
            Some('v') => text.push('\u{b}'),
            Some('$') => text.push_str("$$"),
            Some('0') => text.push(octal(&mut chars)),
            Some(other @ ('"' | '\\')) => text.push(other),
            Some(other) => text.extend(['\\', other]),
            None => text.push('\\'),
        }
    }
    text
}

fn octal(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> char {
    let mut value = 0;
    for _ in 0..3 {
        let Some(digit) = chars.peek().and_then(|c| c.to_digit(8)) else { break };
        value = value * 8 + digit;
        chars.next();
    }
    char::from_u32(value).unwrap_or('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Pairs, DotenvError> {
        let lookup = |name: &str| (name == "OUT").then(|| "outer".to_owned());
        parse(text, &lookup, &mut Vec::new())
    }

    fn pairs(list: &[(&str, &str, usize)]) -> Pairs {
        list.iter()
            .map(|(key, value, line)| Pair { key: (*key).to_owned(), value: (*value).to_owned(), line: *line })
            .collect()
    }

    #[test]
    fn forms() {
        let text = "\u{feff}A=1\r\n# comment\nexport B = two words # note\nC='$A \\' x'\nD=\"a\\tb $A \\$A\"\nE: yaml\nOUT\nNOPE\nF=\"one\ntwo\"\nG=${OUT}-${A}\nH=\nI=a#b\nJ=#c\n";
        let expected = [
            ("A", "1", 1),
            ("B", "two words", 3),
            ("C", "$A ' x", 4),
            ("D", "a\tb 1 $A", 5),
            ("E", "yaml", 6),
            ("OUT", "outer", 7),
            ("F", "one\ntwo", 9),
            ("G", "outer-1", 11),
            ("H", "", 12),
            ("I", "a#b", 13),
            ("J", "#c", 14),
        ];
        assert_eq!(read(text), Ok(pairs(&expected)));
    }

    #[test]
    fn errors_name_the_line() {
        assert_eq!(read("A=1\nB C=2").expect_err("space").to_string(), "line 2: key cannot contain a space");
        let quote = read("A=1\n\nB=\"open").expect_err("quote").to_string();
        assert_eq!(quote, "line 3: unterminated quoted value \"open");
    }

    #[test]
    fn raw_keeps_everything() {
        let lookup = |_: &str| None;
        let found = parse_raw("A=\"x\" $y # z\n#no\nB\n", &lookup);
        assert_eq!(found, Ok(pairs(&[("A", "\"x\" $y # z", 1)])));
    }

    #[test]
    fn raw_refuses_names_that_docker_refuses() {
        let error = |text: &str| parse_raw(text, &|_| None).expect_err(text).to_string();
        assert_eq!(error("A=1\nexport B=2\n"), "line 2: variable 'export B' contains whitespaces");
        assert_eq!(error("A: 1\n"), "line 1: variable 'A: 1' contains whitespaces");
        assert_eq!(error("\n=1\n"), "line 2: no variable name on line '=1'");
    }
}
