//! Times that calls took, and what share of them took no longer.

use std::time::Duration;

/// Sorted, in microseconds.
pub struct Latencies(Vec<u32>);

impl Latencies {
    pub fn new(mut times_us: Vec<u32>) -> Latencies {
        times_us.sort_unstable();
        Latencies(times_us)
    }

    /// As if all had been measured at once.
    pub fn together(parts: Vec<Latencies>) -> Latencies {
        Latencies::new(parts.into_iter().flat_map(|part| part.0).collect())
    }

    /// The time within which this share of the calls was done, in milliseconds; not a number when there were none.
    pub fn share_ms(&self, share: f64) -> f64 {
        if self.0.is_empty() {
            return f64::NAN;
        }
        let rank = (share * self.0.len() as f64).ceil() as usize;
        f64::from(self.0[rank.clamp(1, self.0.len()) - 1]) / 1000.0
    }
}

/// As [`Latencies`] counts.
pub fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_the_time_within_which_so_many_were_done() {
        let times = Latencies::new((1..=100).rev().map(|ms| ms * 1000).collect());
        assert_eq!(times.share_ms(0.5), 50.0);
        assert_eq!(times.share_ms(0.99), 99.0);
        assert_eq!(times.share_ms(1.0), 100.0);
        assert!(Latencies::new(Vec::new()).share_ms(0.5).is_nan());
    }
}
