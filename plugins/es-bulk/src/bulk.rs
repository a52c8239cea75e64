//! One bulk request: what is sent, and what came of each document.

use serde::Deserialize;
use serde_json::json;

use crate::documents::Document;

/// Documents for one request.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) documents: Vec<Document>,
    bytes: usize,
}

impl Batch {
    /// Whether the document has its place beside those that are in already.
    pub(crate) fn has_room(&self, document: &Document, docs: usize, bytes: usize) -> bool {
        self.documents.is_empty()
            || (self.documents.len() < docs && self.bytes.saturating_add(document.text.len()) <= bytes)
    }

    pub(crate) fn push(&mut self, document: Document) {
        self.bytes += document.text.len();
        self.documents.push(document);
    }

    /// The body: an action line and the document, each.
    pub(crate) fn body(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.bytes + self.documents.len() * 48);
        for document in &self.documents {
            body.extend_from_slice(json!({ "index": { "_id": document.id } }).to_string().as_bytes());
            body.push(b'\n');
            body.extend_from_slice(&document.text);
            body.push(b'\n');
        }
        body
    }
}

/// What came of a batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Documents that are new in the index.
    pub(crate) created: u64,
    /// Documents that replaced another of the same id.
    pub(crate) updated: u64,
    /// Positions of documents that the server had no time for: to be sent again.
    pub(crate) busy: Vec<usize>,
    /// Positions of documents that it will not take, and why.
    pub(crate) refused: Vec<(usize, Refusal)>,
}

/// Why a document was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// `mapper_parsing_exception`.
    pub(crate) kind: String,
    /// In the server's words, with the cause.
    pub(crate) reason: String,
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    index: ItemResult,
}

#[derive(Deserialize)]
struct ItemResult {
    status: u16,
    #[serde(default)]
    error: Option<Cause>,
}

#[derive(Deserialize)]
struct Cause {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    caused_by: Option<Box<Self>>,
}

impl Cause {
    fn refusal(&self) -> Refusal {
        let mut reason = self.reason.clone();
        let mut cause = self.caused_by.as_deref();
        while let Some(inner) = cause {
            if !inner.reason.is_empty() && !reason.contains(&inner.reason) {
                reason = format!("{reason}: {}", inner.reason);
            }
            cause = inner.caused_by.as_deref();
        }
        Refusal { kind: self.kind.clone(), reason }
    }
}

/// Reads the answer to a batch of `sent` documents; none when it is not one.
pub(crate) fn outcome(answer: &[u8], sent: usize) -> Option<Outcome> {
    let answer: Answer = serde_json::from_slice(answer).ok()?;
    if answer.items.len() != sent {
        return None;
    }
    let mut outcome = Outcome::default();
    for (position, item) in answer.items.into_iter().enumerate() {
        match (item.index.status, item.index.error) {
            (201, _) => outcome.created += 1,
            (429 | 503, _) => outcome.busy.push(position),
            (_, Some(cause)) => outcome.refused.push((position, cause.refusal())),
            (200..=299, None) => outcome.updated += 1,
            (status, None) => {
                let refusal = Refusal { kind: "status".to_owned(), reason: format!("status {status}") };
                outcome.refused.push((position, refusal));
            }
        }
    }
    Some(outcome)
}
