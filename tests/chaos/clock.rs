//! The time of a run: the wall clock in milliseconds, comparable with what jobs and books say, and pauses of the plan.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{Instant, sleep_until};

pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

/// A pause that the plan asks for. Whoever waits for a state uses the harness.
pub async fn pause_ms(ms: u64) {
    sleep_until(Instant::now() + Duration::from_millis(ms)).await;
}

/// An instant in milliseconds; 0 when it is absent.
pub fn ms_of(time: Option<SystemTime>) -> u64 {
    let since = time
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or_default()
}
