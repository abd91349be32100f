//! The state machine: as a table that ARCHITECTURE.md holds, as laws over random lives, and as stories with names.
//!
//! This file holds what the three share: synthetic jobs and events, and a [`Life`] that applies one event after the other.

#![allow(clippy::unwrap_used)]

mod laws;
mod stories;
mod table;

use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::domain::{
    ids::{JobKind, Shard},
    outcome::{Outcome, Verdict},
};

/// A moment of the tests' own time, in seconds.
fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn job_id(kind: JobKind, number: u128) -> JobId {
    JobId::new(kind, Uuid::from_u128(number), Shard::new(3).unwrap())
}

fn lookup() -> JobId {
    job_id(JobKind::NssLookup, 7)
}

fn intent(number: u128, provider: ProviderId) -> Intent {
    Intent {
        id: IntentId::new(Uuid::from_u128(number)),
        provider,
        step: Step::FetchHistory,
    }
}

fn failure(reason: Reason) -> Failure {
    Failure::told(reason, ProviderId::Kiban, Some("K1".to_owned()))
}

fn new_job() -> Job {
    let ask = Ask {
        limit: 5,
        provider: None,
        test_case_id: None,
        has_names: true,
        has_nss: false,
        fresh_after: at(-3600),
        allow_repeat_charge: false,
        purpose: String::new(),
        consent_reference: String::new(),
        labels: BTreeMap::new(),
    };
    let new = NewJob {
        id: job_id(JobKind::WorkHistory, 1),
        tenant: Tenant::sole(),
        person: PersonKey::from_mac([3; 16]),
        ask,
        deadline_at: at(600),
        dependent: None,
        trace_parent: None,
    };
    Job::new(new, at(0))
}

/// What the lookup did, as it reports it to the jobs that wait for it.
fn lookup_attempt(charge: Charge) -> Attempt {
    Attempt {
        id: IntentId::new(Uuid::from_u128(900)),
        provider: ProviderId::Nubarium,
        step: Step::FindNss,
        class: Some(OutcomeClass::Answered),
        charge,
        started_at: at(1),
        ended_at: Some(at(2)),
        failure: None,
        shared: false,
    }
}

fn accepted() -> Outcome {
    Outcome::Accepted {
        reference: "ref-1".to_owned(),
    }
}

fn found() -> Outcome {
    Outcome::Answered {
        verdict: Verdict::Found,
        reference: None,
    }
}

fn answered_no() -> Outcome {
    Outcome::Answered {
        verdict: Verdict::No(failure(Reason::WorkHistoryNotFound)),
        reference: None,
    }
}

fn down() -> Outcome {
    Outcome::Down {
        failure: failure(Reason::ProviderUnavailable),
        retry_after: Some(Duration::from_secs(3)),
    }
}

fn rejected() -> Outcome {
    Outcome::Rejected {
        failure: failure(Reason::ProviderCredentials),
    }
}

fn unusable() -> Outcome {
    Outcome::Unusable {
        failure: failure(Reason::ProviderContractChanged),
    }
}

fn reference_lost() -> Outcome {
    Outcome::ReferenceLost {
        failure: failure(Reason::OutcomeUnknown),
    }
}

fn settled(charge: Charge) -> Event {
    Event::Settled {
        charge,
        note: "asked the provider".to_owned(),
    }
}

fn hinted(of: &Intent) -> Event {
    Event::Hinted {
        intent: of.id.clone(),
        reference: "ref-1".to_owned(),
    }
}

/// A job that lives one second per event.
#[derive(Clone, Debug)]
struct Life {
    job: Job,
    second: i64,
    /// What the last event made.
    last: Option<Transition>,
}

impl Life {
    fn new() -> Life {
        Life {
            job: new_job(),
            second: 0,
            last: None,
        }
    }

    #[track_caller]
    fn then(mut self, event: Event) -> Life {
        self.second += 1;
        let transition = self.job.apply(event, at(self.second)).unwrap();
        self.job = transition.job.clone();
        self.last = Some(transition);
        self
    }

    /// The intent is recorded: the request may be on its way.
    #[track_caller]
    fn calls(self, intent: &Intent) -> Life {
        self.then(Event::IntentRecorded { intent: intent.clone() })
    }

    #[track_caller]
    fn learns(self, of: &Intent, outcome: Outcome) -> Life {
        let next_at = at(self.second + 30);
        self.then(Event::OutcomeKnown {
            from: Source::Poll,
            intent: of.id.clone(),
            outcome,
            next_at,
        })
    }

    #[track_caller]
    fn loses_its_caller(self) -> Life {
        let until = at(self.second + 60);
        self.then(Event::CallerLost { until })
    }

    /// Checks what the last event made: state, due time, the charge written to the ledger, and what the end means.
    #[track_caller]
    fn check(self, state: &str, due: Due, ledger: Option<Charge>, reuse: Option<Reuse>) -> Life {
        let last = self.last.as_ref().unwrap();
        let written = last.ledger.as_ref().map(|change| match change {
            LedgerChange::Open { .. } => Charge::Open,
            LedgerChange::Settle { charge, .. } | LedgerChange::Resolve { charge, .. } => *charge,
        });
        let ending = last.ending.as_ref().map(|ending| ending.reuse);
        assert_eq!(
            (self.job.state.name(), last.due, written, ending),
            (state, due, ledger, reuse)
        );
        self
    }

    #[track_caller]
    fn check_charges(self, expected: &[Charge]) -> Life {
        let charges: Vec<Charge> = self.job.attempts.iter().map(|attempt| attempt.charge).collect();
        assert_eq!(charges, expected);
        self
    }
}
