//! The caller's own deadline, from the `grpc-timeout` header.
//!
//! Decides until when a handler that waits may wait. tonic minds the header too, but only until the response begins, and with a
//! status that says nothing; so those who wait end a little earlier, with a reason.

use std::time::Duration;

use tokio::time::Instant;
use tonic::metadata::MetadataMap;

const HEADER: &str = "grpc-timeout";
/// The longest number that the specification allows.
const DIGITS_MAX: usize = 8;
/// How much earlier than the caller's deadline an answer is sent, so that it arrives in time: a tenth, but no more than this,
/// which is a round trip within the country.
const MARGIN_MAX: Duration = Duration::from_millis(250);

/// How long the caller waits, as it says; `None` when it does not, or says it wrongly.
pub(super) fn timeout_of(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get(HEADER)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > DIGITS_MAX || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// Until when to wait for an answer, at most `wait_max` from now, with time left to deliver it.
pub(super) fn answer_by(metadata: &MetadataMap, wait_max: Duration, now: Instant) -> Instant {
    let callers = timeout_of(metadata).map(|timeout| timeout - (timeout / 10).min(MARGIN_MAX));
    now + callers.map_or(wait_max, |callers| callers.min(wait_max))
}

/// When a stream that the caller gave a deadline is over; `None` = never.
pub(super) fn stream_until(metadata: &MetadataMap, now: Instant) -> Option<Instant> {
    timeout_of(metadata).and_then(|timeout| now.checked_add(timeout))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[track_caller]
    fn check(header: &str, expected_ms: Option<u64>) {
        let mut metadata = MetadataMap::new();
        metadata.insert(HEADER, header.parse().unwrap());
        assert_eq!(
            timeout_of(&metadata),
            expected_ms.map(Duration::from_millis),
            "{header}"
        );
    }

    #[test]
    fn all_units_of_the_specification_are_read_and_nothing_else() {
        check("2H", Some(7_200_000));
        check("3M", Some(180_000));
        check("4S", Some(4_000));
        check("5m", Some(5));
        check("6000u", Some(6));
        check("7000000n", Some(7));
        check("99999999H", Some(99_999_999 * 3_600_000));
        for wrong in ["", "S", "5", "5s", "-5S", "+5S", "123456789S", "5 S"] {
            check(wrong, None);
        }
    }

    #[test]
    fn an_answer_leaves_before_the_callers_deadline() {
        let (now, wait_max) = (Instant::now(), Duration::from_secs(30));
        let mut metadata = MetadataMap::new();
        assert_eq!(answer_by(&metadata, wait_max, now), now + wait_max);
        for (header, expected_ms) in [("1S", 900), ("10S", 9_750), ("1M", 30_000)] {
            metadata.insert(HEADER, header.parse().unwrap());
            assert_eq!(
                answer_by(&metadata, wait_max, now),
                now + Duration::from_millis(expected_ms),
                "{header}"
            );
        }
    }
}
