//! Sets of HTTP status codes: `200`, `"2xx"`, `"200-399"`, or a list of these.

use std::ops::RangeInclusive;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Unexpected, Visitor};

/// A set of status codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StatusSet(Vec<RangeInclusive<u16>>);

impl StatusSet {
    pub(crate) fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

impl Default for StatusSet {
    fn default() -> Self {
        Self(vec![200..=399])
    }
}

impl std::fmt::Display for StatusSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            match (range.start(), range.end()) {
                (start, end) if start == end => write!(f, "{start}")?,
                (start, end) => write!(f, "{start}-{end}")?,
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for StatusSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SetVisitor).map(Self)
    }
}

struct SetVisitor;

impl<'de> Visitor<'de> for SetVisitor {
    type Value = Vec<RangeInclusive<u16>>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a status such as `200`, `2xx`, `200-399`, or a list of these")
    }

    fn visit_u64<E: Error>(self, code: u64) -> Result<Self::Value, E> {
        let code = u16::try_from(code).ok().filter(|code| (100..=599).contains(code));
        code.map(|code| vec![code..=code]).ok_or_else(|| E::invalid_value(Unexpected::Other("a number"), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        text.split(',')
            .map(|part| range(part.trim()).ok_or_else(|| E::invalid_value(Unexpected::Str(part), &self)))
            .collect()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(StatusSet(ranges)) = items.next_element()? {
            all.extend(ranges);
        }
        Ok(all)
    }
}

/// One of `200`, `2xx`, `200-399`.
fn range(text: &str) -> Option<RangeInclusive<u16>> {
    if let Some(class) = text.strip_suffix("xx") {
        let class: u16 = class.parse().ok().filter(|class| (1..=5).contains(class))?;
        return Some(class * 100..=class * 100 + 99);
    }
    let (start, end) = text.split_once('-').unwrap_or((text, text));
    let (start, end) = (start.trim().parse().ok()?, end.trim().parse().ok()?);
    (start >= 100 && start <= end && end <= 599).then_some(start..=end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<StatusSet, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn sets_are_read_and_shown_in_words_of_the_user() {
        for (json, shown) in [
            ("200", "200"),
            ("\"2xx\"", "200-299"),
            ("\"200-204, 301\"", "200-204, 301"),
            ("[200, \"4xx\"]", "200, 400-499"),
        ] {
            assert_eq!(parse(json).unwrap().to_string(), shown, "{json}");
        }
        let set = parse("[204, \"3xx\"]").unwrap();
        let inside: Vec<u16> = [200, 204, 299, 300, 399, 400].into_iter().filter(|code| set.contains(*code)).collect();
        assert_eq!(inside, [204, 300, 399]);
    }

    #[test]
    fn what_is_no_status_is_refused() {
        for json in ["20", "700", "\"6xx\"", "\"300-200\"", "\"ok\"", "true", "[]x"] {
            assert!(parse(json).is_err(), "{json}");
        }
    }
}
