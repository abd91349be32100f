//! The job: its stored form, its states and what can happen to it.
//!
//! [`Job::apply`] is the one way a job changes: polls, callbacks, timeouts, cancels and operators all arrive as an [`Event`].
//! It is pure; what it decides (`Transition`) is committed by the store in one atomic step. A job holds no personal data:
//! person and answer lie sealed in a record of their own.

mod apply;
mod charges;
mod event;
mod next;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use self::{
    apply::{Due, Ending, IllegalTransition, LedgerChange, Reuse, Transition},
    event::{Event, Source},
    view::{JobView, Stage, StateName},
};
use crate::domain::{
    ids::{IntentId, JobId, PersonKey, Tenant},
    outcome::{Charge, OutcomeClass},
    provider_id::ProviderId,
    reason::{Failure, Reason},
};

/// Newest events that a job keeps. A job makes about eight; only one that retries for its whole life drops old ones, and a
/// watcher that comes back from before them gets a snapshot.
pub(crate) const EVENTS_MAX: usize = 64;

/// Attempts that a job keeps: the newest, and before those the ones that money hangs on. The ledger keeps all.
pub(crate) const ATTEMPTS_MAX: usize = 32;

/// Jobs that a job wakes when it ends: the newest that asked. The others look at it by themselves from time to time.
pub(crate) const DEPENDENTS_MAX: usize = 64;

/// A job as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub id: JobId,
    pub tenant: Tenant,
    pub person: PersonKey,
    pub ask: Ask,
    pub state: State,
    pub attempts: Vec<Attempt>,
    /// The newest [`EVENTS_MAX`] events; the last one has number `sequence`.
    pub events: Vec<JobEvent>,
    pub sequence: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deadline_at: Timestamp,
    #[serde(default)]
    pub cancel_requested: bool,
    /// The lookup job whose NSS this job uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nss_from: Option<JobId>,
    /// Set when the lookup brought no NSS and the job goes on without.
    #[serde(default)]
    pub nss_missed: bool,
    /// Jobs to wake when this one ends, at most [`DEPENDENTS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependents: Vec<JobId>,
    /// Times that it was taken up again since it last moved.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stalls: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settlement: Option<Settlement>,
    /// W3C `traceparent` of the request that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_parent: Option<String>,
}

/// What was asked, without personal data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ask {
    /// Widest limit that any Submit asked of this job; 0 = all.
    #[serde(default)]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_case_id: Option<String>,
    /// Whether the sealed subject has given names and paternal surname.
    pub has_names: bool,
    /// Whether the sealed subject has an NSS.
    pub has_nss: bool,
    /// A charge older than this does not stand in the way of a new one.
    pub fresh_after: Timestamp,
    #[serde(default)]
    pub allow_repeat_charge: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub purpose: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub consent_reference: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Where a job stands. Who moves it on: the worker that holds its lease, unless a line says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// The next decision is due, now or at its due time. `deferred` = it already waits for a retry or a quota.
    Queued {
        deferred: bool,
    },
    /// Another job finds the NSS; it wakes this one when it ends.
    AwaitingNss {
        lookup: JobId,
    },
    /// The intent is on record and the request may be on its way. Only the caller's fact, or the end of its lease, moves it.
    Calling {
        intent: Intent,
    },
    /// The provider has it: a poll, a callback or the deadline moves it.
    Waiting {
        intent: Intent,
        reference: String,
        polls: u32,
    },
    /// The request may have been processed; a late fact, a callback or the end of the grace moves it.
    Ambiguous {
        intent: Intent,
        until: Timestamp,
    },
    Succeeded {
        at: Timestamp,
    },
    Failed {
        at: Timestamp,
        failure: Failure,
    },
    Cancelled {
        at: Timestamp,
    },
    /// An operator settles it.
    OutcomeUnknown {
        at: Timestamp,
        failure: Failure,
    },
}

/// The recorded will to make one call that can be billed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Intent {
    pub id: IntentId,
    pub provider: ProviderId,
    pub step: Step,
}

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    FindNss,
    FetchHistory,
}

/// One call that was intended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub id: IntentId,
    pub provider: ProviderId,
    pub step: Step,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<OutcomeClass>,
    pub charge: Charge,
    pub started_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Made, and paid, by a lookup whose answer is shared.
    #[serde(default)]
    pub shared: bool,
}

/// A public step in a job's life, as a watcher sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobEvent {
    pub sequence: u64,
    pub at: Timestamp,
    pub view: JobView,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
}

/// An operator's word on a charge that could not be known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settlement {
    pub charge: Charge,
    pub at: Timestamp,
    pub note: String,
}

impl Job {
    /// A job just accepted, with its first event.
    pub(crate) fn new(new: NewJob, now: Timestamp) -> Job {
        let mut job = Job {
            id: new.id,
            tenant: new.tenant,
            person: new.person,
            ask: new.ask,
            state: State::Queued { deferred: false },
            attempts: Vec::new(),
            events: Vec::new(),
            sequence: 0,
            created_at: now,
            updated_at: now,
            deadline_at: new.deadline_at,
            cancel_requested: false,
            nss_from: None,
            nss_missed: false,
            dependents: new.dependent.into_iter().collect(),
            stalls: 0,
            settlement: None,
            trace_parent: new.trace_parent,
        };
        job.record_event(None, now);
        job
    }

    pub(crate) fn is_terminal(&self) -> bool {
        match self.state {
            State::Queued { .. }
            | State::AwaitingNss { .. }
            | State::Calling { .. }
            | State::Waiting { .. }
            | State::Ambiguous { .. } => false,
            State::Succeeded { .. } | State::Failed { .. } | State::Cancelled { .. } | State::OutcomeUnknown { .. } => {
                true
            }
        }
    }

    pub(crate) fn failure(&self) -> Option<&Failure> {
        match &self.state {
            State::Failed { failure, .. } | State::OutcomeUnknown { failure, .. } => Some(failure),
            State::Queued { .. }
            | State::AwaitingNss { .. }
            | State::Calling { .. }
            | State::Waiting { .. }
            | State::Ambiguous { .. }
            | State::Succeeded { .. }
            | State::Cancelled { .. } => None,
        }
    }

    /// The intent whose outcome the job is waiting for.
    pub(crate) fn live_intent(&self) -> Option<&Intent> {
        match &self.state {
            State::Calling { intent } | State::Waiting { intent, .. } | State::Ambiguous { intent, .. } => Some(intent),
            State::Queued { .. }
            | State::AwaitingNss { .. }
            | State::Succeeded { .. }
            | State::Failed { .. }
            | State::Cancelled { .. }
            | State::OutcomeUnknown { .. } => None,
        }
    }

    /// Whether it ended with an answer of its own to keep.
    pub(crate) fn brings_answer(&self) -> bool {
        matches!(self.state, State::Succeeded { .. })
    }

    /// When the job ended.
    pub(crate) fn ended_at(&self) -> Option<Timestamp> {
        match &self.state {
            State::Succeeded { at }
            | State::Failed { at, .. }
            | State::Cancelled { at }
            | State::OutcomeUnknown { at, .. } => Some(*at),
            State::Queued { .. }
            | State::AwaitingNss { .. }
            | State::Calling { .. }
            | State::Waiting { .. }
            | State::Ambiguous { .. } => None,
        }
    }

    fn record_event(&mut self, attempt: Option<Attempt>, now: Timestamp) {
        self.sequence += 1;
        self.updated_at = now;
        self.events.push(JobEvent {
            sequence: self.sequence,
            at: now,
            view: self.view(),
            attempt,
        });
        if self.events.len() > EVENTS_MAX {
            self.events.remove(0);
        }
    }
}

/// What a job is born with.
#[derive(Clone, Debug)]
pub(crate) struct NewJob {
    pub id: JobId,
    pub tenant: Tenant,
    pub person: PersonKey,
    pub ask: Ask,
    pub deadline_at: Timestamp,
    pub dependent: Option<JobId>,
    pub trace_parent: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// The reason a job gets when a call's outcome stays unknown.
fn outcome_unknown(provider: ProviderId) -> Failure {
    Failure::told(Reason::OutcomeUnknown, provider, None)
}
