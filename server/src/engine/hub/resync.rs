//! The resync: which followed jobs changed though nobody heard a ring.
//!
//! The store is asked for versions only, many at a time, and a job is read when its version is not the one that is known. So
//! watches of jobs that stand still cost next to nothing. A version is never told to anybody: what it means, a read must say.

use std::{collections::VecDeque, future::Future, sync::Arc};

use super::Hub;
use crate::{domain::ids::JobId, store::StoreError};

/// Jobs whose versions are asked for at a time: Redis serves nobody else meanwhile, for some 0.3 ms.
const ASKED_MAX: usize = 256;

/// Such questions at a time: so many that one server of several that does not answer leaves room to ask the others.
pub(super) const QUESTIONS_MAX: usize = 4;

/// Jobs whose versions are still to be asked for, in order of shard and name; a round goes on where the last one has come to.
#[derive(Default)]
pub(super) struct Doubted(VecDeque<JobId>);

/// What the store said of jobs of one shard.
pub(super) struct Told {
    ids: Vec<JobId>,
    versions: Result<Vec<Option<u64>>, StoreError>,
}

// === impl Hub ===

impl Hub {
    pub(super) fn doubt_all(&self, doubted: &mut Doubted) {
        let followed: Vec<JobId> = self.lock().keys().cloned().collect();
        doubted.start_anew(followed);
        self.rings.send_modify(|rings| *rings += 1);
    }

    pub(super) fn ask(&self, ids: Vec<JobId>) -> impl Future<Output = Told> + Send + 'static {
        let store = Arc::clone(&self.store);
        async move {
            let versions = store.versions(&ids).await;
            Told { ids, versions }
        }
    }

    /// The jobs that must be read. A version that is known stands for the read that would have brought it.
    pub(super) fn hear(&self, told: Told) -> Vec<JobId> {
        let Told { ids, versions } = told;
        let versions = match versions {
            Ok(versions) => versions,
            Err(error) => {
                self.note_stale(&error);
                return Vec::new();
            }
        };
        let asked = ids.len();
        let unknown = self.unknown(ids, versions);
        if unknown.len() < asked {
            self.note_answer();
        }
        unknown
    }

    /// Those that are no longer followed are none of it. What was read before a loss is not known any more, whatever its version.
    fn unknown(&self, ids: Vec<JobId>, versions: Vec<Option<u64>>) -> Vec<JobId> {
        let losses = self.losses_until_now().count;
        let followed = self.lock();
        let is_known = |id: &JobId, version: Option<u64>| {
            let Some(sender) = followed.get(id) else { return true };
            let latest = sender.borrow();
            latest.as_ref().is_some_and(|latest| {
                Some(latest.stored.version) == version
                    && latest.unreadable_since.is_none()
                    && latest.known.count == losses
            })
        };
        let told = ids.into_iter().zip(versions);
        let unknown = told.filter(|(id, version)| !is_known(id, *version));
        unknown.map(|(id, _)| id).collect()
    }
}

// === impl Doubted ===

impl Doubted {
    /// Takes all these instead. Where the last round is not over yet it goes on, so that the jobs at its end have their turn also
    /// when a round takes longer than the time between two.
    fn start_anew(&mut self, mut ids: Vec<JobId>) {
        ids.sort_unstable_by(|one, other| order(one).cmp(&order(other)));
        let begun_at = self
            .0
            .front()
            .map_or(0, |next| ids.partition_point(|id| order(id) < order(next)));
        ids.rotate_left(begun_at);
        self.0 = ids.into();
    }

    /// The next ones to ask for: of one shard, because others may be held by a server that does not answer.
    pub(super) fn next(&mut self) -> Option<Vec<JobId>> {
        let shard = self.0.front()?.shard();
        let others = self.0.iter().position(|id| id.shard() != shard);
        let asked = others.unwrap_or(self.0.len()).min(ASKED_MAX);
        Some(self.0.drain(..asked).collect())
    }
}

fn order(id: &JobId) -> (usize, &str) {
    (id.shard().index(), id.as_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;
    use crate::store::conformance::fixtures;

    /// So many jobs of a person, whose shard has the same number.
    fn jobs(person: u8, count: usize) -> Vec<JobId> {
        let job = |_| fixtures::work_history(person, fixtures::EPOCH).id;
        (0..count).map(job).collect()
    }

    #[test]
    fn every_job_is_asked_for_once_a_round_beside_others_of_its_shard() {
        let ids = [jobs(9, 3), jobs(2, 2 * ASKED_MAX + 1), jobs(5, 1)].concat();
        let mut doubted = Doubted::default();
        doubted.start_anew(ids.clone());
        let mut asked = BTreeSet::new();
        let mut sizes = Vec::new();
        while let Some(some) = doubted.next() {
            let shards: BTreeSet<usize> = some.iter().map(|id| id.shard().index()).collect();
            assert_eq!(shards.len(), 1);
            sizes.push(some.len());
            asked.extend(some);
        }
        assert_eq!(sizes, [ASKED_MAX, ASKED_MAX, 1, 1, 3]);
        assert_eq!(asked, ids.into_iter().collect());
    }

    #[test]
    fn a_round_begins_where_the_last_one_has_come_to() {
        let (first, second, third) = (jobs(1, 1), jobs(2, 1), jobs(3, 1));
        let all = [first.clone(), second.clone(), third.clone()].concat();
        let mut doubted = Doubted::default();
        let mut asked = Vec::new();
        for _ in 0..2 {
            doubted.start_anew(all.clone());
            asked.extend([doubted.next().unwrap(), doubted.next().unwrap()]);
        }
        assert_eq!(asked, [&first, &second, &third, &first].map(Vec::clone));
        // What it would go on with is not followed any more.
        doubted.start_anew([first, third.clone()].concat());
        assert_eq!(doubted.next(), Some(third));
    }
}
