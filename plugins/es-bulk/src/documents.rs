//! From records of the inputs to documents with an id and a place.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use windlass_plugin::inputs::{Input, Pieces};
use windlass_plugin::records::{Record, Records};
use windlass_plugin::{Context, Failure};

use crate::settings::{Job, Mode};

/// A document, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) id: String,
    /// `trucks.ndjson:12`.
    pub(crate) place: String,
    /// JSON on one line.
    pub(crate) text: Vec<u8>,
}

/// A record that cannot be a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) place: String,
    pub(crate) reason: String,
}

/// All documents of a job, in order. The outer error ends the load, the inner one is about one record.
pub(crate) fn documents<'a>(
    ctx: &'a Context<'_>,
    job: &'a Job,
) -> impl Iterator<Item = Result<Result<Document, Flaw>, Failure>> + 'a {
    let mut before = 0;
    job.sources.iter().flat_map(move |input| {
        let offset = before;
        let numbered = Records::new(Pieces::new(ctx.inputs, &input.name)).zip(1u64..).map(move |(record, number)| {
            let id = Identity { job, input, number, overall: offset + number };
            record.map(|record| id.document(&record))
        });
        // Ids are numbered over all files, so the size of the earlier ones must be known: only with several files.
        if job.sources.len() > 1 {
            before += Records::new(Pieces::new(ctx.inputs, &input.name)).count() as u64;
        }
        numbered
    })
}

/// What the id of a record is made of.
struct Identity<'a> {
    job: &'a Job,
    input: &'a Input,
    number: u64,
    overall: u64,
}

impl Identity<'_> {
    fn document(&self, record: &Record) -> Result<Document, Flaw> {
        let flaw = |line: u64, reason: String| Flaw { place: format!("{}:{line}", self.input.name), reason };
        let fields: BTreeMap<String, &RawValue> = serde_json::from_slice(&record.text).map_err(|error| {
            let line = record.line + (error.line() as u64).saturating_sub(1);
            flaw(line, format!("not a JSON object: {}", without_position(&error)))
        })?;
        let id = self.id(&fields).map_err(|reason| flaw(record.line, reason))?;
        // Line breaks inside strings are escaped in valid JSON, so these stand between tokens.
        let text = record.text.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }).collect();
        Ok(Document { id, place: format!("{}:{}", self.input.name, record.line), text })
    }

    /// The user's field; else a number that is the same in every run, so that a second run after a half-done one writes
    /// the same documents again and never twice. Appended ones must not meet those of another file.
    fn id(&self, fields: &BTreeMap<String, &RawValue>) -> Result<String, String> {
        let Some(field) = &self.job.settings.id else {
            return Ok(match self.job.settings.mode {
                Mode::Append => format!("{}-{}", self.input.sha256.get(..12).unwrap_or("input"), self.number),
                Mode::Replace | Mode::Upsert => self.overall.to_string(),
            });
        };
        let value = fields.get(field).ok_or_else(|| format!("no field `{field}` to take the id from"))?.get();
        match serde_json::from_str(value) {
            Ok(serde_json::Value::String(text)) if !text.is_empty() => Ok(text),
            Ok(serde_json::Value::Number(_)) => Ok(value.to_owned()),
            _ => Err(format!("field `{field}` is neither text nor a number, and cannot be the id: {value}")),
        }
    }
}

fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or(&text);
    format!("{reason} (column {})", error.column())
}
