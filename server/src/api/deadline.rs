//! The caller's own deadline, from the `grpc-timeout` header.
//!
//! Decides until when a handler that waits may wait, and when a call is ended whoever waits. tonic minds the header too, but only
//! until the response begins, and with CANCELLED and no details; so all end a little earlier, with a reason.

use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

const HEADER: &str = "grpc-timeout";
/// The longest number that the specification allows.
const DIGITS_MAX: usize = 8;
/// How much earlier than the caller's deadline an answer is sent, so that it arrives in time: a tenth, but no more than this,
/// which is a round trip within the country.
const MARGIN_MAX: Duration = Duration::from_millis(250);
/// How much earlier a call is ended: a twentieth, but no more than this. Less than the margin of an answer, which says more.
const END_MARGIN_MAX: Duration = Duration::from_millis(50);

/// How long the caller waits, as it says; `None` when it does not, or says it wrongly.
fn timeout_of(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(HEADER)?.to_str().ok()?;
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
pub(super) fn answer_by(headers: &HeaderMap, wait_max: Duration, now: Instant) -> Instant {
    let callers = timeout_of(headers).map(|timeout| timeout - (timeout / 10).min(MARGIN_MAX));
    now + callers.map_or(wait_max, |callers| callers.min(wait_max))
}

/// When a call or a stream that the caller gave a deadline is ended; `None` = never.
pub(super) fn end_by(headers: &HeaderMap, now: Instant) -> Option<Instant> {
    let timeout = timeout_of(headers)?;
    now.checked_add(timeout - (timeout / 20).min(END_MARGIN_MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn with(header: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(HEADER), header.parse().unwrap())])
    }

    #[track_caller]
    fn check(header: &str, expected_ms: Option<u64>) {
        let headers = with(header);
        assert_eq!(timeout_of(&headers), expected_ms.map(Duration::from_millis), "{header}");
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
    fn an_answer_leaves_before_the_call_is_ended_and_that_before_the_callers_deadline() {
        let (now, wait_max) = (Instant::now(), Duration::from_secs(30));
        let none = HeaderMap::new();
        assert_eq!(
            (answer_by(&none, wait_max, now), end_by(&none, now)),
            (now + wait_max, None)
        );
        for (header, answer_ms, end_ms) in [
            ("100m", 90, 95),
            ("1S", 900, 950),
            ("10S", 9_750, 9_950),
            ("1M", 30_000, 59_950),
        ] {
            let headers = with(header);
            let after = |ms| now + Duration::from_millis(ms);
            let expected = (after(answer_ms), Some(after(end_ms)));
            assert_eq!(
                (answer_by(&headers, wait_max, now), end_by(&headers, now)),
                expected,
                "{header}"
            );
        }
    }
}
