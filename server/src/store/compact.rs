//! The job as records of format 2 hold it: what stands twice, and what can be told from the rest, is left out.
//!
//! A job is written some four times in its life, read as often, and held in memory by Redis for as long as it waits. Times are
//! nanoseconds since the job was created; an attempt that an event shows, or that the state is about, is a place in the list of
//! attempts. Whatever job there is, it comes back as it was. It does not know what else stands in a record.

mod history;
mod state;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::{
    history::{CompactAttempt, CompactEvent, numbered},
    state::CompactState,
};
use crate::domain::{
    ids::{JobId, JobKind, PersonKey, Tenant},
    job::{Ask, Attempt, Job, JobEvent, Settlement, Step},
    provider_id::ProviderId,
};

/// Nanoseconds; since the job was created, where nothing else is said.
type Nanos = i128;

#[derive(Serialize, Deserialize)]
pub(super) struct CompactJob {
    id: JobId,
    #[serde(default = "Tenant::sole", skip_serializing_if = "is_sole")]
    tenant: Tenant,
    person: PersonKey,
    /// Since 1970: when it was created.
    at: Nanos,
    /// `None` = with the last event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    updated: Option<Nanos>,
    deadline: Nanos,
    ask: CompactAsk,
    state: CompactState,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attempts: Vec<CompactAttempt>,
    events: Vec<CompactEvent>,
    /// `None` = as many as there are events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
    #[serde(default, skip_serializing_if = "is_false")]
    cancel_requested: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nss_from: Option<JobId>,
    #[serde(default, skip_serializing_if = "is_false")]
    nss_missed: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dependents: Vec<JobId>,
    #[serde(default, skip_serializing_if = "is_zero")]
    stalls: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settlement: Option<Settlement>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace_parent: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct CompactAsk {
    #[serde(default, skip_serializing_if = "is_zero")]
    limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider: Option<ProviderId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    test_case_id: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    has_names: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    has_nss: bool,
    fresh_after: Nanos,
    #[serde(default, skip_serializing_if = "is_false")]
    allow_repeat_charge: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    purpose: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    consent_reference: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
}

/// What a job is born with, from which much of its life can be told.
#[derive(Clone, Copy)]
struct Birth {
    created_at: Timestamp,
    kind: JobKind,
    /// The only provider that may be asked.
    asked: Option<ProviderId>,
}

/// What stands in a record cannot be a job.
#[derive(Debug, thiserror::Error)]
#[error("it names what is not there, or a time that is none")]
pub(super) struct NoJob;

// === impl CompactJob ===

impl CompactJob {
    pub(super) fn of(job: &Job) -> CompactJob {
        let birth = Birth {
            created_at: job.created_at,
            kind: job.id.kind(),
            asked: job.ask.provider,
        };
        let last_event = job.events.last().map(|event| event.at);
        CompactJob {
            id: job.id.clone(),
            tenant: job.tenant.clone(),
            person: job.person.clone(),
            at: job.created_at.as_nanosecond(),
            updated: (last_event != Some(job.updated_at)).then(|| birth.since(job.updated_at)),
            deadline: birth.since(job.deadline_at),
            ask: CompactAsk::of(&job.ask, birth),
            state: CompactState::of(job, birth),
            attempts: job.attempts.iter().map(|it| CompactAttempt::of(it, birth)).collect(),
            events: (0..job.events.len())
                .map(|place| CompactEvent::of(job, place, birth))
                .collect(),
            sequence: (job.sequence != job.events.len() as u64).then_some(job.sequence),
            cancel_requested: job.cancel_requested,
            nss_from: job.nss_from.clone(),
            nss_missed: job.nss_missed,
            dependents: job.dependents.clone(),
            stalls: job.stalls,
            settlement: job.settlement.clone(),
            trace_parent: job.trace_parent.clone(),
        }
    }

    pub(super) fn into_job(self) -> Result<Job, NoJob> {
        let birth = Birth {
            created_at: timestamp(self.at)?,
            kind: self.id.kind(),
            asked: self.ask.provider,
        };
        let attempts = self.attempts.into_iter().map(|it| it.into_attempt(birth));
        let attempts: Vec<Attempt> = attempts.collect::<Result<_, _>>()?;
        let count = self.events.len();
        let sequence = self.sequence.unwrap_or(count as u64);
        let events = self.events.into_iter().enumerate();
        let events = events.map(|(place, event)| event.into_event(numbered(sequence, count, place), &attempts, birth));
        let events: Vec<JobEvent> = events.collect::<Result<_, _>>()?;
        let updated_at = match (self.updated, events.last()) {
            (Some(updated), _) => birth.at(updated)?,
            (None, Some(last)) => last.at,
            (None, None) => return Err(NoJob),
        };
        Ok(Job {
            id: self.id,
            tenant: self.tenant,
            person: self.person,
            ask: self.ask.into_ask(birth)?,
            state: self.state.into_state(&attempts, birth)?,
            created_at: birth.created_at,
            updated_at,
            deadline_at: birth.at(self.deadline)?,
            attempts,
            events,
            sequence,
            cancel_requested: self.cancel_requested,
            nss_from: self.nss_from,
            nss_missed: self.nss_missed,
            dependents: self.dependents,
            stalls: self.stalls,
            settlement: self.settlement,
            trace_parent: self.trace_parent,
        })
    }
}

impl CompactAsk {
    fn of(ask: &Ask, birth: Birth) -> CompactAsk {
        CompactAsk {
            limit: ask.limit,
            provider: ask.provider,
            test_case_id: ask.test_case_id.clone(),
            has_names: ask.has_names,
            has_nss: ask.has_nss,
            fresh_after: birth.since(ask.fresh_after),
            allow_repeat_charge: ask.allow_repeat_charge,
            purpose: ask.purpose.clone(),
            consent_reference: ask.consent_reference.clone(),
            labels: ask.labels.clone(),
        }
    }

    fn into_ask(self, birth: Birth) -> Result<Ask, NoJob> {
        Ok(Ask {
            limit: self.limit,
            provider: self.provider,
            test_case_id: self.test_case_id,
            has_names: self.has_names,
            has_nss: self.has_nss,
            fresh_after: birth.at(self.fresh_after)?,
            allow_repeat_charge: self.allow_repeat_charge,
            purpose: self.purpose,
            consent_reference: self.consent_reference,
            labels: self.labels,
        })
    }
}

impl Birth {
    /// What its attempts are for, but for those that a lookup shares with it.
    fn step(self) -> Step {
        match self.kind {
            JobKind::WorkHistory => Step::FetchHistory,
            JobKind::NssLookup => Step::FindNss,
        }
    }

    fn since(self, at: Timestamp) -> Nanos {
        at.as_nanosecond() - self.created_at.as_nanosecond()
    }

    fn at(self, nanos: Nanos) -> Result<Timestamp, NoJob> {
        let since_1970 = self.created_at.as_nanosecond().checked_add(nanos).ok_or(NoJob)?;
        timestamp(since_1970)
    }
}

fn timestamp(nanos: Nanos) -> Result<Timestamp, NoJob> {
    Timestamp::from_nanosecond(nanos).map_err(|_| NoJob)
}

fn is_sole(tenant: &Tenant) -> bool {
    *tenant == Tenant::sole()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests;
