//! The paths that a Rust file names, without a parser for the whole language: comments, strings and tests are cut away,
//! then every path from `crate`, `super` or `self` is read, with the trees of braces behind `use`.

use std::collections::BTreeMap;

/// A path that a module names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Use {
    /// Segments below the crate.
    pub(super) path: Vec<String>,
    /// It is a `pub use`, a door for others.
    pub(super) exported: bool,
}

/// The text without comments, string literals and the tests at its end.
pub(super) fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
    let mut kept = String::with_capacity(end);
    let mut rest = &text[..end];
    while let Some(at) = rest.find(['/', '"']) {
        kept.push_str(&rest[..at]);
        let from = &rest[at..];
        rest = if from.starts_with("//") {
            &from[from.find('\n').unwrap_or(from.len())..]
        } else if from.starts_with('"') && !kept.ends_with('\'') {
            after_string(&from[1..])
        } else {
            kept.push_str(&from[..1]);
            &from[1..]
        };
    }
    kept.push_str(rest);
    kept
}

fn after_string(text: &str) -> &str {
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return &text[at + 1..],
            _ => {}
        }
    }
    ""
}

/// Every path of a module's code that starts within its crate, also those that start at a name that it imported.
pub(super) fn uses(code: &str, module: &[String]) -> Vec<Use> {
    let mut found = direct(code, module);
    let imported: BTreeMap<String, Vec<String>> =
        found.iter().filter_map(|item| Some((item.path.last()?.clone(), item.path.clone()))).collect();
    let mut tokens = Tokens(code);
    let mut before = String::new();
    while let Some(token) = tokens.next() {
        if let Some(start) = imported.get(&token).filter(|_| before != "::" && tokens.follows("::")) {
            found.extend(tree(&mut tokens, start.clone()).into_iter().map(|path| Use { path, exported: false }));
        }
        before = token;
    }
    found
}

/// The paths that start at `crate`, `self` or `super`, or behind `use`.
fn direct(code: &str, module: &[String]) -> Vec<Use> {
    let mut found = Vec::new();
    let mut tokens = Tokens(code);
    let (mut before, mut public) = (String::new(), false);
    while let Some(token) = tokens.next() {
        let in_use = before == "use";
        let starts = match token.as_str() {
            "crate" => Some(Vec::new()),
            "self" if tokens.follows("::") => Some(module.to_vec()),
            "super" => Some(module[..module.len().saturating_sub(1)].to_vec()),
            // `use a::B` in a module names its own child.
            other if in_use && is_name(other) => Some([module, &[other.to_owned()]].concat()),
            _ => None,
        };
        if let Some(start) = starts
            && (tokens.follows("::") || in_use)
        {
            let exported = public && in_use;
            found.extend(tree(&mut tokens, start).into_iter().map(|path| Use { path, exported }));
        }
        public = match token.as_str() {
            "pub" => true,
            "use" | "(" | ")" | "crate" | "super" | "in" => public,
            _ => false,
        };
        before = token;
    }
    found
}

/// The paths that start here: `::a::{b, c::d}`.
fn tree(tokens: &mut Tokens<'_>, mut path: Vec<String>) -> Vec<Vec<String>> {
    while tokens.take("::") {
        if tokens.take("{") {
            let mut all = Vec::new();
            while !tokens.take("}") {
                match tokens.next().as_deref() {
                    None => break,
                    Some("self") => all.push(path.clone()),
                    Some(name) if is_name(name) || name == "*" => {
                        all.extend(tree(tokens, [path.as_slice(), &[name.to_owned()]].concat()));
                    }
                    Some(_) => {}
                }
            }
            return all;
        }
        match tokens.next() {
            Some(name) if name == "super" => drop(path.pop()),
            Some(name) => path.push(name),
            None => break,
        }
    }
    vec![path]
}

fn is_name(token: &str) -> bool {
    token.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
}

/// Names, `::`, and single characters.
struct Tokens<'t>(&'t str);

impl Tokens<'_> {
    fn next(&mut self) -> Option<String> {
        self.0 = self.0.trim_start();
        let first = self.0.chars().next()?;
        let length = if is_name(self.0) {
            self.0.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(self.0.len())
        } else if self.0.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        let (token, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(token.to_owned())
    }

    fn follows(&self, token: &str) -> bool {
        self.0.trim_start().starts_with(token)
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.follows(token);
        if found {
            self.0 = &self.0.trim_start()[token.len()..];
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn found(text: &str) -> Vec<(String, bool)> {
        let module = ["m".to_owned(), "n".to_owned()];
        uses(&code(text), &module).into_iter().map(|item| (item.path.join("::"), item.exported)).collect()
    }

    #[test]
    fn paths_are_read_from_uses_and_from_code() {
        let text = "use crate::{a::b, c::{self, D}};\nuse std::io;\n// use crate::no;\npub(crate) use self::k::L;\n\
                    fn f() { let x = crate::e::g(\"crate::no\"); super::h(); }\nuse super::super::z::Y; fn g() { c::i() }";
        let expected = [
            ("a::b", false),
            ("c", false),
            ("c::D", false),
            ("m::n::std::io", false),
            ("m::n::k::L", true),
            ("e::g", false),
            ("m::h", false),
            ("z::Y", false),
            ("c::i", false),
        ];
        let expected = BTreeSet::from(expected.map(|(path, exported)| (path.to_owned(), exported)));
        assert_eq!(BTreeSet::from_iter(found(text)), expected);
    }
}
