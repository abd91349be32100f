//! Versions that never repeat, though Redis' own numbers can: a failover may take back version 4 of a job, and another replica
//! then writes a version 4 of its own. Whoever still holds what it computed from the first one must not find its number again.
//!
//! So what this process hands out is the number and the era in which it was read: how many reigns of the shard it has seen end.
//! Nothing of that is stored, and versions of two processes are never compared.

/// Enough for a job that changes a million times a second for a week; the rest counts eras.
const NUMBER_BITS: u32 = 40;

pub(super) fn of(era: u64, number: u64) -> u64 {
    era << NUMBER_BITS | number
}

/// Era and number.
pub(super) fn split(version: u64) -> (u64, u64) {
    (version >> NUMBER_BITS, version & ((1 << NUMBER_BITS) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_of_another_era_is_another_and_newer_version() {
        assert_eq!(split(of(3, 7)), (3, 7));
        assert!(of(1, 1) > of(0, 1_000_000));
        assert_eq!(of(0, 5), 5);
    }
}
