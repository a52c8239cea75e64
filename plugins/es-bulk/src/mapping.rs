//! The body that creates the index: what the user gave, in the form that the server's version wants, with our mark in it.

use serde_json::{Map, Value as Json, json};
use windlass_plugin::{Failure, failure};

use crate::server::Version;

/// Keys that stand in a mapping itself; a single other key is a mapping type.
const MAPPING_KEYS: [&str; 10] = [
    "properties",
    "dynamic",
    "dynamic_templates",
    "_source",
    "_routing",
    "_meta",
    "_all",
    "date_detection",
    "numeric_detection",
    "dynamic_date_formats",
];

/// Body of the creation. `file` is the user's: a whole body, or its `mappings` alone.
///
/// # Errors
/// When it is neither.
pub(crate) fn body(file: Option<&[u8]>, version: &Version, kind: &str, project: &str) -> Result<Json, Failure> {
    let mut body = match file {
        Some(bytes) => parse(bytes)?,
        None => Map::new(),
    };
    if !body.contains_key("mappings") && !body.contains_key("settings") && !body.contains_key("aliases") {
        body = Map::from_iter([("mappings".to_owned(), Json::Object(body))]);
    }
    let given = match body.remove("mappings") {
        Some(Json::Object(mappings)) => untyped(mappings),
        None => Map::new(),
        Some(other) => return Err(unusable(&format!("`mappings` is not an object: {other}"))),
    };
    let marked = Json::Object(mark(given, project));
    body.insert("mappings".to_owned(), if version.has_types() { json!({ kind: marked }) } else { marked });
    Ok(Json::Object(body))
}

fn parse(bytes: &[u8]) -> Result<Map<String, Json>, Failure> {
    serde_json::from_slice(bytes).map_err(|error| unusable(&error.to_string()))
}

fn unusable(why: &str) -> Failure {
    failure(format!("the mapping file cannot be used: {why}"))
        .hint("a JSON object: `{ \"properties\": … }`, or a whole body with `settings` and `mappings`")
        .code("settings")
}

/// Takes `{ "truck": { … } }` apart.
fn untyped(mappings: Map<String, Json>) -> Map<String, Json> {
    let mut entries: Vec<(String, Json)> = mappings.into_iter().collect();
    match entries.as_mut_slice() {
        [(key, Json::Object(inner))] if !MAPPING_KEYS.contains(&key.as_str()) => std::mem::take(inner),
        _ => entries.into_iter().collect(),
    }
}

/// Marks the index as made by Windlass, beside what the user has in `_meta`.
fn mark(mut mapping: Map<String, Json>, project: &str) -> Map<String, Json> {
    let meta = mapping.entry("_meta").or_insert_with(|| json!({}));
    if let Some(meta) = meta.as_object_mut() {
        meta.insert("windlass".to_owned(), json!({ "project": project, "plugin": "es-bulk" }));
    }
    mapping
}

/// Whether a mapping, as the server gives it, bears the mark: with or without a type around it.
pub(crate) fn is_marked(mappings: &Json) -> bool {
    let here = |mapping: &Json| mapping.pointer("/_meta/windlass").is_some();
    here(mappings) || mappings.as_object().is_some_and(|types| types.values().any(here))
}
