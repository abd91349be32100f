//! What callers ask of the engine and what they get: the engine's face towards `api`, `http` and `app`.
//!
//! Everything here is parsed already; personal data in it is typed. No protobuf type comes this far.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use crate::domain::{
    curp::Curp,
    gate::GateStatus,
    ids::Tenant,
    job::{Job, JobEvent},
    nss::Nss,
    person::Subject,
    provider_id::ProviderId,
    reason::Reason,
    work_history::{Provenance, WorkHistory},
};
pub(crate) use crate::store::{ChargePage, ChargeQuery, ChargeRow, JobFilter, ListPage};

/// A work history is wanted.
pub(crate) struct Submit {
    pub tenant: Tenant,
    pub subject: Subject,
    /// 0 = all.
    pub limit: u32,
    pub request_id: Option<RequestId>,
    pub max_age: Option<Duration>,
    pub allow_repeat_charge: bool,
    pub provider: Option<ProviderId>,
    pub test_case_id: Option<String>,
    pub purpose: String,
    pub consent_reference: String,
    pub labels: BTreeMap<String, String>,
    pub trace_parent: Option<String>,
}

/// A caller's idempotency key, and the bytes that the same request has each time.
pub(crate) struct RequestId {
    pub id: String,
    /// Canonical encoding of the request without the id. Personal data: only its keyed hash is kept.
    pub body: Vec<u8>,
}

/// How a Submit was met.
pub(crate) struct Submitted {
    pub snapshot: Snapshot,
    pub disposition: Disposition,
    pub watch_cursor: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disposition {
    Started,
    Attached,
    Reused,
}

/// An NSS is wanted.
pub(crate) struct Lookup {
    pub tenant: Tenant,
    pub curp: Curp,
    pub max_age: Option<Duration>,
    pub allow_repeat_charge: bool,
    pub purpose: String,
    pub consent_reference: String,
    pub trace_parent: Option<String>,
}

/// The NSS, and how it was come by.
pub(crate) struct LookedUp {
    pub nss: Nss,
    pub full_name: Option<String>,
    pub provenance: Provenance,
    pub disposition: Disposition,
}

/// A job as it stands, with its answer when it has succeeded. Not `Debug`: the answer is personal data.
#[derive(Clone)]
pub(crate) struct Snapshot {
    pub job: Job,
    /// Cut to the limit in force.
    pub answer: Option<JobAnswer>,
}

/// A work history and where its parts came from.
#[derive(Clone)]
pub(crate) struct JobAnswer {
    pub history: WorkHistory,
    /// How many employments there were before the cut.
    pub employment_count: u32,
    /// Set when the NSS was looked up for it.
    pub nss_provenance: Option<Provenance>,
}

/// A job is to be followed.
pub(crate) struct Watch {
    pub tenant: Tenant,
    pub job_id: String,
    pub cursor: Option<String>,
    pub limit: Option<u32>,
}

/// One message of a watch.
pub(crate) struct WatchMessage {
    pub cursor: String,
    pub terminal: bool,
    pub content: WatchContent,
}

pub(crate) enum WatchContent {
    Snapshot {
        snapshot: Box<Snapshot>,
        heartbeat_interval: Duration,
        cause: SnapshotCause,
    },
    /// `job` stands on the terminal event only.
    Event {
        event: JobEvent,
        job: Option<Box<Snapshot>>,
    },
    Heartbeat {
        now: Timestamp,
    },
    Stale {
        since: Timestamp,
    },
    Draining {
        resume_delay: Duration,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SnapshotCause {
    Start,
    Reset,
    SlowReader,
}

/// All jobs are to be followed.
pub(crate) struct WatchAll {
    pub tenant: Tenant,
    pub cursor: Option<String>,
    pub filter: JobFilter,
    pub initial_count: usize,
}

/// One message of the feed.
pub(crate) struct FeedMessage {
    pub cursor: String,
    pub content: FeedContent,
}

pub(crate) enum FeedContent {
    Job(Box<Job>),
    Synced { heartbeat_interval: Duration },
    Heartbeat { now: Timestamp },
    Stale { since: Timestamp },
    Draining { resume_delay: Duration },
    Reset { cause: SnapshotCause },
}

/// A provider as this deployment sees it.
pub(crate) struct ProviderStatus {
    pub provider: ProviderId,
    pub configured: bool,
    pub in_flight_max: u32,
    pub gate: GateStatus,
}

/// A provider's word that an answer may be ready, from the HTTP edge. All of it is untrusted.
pub(crate) struct Callback {
    pub provider: ProviderId,
    pub job_id: String,
    pub intent_id: String,
    /// From the path.
    pub token: String,
    /// From the header.
    pub key: Option<String>,
    /// As it came. Only the provider's adapter reads it, for the reference; it may hold personal data.
    pub body: bytes::Bytes,
}

/// What to answer a callback with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallbackVerdict {
    /// Understood; also when it changed nothing.
    Accepted,
    /// Token or key are wrong, or no such job: the same answer for all of them.
    Forged,
}

/// A field that cannot be what it is, found only by looking at the settings or the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WrongField {
    /// As the contract names it.
    pub name: &'static str,
    /// What to change about it; never its value.
    pub description: &'static str,
}

/// Why the engine did not do as asked. The edge turns the reason into a status and a sentence.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{reason:?}")]
pub(crate) struct EngineError {
    pub reason: Reason,
    /// The field of the request that is at fault, where one is.
    pub field: Option<WrongField>,
    pub retry_after: Option<Duration>,
    /// The provider's code, where one gave the reason.
    pub provider_code: Option<String>,
    pub provider: Option<ProviderId>,
    /// For the log, never for the caller.
    #[source]
    pub source: Option<crate::store::StoreError>,
}
