//! The store on Redis, shared by any number of replicas.
//!
//! Redis compares and moves, in one script per verb; what a job becomes was computed by the domain. Per shard it holds:
//! a hash per job (record, state, sealed person and answer, name of its dedupe record), the due set (scheduler and leases at once),
//! the set of ended jobs, an index of jobs by birth, the feed (a stream with contiguous numbers), dedupe records, ledger rows with
//! their index and their names by job, billing units and the counts of a person's day. Request ids and gates live in slots of
//! their own. Times are microseconds of Redis' clock; no replica's clock decides anything.

mod address;
mod bells;
mod claims;
mod commit;
mod connection;
mod diagnosis;
mod examine;
mod fault;
mod feed;
mod fitness;
mod gates;
mod intents;
mod jobs;
mod keys;
mod losses;
mod memory;
mod node;
mod open;
mod pages;
mod reigns;
mod reply;
mod requests;
mod scripts;
#[cfg(test)]
mod tests;
mod topology;
mod versions;
mod vigil;

use std::{
    fmt::Display,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::broadcast;
use tokio_util::task::AbortOnDropHandle;

pub(crate) use self::{
    address::{Login, check_url},
    diagnosis::diagnose,
    fitness::Finding,
    keys::PREFIX_DEFAULT,
    open::{Durability, RedisOptions, open},
};
use self::{bells::Bells, connection::Link, keys::Keys, reigns::Reigns, vigil::Fitness};
use crate::{
    clock::Clock,
    domain::{
        gate::{Called, Entrant, GateLimits, GateReport, GateStatus, Passage},
        ids::{IntentId, JobId, Shard},
        provider_id::ProviderId,
    },
    store::{
        Bell, ChargePage, ChargeQuery, Claims, Commit, Committed, Condition, Created, Creation, DataSet, FeedPage,
        FeedPosition, ListPage, ListQuery, Reservation, Reserved, SealedRecord, Store, StoreError, Stored,
    },
};

/// A data set in Redis, opened.
pub(crate) struct RedisStore {
    link: Arc<Link>,
    keys: Keys,
    /// The data set that was opened; every script compares it with what stands in its slot.
    epoch: u64,
    bells: Bells,
    /// For the scripts that move jobs.
    reigns: Arc<Reigns>,
    fitness: vigil::Seen,
    _vigil: AbortOnDropHandle<()>,
    /// Newest feed entries that each shard keeps.
    feed_kept_min: u64,
    /// How long a paid answer can be asked for.
    retention: Duration,
    clock: Clock,
    /// Chooses the shard that the next claim begins with.
    claims_made: AtomicUsize,
}

impl RedisStore {
    fn epoch(&self) -> String {
        self.epoch.to_string()
    }

    /// As the vigil last saw it.
    fn fitness(&self) -> Fitness {
        self.fitness.read().expect("nobody panics while holding it").clone()
    }
}

#[async_trait]
impl Store for RedisStore {
    async fn probe(&self) -> Result<DataSet, StoreError> {
        self.probe_data_set().await
    }

    async fn create(&self, creation: Creation) -> Result<Created, StoreError> {
        let era = self.reigns.era(creation.job.id.shard());
        let mut created = self.create_job(creation).await?;
        created.stored.version = versions::of(era, created.stored.version);
        Ok(created)
    }

    async fn read(&self, id: &JobId) -> Result<Option<Stored>, StoreError> {
        let era = self.reigns.era(id.shard());
        let mut read = self.read_job(id).await?;
        if let Some(stored) = &mut read {
            stored.version = versions::of(era, stored.version);
        }
        Ok(read)
    }

    async fn versions(&self, ids: &[JobId]) -> Result<Vec<Option<u64>>, StoreError> {
        self.versions_of(ids).await
    }

    async fn read_sealed(&self, id: &JobId) -> Result<Option<SealedRecord>, StoreError> {
        self.read_sealed_record(id).await
    }

    async fn claim_due(&self, lease: Duration, max: usize) -> Result<Claims, StoreError> {
        let eras: Vec<u64> = Shard::all().map(|shard| self.reigns.era(shard)).collect();
        let mut claimed = self.claim_jobs(lease, max).await?;
        for claim in &mut claimed.claims {
            let stored = &mut claim.stored;
            stored.version = versions::of(eras[stored.job.id.shard().index()], stored.version);
        }
        Ok(claimed)
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        self.commit_transition(commit).await
    }

    async fn release(&self, id: &JobId, fence: u64) -> Result<(), StoreError> {
        self.release_job(id, fence).await
    }

    async fn hasten(&self, id: &JobId, within: Duration) -> Result<(), StoreError> {
        self.hasten_job(id, within).await
    }

    async fn reserve_request(&self, reservation: Reservation) -> Result<Reserved, StoreError> {
        self.reserve(reservation).await
    }

    async fn settle_request(&self, key: &str, job: &JobId) -> Result<JobId, StoreError> {
        self.settle(key, job).await
    }

    async fn list(&self, query: ListQuery) -> Result<ListPage, StoreError> {
        self.list_jobs(query).await
    }

    async fn feed_end(&self) -> Result<FeedPosition, StoreError> {
        self.end_of_feed().await
    }

    async fn feed_after(&self, position: &FeedPosition, max: usize) -> Result<FeedPage, StoreError> {
        self.read_feed(position, max).await
    }

    async fn charges(&self, query: ChargeQuery) -> Result<ChargePage, StoreError> {
        self.list_charges(query).await
    }

    async fn enter_gate(
        &self,
        provider: ProviderId,
        entrant: &Entrant,
        limits: &GateLimits,
        hold: Duration,
    ) -> Result<Passage, StoreError> {
        self.enter(provider, entrant, limits, hold).await
    }

    async fn leave_gate(
        &self,
        provider: ProviderId,
        intent: &IntentId,
        limits: &GateLimits,
        report: GateReport,
    ) -> Result<Vec<Called>, StoreError> {
        self.leave(provider, intent, limits, report).await
    }

    async fn gate_status(&self, provider: ProviderId) -> Result<GateStatus, StoreError> {
        self.status_of_gate(provider).await
    }

    async fn purge(&self, ended_before: Timestamp, max: usize) -> Result<usize, StoreError> {
        self.purge_jobs(ended_before, max).await
    }

    fn bells(&self) -> broadcast::Receiver<Bell> {
        self.bells.subscribe()
    }

    fn condition(&self) -> Condition {
        let Fitness { full, unfit } = self.fitness();
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let losses = &self.reigns.losses;
        Condition {
            is_full: full.is_some(),
            is_unfit: unfit.is_some(),
            losses: count(&losses.found),
            put_back: count(&losses.put_back),
            lost_for_good: count(&losses.for_good),
            unaccounted: count(&losses.unaccounted),
            lost_at: self.reigns.lost_at(),
        }
    }
}

/// Named arguments of a script.
fn plan(plan: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(plan).expect("plans have string keys and no fallible parts")
}

/// Arguments of a script in one, for one pattern to take apart. None of them has a space in it.
fn words(words: &[&dyn Display]) -> String {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    debug_assert!(words.iter().all(|word| !word.is_empty() && !word.contains(' ')));
    words.join(" ")
}

/// Microseconds as the scripts count, rounded up: a job is never due too early.
fn micros_of(at: Timestamp) -> i64 {
    let micros = at.as_nanosecond().div_euclid(1000) + i128::from(at.as_nanosecond().rem_euclid(1000) > 0);
    i64::try_from(micros).expect("jiff's range in microseconds fits")
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
