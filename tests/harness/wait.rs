//! Waiting for a state, with a deadline. The one place that lets time pass.

use std::future::Future;
use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// How long between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Looks again and again until there is something to see. `what` completes "waited in vain for …".
pub async fn eventually<T, F>(what: &str, mut look: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let until = Instant::now() + PATIENCE;
    let mut looks = tokio::time::interval(BETWEEN_LOOKS);
    loop {
        looks.tick().await;
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < until, "waited in vain for {what}");
    }
}

/// The outcome of something that has to end by itself.
pub async fn within<T>(what: &str, limit: Duration, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(limit, future).await {
        Ok(outcome) => outcome,
        Err(_) => panic!("{what} took longer than {limit:?}"),
    }
}
