//! Errors and warnings that point at the place the user typed.

use crate::node::Span;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The load goes on.
    Warning,
    /// The load fails once all problems are collected.
    Error,
}

/// One problem of one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    /// Warning or error.
    pub severity: Severity,
    /// One sentence, without place, lower-case start, no full stop. Where the peer has a text for the case, the same text.
    pub message: String,
    /// Path in the model: `services.web.ports[1]`; empty for whole-file problems.
    pub path: String,
    /// Where; `None` when no place can be named (missing file).
    pub span: Option<Span>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Other places that matter ("defined here", "overridden here").
    pub related: Vec<(String, Span)>,
    /// A stable identifier for machines (`unknown-key`, `undefined-network`, …).
    pub code: &'static str,
}

/// All problems of one load, in the order of file and line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostic {
    /// An error.
    pub fn error(code: &'static str, path: &str, span: Option<Span>, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { severity: Severity::Error, message, path: path.to_owned(), span, hint: None, related: Vec::new(), code }
    }

    /// A warning.
    pub fn warning(code: &'static str, path: &str, span: Option<Span>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, path, span, message) }
    }

    /// With a hint.
    #[must_use]
    pub fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With another place that matters.
    #[must_use]
    pub fn related(mut self, what: &str, span: Span) -> Self {
        self.related.push((what.to_owned(), span));
        self
    }
}

impl Diagnostics {
    /// Adds an error at a node.
    pub fn error(&mut self, code: &'static str, path: &str, span: &Span, message: impl Into<String>) {
        self.0.push(Diagnostic::error(code, path, Some(span.clone()), message));
    }

    /// Adds a warning at a node.
    pub fn warning(&mut self, code: &'static str, path: &str, span: &Span, message: impl Into<String>) {
        self.0.push(Diagnostic::warning(code, path, Some(span.clone()), message));
    }

    /// Whether any problem is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|problem| problem.severity == Severity::Error)
    }
}
