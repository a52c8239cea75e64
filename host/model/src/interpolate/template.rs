//! `$NAME`, `${NAME:-default}` and the other operators, in one string.

use std::fmt;

/// Looks a variable up; `None`: not set.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Why a template cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `${X`, `${1}`, `${X!}`.
    #[error("invalid interpolation format")]
    Invalid,
    /// `${X:?message}` with X unset (or empty).
    #[error("required variable {name} is missing a value{}", if message.is_empty() { String::new() } else { format!(": {message}") })]
    Required {
        /// Variable.
        name: String,
        /// Message, interpolated.
        message: String,
    },
}

/// An operator between name and word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `:-` and `-`.
    Default,
    /// `:+` and `+`.
    Alternate,
    /// `:?` and `?`.
    Required,
}

/// One variable as a template uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage<'t> {
    /// Name.
    pub name: &'t str,
    /// Operator and word; `true`: the colon form, which treats empty as unset.
    pub operator: Option<(Operator, bool, &'t str)>,
}

impl fmt::Display for Usage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((operator, colon, word)) = self.operator else { return write!(f, "${{{}}}", self.name) };
        let sign = match operator {
            Operator::Default => '-',
            Operator::Alternate => '+',
            Operator::Required => '?',
        };
        write!(f, "${{{}{}{sign}{word}}}", self.name, if colon { ":" } else { "" })
    }
}

/// A piece of a template.
enum Piece<'t> {
    Text(&'t str),
    Variable(Usage<'t>),
}

/// Fills a template in. Names of unset variables that became the empty string are added to `unset`.
///
/// # Errors
/// When the syntax is wrong or a required variable is missing.
pub fn substitute(template: &str, lookup: Lookup<'_>, unset: &mut Vec<String>) -> Result<String, TemplateError> {
    fill(template, lookup, unset).map_err(|mut errors| errors.swap_remove(0))
}

/// As [`substitute`], but tells of every required variable that is missing.
///
/// # Errors
/// At least one: the syntax is wrong, or required variables are missing.
pub fn fill(template: &str, lookup: Lookup<'_>, unset: &mut Vec<String>) -> Result<String, Vec<TemplateError>> {
    if !template.contains('$') {
        return Ok(template.to_owned());
    }
    let mut filling = Filling { lookup, unset, missing: Vec::new() };
    match filling.template(template) {
        Err(error) if filling.missing.is_empty() => Err(vec![error]),
        Ok(text) if filling.missing.is_empty() => Ok(text),
        _ => Err(filling.missing),
    }
}

/// Lists the variables of a template, those inside words too.
///
/// # Errors
/// When the syntax is wrong.
pub fn usages(template: &str) -> Result<Vec<Usage<'_>>, TemplateError> {
    let mut found = Vec::new();
    let mut rest = template;
    while let Some((piece, after)) = split(rest)? {
        if let Piece::Variable(usage) = piece {
            let word = usage.operator.map(|(_, _, word)| word);
            found.push(usage);
            found.extend(word.map_or_else(|| Ok(Vec::new()), usages)?);
        }
        rest = after;
    }
    Ok(found)
}

/// A template that is being filled in, and what was found on the way.
struct Filling<'l, 'u> {
    lookup: Lookup<'l>,
    unset: &'u mut Vec<String>,
    missing: Vec<TemplateError>,
}

impl Filling<'_, '_> {
    fn template(&mut self, template: &str) -> Result<String, TemplateError> {
        let mut result = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((piece, after)) = split(rest)? {
            match piece {
                Piece::Text(text) => result.push_str(text),
                Piece::Variable(usage) => result.push_str(&self.expand(&usage)?),
            }
            rest = after;
        }
        Ok(result)
    }

    fn expand(&mut self, usage: &Usage<'_>) -> Result<String, TemplateError> {
        let value = (self.lookup)(usage.name);
        let Some((operator, colon, word)) = usage.operator else {
            return Ok(value.unwrap_or_else(|| {
                self.unset.push(usage.name.to_owned());
                String::new()
            }));
        };
        let usable = value.as_ref().is_some_and(|value| !(colon && value.is_empty()));
        match operator {
            Operator::Default if usable => Ok(value.unwrap_or_default()),
            Operator::Default => self.template(word),
            Operator::Alternate if usable => self.template(word),
            Operator::Alternate => Ok(String::new()),
            Operator::Required if usable => Ok(value.unwrap_or_default()),
            Operator::Required => self.require(usage.name, word).map(|()| String::new()),
        }
    }

    /// Notes a variable that is missing; where its message lacks one too, that one is told.
    fn require(&mut self, name: &str, word: &str) -> Result<(), TemplateError> {
        let before = self.missing.len();
        let message = self.template(word)?;
        if self.missing.len() == before {
            self.missing.push(TemplateError::Required { name: name.to_owned(), message });
        }
        Ok(())
    }
}

/// Takes the first piece off; `None` at the end.
fn split(text: &str) -> Result<Option<(Piece<'_>, &str)>, TemplateError> {
    if text.is_empty() {
        return Ok(None);
    }
    let Some(after) = text.strip_prefix('$') else {
        let end = text.find('$').unwrap_or(text.len());
        return Ok(Some((Piece::Text(&text[..end]), &text[end..])));
    };
    if let Some(rest) = after.strip_prefix('$') {
        return Ok(Some((Piece::Text("$"), rest)));
    }
    if let Some(inner) = after.strip_prefix('{') {
        let end = closing_brace(inner).ok_or(TemplateError::Invalid)?;
        return Ok(Some((Piece::Variable(braced(&inner[..end])?), &inner[end + 1..])));
    }
    let length = name_length(after);
    if length == 0 {
        return Ok(Some((Piece::Text("$"), after)));
    }
    Ok(Some((Piece::Variable(Usage { name: &after[..length], operator: None }), &after[length..])))
}

/// Deepest nesting of braces accepted: far beyond any use, far below any stack.
const MAX_NESTING: usize = 50;

fn closing_brace(inner: &str) -> Option<usize> {
    let mut open = 1_usize;
    for (index, byte) in inner.bytes().enumerate() {
        match byte {
            b'{' if open == MAX_NESTING => return None,
            b'{' => open += 1,
            b'}' if open == 1 => return Some(index),
            b'}' => open -= 1,
            _ => {}
        }
    }
    None
}

fn name_length(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count()
}

fn braced(inner: &str) -> Result<Usage<'_>, TemplateError> {
    let length = name_length(inner);
    let (name, rest) = inner.split_at(length);
    if name.is_empty() {
        return Err(TemplateError::Invalid);
    }
    if rest.is_empty() {
        return Ok(Usage { name, operator: None });
    }
    let (colon, rest) = rest.strip_prefix(':').map_or((false, rest), |rest| (true, rest));
    let operator = match rest.as_bytes().first() {
        Some(b'-') => Operator::Default,
        Some(b'+') => Operator::Alternate,
        Some(b'?') => Operator::Required,
        _ => return Err(TemplateError::Invalid),
    };
    Ok(Usage { name, operator: Some((operator, colon, &rest[1..])) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str) -> Result<String, TemplateError> {
        let lookup = |name: &str| match name {
            "SET" => Some("value".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        substitute(template, &lookup, &mut Vec::new())
    }

    #[test]
    fn every_operator() {
        let table = [
            ("$SET-${SET}", "value-value"),
            ("${X:-d}${X-d}${EMPTY:-d}${EMPTY-d}", "ddd"),
            ("${SET:+a}${SET+a}${X:+a}${X+a}${EMPTY:+a}${EMPTY+a}", "aaa"),
            ("${SET:?m}${SET?m}${EMPTY?m}", "valuevalue"),
            ("${X:-${Y:-${SET}}}", "value"),
            ("${X:-{}}", "{}"),
            ("$$SET $1 $ $", "$SET $1 $ $"),
            ("${X-http://h:80/?q=1}", "http://h:80/?q=1"),
        ];
        for (template, expected) in table {
            assert_eq!(fill(template).as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn errors() {
        for template in ["${X", "${1X}", "${X!}", "${}"] {
            assert_eq!(fill(template), Err(TemplateError::Invalid), "{template}");
        }
        let missing = fill("${X:?set ${SET}}").expect_err("X is unset");
        assert_eq!(missing.to_string(), "required variable X is missing a value: set value");
    }

    #[test]
    fn all_that_is_missing_is_told() {
        let missing = |template| {
            let errors = super::fill(template, &|_| None, &mut Vec::new()).expect_err("something is missing");
            errors.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let required = |name: &str, text: &str| format!("required variable {name} is missing a value: {text}");
        assert_eq!(missing("${X:?first} ${Y:?second}"), [required("X", "first"), required("Y", "second")]);
        assert_eq!(missing("${A:-${X:?first}}${Y?${Z:?inner}}"), [required("X", "first"), required("Z", "inner")]);
        assert_eq!(missing("${X:?first} ${"), [required("X", "first")]);
    }
}
