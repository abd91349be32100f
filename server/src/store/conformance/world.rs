//! A fresh store and the few moves that most cases are made of.

use std::{sync::Arc, time::Duration};

use jiff::{Timestamp, Unit};

use super::{Harness, LONG, fixtures};
use crate::{
    domain::{
        ids::JobId,
        job::{Due, Event, Intent, Job, Source, Transition},
        outcome::{Charge, Outcome, Verdict},
        provider_id::ProviderId,
    },
    store::{ChargeQuery, ChargeRow, Claim, Claims, Commit, Committed, Created, Creation, How, Lease, Store, Stored},
};

/// What a case works with.
pub(crate) struct World {
    pub(crate) harness: Box<dyn Harness>,
    pub(crate) store: Arc<dyn Store>,
}

impl World {
    pub(crate) fn new(harness: Box<dyn Harness>) -> World {
        World {
            store: harness.store(),
            harness,
        }
    }

    /// The store's clock, in whole milliseconds: finer than this no store promises.
    pub(crate) async fn now(&self) -> Timestamp {
        self.store
            .probe()
            .await
            .unwrap()
            .now
            .round(
                jiff::TimestampRound::new()
                    .smallest(Unit::Millisecond)
                    .mode(jiff::RoundMode::Floor),
            )
            .unwrap()
    }

    pub(crate) async fn advance(&self, by: Duration) {
        self.harness.advance(by).await;
    }

    pub(crate) async fn create(&self, creation: &Creation) -> Created {
        self.store.create(creation.clone()).await.unwrap()
    }

    /// Starts a job of this person under a long lease.
    pub(crate) async fn start(&self, person: u8) -> Claim {
        self.start_job(fixtures::work_history(person, self.now().await)).await
    }

    pub(crate) async fn start_job(&self, job: Job) -> Claim {
        self.start_creation(fixtures::creation(job)).await
    }

    /// Starts a job that shares no dedupe record with any other.
    pub(crate) async fn start_apart(&self, job: Job) -> Claim {
        let product = job.id.to_string();
        self.start_creation(Creation {
            product,
            ..fixtures::creation(job)
        })
        .await
    }

    pub(crate) async fn start_creation(&self, creation: Creation) -> Claim {
        let created = self
            .create(&Creation {
                claim: Some(LONG),
                ..creation
            })
            .await;
        match created.how {
            How::Started(Some(lease)) => Claim {
                stored: created.stored,
                lease,
            },
            other => panic!("a new job was expected to start: {other:?}"),
        }
    }

    pub(crate) async fn read(&self, id: &JobId) -> Stored {
        self.store.read(id).await.unwrap().expect("the job is there")
    }

    /// Leases all that is due.
    pub(crate) async fn claim(&self, lease: Duration) -> Claims {
        self.store.claim_due(lease, 1000).await.unwrap()
    }

    pub(crate) async fn claimed_ids(&self, lease: Duration) -> Vec<JobId> {
        self.claim(lease)
            .await
            .claims
            .into_iter()
            .map(|claim| claim.stored.job.id)
            .collect()
    }

    /// The job that this makes of the one on record, as a commit of the holder of `fence`.
    pub(crate) async fn commit_of(&self, id: &JobId, fence: Option<u64>, event: Event) -> Commit {
        let stored = self.read(id).await;
        let transition = stored.job.apply(event, self.now().await).unwrap();
        commit(&stored, fence, transition)
    }

    pub(crate) async fn try_commit(&self, commit: &Commit) -> Committed {
        self.store.commit(commit.clone()).await.unwrap()
    }

    /// Commits an event without a fence.
    pub(crate) async fn happens(&self, id: &JobId, event: Event) -> Committed {
        let commit = self.commit_of(id, None, event).await;
        self.try_commit(&commit).await
    }

    /// Commits an event that happened at another time than now.
    pub(crate) async fn happened(&self, id: &JobId, event: Event, at: Timestamp) -> Committed {
        let stored = self.read(id).await;
        let transition = stored.job.apply(event, at).unwrap();
        self.try_commit(&commit(&stored, None, transition)).await
    }

    /// Records an intent at a time; the unit must be free.
    pub(crate) async fn intends(&self, id: &JobId, intent: &Intent, at: Timestamp) {
        done(
            self.happened(id, Event::IntentRecorded { intent: intent.clone() }, at)
                .await,
        );
    }

    pub(crate) async fn outcome(&self, id: &JobId, intent: &Intent, outcome: Outcome, at: Timestamp) {
        let event = Event::OutcomeKnown {
            from: Source::Poll,
            intent: intent.id.clone(),
            outcome,
            next_at: at,
        };
        done(self.happened(id, event, at).await);
    }

    /// Starts a job of this person, buys an answer of the provider and ends it at this time.
    pub(crate) async fn answered(&self, person: u8, provider: ProviderId, at: Timestamp) -> JobId {
        let id = self.start(person).await.stored.job.id;
        let intent = Intent {
            provider,
            ..fixtures::history_intent()
        };
        self.intends(&id, &intent, at).await;
        self.outcome(&id, &intent, found(), at).await;
        id
    }

    /// Starts a job of this person and ends it with a charge that nobody knows.
    pub(crate) async fn unknown(&self, creation: Creation) -> JobId {
        let id = self.start_creation(creation).await.stored.job.id;
        let now = self.now().await;
        let intent = fixtures::history_intent();
        self.intends(&id, &intent, now).await;
        self.outcome(&id, &intent, Outcome::Ambiguous, now).await;
        done(self.happens(&id, Event::TimeUp).await);
        id
    }

    pub(crate) async fn settles(&self, id: &JobId, charge: Charge) {
        let event = Event::Settled {
            charge,
            note: "as the provider says".to_owned(),
        };
        done(self.happens(id, event).await);
    }

    /// All ledger rows of a job, newest first.
    pub(crate) async fn rows(&self, id: &JobId) -> Vec<ChargeRow> {
        let job = Some(id.clone());
        self.store
            .charges(ChargeQuery { job, ..all_charges() })
            .await
            .unwrap()
            .rows
    }
}

pub(crate) fn all_charges() -> ChargeQuery {
    ChargeQuery {
        tenant: crate::domain::ids::Tenant::sole(),
        job: None,
        provider: None,
        charges: Vec::new(),
        opened_from: None,
        opened_until: None,
        before: None,
        page_size: 100,
    }
}

pub(crate) fn commit(stored: &Stored, fence: Option<u64>, transition: Transition) -> Commit {
    Commit {
        op: fixtures::next_uuid(),
        expected_version: stored.version,
        fence,
        transition,
        hold: LONG,
        answer: None,
        person_day: None,
    }
}

/// A transition that only moves the due time.
pub(crate) fn moved(stored: &Stored, due: Due) -> Transition {
    Transition {
        job: stored.job.clone(),
        due,
        ledger: None,
        ending: None,
    }
}

pub(crate) fn found() -> Outcome {
    Outcome::Answered {
        verdict: Verdict::Found,
        reference: Some("ref-9".to_owned()),
    }
}

#[track_caller]
pub(crate) fn done(committed: Committed) -> (u64, Option<Lease>) {
    match committed {
        Committed::Done { version, lease } => (version, lease),
        Committed::Conflict | Committed::UnitTaken { .. } | Committed::PersonDayFull | Committed::Postponed { .. } => {
            panic!("the commit was expected to be done: {committed:?}")
        }
    }
}
