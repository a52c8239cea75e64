//! Dates and times as YAML 1.1 knows them: an unquoted `2024-05-01` is no text.

use std::fmt;

/// A point in time, with the offset it was written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    date: (u16, u8, u8),
    time: (u8, u8, u8),
    nanoseconds: u32,
    /// Minutes east of Greenwich.
    offset: i16,
}

impl Timestamp {
    /// `2024-5-1`, `2024-05-01 10:00:00.5`, `2024-05-01T10:00:00+02:00`; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let date_end = text.find(['T', 't', ' ']).unwrap_or(text.len());
        let date = date(&text[..date_end])?;
        let midnight = Self { date, time: (0, 0, 0), nanoseconds: 0, offset: 0 };
        let Some(mark) = text[date_end..].chars().next() else { return Some(midnight) };
        let clock = &text[date_end + 1..];
        // A blank stands before a time without a zone, a `T` before one with it.
        let (clock, offset) = if mark == ' ' { (clock, 0) } else { zone(clock)? };
        let (clock, fraction) = clock.split_once('.').map_or((clock, None), |(clock, rest)| (clock, Some(rest)));
        let nanoseconds = fraction.map_or(Some(0), self::nanoseconds)?;
        let mut parts = clock.split(':');
        let mut part = |below: u8| short(parts.next()?).filter(|value| *value < below);
        let time = (part(24)?, part(60)?, part(60)?);
        parts.next().is_none().then_some(Self { time, nanoseconds, offset, ..midnight })
    }

    /// `2024-05-01T10:00:00Z`.
    #[must_use]
    pub fn rfc3339(&self) -> String {
        let zone = if self.offset == 0 { "Z".to_owned() } else { self.zone(":") };
        format!("{}T{}{zone}", self.day(), self.clock())
    }

    fn day(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.date.0, self.date.1, self.date.2)
    }

    fn clock(&self) -> String {
        let clock = format!("{:02}:{:02}:{:02}", self.time.0, self.time.1, self.time.2);
        if self.nanoseconds == 0 {
            return clock;
        }
        let fraction = format!("{:09}", self.nanoseconds);
        format!("{clock}.{}", fraction.trim_end_matches('0'))
    }

    fn zone(&self, between: &str) -> String {
        let sign = if self.offset < 0 { '-' } else { '+' };
        let minutes = self.offset.unsigned_abs();
        format!("{sign}{:02}{between}{:02}", minutes / 60, minutes % 60)
    }
}

/// As Go prints a time: what an environment variable with such a value becomes.
impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.zone("");
        let name = if self.offset == 0 { "UTC" } else { &offset };
        write!(formatter, "{} {} {offset} {name}", self.day(), self.clock())
    }
}

fn date(text: &str) -> Option<(u16, u8, u8)> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    if year.len() != 4 || !digits(year) {
        return None;
    }
    let year = year.parse::<u16>().ok()?;
    let (month, day) = (short(month)?, short(day)?);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    (1..=days).contains(&day).then_some((year, month, day))
}

/// The time without its zone, and the zone in minutes.
fn zone(clock: &str) -> Option<(&str, i16)> {
    if let Some(clock) = clock.strip_suffix('Z') {
        return Some((clock, 0));
    }
    let at = clock.rfind(['+', '-'])?;
    let (hours, minutes) = clock[at + 1..].split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes) = (i16::from(short(hours)?), i16::from(short(minutes)?));
    let offset = hours * 60 + minutes;
    let known = hours <= 24 && minutes < 60;
    known.then_some((&clock[..at], if clock[at..].starts_with('-') { -offset } else { offset }))
}

/// A number of one or two digits.
fn short(text: &str) -> Option<u8> {
    (matches!(text.len(), 1 | 2) && digits(text)).then(|| text.parse().ok())?
}

fn nanoseconds(fraction: &str) -> Option<u32> {
    if !digits(fraction) || fraction.is_empty() {
        return None;
    }
    let nine: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    nine.parse().ok()
}

fn digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    fn printed(text: &str) -> Option<String> {
        Timestamp::parse(text).map(|time| time.to_string())
    }

    #[test]
    fn dates_and_times_print_as_go_prints_them() {
        assert_eq!(printed("2024-02-29").as_deref(), Some("2024-02-29 00:00:00 +0000 UTC"));
        assert_eq!(printed("2001-1-2 3:4:5").as_deref(), Some("2001-01-02 03:04:05 +0000 UTC"));
        let offset = printed("2001-01-01T10:00:00.50+02:00");
        assert_eq!(offset.as_deref(), Some("2001-01-01 10:00:00.5 +0200 +0200"));
        let universal = Timestamp::parse("2001-01-01t10:00:00Z").map(|time| time.rfc3339());
        assert_eq!(universal.as_deref(), Some("2001-01-01T10:00:00Z"));
    }

    #[test]
    fn what_is_no_date_stays_text() {
        for text in ["2023-02-29", "2001-13-01", "2001-01", "01-01-2001", "2001-01-01T10:00", "2001-01-01T10:00:00"] {
            assert_eq!(printed(text), None, "{text}");
        }
        for text in ["2001-01-01 10:00:00Z", "2001-01-01 25:00:00", "2001-01-01-1", "2001-01-01T10:00:00+2:00"] {
            assert_eq!(printed(text), None, "{text}");
        }
    }
}
