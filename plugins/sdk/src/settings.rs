//! Settings: the `with:` of the project file, into serde types.

use std::time::Duration;

use serde::de::{DeserializeOwned, Deserializer, Error, Unexpected, Visitor};

use crate::{Failure, failure};

/// Parses settings. Use `#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]` on `T`.
///
/// # Errors
/// When they do not fit `T`.
pub fn parse<T: DeserializeOwned>(json: &str) -> Result<T, Failure> {
    serde_json::from_str(json).map_err(|error| {
        let text = error.to_string();
        let text = text.split(" at line ").next().unwrap_or(&text);
        failure(format!("settings (`with:`) are not valid: {text}")).code("settings")
    })
}

/// For `#[serde(deserialize_with)]`: a duration such as `500ms`, `2s`, `1m30s`, or a number of seconds.
///
/// # Errors
/// When it is neither.
pub fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(DurationVisitor)
}

struct DurationVisitor;

impl Visitor<'_> for DurationVisitor {
    type Value = Duration;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a duration such as `500ms`, `2s` or `1m30s`")
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Duration, E> {
        Ok(Duration::from_secs(seconds))
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Duration, E> {
        Duration::try_from_secs_f64(seconds).map_err(|_| E::invalid_value(Unexpected::Float(seconds), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
        parse_duration(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// Parses `1m30s`, `500ms`, `2h`, `1.5s`.
fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        total = total.checked_add(Duration::try_from_secs_f64(number * unit_seconds(&rest[..letters])?).ok()?)?;
        rest = &rest[letters..];
    }
    Some(total)
}

fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize, Debug)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields)]
    struct Settings {
        #[serde(deserialize_with = "duration")]
        timeout: Duration,
    }

    #[test]
    fn durations_are_read_as_compose_writes_them() {
        let read = |text: &str| parse::<Settings>(&format!(r#"{{"timeout":{text}}}"#)).map(|s| s.timeout.as_millis());
        assert_eq!(read(r#""500ms""#).unwrap(), 500);
        assert_eq!(read(r#""1m30s""#).unwrap(), 90_000);
        assert_eq!(read("2").unwrap(), 2_000);
        assert_eq!(read("0.5").unwrap(), 500);
        for bad in [r#""""#, r#""2""#, r#""2x""#, "-1", r#""s""#] {
            assert!(read(bad).unwrap_err().message.contains("duration such as"), "{bad}");
        }
    }

    #[test]
    fn unknown_settings_are_named_without_a_position_in_json_that_nobody_wrote() {
        let error = parse::<Settings>(r#"{"timeuot":"2s"}"#).unwrap_err();
        assert!(error.message.contains("unknown field `timeuot`, expected `timeout`"), "{error:?}");
        assert!(!error.message.contains("line"), "{error:?}");
    }
}
