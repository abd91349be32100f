//! When a call is made again, and after how long. Pure: the randomness is an argument, and nobody waits here.
//!
//! It does not know which calls may be repeated without harm: the methods do.

use std::time::Duration;

use crate::code::Code;
use crate::error::Error;

/// How often and after how long a call is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries altogether, the first one too; 1 = never again.
    pub tries_max: u32,
    /// The wait after the first failure; it doubles with each one. At least half of it is always kept.
    pub delay_first: Duration,
    /// The longest wait that the doubling leads to.
    pub delay_max: Duration,
    /// The longest wait that the server may ask for. If it asks for more, the call fails with that figure.
    pub server_delay_max: Duration,
}

impl RetryPolicy {
    /// Never again.
    pub const OFF: RetryPolicy = RetryPolicy {
        tries_max: 1,
        delay_first: Duration::ZERO,
        delay_max: Duration::ZERO,
        server_delay_max: Duration::ZERO,
    };
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            tries_max: 4,
            delay_first: Duration::from_millis(100),
            delay_max: Duration::from_secs(5),
            server_delay_max: Duration::from_secs(20),
        }
    }
}

/// How long to wait before a unary call is made again; `None` when it is not. `jitter` is in [0, 1).
///
/// UNAVAILABLE is retried; RESOURCE_EXHAUSTED only if the server says when, because a limit without an end is not waited out.
pub(crate) fn delay(policy: &RetryPolicy, error: &Error, tries_made: u32, jitter: f64) -> Option<Duration> {
    match error {
        Error::Unavailable { retry_delay, .. } => wait(policy, *retry_delay, tries_made, jitter),
        Error::Exhausted {
            retry_delay: Some(after),
            ..
        } => wait(policy, Some(*after), tries_made, jitter),
        _ => None,
    }
}

/// How long to wait before a broken watch is resumed; `None` when resuming is of no use.
///
/// A watch costs nothing to resume, so everything is retried that says nothing about the job itself: a stream that broke in
/// transport carries no reason, and a slow reader is told to come back.
pub(crate) fn resume_delay(policy: &RetryPolicy, error: &Error, failures: u32, jitter: f64) -> Option<Duration> {
    match error {
        Error::Unavailable { retry_delay, .. } | Error::Exhausted { retry_delay, .. } => {
            wait(policy, *retry_delay, failures, jitter)
        }
        Error::Internal { details }
        | Error::DeadlineExceeded { details, .. }
        | Error::Cancelled { details }
        | Error::Other { details } => {
            let is_ours = details.domain() == crate::ERROR_DOMAIN;
            let came_from_transport = !is_ours && details.code() != Code::Unimplemented;
            came_from_transport
                .then(|| wait(policy, None, failures, jitter))
                .flatten()
        }
        Error::Configuration(_)
        | Error::JobNotSucceeded { .. }
        | Error::InvalidRequest { .. }
        | Error::NotFound { .. }
        | Error::FailedPrecondition { .. }
        | Error::OutOfRange { .. }
        | Error::Unauthenticated { .. }
        | Error::PermissionDenied { .. } => None,
    }
}

/// A server's word is kept to the full, with up to half as much again so that not all come back at once; otherwise the wait
/// doubles from try to try and half of it is random.
fn wait(policy: &RetryPolicy, retry_delay: Option<Duration>, tries_made: u32, jitter: f64) -> Option<Duration> {
    if tries_made >= policy.tries_max {
        return None;
    }
    match retry_delay {
        Some(after) if after > policy.server_delay_max => None,
        Some(after) => Some(spread(after.max(policy.delay_first), jitter)),
        None => {
            let doublings = tries_made.saturating_sub(1).min(16);
            let full = policy.delay_first.saturating_mul(1 << doublings).min(policy.delay_max);
            Some(full.mul_f64(0.5 + 0.5 * jitter))
        }
    }
}

/// At least `delay`, at most half as much again.
pub(crate) fn spread(delay: Duration, jitter: f64) -> Duration {
    delay.mul_f64(1.0 + 0.5 * jitter)
}

#[cfg(test)]
mod tests {
    use tonic::{Code, Status};
    use tonic_types::{ErrorDetails, StatusExt as _};

    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn error(code: Code, retry_delay: Option<Duration>) -> Error {
        let mut details = ErrorDetails::new();
        details.set_error_info("REASON", crate::ERROR_DOMAIN, std::collections::HashMap::new());
        if let Some(after) = retry_delay {
            details.set_retry_info(Some(after));
        }
        Error::of(Status::with_error_details(code, "it failed", details))
    }

    #[track_caller]
    fn check(code: Code, retry_delay: Option<Duration>, tries_made: u32, jitter: f64, expected: Option<Duration>) {
        let policy = RetryPolicy::default();
        assert_eq!(delay(&policy, &error(code, retry_delay), tries_made, jitter), expected);
    }

    #[test]
    fn unavailable_is_retried_with_doubling_and_jitter_until_the_tries_are_used_up() {
        check(Code::Unavailable, None, 1, 0.0, Some(MS(50)));
        check(Code::Unavailable, None, 2, 0.0, Some(MS(100)));
        check(Code::Unavailable, None, 3, 0.5, Some(MS(300)));
        check(Code::Unavailable, None, 4, 0.0, None);
    }

    #[test]
    fn the_servers_wish_is_never_undercut_and_a_long_one_is_the_callers_to_decide() {
        check(Code::Unavailable, Some(MS(2_000)), 1, 0.0, Some(MS(2_000)));
        check(Code::Unavailable, Some(MS(2_000)), 1, 0.5, Some(MS(2_500)));
        check(Code::Unavailable, Some(MS(60_000)), 1, 0.0, None);
        check(Code::ResourceExhausted, Some(MS(2_000)), 1, 0.0, Some(MS(2_000)));
    }

    #[test]
    fn exhausted_without_a_time_and_everything_else_is_not_retried() {
        check(Code::ResourceExhausted, None, 1, 0.0, None);
        for code in [Code::Internal, Code::NotFound, Code::DeadlineExceeded, Code::Unknown] {
            check(code, Some(MS(10)), 1, 0.0, None);
        }
    }

    #[test]
    fn a_wait_never_passes_the_longest_one() {
        let policy = RetryPolicy {
            tries_max: u32::MAX,
            ..RetryPolicy::default()
        };
        let longest = delay(&policy, &error(Code::Unavailable, None), 4_000_000, 0.999_999);
        assert!(longest.unwrap() <= policy.delay_max);
    }

    #[test]
    fn retrying_can_be_switched_off() {
        assert_eq!(delay(&RetryPolicy::OFF, &error(Code::Unavailable, None), 1, 0.0), None);
    }

    #[test]
    fn a_watch_is_resumed_after_a_break_in_transport_but_not_after_a_word_of_the_server() {
        let policy = RetryPolicy::default();
        let broken = Error::of(Status::unknown("connection reset"));
        assert!(resume_delay(&policy, &broken, 1, 0.0).is_some());
        assert!(resume_delay(&policy, &error(Code::Internal, None), 1, 0.0).is_none());
        assert!(resume_delay(&policy, &error(Code::OutOfRange, None), 1, 0.0).is_none());
        assert!(resume_delay(&policy, &error(Code::ResourceExhausted, None), 1, 0.0).is_some());
    }
}
