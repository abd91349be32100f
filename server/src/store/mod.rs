//! What a store must do, in about a dozen verbs. Dumb and atomic: the transition is computed by the domain, the store commits it.
//!
//! Two stores are real: `sqlite` (embedded, one replica) and `redis` (any number of replicas). One suite, `conformance`, says
//! what both must do. No back-end type stands in a signature. Every verb may be repeated after an unknown outcome: creations
//! are idempotent by job id, commits by operation id, request ids and gates by their own names.

pub(crate) mod codec;
mod compact;
#[cfg(test)]
pub(crate) mod conformance;
mod creation;
pub(crate) mod dedupe;
pub(crate) mod examination;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
pub(crate) mod journal;
pub(crate) mod ledger;
#[cfg(test)]
pub(crate) mod model;
pub(crate) mod open_error;
pub(crate) mod redis;
pub(crate) mod sqlite;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::{Timestamp, civil::Date};
use tokio::{sync::broadcast, time::Instant};
use uuid::Uuid;

use crate::domain::{
    gate::{Called, Entrant, GateLimits, GateReport, GateStatus, Passage},
    ids::{IntentId, JobId, SHARDS, Tenant},
    job::{Job, StateName, Step, Transition},
    outcome::{Charge, OutcomeClass},
    provider_id::ProviderId,
};

pub(crate) use self::{
    creation::{Created, Creation, FirstIntent, How},
    journal::Journal,
    open_error::OpenError,
};

/// Newest feed entries that each shard keeps at least. A watcher further behind than this reads everything again, which costs about
/// as much as reading that many entries one by one.
pub(crate) const FEED_KEPT_MIN: u64 = 10_000;

/// So many more a shard may keep, to drop them together.
#[cfg(test)]
pub(crate) const FEED_LUMP_MAX: u64 = 100;

/// One data set, shared by all replicas that open it.
#[async_trait]
pub(crate) trait Store: Send + Sync + 'static {
    /// Answers when the store is reachable, writable and holds the data set it held when it was opened.
    async fn probe(&self) -> Result<DataSet, StoreError>;

    /// Starts the job, or names the job that already serves such a request.
    async fn create(&self, creation: Creation) -> Result<Created, StoreError>;

    async fn read(&self, id: &JobId) -> Result<Option<Stored>, StoreError>;

    /// Versions of jobs, in their order; `None` = the job is not there, or its version cannot be told. Far cheaper than reads, most
    /// of all for jobs of one shard; how many at a time is for the caller to bound. Only a hint at what to read again: it may be
    /// older than what a read tells, and no caller is answered with it.
    async fn versions(&self, ids: &[JobId]) -> Result<Vec<Option<u64>>, StoreError>;

    async fn read_sealed(&self, id: &JobId) -> Result<Option<SealedRecord>, StoreError>;

    /// Leases up to `max` jobs that are due, over all shards, the longest due first within a shard.
    async fn claim_due(&self, lease: Duration, max: usize) -> Result<Claims, StoreError>;

    /// Commits a transition as a whole, or says why not and changes nothing.
    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError>;

    /// Gives a lease back: the job is due at once. Does nothing when the fence is stale.
    async fn release(&self, id: &JobId, fence: u64) -> Result<(), StoreError>;

    /// Lets a job that was put off come due within that time. One that is leased is due when its lease is given up. Does nothing to
    /// a job that is due sooner or has ended.
    async fn hasten(&self, id: &JobId, within: Duration) -> Result<(), StoreError>;

    /// Binds a caller's request id to a request and a proposed job, or tells what it was bound to.
    async fn reserve_request(&self, reservation: Reservation) -> Result<Reserved, StoreError>;

    /// Remembers which job a request id was answered with, and names the one that it is answered with from now on: the first.
    async fn settle_request(&self, key: &str, job: &JobId) -> Result<JobId, StoreError>;

    /// A page of jobs, newest first. It may hold fewer than asked for: only a missing `next` means the end.
    async fn list(&self, query: ListQuery) -> Result<ListPage, StoreError>;

    /// Where the feed ends now.
    async fn feed_end(&self) -> Result<FeedPosition, StoreError>;

    /// What the feed holds after a position, at most `max` entries, in order within each shard.
    async fn feed_after(&self, position: &FeedPosition, max: usize) -> Result<FeedPage, StoreError>;

    /// A page of the ledger, newest first. It may hold fewer than asked for: only a missing `next` means the end.
    async fn charges(&self, query: ChargeQuery) -> Result<ChargePage, StoreError>;

    /// Takes a place at a provider, or a turn where it has none: rate, concurrency and breaker, over all replicas. Idempotent by
    /// the intent; the place is given up by itself after `hold`, counted from when the call may begin.
    async fn enter_gate(
        &self,
        provider: ProviderId,
        entrant: &Entrant,
        limits: &GateLimits,
        hold: Duration,
    ) -> Result<Passage, StoreError>;

    /// Leaves it, and tells the breaker how the call went. The jobs that are called now are for the caller to hasten: they lie
    /// elsewhere.
    async fn leave_gate(
        &self,
        provider: ProviderId,
        intent: &IntentId,
        limits: &GateLimits,
        report: GateReport,
    ) -> Result<Vec<Called>, StoreError>;

    async fn gate_status(&self, provider: ProviderId) -> Result<GateStatus, StoreError>;

    /// Removes up to `max` jobs that ended before `ended_before`, with all that belongs to them but the ledger rows. A job with
    /// an unknown charge loses its sealed record only, so that it can be settled; it is not counted.
    async fn purge(&self, ended_before: Timestamp, max: usize) -> Result<usize, StoreError>;

    /// Rings after commits, on every replica. Only a doorbell: rings may be lost, and `Bell::Resync` says that some were.
    fn bells(&self) -> broadcast::Receiver<Bell>;

    /// What an operator must know of it, as it was last seen; asks nobody.
    fn condition(&self) -> Condition {
        Condition::default()
    }
}

/// What is not as it should be with a store that answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Condition {
    /// New jobs are refused.
    pub is_full: bool,
    /// No billed call is begun.
    pub is_unfit: bool,
    /// Times at which this replica found that something acknowledged was lost.
    pub losses: u64,
    /// What it has put back since its start.
    pub put_back: u64,
    /// What was lost for good: of these, only the charge was put back.
    pub lost_for_good: u64,
    /// Missing steps of which nobody remembers what they were.
    pub unaccounted: u64,
    /// When a loss was last declared, in microseconds of the store's clock; 0 = never. Cursors from before are answered with a
    /// reset.
    pub lost_at: u64,
}

/// Identity of a data set. A store that lost its data gets a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DataSet {
    pub epoch: u64,
    /// The store's clock at the probe.
    pub now: Timestamp,
}

/// A job and the version that a commit must name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stored {
    pub job: Job,
    pub version: u64,
}

/// Person and answer, sealed by the engine; opaque to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SealedRecord {
    pub subject: Vec<u8>,
    pub answer: Option<Vec<u8>>,
}

/// The right to decide about a job until it expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    /// Grows with every claim of the job.
    pub fence: u64,
    /// Read from before the claim was sent, so that a slow reply cannot stretch the lease.
    pub expires_at: Instant,
    /// Claims since the job last moved, also those whose reply never came.
    pub stalled_claims: u32,
}

/// A leased job.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub stored: Stored,
    pub lease: Lease,
}

/// What a claim brought.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims {
    pub claims: Vec<Claim>,
    /// Due jobs whose record this version cannot read. They stay as they are and come due again after the lease.
    pub unreadable: Vec<JobId>,
    /// When the next job not yet claimed comes due; zero when some are left over.
    pub next_due_in: Option<Duration>,
}

/// A transition to commit.
#[derive(Clone, Debug)]
pub(crate) struct Commit {
    /// Names the operation: a repeated commit is answered `Done` again.
    pub op: Uuid,
    /// Version of the job that the transition was computed from.
    pub expected_version: u64,
    /// For decisions: the fence must still hold. Facts and callers' wishes come without.
    pub fence: Option<u64>,
    pub transition: Transition,
    /// How long the lease lasts from now on when the transition holds on to it.
    pub hold: Duration,
    /// Set when the transition brings the answer.
    pub answer: Option<Vec<u8>>,
    /// Set when the transition opens a charge.
    pub person_day: Option<PersonDay>,
}

/// Most charges a person may have open or paid in one day for one step, over all providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PersonDay {
    pub day: Date,
    pub max: u32,
}

/// What became of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Committed {
    /// `lease` is set when the transition held on to it.
    Done { version: u64, lease: Option<Lease> },
    /// Version or fence have moved on: read again.
    Conflict,
    /// The billing unit is not free.
    UnitTaken { charge: Charge },
    /// The person's charges of the day are used up.
    PersonDayFull,
    /// Intents cannot be had now, because it is not certain that all earlier ones are there: nothing was changed.
    Postponed { wait: Duration },
}

/// A caller's request id.
#[derive(Clone, Debug)]
pub(crate) struct Reservation {
    /// Keyed hash of tenant and request id.
    pub key: String,
    /// Keyed hash of the request's body.
    pub fingerprint: String,
    pub job: JobId,
    pub keep: Duration,
}

/// What a request id is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reserved {
    New,
    /// Bound before, to the same body. `settled` = the job it was answered with; else the job proposed then.
    Known {
        job: JobId,
        settled: bool,
    },
    /// Bound before, to another body.
    OtherRequest,
}

/// Which jobs to list. `before` is the order key of the last job seen.
#[derive(Clone, Debug)]
pub(crate) struct ListQuery {
    pub tenant: Tenant,
    pub filter: JobFilter,
    pub before: Option<String>,
    pub page_size: usize,
}

/// Which work-history jobs are meant. Empty parts take all.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct JobFilter {
    pub states: Vec<StateName>,
    pub created_from: Option<Timestamp>,
    pub created_until: Option<Timestamp>,
    pub labels: Vec<(String, String)>,
}

impl JobFilter {
    pub(crate) fn takes(&self, job: &Job) -> bool {
        let view = job.view();
        let is_state = self.states.is_empty() || self.states.contains(&view.state);
        let is_young = self.created_from.is_none_or(|from| job.created_at >= from);
        let is_old = self.created_until.is_none_or(|until| job.created_at < until);
        let has = |(key, value): &(String, String)| job.ask.labels.get(key) == Some(value);
        is_state && is_young && is_old && self.labels.iter().all(has)
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ListPage {
    pub jobs: Vec<Job>,
    /// Names of jobs that would stand here, perhaps, but that this version cannot read. They are left alone.
    pub unreadable: Vec<String>,
    pub next: Option<String>,
}

/// One number per shard: the newest feed entry seen there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct FeedPosition(pub [u64; SHARDS as usize]);

/// The feed after a position.
#[derive(Clone, Debug, Default)]
pub(crate) struct FeedPage {
    /// Jobs that changed, oldest change first within a shard; a job may stand more than once.
    pub jobs: Vec<JobId>,
    /// Position after the last entry of this page.
    pub position: FeedPosition,
    /// Entries between the position asked for and the oldest kept one are gone.
    pub expired: bool,
}

/// Which ledger rows. `before` is the id of the last row seen.
#[derive(Clone, Debug)]
pub(crate) struct ChargeQuery {
    pub tenant: Tenant,
    pub job: Option<JobId>,
    pub provider: Option<ProviderId>,
    pub charges: Vec<Charge>,
    pub opened_from: Option<Timestamp>,
    pub opened_until: Option<Timestamp>,
    pub before: Option<IntentId>,
    pub page_size: usize,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ChargePage {
    pub rows: Vec<ChargeRow>,
    /// Names of rows that this version cannot read. They are left alone.
    pub unreadable: Vec<String>,
    pub next: Option<IntentId>,
}

/// One row of the ledger: an intent and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct ChargeRow {
    pub id: IntentId,
    pub job: JobId,
    pub tenant: Tenant,
    pub provider: ProviderId,
    pub step: Step,
    pub charge: Charge,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<OutcomeClass>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_code: Option<String>,
    pub opened_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
    #[serde(default)]
    pub late: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A ring of the doorbell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bell {
    /// This job changed.
    Job { id: JobId, by: Change },
    /// Rings may have been lost: read everything that is watched again.
    Resync,
    /// Something acknowledged was lost: what was read before may not be so any more.
    Lost,
}

/// What a ring says of the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The job began. Whoever knows its id has been told so.
    Creation,
    /// It was committed under this operation. Whoever sent it knows the job.
    Commit(Uuid),
    Untold,
}

/// Why a store did not do as asked; by what the caller can do.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// Nobody knows whether it was done: repeat the same call later.
    #[error("store is unavailable while trying to {doing}: {why}")]
    Unavailable { doing: &'static str, why: Arc<str> },
    /// This is not the data set that was opened: stop, an operator must act.
    #[error("store lost its data set: {why}")]
    DataSetLost { why: Arc<str> },
    /// A record is damaged or from another version: leave it alone, an operator must act.
    #[error(
        "record of {what} cannot be read: {why}; it is left as it is: start the version that wrote it, or restore a backup"
    )]
    Unreadable { what: String, why: Arc<str> },
}
