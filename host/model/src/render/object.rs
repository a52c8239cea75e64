//! A printable value under construction, leaving out what is empty.
//!
//! Attributes of a type keep the order of the type; entries of a mapping are sorted, and differently so in YAML and JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value as Json;

use crate::units;

/// A value to be printed.
pub(crate) enum Doc {
    /// A scalar.
    Leaf(Json),
    /// A list.
    List(Vec<Self>),
    /// Attributes of a type, in its order.
    Attributes(Vec<(String, Self)>),
    /// Entries of a mapping.
    Map(BTreeMap<String, Self>),
}

impl<T: Into<Json>> From<T> for Doc {
    fn from(value: T) -> Self {
        match value.into() {
            Json::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Json::Object(map) => Self::Map(map.into_iter().map(|(key, value)| (key, Self::from(value))).collect()),
            leaf => Self::Leaf(leaf),
        }
    }
}

impl Doc {
    /// As JSON, mappings sorted by bytes. The `x-…` attributes of types are left out, as the peer does.
    pub(crate) fn into_json(self) -> Json {
        match self {
            Self::Leaf(leaf) => leaf,
            Self::List(items) => Json::Array(items.into_iter().map(Self::into_json).collect()),
            Self::Attributes(entries) => {
                let own = entries.into_iter().filter(|(key, _)| !key.starts_with("x-"));
                Json::Object(own.map(|(key, value)| (key, value.into_json())).collect())
            }
            Self::Map(map) => Json::Object(map.into_iter().map(|(key, value)| (key, value.into_json())).collect()),
        }
    }

    /// The attributes of a type, `x-…` among them.
    pub(crate) fn into_attributes(self) -> Vec<(String, Self)> {
        if let Self::Attributes(entries) = self { entries } else { Vec::new() }
    }

    /// In the order of YAML: mappings sorted as Go's YAML writer sorts keys.
    pub(crate) fn into_yaml(self) -> Json {
        match self {
            Self::Leaf(leaf) => leaf,
            Self::List(items) => Json::Array(items.into_iter().map(Self::into_yaml).collect()),
            Self::Attributes(entries) => {
                Json::Object(entries.into_iter().map(|(key, value)| (key, value.into_yaml())).collect())
            }
            Self::Map(map) => {
                let mut entries: Vec<(String, Self)> = map.into_iter().collect();
                entries.sort_by(|left, right| natural(&left.0, &right.0));
                Json::Object(entries.into_iter().map(|(key, value)| (key, value.into_yaml())).collect())
            }
        }
    }
}

/// Order of keys in Go's YAML writer: digits by value, other signs before letters.
fn natural(left: &str, right: &str) -> std::cmp::Ordering {
    use std::cmp::Ordering;
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut digits = false;
    for (index, (a, b)) in left.iter().zip(&right).enumerate() {
        if a == b {
            digits = a.is_ascii_digit();
            continue;
        }
        match (a.is_alphabetic(), b.is_alphabetic()) {
            (true, true) => return a.cmp(b),
            (true, false) => return if digits { Ordering::Less } else { Ordering::Greater },
            (false, true) => return if digits { Ordering::Greater } else { Ordering::Less },
            (false, false) => return numbers(&left, &right, index).then_with(|| a.cmp(b)),
        }
    }
    left.len().cmp(&right.len())
}

/// Compares the numbers that start at `index`, where the keys begin to differ. A sign without digits counts as zero, so
/// that it stands before every number but zero. Digits before `index` are the same in both keys and matter only in so
/// far as a zero after them is no leading zero (`10` and `1-`).
fn numbers(left: &[char], right: &[char], index: usize) -> std::cmp::Ordering {
    let zero = left[index] == '0' || right[index] == '0';
    let mut before = left[..index].iter().rev().take_while(|c| c.is_ascii_digit());
    let start = i64::from(zero && before.any(|c| *c != '0'));
    let number = |text: &[char]| {
        let digits = text[index..].iter().map_while(|c| c.to_digit(10));
        // Wraps as Go's 64-bit integers do: a key of that many digits still has one place.
        digits.fold((start, 0), |(value, length): (i64, usize), digit| {
            (value.wrapping_mul(10).wrapping_add(i64::from(digit)), length + 1)
        })
    };
    number(left).cmp(&number(right))
}

/// Builds the attributes of a type; methods consume and return it so that a type reads as one list.
#[derive(Default)]
pub(super) struct Object(Vec<(String, Doc)>);

impl Object {
    pub(super) fn put(mut self, key: &str, value: impl Into<Doc>) -> Self {
        self.0.push((key.to_owned(), value.into()));
        self
    }

    fn put_if<D: Into<Doc>>(self, wanted: bool, key: &str, value: impl FnOnce() -> D) -> Self {
        if wanted { self.put(key, value()) } else { self }
    }

    pub(super) fn optional(self, key: &str, value: Option<impl Into<Doc>>) -> Self {
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

    pub(super) fn list<T, D: Into<Doc>>(self, key: &str, values: &[T], print: impl Fn(&T) -> D) -> Self {
        self.put_if(!values.is_empty(), key, || Doc::List(values.iter().map(|value| print(value).into()).collect()))
    }

    pub(super) fn string_map(self, key: &str, values: &BTreeMap<String, String>) -> Self {
        self.map(key, values, |value| Json::from(value.as_str()))
    }

    pub(super) fn optional_map(self, key: &str, values: &BTreeMap<String, Option<String>>) -> Self {
        self.map(key, values, |value| Json::from(value.clone()))
    }

    pub(super) fn map<'v, T: 'v, M, D>(self, key: &str, values: M, print: impl Fn(&T) -> D) -> Self
    where
        M: IntoIterator<Item = (&'v String, &'v T)>,
        D: Into<Doc>,
    {
        let map: BTreeMap<String, Doc> =
            values.into_iter().map(|(key, value)| (key.clone(), print(value).into())).collect();
        self.put_if(!map.is_empty(), key, || Doc::Map(map))
    }

    pub(super) fn extend(mut self, entries: &BTreeMap<String, Json>) -> Self {
        self.0.extend(entries.iter().map(|(key, value)| (key.clone(), Doc::from(value.clone()))));
        self
    }

    /// An object that is left out when nothing is in it, unless `always`.
    pub(super) fn nested(self, key: &str, inner: Self, always: bool) -> Self {
        self.put_if(always || !inner.0.is_empty(), key, || inner.done())
    }

    pub(super) fn done(self) -> Doc {
        Doc::Attributes(self.0)
    }
}

/// A 32-bit float with the shortest text that reads back as the same 32-bit float.
pub(super) fn float(value: f32) -> Json {
    let wide: f64 = value.to_string().parse().unwrap_or_else(|_| f64::from(value));
    #[expect(clippy::cast_possible_truncation, reason = "whole and small")]
    if wide.fract() == 0.0 && wide.abs() < 1e15 { Json::from(wide as i64) } else { Json::from(wide) }
}
