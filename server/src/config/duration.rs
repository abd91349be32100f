//! Durations as the settings write them: `500ms`, `15s`, `10m`, `24h`, `30d`, or several in a row, `1h30m`.
//!
//! Written out rather than taken from a crate: it is a screen long, and `humantime` reads months, years and words that no
//! setting wants.

use std::time::Duration;

/// Longer than any setting needs, short enough that sums with a point in time stay within its range.
const DAYS_MAX: u64 = 3650;

const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// Reads a duration, or says nothing more than that it is none: the caller knows the setting and has the words.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total_ms: u64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(number_end);
        let unit_end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, remainder) = after.split_at(unit_end);
        let (_, unit_ms) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total_ms = total_ms.checked_add(number.parse::<u64>().ok()?.checked_mul(*unit_ms)?)?;
        rest = remainder;
    }
    let total = Duration::from_millis(total_ms);
    (total <= Duration::from_secs(DAYS_MAX * 86_400)).then_some(total)
}

/// Writes a duration in the largest unit that says it in one number.
pub(super) fn display(duration: Duration) -> String {
    let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let largest = UNITS
        .iter()
        .rev()
        .find(|(_, unit_ms)| ms >= *unit_ms && ms.is_multiple_of(*unit_ms));
    largest.map_or_else(
        || format!("{ms}ms"),
        |(name, unit_ms)| format!("{}{name}", ms / unit_ms),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected_ms: Option<u64>) {
        assert_eq!(parse(text), expected_ms.map(Duration::from_millis), "{text}");
    }

    #[test]
    fn durations_have_units() {
        check("500ms", Some(500));
        check("15s", Some(15_000));
        check(" 10m ", Some(600_000));
        check("24h", Some(86_400_000));
        check("30d", Some(2_592_000_000));
        check("1h30m", Some(5_400_000));
        check("0s", Some(0));
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            " ",
            "15",
            "s",
            "15 s",
            "-1s",
            "1.5s",
            "15S",
            "15sec",
            "1s2",
            "4000d",
            "99999999999999999999s",
            "1µs",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for text in ["500ms", "15s", "10m", "24h", "90s", "1500ms"] {
            assert_eq!(parse(&display(parse(text).unwrap())), parse(text));
        }
        assert_eq!(display(Duration::from_secs(15)), "15s");
        assert_eq!(display(Duration::from_secs(86_400)), "1d");
        assert_eq!(display(Duration::ZERO), "0ms");
    }
}
