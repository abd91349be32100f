//! What this replica was told is stored, for as long as a failover could still take it back.
//!
//! Each acknowledged creation and commit is kept as the call that made it, so that it can be made once more. Bounded by age, number
//! and bytes: replication lags by milliseconds, and nothing else is this for. What is missing, and what to do about it, is decided
//! in `reigns`.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::time::Instant;

use super::scripts::Call;
use crate::domain::ids::{JobId, SHARDS, Shard};

/// Far longer than a replica that is still taken for one may lag.
const KEPT_FOR_MAX: Duration = Duration::from_secs(600);

/// Of each shard; over all of them 20 000, which is some minute of a busy replica.
const DEEDS_MAX: usize = 20_000 / SHARDS as usize;

/// Of each shard; over all of them 64 MiB. Answers are the bulk of it.
const BYTES_MAX: usize = 64 * 1024 * 1024 / SHARDS as usize;

pub(super) struct Memory {
    shards: Vec<Mutex<Remembered>>,
    kept_for: Duration,
}

#[derive(Default)]
struct Remembered {
    /// In the order in which they were acknowledged.
    deeds: VecDeque<Deed>,
    bytes: usize,
    next_number: u64,
}

/// An acknowledged creation or commit.
#[derive(Clone)]
pub(super) struct Deed {
    number: u64,
    at: Instant,
    pub(super) job: JobId,
    /// Of the job, after it.
    pub(super) version: u64,
    pub(super) call: Arc<Call>,
    /// Under which it was acknowledged.
    pub(super) reign: Arc<str>,
    /// Under which it was last seen to be there.
    seen_under: Arc<str>,
}

impl Memory {
    /// A job's traces outlive it in no memory: one that was purged meanwhile must not come back.
    pub(super) fn new(retention: Duration) -> Memory {
        Memory {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            kept_for: KEPT_FOR_MAX.min(retention),
        }
    }

    pub(super) fn remember(&self, job: JobId, version: u64, call: Call, reign: &Arc<str>) {
        let mut kept = self.of(job.shard());
        kept.bytes += call.bytes();
        kept.next_number += 1;
        let deed = Deed {
            number: kept.next_number,
            at: Instant::now(),
            job,
            version,
            call: Arc::new(call),
            reign: Arc::clone(reign),
            seen_under: Arc::clone(reign),
        };
        kept.deeds.push_back(deed);
        kept.forget_surplus(self.kept_for);
    }

    /// Those that have not been looked for under this reign, oldest first.
    pub(super) fn unseen(&self, shard: Shard, reign: &str) -> Vec<Deed> {
        let mut kept = self.of(shard);
        kept.forget_surplus(self.kept_for);
        let unseen = kept.deeds.iter().filter(|deed| *deed.seen_under != *reign);
        unseen.cloned().collect()
    }

    /// These are there under this reign, or have been put there.
    pub(super) fn seen(&self, shard: Shard, deeds: &[Deed], reign: &Arc<str>) {
        let mut kept = self.of(shard);
        let kept = &mut kept.deeds;
        for deed in deeds {
            let place = kept.binary_search_by_key(&deed.number, |kept| kept.number);
            if let Ok(place) = place {
                kept[place].seen_under = Arc::clone(reign);
            }
        }
    }

    fn of(&self, shard: Shard) -> MutexGuard<'_, Remembered> {
        self.shards[shard.index()]
            .lock()
            .expect("nobody panics while holding it")
    }
}

impl Remembered {
    fn forget_surplus(&mut self, kept_for: Duration) {
        while let Some(oldest) = self.deeds.front() {
            let is_surplus = self.deeds.len() > DEEDS_MAX || self.bytes > BYTES_MAX || oldest.at.elapsed() > kept_for;
            if !is_surplus {
                return;
            }
            self.bytes -= oldest.call.bytes();
            self.deeds.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::store::{conformance::fixtures, redis::scripts};

    fn remember(memory: &Memory, bytes: usize) -> JobId {
        let job = fixtures::work_history(1, fixtures::EPOCH).id;
        let call = Call::new("test", &scripts::CREATE).arg(vec![0; bytes]);
        memory.remember(job.clone(), 1, call, &Arc::from("first"));
        job
    }

    #[test]
    fn what_was_seen_under_a_reign_is_not_looked_for_again() {
        let memory = Memory::new(KEPT_FOR_MAX);
        let jobs = [remember(&memory, 1), remember(&memory, 1)];
        let shard = jobs[0].shard();
        assert!(memory.unseen(shard, "first").is_empty());
        let unseen = memory.unseen(shard, "second");
        assert_eq!(
            unseen.iter().map(|deed| &deed.job).collect::<Vec<_>>(),
            jobs.iter().collect::<Vec<_>>()
        );
        memory.seen(shard, &unseen[1..], &Arc::from("second"));
        assert_eq!(memory.unseen(shard, "second").len(), 1);
        assert_eq!(memory.unseen(shard, "third").len(), 2);
    }

    #[test]
    fn it_is_bounded_by_number_bytes_and_age() {
        let memory = Memory::new(KEPT_FOR_MAX);
        let mut last = remember(&memory, 1);
        for _ in 0..DEEDS_MAX {
            last = remember(&memory, 1);
        }
        let shard = last.shard();
        let kept = memory.unseen(shard, "second");
        assert_eq!((kept.len(), &kept.last().unwrap().job), (DEEDS_MAX, &last));

        remember(&memory, BYTES_MAX - 1);
        assert!(memory.unseen(shard, "second").len() <= 2);

        let forgetful = Memory::new(Duration::ZERO);
        let shard = remember(&forgetful, 1).shard();
        assert!(forgetful.unseen(shard, "second").is_empty());
    }
}
