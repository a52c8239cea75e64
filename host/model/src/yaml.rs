//! YAML text to [`Node`] trees: anchors, merge keys, duplicate keys and scalar types as Compose files need them.
//!
//! Scanning and event parsing are `saphyr-parser`'s; composing is ours because every node must keep its place.
//! Bounded: nesting, and the number of nodes that aliases expand to, have limits ([`MAX_DEPTH`], [`MAX_EXPANDED`]).

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span as Mark, Tag};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::node::{Entry, Mapping, Merge, Node, SourceFile, Span, Value};

mod indent;
mod tabs;
#[cfg(test)]
mod tests;
mod timestamp;

use indent::Moved;
pub use timestamp::Timestamp;

/// Deepest nesting accepted.
pub const MAX_DEPTH: usize = 200;
/// Most nodes that aliases of one file may expand to.
pub const MAX_EXPANDED: usize = 100_000;

/// Parses all documents of a file. Problems go to `out`; a document with a syntax error ends the list.
pub fn parse(file: &Arc<SourceFile>, out: &mut Diagnostics) -> Vec<Node> {
    let typed = file.text.strip_prefix('\u{feff}').unwrap_or(&file.text);
    let mut original = Cow::Borrowed(typed);
    let mut moved = Moved::default();
    let mut text = original.clone();
    let before = out.0.len();
    let mut tabs = 0;
    if let Some((line, column, reason)) = refused(typed) {
        let span = Span { file: Some(Arc::clone(file)), line, column, length: 1 };
        out.0.push(Diagnostic::error("yaml-syntax", "", Some(span), format!("failed to parse: {reason}")));
        return Vec::new();
    }
    loop {
        match compose(&text, typed, file, &moved, out) {
            Ok(documents) => return documents,
            Err(Stop { scan, diagnostic }) => {
                let tab = scan.as_ref().and_then(|scan| Some((scan.line, tabs::indents(typed, scan.line)?)));
                let again = scan.and_then(|Scan { reason, line, column }| {
                    let mended = tabs::mended(&original, &reason, line, column).filter(|_| tabs < tabs::MAX_REPLACED);
                    let Some(mended) = mended else { return moved.retry(&original, &reason, line) };
                    tabs += 1;
                    original = Cow::Owned(mended);
                    Some(moved.apply(&original))
                });
                let Some(again) = again else {
                    out.0.push(tab.map_or(*diagnostic, |(line, column)| misplaced_tab(file, line, column)));
                    return Vec::new();
                };
                text = Cow::Owned(again);
                out.0.truncate(before);
            }
        }
    }
}

/// What Go's YAML refuses of a text before it looks at its structure: line and column from 1, and why.
fn refused(text: &str) -> Option<(usize, usize, &'static str)> {
    let control = |c: char| c < ' ' && !matches!(c, '\t' | '\n' | '\r');
    let mut lines = text.lines().enumerate();
    if let Some((index, line)) = lines.find(|(_, line)| line.contains(control)) {
        let column = line.chars().position(control).unwrap_or_default();
        return Some((index + 1, column + 1, "control characters are not allowed"));
    }
    let blank = |line: &str| line.trim().is_empty() || line.starts_with('#');
    let head = text.lines().enumerate().take_while(|(_, line)| blank(line) || line.starts_with('%'));
    head.filter(|(_, line)| line.starts_with('%')).find_map(|(index, line)| {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("%YAML"), Some("1.1")) | (Some("%TAG"), _) => None,
            (Some("%YAML"), _) => Some((index + 1, 1, "found incompatible YAML document, only 1.1 may be named")),
            _ => Some((index + 1, 1, "found unknown directive name")),
        }
    })
}

const TAB: &str = "found a tab where only blanks may stand";

/// The scanner stumbles over a tab without seeing it as the cause. Line from 1, column from 0.
fn misplaced_tab(file: &Arc<SourceFile>, line: usize, column: usize) -> Diagnostic {
    let span = Span { file: Some(Arc::clone(file)), line, column: column + 1, length: 1 };
    Diagnostic::error("yaml-syntax", "", Some(span), format!("failed to parse: {TAB}"))
}

fn compose(
    text: &str,
    typed: &str,
    file: &Arc<SourceFile>,
    moved: &Moved,
    out: &mut Diagnostics,
) -> Result<Vec<Node>, Stop> {
    let parser = Parser::new_from_str(text);
    let covered = (typed.contains('\t') || typed.contains("\\/")).then(tabs::Covered::default);
    let mut composer =
        Composer { parser, text, file, moved, covered, anchors: HashMap::new(), expanded: 0, depth: 0, out };
    let documents = composer.documents()?;
    let covered = composer.covered.take().unwrap_or_default();
    let tab = covered.misplaced(typed).map(|place| (place, TAB));
    let slash = || covered.escaped_slash(typed).map(|place| (place, "found unknown escape character"));
    match tab.or_else(slash) {
        Some(((line, column), reason)) => {
            let span = composer.at(line, column, 1);
            Err(composer.stop("yaml-syntax", format!("failed to parse: {reason}"), span))
        }
        None => Ok(documents),
    }
}

/// A syntax error or exceeded limit: nothing after it can be trusted.
struct Stop {
    diagnostic: Box<Diagnostic>,
    scan: Option<Scan>,
}

/// What the scanner said, and where.
struct Scan {
    reason: String,
    line: usize,
    column: usize,
}

impl Stop {
    /// The innermost bracket that was open.
    fn inside(mut self, span: &Span) -> Self {
        let line = span.file.as_ref().and_then(|file| file.text.lines().nth(span.line.checked_sub(1)?));
        let open = line.and_then(|line| line.chars().nth(span.column.checked_sub(1)?));
        if self.scan.is_some() && self.diagnostic.related.is_empty() && matches!(open, Some('[' | '{')) {
            self.diagnostic.related.push(("inside this, which is still open".to_owned(), span.clone()));
        }
        self
    }
}

struct Composer<'a, 'o> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    /// What is parsed.
    text: &'a str,
    file: &'o Arc<SourceFile>,
    moved: &'o Moved,
    /// Only for a text with tabs or `\/`.
    covered: Option<tabs::Covered>,
    anchors: HashMap<usize, Option<(Node, usize)>>,
    expanded: usize,
    depth: usize,
    out: &'o mut Diagnostics,
}

impl<'a> Composer<'a, '_> {
    fn documents(&mut self) -> Result<Vec<Node>, Stop> {
        let mut documents = Vec::new();
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(documents),
                (Event::DocumentStart(_), _) => {
                    self.anchors.clear();
                    let next = self.next()?;
                    if let Some(node) = self.node(next)? {
                        documents.push(node);
                    }
                }
                _ => {}
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Mark), Stop> {
        match self.parser.next_event() {
            Some(Ok((event, mark))) => {
                if let Some(covered) = &mut self.covered {
                    covered.event(&event, &mark);
                }
                Ok((event, mark))
            }
            Some(Err(error)) => {
                let marker = error.marker();
                let span = self.at(marker.line(), marker.col(), 1);
                let stop = self.stop("yaml-syntax", format!("failed to parse: {}", error.info()), span);
                let column = self.moved.column(marker.line(), marker.col());
                let scan = Scan { reason: error.info().to_owned(), line: marker.line(), column };
                Err(Stop { scan: Some(scan), ..stop })
            }
            None => Ok((Event::StreamEnd, Mark::default())),
        }
    }

    fn at(&self, line: usize, column: usize, length: usize) -> Span {
        let column = self.moved.column(line, column);
        Span { file: Some(Arc::clone(self.file)), line: line.max(1), column: column + 1, length: length.max(1) }
    }

    fn span(&self, mark: &Mark) -> Span {
        let same_line = mark.start.line() == mark.end.line();
        let length = if same_line { mark.end.col().saturating_sub(mark.start.col()) } else { 1 };
        self.at(mark.start.line(), mark.start.col(), length)
    }

    fn stop(&self, code: &'static str, message: String, span: Span) -> Stop {
        Stop { diagnostic: Box::new(Diagnostic::error(code, "", Some(span), message)), scan: None }
    }

    /// Composes one node from its first event; `None` for the end of a collection.
    fn node(&mut self, (event, mark): (Event<'a>, Mark)) -> Result<Option<Node>, Stop> {
        let span = self.span(&mark);
        let (anchor, node) = match event {
            Event::Alias(id) => return self.alias(id, span).map(Some),
            Event::Scalar(text, _, anchor, Some(tag)) if tag.is_yaml_core_schema() && tag.suffix == "binary" => {
                (anchor, self.binary(&text, span))
            }
            Event::Scalar(text, style, anchor, tag) => {
                let text = if is_block(style) { self.without_added_break(text, &mark) } else { text };
                if let Some(problem) = tag.as_deref().and_then(|tag| contradiction(tag, &text)) {
                    let hint = "leave the tag out; tags are looked at before variables are filled in";
                    let problem = format!("failed to parse: {problem}");
                    self.out.0.push(Diagnostic::error("yaml-tag", "", Some(span.clone()), problem).hinted(hint));
                }
                (anchor, scalar(&text, style, tag.as_deref(), span))
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(anchor, &span)?;
                let items = self.sequence().map_err(|stop| stop.inside(&span))?;
                (anchor, tagged(Value::Seq(items), tag.as_deref(), span))
            }
            Event::MappingStart(anchor, tag) => {
                self.open(anchor, &span)?;
                let entries = self.mapping().map_err(|stop| stop.inside(&span))?;
                (anchor, tagged(Value::Map(entries), tag.as_deref(), span))
            }
            _ => return Ok(None),
        };
        if anchor > 0 {
            let size = size(&node);
            self.anchors.insert(anchor, Some((node.clone(), size)));
        }
        Ok(Some(node))
    }

    /// `!!binary`: text in base64. What is not text after decoding has no place in a compose file.
    fn binary(&mut self, text: &str, span: Span) -> Node {
        use base64::Engine as _;
        // Go's decoder skips line feeds, but no blanks.
        let packed = text.replace(['\n', '\r'], "");
        let decoded = base64::engine::general_purpose::STANDARD.decode(packed).ok();
        let text = match decoded.map(String::from_utf8) {
            Some(Ok(text)) => text,
            Some(Err(_)) => {
                self.out.error("binary", "", &span, "!!binary value is not UTF-8 text");
                String::new()
            }
            None => {
                self.out.error("binary", "", &span, "!!binary value contains invalid base64 data");
                String::new()
            }
        };
        Node::new(Value::String(text), span)
    }

    /// A block whose last line is the last of the file and has no line feed does not end in one either. The scanner adds
    /// one, which would change the value and with it the config hash.
    fn without_added_break(&self, text: Cow<'a, str>, mark: &Mark) -> Cow<'a, str> {
        let last = self.text.rsplit('\n').next().unwrap_or_default();
        let line = text.strip_suffix('\n').and_then(|body| body.rsplit('\n').next()).unwrap_or_default();
        // The last line of the value is the file's last one: as it stands, or joined to others where they are folded.
        let held = !line.is_empty() && (last.ends_with(line) || ends_with_words(line, last));
        if held && self.text.chars().skip(mark.end.index()).all(char::is_whitespace) {
            let mut text = text.into_owned();
            text.pop();
            return Cow::Owned(text);
        }
        text
    }

    fn open(&mut self, anchor: usize, span: &Span) -> Result<(), Stop> {
        if anchor > 0 {
            self.anchors.insert(anchor, None);
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let text = format!("nested deeper than {MAX_DEPTH} levels");
            return Err(self.stop("yaml-depth", text, span.clone()));
        }
        Ok(())
    }

    fn alias(&mut self, id: usize, span: Span) -> Result<Node, Stop> {
        let Some(Some((node, size))) = self.anchors.get(&id) else {
            return Err(self.stop("yaml-cycle", "anchor refers to itself".to_owned(), span));
        };
        self.expanded += size;
        if self.expanded > MAX_EXPANDED {
            let text = format!("aliases expand to more than {MAX_EXPANDED} nodes");
            return Err(self.stop("yaml-bomb", text, span));
        }
        Ok(node.clone())
    }

    fn sequence(&mut self) -> Result<Vec<Node>, Stop> {
        let mut items = Vec::new();
        loop {
            let next = self.next()?;
            match self.node(next)? {
                Some(node) => items.push(node),
                None => break,
            }
        }
        self.depth -= 1;
        Ok(items)
    }

    fn mapping(&mut self) -> Result<Mapping, Stop> {
        let mut own = Mapping::new();
        let mut merged: Vec<Node> = Vec::new();
        let mut first_merge: Option<Span> = None;
        loop {
            let next = self.next()?;
            let plain_merge = is_merge_key(&next.0);
            let Some(key) = self.node(next)? else { break };
            let next = self.next()?;
            let Some(node) = self.node(next)? else { break };
            match first_merge.clone() {
                Some(first) if plain_merge => self.duplicate("<<", key.span, first),
                _ if plain_merge => {
                    first_merge = Some(key.span);
                    merged.push(node);
                }
                _ => self.insert(&mut own, key, node),
            }
        }
        self.depth -= 1;
        for node in merged {
            self.merge_key(&mut own, node);
        }
        Ok(own)
    }

    fn insert(&mut self, own: &mut Mapping, key: Node, node: Node) {
        let name = match &key.value {
            Value::String(name) => name.clone(),
            other => {
                let text = format!("non-string key {}", other.describe());
                let hint = "quote the key";
                self.out.0.push(Diagnostic::error("non-string-key", "", Some(key.span), text).hinted(hint));
                return;
            }
        };
        if let Some(first) = own.get(&name) {
            let first = first.key.clone();
            self.duplicate(&name, key.span, first);
            return;
        }
        own.insert(name, Entry { key: key.span, node });
    }

    fn duplicate(&mut self, name: &str, span: Span, first: Span) {
        let text = format!("mapping key \"{name}\" already defined at line {}", first.line);
        let problem = Diagnostic::error("duplicate-key", "", Some(span), text);
        self.out.0.push(problem.related("first defined here", first));
    }

    /// `<<: *a` or `<<: [*a, *b]`: keys that the mapping does not have itself; the first of a list wins.
    fn merge_key(&mut self, own: &mut Mapping, node: Node) {
        match node.value {
            Value::Map(map) => {
                for (name, entry) in map {
                    own.entry(name).or_insert(entry);
                }
            }
            Value::Seq(items) => {
                for item in items {
                    self.merge_key(own, item);
                }
            }
            _ => {
                let text = "map merge requires map or sequence of maps as the value";
                self.out.0.push(Diagnostic::error("merge-key", "", Some(node.span), text));
            }
        }
    }
}

/// `<<`, or the same text with the tag that names what it means (`yq` writes `!!merge <<`). With another tag, or in
/// quotes, it is a key like any other.
fn is_merge_key(event: &Event<'_>) -> bool {
    let Event::Scalar(text, style, _, tag) = event else { return false };
    text == "<<"
        && match tag.as_deref() {
            None => *style == ScalarStyle::Plain,
            Some(tag) => tag.is_yaml_core_schema() && tag.suffix == "merge",
        }
}

/// Number of nodes in a tree.
fn size(node: &Node) -> usize {
    match &node.value {
        Value::Seq(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Map(map) => 1 + map.values().map(|entry| size(&entry.node)).sum::<usize>(),
        _ => 1,
    }
}

fn tagged(value: Value, tag: Option<&Tag>, span: Span) -> Node {
    let merge = match tag {
        Some(tag) if tag.handle == "!" && tag.suffix == "reset" => Merge::Reset,
        Some(tag) if tag.handle == "!" && tag.suffix == "override" => Merge::Override,
        _ => Merge::Default,
    };
    Node { value, span, merge }
}

fn is_block(style: ScalarStyle) -> bool {
    matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
}

fn ends_with_words(line: &str, last: &str) -> bool {
    let words = last.trim_start();
    !words.is_empty() && line.ends_with(words)
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Node {
    let value = match (tag.and_then(core), style) {
        (Some("str"), _) => Value::String(text.to_owned()),
        (Some("int" | "float" | "bool" | "null" | "timestamp"), _) | (None, ScalarStyle::Plain) => plain(text),
        _ => Value::String(text.to_owned()),
    };
    tagged(value, tag, span)
}

/// What is wrong with a scalar that cannot be what its tag says, in Go's words. Its text alone counts, however it is quoted.
fn contradiction(tag: &Tag, text: &str) -> Option<String> {
    let name = core(tag)?;
    let value = plain(text);
    let fits = match name {
        "int" => matches!(value, Value::Int(_) | Value::Large(_)),
        "float" => matches!(value, Value::Int(_) | Value::Large(_) | Value::Float(_)),
        "bool" => matches!(value, Value::Bool(_)),
        "null" => matches!(value, Value::Null),
        "timestamp" => matches!(value, Value::Time(_)),
        _ => true,
    };
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Large(_) => "int",
        Value::Float(_) => "float",
        Value::Time(_) => "timestamp",
        Value::String(_) | Value::Seq(_) | Value::Map(_) => "str",
    };
    (!fits).then(|| format!("cannot construct !!{is} `{text}` as a !!{name}"))
}

/// The type that a tag of YAML's own names, in its short form (`!!int`) or as it is (`!<tag:yaml.org,2002:int>`).
fn core(tag: &Tag) -> Option<&str> {
    if tag.is_yaml_core_schema() {
        return Some(&tag.suffix);
    }
    [&tag.suffix, &tag.handle].into_iter().find_map(|text| text.strip_prefix("tag:yaml.org,2002:"))
}

/// Type of a plain scalar: the YAML 1.2 core schema, with the number forms that Go's YAML reads too.
#[must_use]
pub fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Value::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        _ => {}
    }
    let first = text.as_bytes()[0];
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return Value::String(text.to_owned());
    }
    if let Some(value) = text.parse::<u64>().ok().filter(|value| i64::try_from(*value).is_err()) {
        return Value::Large(value);
    }
    let time = || Timestamp::parse(text).map(Value::Time);
    integer(text)
        .map(Value::Int)
        .or_else(|| float(text))
        .or_else(time)
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

fn integer(text: &str) -> Option<i64> {
    let clean = text.replace('_', "");
    let (negative, digits) = match clean.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, clean.strip_prefix('+').unwrap_or(&clean)),
    };
    let radix = |prefix: &str, base: u32| digits.strip_prefix(prefix).map(|rest| i64::from_str_radix(rest, base));
    // Neither octal nor decimal: the zero makes it a float.
    if digits.len() > 1
        && digits.starts_with('0')
        && digits.bytes().all(|b| b.is_ascii_digit())
        && digits.contains(['8', '9'])
    {
        return None;
    }
    let parsed = radix("0x", 16).or_else(|| radix("0b", 2)).or_else(|| radix("0o", 8)).or_else(|| {
        let octal = digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| (b'0'..b'8').contains(&b));
        octal.then(|| i64::from_str_radix(digits, 8))
    });
    if clean == "-0" {
        return None;
    }
    let value = match parsed {
        Some(value) => value.ok()?,
        None if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse::<i64>().ok()?,
        None => return None,
    };
    Some(if negative { -value } else { value })
}

fn float(text: &str) -> Option<Value> {
    let clean = text.replace('_', "");
    let shape = clean.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    if !shape || !clean.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    clean.parse::<f64>().ok().filter(|value| value.is_finite()).map(Value::Float)
}
