//! Chance: names of jobs, attempts and operations, and the jitter of pauses. The one place of the engine that reads randomness.
//!
//! A test may load the dice, and then the same run rolls the same numbers. Secrets are none of its business: the vault draws the
//! nonces of sealed records itself, and nothing depends on what they are.

use jiff::Timestamp;
use uuid::Uuid;

/// The engine's dice. Only `app` gives real ones.
pub(crate) struct Dice(Source);

enum Source {
    System,
    #[cfg(test)]
    Loaded(Box<std::sync::Mutex<rand::rngs::StdRng>>),
}

impl Dice {
    pub(crate) fn system() -> Dice {
        Dice(Source::System)
    }

    /// Dice that roll the same numbers for the same seed.
    #[cfg(test)]
    pub(crate) fn loaded(seed: u64) -> Dice {
        let rng = rand::SeedableRng::seed_from_u64(seed);
        Dice(Source::Loaded(Box::new(std::sync::Mutex::new(rng))))
    }

    /// From 0 up to, but not including, 1.
    pub(super) fn fraction(&self) -> f64 {
        match &self.0 {
            Source::System => rand::random(),
            #[cfg(test)]
            Source::Loaded(rng) => rand::Rng::random(&mut *rng.lock().expect("a roll does not panic")),
        }
    }

    /// A name of its own, a UUID v7 that is born now.
    pub(super) fn name(&self, now: Timestamp) -> Uuid {
        let born_ms = u64::try_from(now.as_millisecond()).unwrap_or_default();
        let [rest @ .., _, _, _, _, _, _] = self.bytes();
        uuid::Builder::from_unix_timestamp_millis(born_ms, &rest).into_uuid()
    }

    /// A name for one operation on the store, a UUID v4.
    pub(super) fn operation(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    fn bytes(&self) -> [u8; 16] {
        match &self.0 {
            Source::System => rand::random(),
            #[cfg(test)]
            Source::Loaded(rng) => rand::Rng::random(&mut *rng.lock().expect("a roll does not panic")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_sort_by_birth_and_differ_within_a_millisecond() {
        let now: Timestamp = "2026-01-31T10:00:00.123Z".parse().unwrap();
        let dice = Dice::system();
        let (first, twin) = (dice.name(now), dice.name(now));
        let later = dice.name(now + std::time::Duration::from_millis(1));
        assert_ne!(first, twin);
        assert!(first < later && twin < later);
        assert_eq!(first.get_version_num(), 7);
        assert_eq!(dice.operation().get_version_num(), 4);
    }

    #[test]
    fn loaded_dice_roll_the_same_numbers_for_the_same_seed() {
        let roll = |seed| {
            let dice = Dice::loaded(seed);
            (dice.operation(), dice.fraction())
        };
        assert_eq!(roll(1), roll(1));
        assert_ne!(roll(1), roll(2));
    }
}
