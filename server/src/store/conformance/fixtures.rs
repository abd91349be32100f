//! Jobs and charges for store tests. All people are synthetic: keys made of one repeated byte.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    domain::{
        gate::{Entrant, Waiter},
        ids::{IntentId, JobId, JobKind, PersonKey, Tenant},
        job::{Ask, Attempt, Intent, Job, NewJob, State, Step},
        outcome::{Charge, OutcomeClass},
        provider_id::ProviderId,
        reason::{Failure, Reason},
    },
    store::{ChargeRow, Creation},
};

/// A time for what needs no clock: 2026-01-01T00:00:00Z.
pub(crate) const EPOCH: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// Product of a work history in these tests.
pub(crate) const PRODUCT: &str = "work_history";

/// Names in rising order, the same in every run of a process.
pub(crate) fn next_uuid() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    Uuid::from_u128((0x0193_e5a0_c2d1_7000_u128 << 64) + u128::from(number))
}

/// The person lives in shard `number % 16`.
pub(crate) fn person(number: u8) -> PersonKey {
    PersonKey::from_mac([number; 16])
}

pub(crate) fn tenant(name: &str) -> Tenant {
    serde_json::from_value(name.into()).unwrap()
}

pub(crate) fn intent(provider: ProviderId, step: Step) -> Intent {
    Intent {
        id: IntentId::new(next_uuid()),
        provider,
        step,
    }
}

pub(crate) fn history_intent() -> Intent {
    intent(ProviderId::Kiban, Step::FetchHistory)
}

/// A job that comes to a gate for the first time, and is patient.
pub(crate) fn entrant() -> Entrant {
    Entrant {
        intent: history_intent().id,
        waiter: Waiter {
            job: JobId::new(JobKind::WorkHistory, next_uuid(), person(0).shard()),
            since: None,
            until: EPOCH + Duration::from_secs(100 * 366 * 86_400),
        },
    }
}

pub(crate) fn work_history(number: u8, now: Timestamp) -> Job {
    job(JobKind::WorkHistory, number, now)
}

pub(crate) fn nss_lookup(number: u8, now: Timestamp) -> Job {
    job(JobKind::NssLookup, number, now)
}

pub(crate) fn job(kind: JobKind, number: u8, now: Timestamp) -> Job {
    let person = person(number);
    let new = NewJob {
        id: JobId::new(kind, next_uuid(), person.shard()),
        tenant: Tenant::sole(),
        person,
        ask: Ask {
            limit: 0,
            provider: None,
            test_case_id: None,
            has_names: true,
            has_nss: false,
            fresh_after: now - Duration::from_secs(86_400),
            allow_repeat_charge: false,
            purpose: String::new(),
            consent_reference: String::new(),
            labels: BTreeMap::new(),
        },
        deadline_at: now + Duration::from_secs(3600),
        dependent: None,
        trace_parent: None,
    };
    Job::new(new, now)
}

/// A request that takes no earlier answer.
pub(crate) fn creation(job: Job) -> Creation {
    Creation {
        answered_since: job.created_at + Duration::from_secs(86_400),
        answered_by: None,
        subject: b"sealed subject".to_vec(),
        product: PRODUCT.to_owned(),
        repeat_allowed: false,
        claim: None,
        first_intent: None,
        remember: None,
        job,
    }
}

pub(crate) fn failure() -> Failure {
    Failure::told(Reason::WorkHistoryNotFound, ProviderId::Kiban, Some("WH007".to_owned()))
}

/// One job for each state, together with every optional part filled at least once.
pub(crate) fn job_in_every_state() -> Vec<Job> {
    let at = EPOCH;
    let intent = history_intent();
    let lookup = nss_lookup(3, at).id;
    let states = [
        State::Queued { deferred: true },
        State::AwaitingNss { lookup: lookup.clone() },
        State::Calling { intent: intent.clone() },
        State::Waiting {
            intent: intent.clone(),
            reference: "ref-1".to_owned(),
            polls: 7,
        },
        State::Ambiguous {
            intent: intent.clone(),
            until: at,
        },
        State::Succeeded { at },
        State::Failed { at, failure: failure() },
        State::Cancelled { at },
        State::OutcomeUnknown {
            at,
            failure: Failure::own(Reason::OutcomeUnknown),
        },
    ];
    let filled = |state| {
        let mut job = work_history(3, at);
        job.attempts.push(attempt(&intent, at));
        job.ask.labels.insert("team".to_owned(), "loans".to_owned());
        job.ask.provider = Some(ProviderId::Kiban);
        job.ask.test_case_id = Some("empty-history".to_owned());
        job.nss_from = Some(lookup.clone());
        job.dependents.push(lookup.clone());
        job.trace_parent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
        job.state = state;
        job
    };
    states.into_iter().map(filled).chain([work_history(4, at)]).collect()
}

fn attempt(intent: &Intent, at: Timestamp) -> Attempt {
    Attempt {
        id: intent.id.clone(),
        provider: intent.provider,
        step: intent.step,
        class: Some(OutcomeClass::Answered),
        charge: Charge::Yes,
        started_at: at,
        ended_at: Some(at),
        failure: Some(failure()),
        shared: true,
    }
}

/// A row with nothing optional, and one with everything.
pub(crate) fn charge_rows() -> [ChargeRow; 2] {
    let job = work_history(5, EPOCH);
    let open = crate::store::ledger::opened(&job, &history_intent());
    let full = ChargeRow {
        charge: Charge::Unknown,
        class: Some(OutcomeClass::Ambiguous),
        reference: Some("ref-1".to_owned()),
        provider_code: Some("WH007".to_owned()),
        settled_at: Some(EPOCH),
        late: true,
        note: Some("told by the provider on the phone".to_owned()),
        ..open.clone()
    };
    [open, full]
}
