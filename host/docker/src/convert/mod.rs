//! The engine's answers as our own types. The wire structs are ours because lists must tolerate values that other
//! engines and versions send; unknown fields are ignored and absent ones empty.

pub(crate) mod container;
pub(crate) mod image;
pub(crate) mod inspect;
pub(crate) mod resources;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// `null` as the default value: engines write empty maps and lists both ways.
pub(crate) fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Seconds since the epoch of an RFC 3339 time; 0 when it is none.
pub(crate) fn unix_seconds(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_second).max(0)
}

/// Labels on the wire.
pub(crate) type Labels = BTreeMap<String, String>;
