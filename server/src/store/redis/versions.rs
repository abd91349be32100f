//! Versions that never repeat, though Redis' own numbers can: a failover may take back version 4 of a job, and another replica
//! then writes a version 4 of its own. Whoever still holds what it computed from the first one must not find its number again.
//!
//! So what this process hands out is the number and the era in which it was read: how many reigns of the shard it has seen end.
//! Nothing of that is stored, and versions of two processes are never compared.

use std::collections::BTreeMap;

use futures::future::try_join_all;

use super::{
    RedisStore,
    scripts::{self, Call},
};
use crate::{
    domain::ids::{JobId, Shard},
    store::StoreError,
};

/// Enough for a job that changes a million times a second for a week; the rest counts eras.
const NUMBER_BITS: u32 = 40;

pub(super) fn of(era: u64, number: u64) -> u64 {
    era << NUMBER_BITS | number
}

/// Era and number.
pub(super) fn split(version: u64) -> (u64, u64) {
    (version >> NUMBER_BITS, version & ((1 << NUMBER_BITS) - 1))
}

impl RedisStore {
    /// One script for each shard.
    pub(super) async fn versions_of(&self, ids: &[JobId]) -> Result<Vec<Option<u64>>, StoreError> {
        let mut places: BTreeMap<Shard, Vec<usize>> = BTreeMap::new();
        for (place, id) in ids.iter().enumerate() {
            places.entry(id.shard()).or_default().push(place);
        }
        let asked = places.iter().map(|(shard, places)| {
            let ids: Vec<&JobId> = places.iter().map(|place| &ids[*place]).collect();
            self.versions_in(*shard, ids)
        });
        let told = try_join_all(asked).await?;
        let mut versions = vec![None; ids.len()];
        for (place, version) in places.values().flatten().zip(told.into_iter().flatten()) {
            versions[*place] = version;
        }
        Ok(versions)
    }

    async fn versions_in(&self, shard: Shard, ids: Vec<&JobId>) -> Result<Vec<Option<u64>>, StoreError> {
        let (slot, era) = (self.keys.shard(shard), self.reigns.era(shard));
        let mut call = Call::new("look at versions of jobs", &scripts::VERSIONS)
            .key(slot.epoch())
            .arg(self.epoch())
            .arg(slot.job_prefix());
        for id in &ids {
            call = call.arg(id.as_str());
        }
        let (_, mut reply) = self.link.run(call).await?;
        ids.iter()
            .map(|_| Ok(reply.number_or_none()?.map(|number| of(era, number))))
            .collect()
    }
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
