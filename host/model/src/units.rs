//! Sizes and durations as Compose writes them, and as it prints them.

use std::time::Duration;

/// `64m`, `1.5gb`, `1024`: bytes, base 1024.
///
/// # Errors
/// With the peer's text when the number or the suffix cannot be read.
pub fn bytes(text: &str) -> Result<i64, String> {
    let end = text.rfind(|c: char| c.is_ascii_digit() || c == '.').map_or(0, |last| last + 1);
    let (number, suffix) = text.split_at(end);
    let amount: f64 = number.parse().map_err(|_| format!("invalid size: '{text}'"))?;
    let suffix = suffix.strip_prefix(' ').unwrap_or(suffix).to_ascii_lowercase();
    let power = match suffix.as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        "p" | "pb" | "pib" => 5,
        _ => return Err(format!("invalid suffix: '{suffix}'")),
    };
    #[expect(clippy::cast_possible_truncation, reason = "saturates; sizes beyond 8 EiB do not exist")]
    Ok((amount * 1024_f64.powi(power)) as i64)
}

/// `1h2m3s4ms`, `1d`, `1.5s`; units `ns us µs ms s m h d w`.
///
/// # Errors
/// With the peer's text when a number or a unit cannot be read.
pub fn duration(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let invalid = || format!("time: invalid duration \"{text}\"");
    let mut total = 0.0_f64;
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() {
        return Err(invalid());
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let amount: f64 = rest[..end].parse().map_err(|_| invalid())?;
        rest = &rest[end..];
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let unit = &rest[..end];
        total += amount * nanos_of(unit).ok_or_else(|| missing_or_unknown(unit, text))?;
        rest = &rest[end..];
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; never negative")]
    Ok(Duration::from_nanos(total.round() as u64))
}

fn missing_or_unknown(unit: &str, text: &str) -> String {
    if unit.is_empty() {
        format!("time: missing unit in duration \"{text}\"")
    } else {
        format!("time: unknown unit \"{unit}\" in duration \"{text}\"")
    }
}

fn nanos_of(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        "h" => 3600e9,
        "d" => 86_400e9,
        "w" => 604_800e9,
        _ => return None,
    })
}

/// A duration as Go prints it: `1m30s`, `24h0m0s`, `1.5s`, `500ms`, `0s`.
#[must_use]
pub fn print_duration(value: Duration) -> String {
    let nanos = value.as_nanos();
    if nanos == 0 {
        return "0s".to_owned();
    }
    if nanos < 1_000_000_000 {
        let (unit, divisor) = match nanos {
            0..1_000 => ("ns", 1),
            1_000..1_000_000 => ("µs", 1_000),
            _ => ("ms", 1_000_000),
        };
        return format!("{}{unit}", fraction(nanos, divisor));
    }
    let (hours, rest) = (nanos / 3_600_000_000_000, nanos % 3_600_000_000_000);
    let (minutes, rest) = (rest / 60_000_000_000, rest % 60_000_000_000);
    let seconds = fraction(rest, 1_000_000_000);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

fn fraction(value: u128, divisor: u128) -> String {
    let (whole, rest) = (value / divisor, value % divisor);
    if rest == 0 {
        return whole.to_string();
    }
    let width = divisor.ilog10() as usize;
    let digits = format!("{rest:0width$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, expected) in
            [("1000000", 1_000_000), ("64m", 67_108_864), ("1.5g", 1_610_612_736), ("-1", -1), ("2 KiB", 2048)]
        {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        assert_eq!(bytes("5q"), Err("invalid suffix: 'q'".to_owned()));
        assert_eq!(bytes("lots"), Err("invalid size: 'lots'".to_owned()));
    }

    #[test]
    fn durations() {
        for (text, printed) in [
            ("1m30s", "1m30s"),
            ("1d", "24h0m0s"),
            ("1500ms", "1.5s"),
            ("90s", "1m30s"),
            ("1h2m3s4ms", "1h2m3.004s"),
            ("300us", "300µs"),
        ] {
            assert_eq!(duration(text).map(print_duration).as_deref(), Ok(printed), "{text}");
        }
        assert_eq!(duration("1h 2m"), Err("time: unknown unit \"h \" in duration \"1h 2m\"".to_owned()));
        assert_eq!(duration("5q"), Err("time: unknown unit \"q\" in duration \"5q\"".to_owned()));
        assert_eq!(duration("10"), Err("time: missing unit in duration \"10\"".to_owned()));
    }
}
