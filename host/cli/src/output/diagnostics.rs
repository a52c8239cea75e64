//! Errors and warnings as text: message, place with excerpt and caret, hint.

use std::error::Error as _;

use serde_json::{Value as Json, json};
use windlass_model::node::Span;
use windlass_model::{Diagnostic, Diagnostics, Severity};

use crate::errors::CliError;
use crate::output::excerpt::excerpt;
use crate::output::ui::{Style, Ui};
use crate::output::visible::visible;

/// Shows why the program ends; nothing where that was shown already.
pub(crate) fn show_error(ui: &Ui, error: &CliError) {
    match error {
        CliError::Run(_) | CliError::Exit(_) | CliError::Interrupted => {}
        CliError::Arguments(error) => show_arguments(ui, error),
        CliError::Model(diagnostics) => show_all(ui, diagnostics),
        CliError::Usage { .. }
        | CliError::State { .. }
        | CliError::Internal(_)
        | CliError::Engine(_)
        | CliError::Hook(_)
        | CliError::Io { .. } => {
            ui.error(chain(error));
            if let CliError::Hook(hook) = error {
                hook.stderr.iter().for_each(|line| ui.status(format_args!("    {line}")));
            }
            if let Some(hint) = error.hint() {
                ui.hint(hint);
            }
        }
    }
}

fn show_arguments(ui: &Ui, error: &clap::Error) {
    if error.use_stderr() {
        ui.status(error.to_string().trim_end());
    } else {
        // Help was asked for; a reader that left early has seen enough.
        drop(ui.data(error.to_string()));
    }
}

/// The error with its causes.
fn chain(error: &CliError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Shows all problems of a load.
pub(crate) fn show_all(ui: &Ui, diagnostics: &Diagnostics) {
    diagnostics.0.iter().for_each(|diagnostic| show(ui, diagnostic));
}

fn show(ui: &Ui, diagnostic: &Diagnostic) {
    if ui.wants_json_problems() {
        return ui.status(as_json(diagnostic));
    }
    match diagnostic.severity {
        Severity::Error => ui.error(&diagnostic.message),
        Severity::Warning => ui.warning(&diagnostic.message),
    }
    if let Some(span) = &diagnostic.span {
        show_place(ui, span);
    }
    for (text, span) in &diagnostic.related {
        ui.painted(format_args!("  {}", ui.paint(Style::Bold, text)));
        show_place(ui, span);
    }
    if let Some(hint) = &diagnostic.hint {
        ui.hint(hint);
    }
}

/// For editors. `line`, `column` and `length` count characters, from 1; no `file`: the problem has no place.
fn as_json(diagnostic: &Diagnostic) -> Json {
    let place = |span: &Span| {
        let file = span.file.as_ref().map(|file| file.path.display().to_string());
        json!({ "file": file, "line": span.line, "column": span.column, "length": span.length })
    };
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut fields = json!({ "severity": severity, "code": diagnostic.code, "message": diagnostic.message,
                             "path": diagnostic.path, "hint": diagnostic.hint });
    if let (Some(fields), Some(Json::Object(place))) = (fields.as_object_mut(), diagnostic.span.as_ref().map(place)) {
        fields.extend(place);
    }
    let related = diagnostic.related.iter().map(|(text, span)| {
        let mut fields = place(span);
        fields["message"] = Json::from(text.as_str());
        fields
    });
    fields["related"] = related.collect();
    fields
}

/// A place with its excerpt.
pub(crate) fn show_place(ui: &Ui, span: &Span) {
    let Some(file) = &span.file else { return };
    let arrow = ui.paint(Style::Cyan, "-->");
    let path = ui.shown(&file.path);
    ui.painted(format_args!("  {arrow} {}:{}:{}", visible(&path), span.line, span.column));
    let Some(line) = span.line.checked_sub(1).and_then(|index| file.text.lines().nth(index)) else { return };
    let number = span.line.to_string();
    let (margin, bar) = (" ".repeat(number.len()), ui.paint(Style::Cyan, "|"));
    let room = ui.options().excerpt_width.saturating_sub(number.len() + "   | ".len());
    let excerpt = excerpt(line, span.column, span.length, room);
    let carets = ui.paint(Style::Red, "^".repeat(excerpt.carets));
    ui.painted(format_args!("  {margin} {bar}"));
    ui.painted(format_args!("  {} {bar} {}", ui.paint(Style::Cyan, number), excerpt.line));
    ui.painted(format_args!("  {margin} {bar} {}{carets}", " ".repeat(excerpt.indent)));
}
