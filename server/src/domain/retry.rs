//! Retry as data: attempt number in, delay out. Whether a retry is allowed at all is the outcome class's business.

use std::time::Duration;

/// A growing delay with jitter, and how often to try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Backoff {
    pub first: Duration,
    /// Growth from one delay to the next, 1.0 or more.
    pub factor: f64,
    pub max: Duration,
    /// Tries in all, the first one included; 0 = without end.
    pub tries_max: u32,
}

impl Backoff {
    /// The delay after `tries` tries, or `None` when that was the last. `dice` in 0..1 spreads it over the upper half, so that
    /// many jobs that failed together do not come back together.
    pub(crate) fn delay(&self, tries: u32, dice: f64) -> Option<Duration> {
        if self.tries_max > 0 && tries >= self.tries_max {
            return None;
        }
        let power = i32::try_from(tries.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = (self.first.as_secs_f64() * self.factor.powi(power)).min(self.max.as_secs_f64());
        Some(Duration::from_secs_f64(grown * (0.5 + dice.clamp(0.0, 1.0) / 2.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_millis(100),
        factor: 2.0,
        max: Duration::from_secs(1),
        tries_max: 5,
    };

    #[track_caller]
    fn check(tries: u32, dice: f64, expected_ms: Option<u64>) {
        assert_eq!(BACKOFF.delay(tries, dice), expected_ms.map(Duration::from_millis));
    }

    #[test]
    fn the_delay_grows_is_capped_and_ends() {
        check(1, 1.0, Some(100));
        check(2, 1.0, Some(200));
        check(4, 1.0, Some(800));
        check(1, 0.0, Some(50));
        check(5, 1.0, None);
    }

    #[test]
    fn no_number_of_tries_overflows() {
        let endless = Backoff {
            tries_max: 0,
            ..BACKOFF
        };
        assert_eq!(endless.delay(u32::MAX, 1.0), Some(Duration::from_secs(1)));
    }
}
