//! Chance by seed: each part of a run draws from a stream of its own, so that one part's draws do not shift another's.

use std::{sync::Mutex, time::Duration};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

pub(super) struct Chance(Mutex<StdRng>);

impl Chance {
    /// The stream of this seed that belongs to `whose`.
    pub(super) fn of(seed: u64, whose: &str) -> Chance {
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Chance(Mutex::new(StdRng::seed_from_u64(whose.bytes().fold(seed, mix))))
    }

    /// From 0 up to, but not including, `end`.
    pub(super) fn below(&self, end: usize) -> usize {
        self.0.lock().unwrap().random_range(0..end)
    }

    pub(super) fn between(&self, first: u64, last: u64) -> u64 {
        self.0.lock().unwrap().random_range(first..=last)
    }

    pub(super) fn percent(&self, share: u64) -> bool {
        self.between(1, 100) <= share
    }

    pub(super) fn ms(&self, first: u64, last: u64) -> Duration {
        Duration::from_millis(self.between(first, last))
    }

    pub(super) fn pick<'a, T>(&self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// One of the things, as often as its weight says.
    pub(super) fn weighted<T: Copy>(&self, of: &[(u64, T)]) -> T {
        let total = of.iter().map(|(weight, _)| weight).sum::<u64>();
        let mut left = self.between(1, total);
        for (weight, thing) in of {
            if left <= *weight {
                return *thing;
            }
            left -= weight;
        }
        unreachable!("the draw is not above the total")
    }
}
