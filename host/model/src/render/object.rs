//! An ordered JSON object under construction, leaving out what is empty.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value as Json};

use crate::units;

/// Builds an object; methods consume and return it so that a type reads as one list of attributes.
#[derive(Default)]
pub(super) struct Object(Map<String, Json>);

impl Object {
    pub(super) fn put(mut self, key: &str, value: Json) -> Self {
        self.0.insert(key.to_owned(), value);
        self
    }

    fn put_if(self, wanted: bool, key: &str, value: impl FnOnce() -> Json) -> Self {
        if wanted { self.put(key, value()) } else { self }
    }

    pub(super) fn optional(self, key: &str, value: Option<Json>) -> Self {
        match value {
            Some(value) => self.put(key, value),
            None => self,
        }
    }

    pub(super) fn text(self, key: &str, value: &str) -> Self {
        self.put_if(!value.is_empty(), key, || Json::from(value))
    }

    pub(super) fn flag(self, key: &str, value: bool) -> Self {
        self.put_if(value, key, || Json::Bool(true))
    }

    pub(super) fn int(self, key: &str, value: i64) -> Self {
        self.put_if(value != 0, key, || Json::from(value))
    }

    pub(super) fn float(self, key: &str, value: f32) -> Self {
        self.put_if(value != 0.0, key, || float(value))
    }

    /// Bytes are printed as decimal text.
    pub(super) fn bytes(self, key: &str, value: i64) -> Self {
        self.put_if(value != 0, key, || Json::from(value.to_string()))
    }

    pub(super) fn duration(self, key: &str, value: Option<Duration>) -> Self {
        self.optional(key, value.map(|value| Json::from(units::print_duration(value))))
    }

    pub(super) fn strings(self, key: &str, values: &[String]) -> Self {
        self.list(key, values, |value| Json::from(value.as_str()))
    }

    pub(super) fn list<T>(self, key: &str, values: &[T], print: impl Fn(&T) -> Json) -> Self {
        self.put_if(!values.is_empty(), key, || values.iter().map(print).collect())
    }

    pub(super) fn string_map(self, key: &str, values: &BTreeMap<String, String>) -> Self {
        self.map(key, values, |value| Json::from(value.as_str()))
    }

    pub(super) fn optional_map(self, key: &str, values: &BTreeMap<String, Option<String>>) -> Self {
        self.map(key, values, |value| Json::from(value.clone()))
    }

    /// Entries sorted by key.
    pub(super) fn map<'v, T: 'v, M>(self, key: &str, values: M, print: impl Fn(&T) -> Json) -> Self
    where
        M: IntoIterator<Item = (&'v String, &'v T)>,
    {
        let sorted: BTreeMap<&String, &T> = values.into_iter().collect();
        self.put_if(!sorted.is_empty(), key, || {
            Json::Object(sorted.into_iter().map(|(key, value)| (key.clone(), print(value))).collect())
        })
    }

    pub(super) fn extend(mut self, entries: &BTreeMap<String, Json>) -> Self {
        self.0.extend(entries.iter().map(|(key, value)| (key.clone(), value.clone())));
        self
    }

    pub(super) fn done(self) -> Json {
        Json::Object(self.0)
    }
}

/// A 32-bit float with the shortest text that reads back as the same 32-bit float.
pub(super) fn float(value: f32) -> Json {
    let wide: f64 = value.to_string().parse().unwrap_or_else(|_| f64::from(value));
    #[expect(clippy::cast_possible_truncation, reason = "whole and small")]
    if wide.fract() == 0.0 && wide.abs() < 1e15 { Json::from(wide as i64) } else { Json::from(wide) }
}
