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
