//! Looks at every job of the data set, and changes none.

use std::collections::HashSet;

use super::{
    RedisStore,
    scripts::{self, Call},
};
use crate::{
    domain::ids::Shard,
    store::{
        StoreError,
        examination::{Examination, Kept},
    },
};

/// Keys that one script call looks at: Redis serves nobody else meanwhile.
const KEYS_PER_LOOK: u64 = 500;

impl RedisStore {
    pub(super) async fn examine(&self) -> Result<Examination, StoreError> {
        let mut examination = Examination::default();
        for shard in Shard::all() {
            for what in ["jobs", "due"] {
                self.examine_in(shard, what, &mut examination).await?;
            }
        }
        Ok(examination)
    }

    async fn examine_in(
        &self,
        shard: Shard,
        what: &'static str,
        examination: &mut Examination,
    ) -> Result<(), StoreError> {
        let slot = self.keys.shard(shard);
        // A scan may give a key twice.
        let (mut cursor, mut seen) = ("0".to_owned(), HashSet::new());
        loop {
            let call = Call::new("examine jobs", &scripts::EXAMINE)
                .key(slot.epoch())
                .key(slot.due())
                .key(slot.ended())
                .arg(self.epoch())
                .arg(slot.job_prefix())
                .arg(cursor)
                .arg(what)
                .number(KEYS_PER_LOOK);
            let (_, mut reply) = self.link.run(call).await?;
            cursor = reply.text()?;
            while !reply.is_over() {
                let mut job = reply.part()?;
                let id = job.text()?;
                let record = job.bytes_or_none()?;
                let kept = Kept {
                    id: &id,
                    record: record.as_deref(),
                    sequence: job.number_or_none()?,
                    is_due: job.text()? == "1",
                    has_ended: job.text()? == "1",
                };
                if !seen.contains(&id) {
                    examination.note(&kept);
                    seen.insert(id);
                }
            }
            if cursor == "0" {
                return Ok(());
            }
        }
    }
}
