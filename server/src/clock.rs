//! What time it is: the one place that reads the system's clock.
//!
//! A replica's clock may be wrong, and replicas must agree on when a job comes due. So a clock can follow the store's: the
//! difference is kept and added to every reading. Deadlines of single calls are none of this module's business; they count
//! on the monotonic clock of tokio.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

/// A difference up to this is left alone. To follow it would let the clock jump to and fro.
const FOLLOW_SLACK: Duration = Duration::from_millis(500);

/// A clock. Clones share one time.
#[derive(Clone, Debug)]
pub(crate) struct Clock(Arc<Source>);

#[derive(Debug)]
enum Source {
    /// The system's clock, and how many milliseconds the store's is ahead of it.
    System { ahead_ms: AtomicI64 },
    /// Stands still until it is moved; milliseconds since 1970.
    #[cfg(test)]
    Manual { now_ms: AtomicI64 },
    /// Goes with tokio's clock, which a test may pause; it began at `start` and is `ahead_ms` off.
    #[cfg(test)]
    Runtime {
        start: Timestamp,
        began: tokio::time::Instant,
        ahead_ms: AtomicI64,
    },
}

impl Clock {
    /// The system's clock.
    pub(crate) fn system() -> Clock {
        Clock(Arc::new(Source::System {
            ahead_ms: AtomicI64::new(0),
        }))
    }

    /// A clock that only its test moves. It counts whole milliseconds, as everything that is stored does.
    #[cfg(test)]
    pub(crate) fn manual(start: Timestamp) -> Clock {
        Clock(Arc::new(Source::Manual {
            now_ms: AtomicI64::new(start.as_millisecond()),
        }))
    }

    /// A clock that reads `start` now, goes with tokio's and, like the system's, follows the store.
    #[cfg(test)]
    pub(crate) fn of_runtime(start: Timestamp) -> Clock {
        Clock(Arc::new(Source::Runtime {
            start,
            began: tokio::time::Instant::now(),
            ahead_ms: AtomicI64::new(0),
        }))
    }

    pub(crate) fn now(&self) -> Timestamp {
        match &*self.0 {
            Source::System { ahead_ms } => shifted(system_now(), ahead_ms.load(Ordering::Relaxed)),
            #[cfg(test)]
            Source::Manual { now_ms } => shifted(Timestamp::UNIX_EPOCH, now_ms.load(Ordering::Relaxed)),
            #[cfg(test)]
            Source::Runtime { start, began, ahead_ms } => {
                shifted(*start + began.elapsed(), ahead_ms.load(Ordering::Relaxed))
            }
        }
    }

    /// Agrees with the store, whose clock read `store_now` at some moment of the time that asking it `took`; just now it answered.
    /// The clock moves no further than that proves: a process that was paused over its answer would else fall behind by the
    /// length of the pause. But a slow answer is no reason to go on with a clock that is minutes off, for it may be the only one
    /// before jobs are given their deadlines. A manual clock is moved by its test alone.
    pub(crate) fn follow(&self, store_now: Timestamp, took: Duration) {
        match &*self.0 {
            Source::System { ahead_ms } => follow_from(system_now(), store_now, took, ahead_ms),
            #[cfg(test)]
            Source::Manual { .. } => {}
            #[cfg(test)]
            Source::Runtime { start, began, ahead_ms } => {
                follow_from(*start + began.elapsed(), store_now, took, ahead_ms);
            }
        }
    }

    /// Lets time pass on a manual clock.
    #[cfg(test)]
    pub(crate) fn advance(&self, by: Duration) {
        let Source::Manual { now_ms } = &*self.0 else {
            panic!("the system's clock goes by itself");
        };
        let by_ms = i64::try_from(by.as_millis()).expect("a test lets less time pass than there is");
        now_ms.fetch_add(by_ms, Ordering::Relaxed);
    }
}

fn follow_from(own_now: Timestamp, store_now: Timestamp, took: Duration, ahead_ms: &AtomicI64) {
    // The store is at least as far ahead as if its answer had come without delay, and at most as if it had come all that late.
    let least = store_now.as_millisecond().saturating_sub(own_now.as_millisecond());
    let most = least.saturating_add(i64::try_from(took.as_millis()).unwrap_or(i64::MAX));
    let known = ahead_ms.load(Ordering::Relaxed);
    let proven = known.clamp(least, most);
    if u128::from(proven.abs_diff(known)) > FOLLOW_SLACK.as_millis() {
        ahead_ms.store(proven, Ordering::Relaxed);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that everybody else takes as an argument"
)]
fn system_now() -> Timestamp {
    Timestamp::now()
}

/// Saturates at the ends of time, which only a broken store's clock can reach.
fn shifted(from: Timestamp, by_ms: i64) -> Timestamp {
    from.saturating_add(SignedDuration::from_millis(by_ms))
        .expect("a signed duration is in no calendar unit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_manual_clock_share_one_time() {
        let clock = Clock::manual("2026-01-31T10:00:00Z".parse().unwrap());
        let clone = clock.clone();
        clock.advance(Duration::from_millis(1_500));
        assert_eq!(clone.now().to_string(), "2026-01-31T10:00:01.5Z");
        clone.follow("2020-02-29T00:00:00Z".parse().unwrap(), Duration::ZERO);
        assert_eq!(
            clock.now().to_string(),
            "2026-01-31T10:00:01.5Z",
            "it follows its test alone"
        );
    }

    #[test]
    fn a_system_clock_follows_the_store_across_ten_minutes_of_skew() {
        let clock = Clock::system();
        for skew in [
            SignedDuration::from_mins(10),
            SignedDuration::from_mins(-10),
            SignedDuration::ZERO,
        ] {
            let store_now = system_now() + skew;
            clock.follow(store_now, Duration::ZERO);
            let off = clock.now().duration_since(store_now);
            assert!(
                off.abs() < SignedDuration::from_secs(5),
                "{off:?} off after a skew of {skew:?}"
            );
        }
    }

    #[test]
    fn the_time_that_an_answer_took_does_not_move_the_clock() {
        let clock = Clock::system();
        for _ in 0..1_000 {
            clock.follow(
                clock.now() - SignedDuration::from_millis(100),
                Duration::from_millis(100),
            );
        }
        let behind = system_now().duration_since(clock.now());
        assert!(
            behind < SignedDuration::from_secs(50),
            "had it followed, it would be 100 s behind: {behind:?}"
        );
    }

    #[test]
    fn an_answer_that_took_long_does_not_move_the_clock() {
        let clock = Clock::system();
        clock.follow(system_now() - SignedDuration::from_mins(1), Duration::from_secs(60));
        let behind = system_now().duration_since(clock.now());
        assert!(behind < SignedDuration::from_secs(50), "{behind:?} behind");
    }

    #[test]
    fn a_clock_that_is_minutes_off_follows_an_answer_that_took_long() {
        for skew in [SignedDuration::from_mins(10), SignedDuration::from_mins(-10)] {
            let clock = Clock::system();
            let store_now = system_now() + skew;
            clock.follow(store_now, Duration::from_secs(2));
            let off = clock.now().duration_since(store_now);
            assert!(
                off.abs() < SignedDuration::from_secs(60),
                "{off:?} off after a skew of {skew:?}"
            );
        }
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        let clock = Clock::system();
        clock.follow(Timestamp::MAX, Duration::ZERO);
        let _ = clock.now();
    }
}
