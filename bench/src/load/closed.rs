//! Closed loop: so many callers, each of whom calls again as soon as it is answered. Gives throughput, and no latency: callers who
//! wait their turn hide what the slow ones cost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Call, Errors};

/// What a closed loop is.
#[derive(Clone, Copy)]
pub struct Closed {
    pub callers: usize,
    /// Not counted.
    pub warm_up: Duration,
    pub time: Duration,
}

/// Calls with numbers from `numbers` on; gives calls per second.
pub async fn closed(load: Closed, numbers: &Arc<AtomicU64>, call: &Call, errors: &Arc<Errors>) -> f64 {
    let counted_from = Instant::now() + load.warm_up;
    let until = counted_from + load.time;
    let callers: Vec<_> = (0..load.callers)
        .map(|_| {
            let (numbers, call, errors) = (Arc::clone(numbers), Arc::clone(call), Arc::clone(errors));
            tokio::spawn(async move {
                let mut done = 0_u64;
                while Instant::now() < until {
                    match call(numbers.fetch_add(1, Ordering::Relaxed)).await {
                        Ok(()) => done += u64::from((counted_from..until).contains(&Instant::now())),
                        Err(why) => errors.note(why),
                    }
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for caller in callers {
        done += caller.await.expect("a caller does not panic");
    }
    done as f64 / load.time.as_secs_f64()
}
