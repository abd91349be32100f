//! How the turns before a gate become times: when to come, and what happens to whom nobody calls.
//!
//! The rules are the same in `gate_enter.lua` and `gate_leave.lua`, which are told these numbers.

use std::time::Duration;

use jiff::Timestamp;

use super::GateLimits;

/// So long before its call may begin a job is told to come at the latest. It pays for the way: to be woken, claimed and let in.
pub(crate) const EARLY: Duration = Duration::from_millis(100);

/// Jobs are told to come at multiples of this only, so that those who come soon after each other are claimed together: a claim
/// asks every shard.
pub(crate) const ROUND: Duration = Duration::from_millis(100);

/// A job that comes so early waits for its call where it is. More than `EARLY + ROUND`, so that a queue which has fallen behind a
/// little does not send everybody away once more; not much more, since a worker and a place are taken meanwhile.
pub(crate) const EARLY_MAX: Duration = Duration::from_millis(300);

/// Whoever waits for a place is called when one comes free. Should that be lost, with the replica that was to pass it on or with
/// the gate's memory, it looks again by itself: after `CALL_LOST_FIRST`, and `CALL_LOST_STEP` later for each who is before it.
/// So however many wait, they ask only so often.
pub(crate) const CALL_LOST_FIRST: Duration = Duration::from_secs(5);
pub(crate) const CALL_LOST_STEP: Duration = Duration::from_millis(250);

/// Nobody is told to wait longer: what was foreseen may have changed by then.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(60);

/// Most jobs that are called at a time. One place comes free with each call that ends; more do when a limit was raised.
pub(crate) const CALLS_MAX: usize = 32;

pub(super) fn call_lost_after(ahead: usize) -> Duration {
    let steps = u32::try_from(ahead).unwrap_or(u32::MAX);
    CALL_LOST_FIRST.saturating_add(CALL_LOST_STEP.saturating_mul(steps))
}

/// Those who would wait for too long come back in the second half of the longest wait, spread over it as their turns are.
pub(super) fn appointment(now: Timestamp, wait: Duration) -> Timestamp {
    let half_ns = (WAIT_MAX / 2).as_nanos();
    let spread_ns = || u64::try_from(wait.as_nanos() % half_ns).expect("less than a minute");
    let wait = if wait > WAIT_MAX {
        WAIT_MAX / 2 + Duration::from_nanos(spread_ns())
    } else {
        wait
    };
    let at = now + wait;
    let over_ns = at.as_nanosecond().rem_euclid(ROUND.as_nanos() as i128);
    let over = Duration::from_nanos(u64::try_from(over_ns).expect("less than a round"));
    (at - over).max(now + WAIT_MIN)
}

/// No wait is told to be shorter than this.
pub(crate) const WAIT_MIN: Duration = Duration::from_millis(1);

/// Rounded up, so that a window that does not divide evenly never holds one call more.
pub(super) fn rate_interval(limits: &GateLimits) -> Option<Duration> {
    let rounding = Duration::from_nanos(u64::from(limits.rate_max.saturating_sub(1)));
    (limits.rate_max > 0).then(|| (limits.rate_window + rounding) / limits.rate_max)
}
