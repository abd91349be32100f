//! The model store: the shortest statement of what a store is. Maps, and one step per verb.
//!
//! It exists for tests. The conformance suite holds it to what the real stores do, and the simulation runs the engine on it:
//! it never waits, starts no thread and rolls no dice, so what happens on it happens again. It knows no faults; whoever
//! wants them puts them between the engine and it, keeps a snapshot of [`Data`] and puts it back.
#![allow(clippy::unwrap_used)]

mod jobs;
mod keeping;
mod loss;
mod money;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Mutex,
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::{sync::broadcast, time::Instant};
use uuid::Uuid;

use self::loss::Pause;
pub(crate) use self::money::{Entered, UnitKey};
use crate::{
    clock::Clock,
    domain::{
        gate::{Called, Entrant, Gate, GateLimits, GateReport, GateStatus, Passage},
        ids::{IntentId, JobId, SHARDS},
        job::Job,
        provider_id::ProviderId,
    },
    store::{
        Bell, Change, ChargePage, ChargeQuery, Claims, Commit, Committed, Created, Creation, DataSet, FeedPage,
        FeedPosition, How, ListPage, ListQuery, Reservation, Reserved, SealedRecord, Store, StoreError, Stored,
        dedupe::Dedupe, ledger::Unit,
    },
};

/// Rings that a listener may fall behind.
const BELLS_MAX: usize = 1024;

/// A data set in memory.
pub(crate) struct Model {
    data: Mutex<Data>,
    clock: Clock,
    bells: broadcast::Sender<Bell>,
}

/// All that the store holds; a clone is a snapshot.
#[derive(Clone)]
pub(crate) struct Data {
    pub jobs: BTreeMap<JobId, Entry>,
    pub dedupe: BTreeMap<DedupeKey, Dedupe>,
    pub charges: BTreeMap<IntentId, Entered>,
    pub units: BTreeMap<UnitKey, Unit>,
    requests: BTreeMap<String, Request>,
    /// By the job that a creation proposed: the job that it was given instead, and until when that is remembered.
    served: BTreeMap<JobId, (JobId, Timestamp)>,
    /// Of each shard, how many entries there have been and the newest of them.
    feed: [(u64, VecDeque<JobId>); SHARDS as usize],
    gates: BTreeMap<ProviderId, Gate>,
    retention: Duration,
    feed_kept_min: u64,
    epoch: u64,
    /// Versions and fences up to which jobs had come that were lost: one that is created again under the same name goes on from there.
    used: BTreeMap<JobId, (u64, u64)>,
    /// When a loss was last declared, in microseconds; 0 = never.
    pub lost_at: u64,
    pause: Option<Pause>,
}

/// A job and what is kept beside it.
#[derive(Clone)]
pub(crate) struct Entry {
    pub job: Job,
    pub version: u64,
    /// When to look at it next: `None` once it has ended. While it is leased, the end of the lease.
    pub due: Option<Timestamp>,
    pub is_leased: bool,
    pub fence: u64,
    stalled_claims: u32,
    /// It was woken while it was leased.
    is_woken: bool,
    last_op: Option<Uuid>,
    product: String,
    sealed: Option<SealedRecord>,
    is_readable: bool,
}

/// Tenant, person and product.
pub(crate) type DedupeKey = (String, String, String);

#[derive(Clone)]
struct Request {
    fingerprint: String,
    job: JobId,
    is_settled: bool,
    expires_at: Timestamp,
}

impl Model {
    pub(crate) fn new(clock: Clock, retention: Duration, feed_kept_min: u64) -> Model {
        let data = Data {
            jobs: BTreeMap::new(),
            dedupe: BTreeMap::new(),
            charges: BTreeMap::new(),
            units: BTreeMap::new(),
            requests: BTreeMap::new(),
            served: BTreeMap::new(),
            feed: Default::default(),
            gates: BTreeMap::new(),
            retention,
            feed_kept_min,
            epoch: 1,
            used: BTreeMap::new(),
            lost_at: 0,
            pause: None,
        };
        Model {
            data: Mutex::new(data),
            clock,
            bells: broadcast::Sender::new(BELLS_MAX),
        }
    }

    /// Looks at what is stored, or changes it as no verb could.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut Data) -> T) -> T {
        look(&mut self.data.lock().expect("no verb panics"))
    }

    /// Rings though nothing has happened. False = nobody listens.
    pub(crate) fn rings(&self, bell: Bell) -> bool {
        self.bells.send(bell).is_ok()
    }

    fn step<T>(&self, step: impl FnOnce(&mut Data, Timestamp) -> T) -> T {
        let now = self.clock.now();
        self.look(|data| {
            data.end_pause(now);
            step(data, now)
        })
    }

    /// Nobody listening is no error.
    fn ring(&self, id: JobId, by: Change) {
        drop(self.bells.send(Bell::Job { id, by }));
    }
}

#[async_trait]
impl Store for Model {
    async fn probe(&self) -> Result<DataSet, StoreError> {
        Ok(self.step(|data, now| DataSet { epoch: data.epoch, now }))
    }

    async fn create(&self, creation: Creation) -> Result<Created, StoreError> {
        let proposed = creation.job.id.clone();
        let created = self.step(|data, now| data.create(creation, now, Instant::now()))?;
        if matches!(created.how, How::Started(_)) {
            self.ring(proposed, Change::Creation);
        }
        Ok(created)
    }

    async fn read(&self, id: &JobId) -> Result<Option<Stored>, StoreError> {
        self.step(|data, _| match data.read(id)? {
            Some(stored) => Ok(Some(stored)),
            None => data.demand_settled("read a job").map(|()| None),
        })
    }

    async fn versions(&self, ids: &[JobId]) -> Result<Vec<Option<u64>>, StoreError> {
        Ok(self.step(|data, _| {
            let version = |id| data.jobs.get(id).map(|entry| entry.version);
            ids.iter().map(version).collect()
        }))
    }

    async fn read_sealed(&self, id: &JobId) -> Result<Option<SealedRecord>, StoreError> {
        self.step(|data, _| match data.jobs.get(id) {
            Some(entry) => Ok(entry.sealed.clone()),
            None => data.demand_settled("read a sealed record").map(|()| None),
        })
    }

    async fn claim_due(&self, lease: Duration, max: usize) -> Result<Claims, StoreError> {
        Ok(self.step(|data, now| data.claim_due(lease, max, now, Instant::now())))
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        let (id, by) = (commit.transition.job.id.clone(), commit.op);
        let committed = self.step(|data, now| data.commit(commit, now, Instant::now()));
        if matches!(committed, Committed::Done { .. }) {
            self.ring(id, Change::Commit(by));
        }
        Ok(committed)
    }

    async fn release(&self, id: &JobId, fence: u64) -> Result<(), StoreError> {
        self.step(|data, now| data.release(id, fence, now));
        Ok(())
    }

    async fn hasten(&self, id: &JobId, within: Duration) -> Result<(), StoreError> {
        self.step(|data, now| data.hasten(id, now, now + within));
        Ok(())
    }

    async fn reserve_request(&self, reservation: Reservation) -> Result<Reserved, StoreError> {
        Ok(self.step(|data, now| data.reserve(reservation, now)))
    }

    async fn settle_request(&self, key: &str, job: &JobId) -> Result<JobId, StoreError> {
        Ok(self.step(|data, _| data.settle_request(key, job)))
    }

    async fn list(&self, query: ListQuery) -> Result<ListPage, StoreError> {
        Ok(self.step(|data, _| data.list(&query)))
    }

    async fn feed_end(&self) -> Result<FeedPosition, StoreError> {
        Ok(self.step(|data, _| data.feed_end()))
    }

    async fn feed_after(&self, position: &FeedPosition, max: usize) -> Result<FeedPage, StoreError> {
        Ok(self.step(|data, _| data.feed_after(position, max)))
    }

    async fn charges(&self, query: ChargeQuery) -> Result<ChargePage, StoreError> {
        Ok(self.step(|data, _| data.charges(&query)))
    }

    async fn enter_gate(
        &self,
        provider: ProviderId,
        entrant: &Entrant,
        limits: &GateLimits,
        hold: Duration,
    ) -> Result<Passage, StoreError> {
        Ok(self.step(|data, now| {
            data.gates
                .entry(provider)
                .or_default()
                .enter(entrant, limits, hold, now)
        }))
    }

    async fn leave_gate(
        &self,
        provider: ProviderId,
        intent: &IntentId,
        limits: &GateLimits,
        report: GateReport,
    ) -> Result<Vec<Called>, StoreError> {
        Ok(self.step(|data, now| {
            data.gates
                .entry(provider)
                .or_default()
                .leave(intent, limits, report, now)
        }))
    }

    async fn gate_status(&self, provider: ProviderId) -> Result<GateStatus, StoreError> {
        Ok(self.step(|data, now| data.gates.entry(provider).or_default().status(now)))
    }

    async fn purge(&self, ended_before: Timestamp, max: usize) -> Result<usize, StoreError> {
        Ok(self.step(|data, now| data.purge(ended_before, max, now)))
    }

    fn bells(&self) -> broadcast::Receiver<Bell> {
        self.bells.subscribe()
    }
}
