//! How a transition gets into the store: decisions under a lease, wishes and facts without one.
//!
//! A commit whose reply was lost is repeated under the same operation id, so it is applied once. Who loses a race reads again
//! and decides anew; nobody overwrites.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::{
    domain::{
        ids::JobId,
        job::{Due, Event, IllegalTransition, Intent, Job, LedgerChange, Transition},
        reason::Reason,
        retry::Backoff,
    },
    engine::{Engine, EngineError},
    failpoint,
    store::{Claim, Commit, Committed, FirstIntent, Lease, PersonDay, StoreError, Stored},
};

/// Between repeats of a commit whose outcome is unknown. The lease bounds decisions; a fact is repeated until it is stored or
/// the process ends.
const REPEAT: Backoff = Backoff {
    first: Duration::from_millis(50),
    factor: 2.0,
    max: Duration::from_secs(2),
    tries_max: 0,
};

/// Races that a wish may lose before it gives up, and a fact before it waits: each means that somebody else moved the job.
const RACES_MAX: u32 = 100;

/// IMSS counts a person's queries by its own days. Mexico City keeps UTC-6 all year since 2022.
const IMSS_OFFSET: jiff::tz::Offset = jiff::tz::Offset::constant(-6);

/// What became of a decision.
pub(super) enum Decided {
    /// Committed, and the lease holds.
    Held(Claim),
    /// Committed, and the job is due later or has ended.
    LetGo,
    /// The billing unit is taken or the person's day is full: nothing was committed.
    Refused(Claim, Refusal),
    /// No intent can be had now: nothing was committed.
    Postponed(Claim, Duration),
    /// The lease is lost or the store does not answer: whoever claims next goes on.
    Lost,
}

/// Why the ledger refused an intent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal {
    UnitTaken,
    PersonDayFull,
}

impl Engine {
    /// Commits a decision of the lease's holder.
    pub(super) async fn decide(&self, claim: Claim, event: Event, hold: Duration) -> Decided {
        let commit = match self.decision(&claim, event, hold) {
            Ok(commit) => commit,
            Err(illegal) => return self.illegal(&claim, &illegal).await,
        };
        let expires_at = claim.lease.expires_at;
        match self.commit_until(&commit, Some(expires_at)).await {
            Ok(Committed::Done {
                version,
                lease: Some(lease),
            }) => Decided::Held(Claim {
                stored: Stored {
                    job: commit.transition.job,
                    version,
                },
                lease,
            }),
            Ok(Committed::Done { lease: None, .. }) => Decided::LetGo,
            Ok(Committed::UnitTaken { .. }) => Decided::Refused(claim, Refusal::UnitTaken),
            Ok(Committed::Postponed { wait }) => Decided::Postponed(claim, wait),
            Ok(Committed::PersonDayFull) => Decided::Refused(claim, Refusal::PersonDayFull),
            Ok(Committed::Conflict) => {
                self.release(&claim).await;
                Decided::Lost
            }
            Err(_) => Decided::Lost,
        }
    }

    /// Commits what its worker notes about a job, and leaves the lease as it is. `None` = the lease is lost, or the store is away.
    pub(super) async fn note(&self, mut claim: Claim, event: Event) -> Option<Claim> {
        let commit = match self.decision(&claim, event, Duration::ZERO) {
            Ok(commit) => commit,
            Err(illegal) => {
                self.illegal(&claim, &illegal).await;
                return None;
            }
        };
        let Ok(Committed::Done { version, .. }) = self.commit_until(&commit, Some(claim.lease.expires_at)).await else {
            return None;
        };
        claim.stored = Stored {
            job: commit.transition.job,
            version,
        };
        Some(claim)
    }

    /// Puts a job off under a fence and version with which another commit may still be on its way, so that it can no longer be
    /// done; however long the store takes. False = the store will not say.
    pub(super) async fn shut_out(&self, claim: &Claim) -> bool {
        let until = self.inner.clock.now();
        let Ok(commit) = self.decision(claim, Event::Deferred { until }, Duration::ZERO) else {
            return true;
        };
        self.commit_until(&commit, None).await.is_ok()
    }

    fn decision(&self, claim: &Claim, event: Event, hold: Duration) -> Result<Commit, IllegalTransition> {
        let now = self.inner.clock.now();
        let transition = claim.stored.job.apply(event, now)?;
        Ok(Commit {
            op: self.inner.dice.operation(),
            expected_version: claim.stored.version,
            fence: Some(claim.lease.fence),
            person_day: self.person_day(&transition, now),
            transition,
            hold,
            answer: None,
        })
    }

    /// The first intent of a job that is about to be created.
    pub(super) fn first_intent(
        &self,
        job: &Job,
        intent: Intent,
        hold: Duration,
    ) -> Result<FirstIntent, IllegalTransition> {
        let now = self.inner.clock.now();
        let transition = job.apply(Event::IntentRecorded { intent }, now)?;
        Ok(FirstIntent {
            op: self.inner.dice.operation(),
            person_day: self.person_day(&transition, now),
            transition,
            hold,
        })
    }

    /// Commits a fact or a wish: whatever the job has become meanwhile decides what it means. Without `patience` it is repeated
    /// until the store takes it.
    pub(super) async fn record(
        &self,
        id: &JobId,
        known: Option<Stored>,
        event: &Event,
        answer: Option<&[u8]>,
        patience: Option<Duration>,
    ) -> Result<Recorded, EngineError> {
        let until = patience.map(|patience| Instant::now() + patience);
        let mut known = known;
        for race in 0.. {
            if race >= RACES_MAX {
                tracing::error!(job.id = %id, event = event.name(), "lost {race} races for one job in a row");
                if until.is_some() {
                    break;
                }
                // A fact is never given up.
                tokio::time::sleep(REPEAT.max).await;
            }
            let stored = match known.take() {
                Some(stored) => stored,
                None => self
                    .read_until(id, until)
                    .await?
                    .ok_or_else(|| EngineError::new(Reason::JobNotFound))?,
            };
            let now = self.inner.clock.now();
            let transition = match stored.job.apply(event.clone(), now) {
                Ok(transition) => transition,
                Err(illegal) => return Ok(Recorded::Illegal(stored, illegal)),
            };
            if is_idle(&stored.job, &transition) {
                return Ok(Recorded::Done(stored));
            }
            let commit = Commit {
                op: self.inner.dice.operation(),
                expected_version: stored.version,
                fence: None,
                person_day: None,
                // A late answer to another call must not take the place of the one that ended the job.
                answer: answer
                    .filter(|_| !stored.job.is_terminal() && transition.job.brings_answer())
                    .map(<[u8]>::to_vec),
                transition,
                hold: Duration::ZERO,
            };
            if let Committed::Done { version, .. } = self.commit_until(&commit, until).await? {
                return Ok(Recorded::Done(Stored {
                    job: commit.transition.job,
                    version,
                }));
            }
        }
        Err(EngineError::new(Reason::StoreUnavailable))
    }

    pub(super) async fn release(&self, claim: &Claim) {
        if let Err(error) = self.inner.store.release(&claim.stored.job.id, claim.lease.fence).await {
            tracing::debug!(job.id = %claim.stored.job.id, error = %error, "the lease was not given back and will run out");
        }
        self.inner.alarm.ring_now();
    }

    /// Sends one commit until its outcome is known or `until` has passed, then does what follows from it on this replica.
    async fn commit_until(&self, commit: &Commit, until: Option<Instant>) -> Result<Committed, StoreError> {
        if commit.transition.due == Due::Never {
            failpoint::reach(failpoint::FINISHING, commit.transition.job.id.as_str()).await;
        }
        let mut tries = 0;
        loop {
            let own = self.inner.hub.commits(&commit.transition.job.id, commit.op);
            let result = self.inner.store.commit(commit.clone()).await;
            tries += 1;
            match result {
                Ok(committed) => {
                    if let Committed::Done { version, lease } = &committed {
                        own.done(&commit.transition.job, *version, commit.answer.as_deref());
                        self.after(commit, lease.as_ref());
                    }
                    return Ok(committed);
                }
                Err(error @ StoreError::Unavailable { .. }) => {
                    drop(own);
                    self.pause_or(tries, until, error).await?;
                }
                Err(error @ (StoreError::DataSetLost { .. } | StoreError::Unreadable { .. })) => {
                    tracing::error!(job.id = %commit.transition.job.id, error = %error, "a commit was refused");
                    return Err(error);
                }
            }
        }
    }

    async fn read_until(&self, id: &JobId, until: Option<Instant>) -> Result<Option<Stored>, StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.inner.store.read(id).await {
                Err(error @ StoreError::Unavailable { .. }) => self.pause_or(tries, until, error).await?,
                settled @ (Ok(_) | Err(StoreError::DataSetLost { .. } | StoreError::Unreadable { .. })) => {
                    return settled;
                }
            }
        }
    }

    pub(super) async fn pause_or(
        &self,
        tries: u32,
        until: Option<Instant>,
        error: StoreError,
    ) -> Result<(), StoreError> {
        self.inner.metrics.store_error();
        let pause = REPEAT
            .delay(tries, self.inner.dice.fraction())
            .expect("REPEAT has no last try");
        let next = Instant::now() + pause;
        if until.is_some_and(|until| next >= until) {
            tracing::warn!(error = %error, "gave up on the store for this turn");
            return Err(error);
        }
        tokio::time::sleep_until(next).await;
        Ok(())
    }

    fn after(&self, commit: &Commit, lease: Option<&Lease>) {
        let job = &commit.transition.job;
        match commit.transition.due {
            Due::At(at) => {
                let wait = Duration::try_from(at.duration_since(self.inner.clock.now())).unwrap_or_default();
                self.inner.alarm.set(Instant::now() + wait);
            }
            Due::Never => {
                self.inner.metrics.job_ended(job);
                if !job.dependents.is_empty() {
                    self.inner.alarm.ring_now();
                }
            }
            Due::Held => debug_assert!(lease.is_some(), "a held job has a lease"),
            Due::Unchanged => {}
        }
        if let Some(change) = &commit.transition.ledger {
            self.inner.metrics.ledger(change);
        }
    }

    fn person_day(&self, transition: &Transition, now: Timestamp) -> Option<PersonDay> {
        let max = self.inner.options.person_daily_max;
        match transition.ledger {
            Some(LedgerChange::Open { .. }) if max > 0 => Some(PersonDay {
                day: IMSS_OFFSET.to_datetime(now).date(),
                max,
            }),
            Some(LedgerChange::Open { .. } | LedgerChange::Settle { .. } | LedgerChange::Resolve { .. }) | None => None,
        }
    }

    async fn illegal(&self, claim: &Claim, illegal: &IllegalTransition) -> Decided {
        tracing::error!(job.id = %claim.stored.job.id, error = %illegal, "the engine decided what the state machine forbids");
        self.release(claim).await;
        Decided::Lost
    }
}

/// What became of a fact or a wish.
pub(super) enum Recorded {
    /// It holds; the job as it is now.
    Done(Stored),
    /// The job's state does not know it.
    Illegal(Stored, IllegalTransition),
}

/// Whether a transition would write what is there already.
fn is_idle(job: &Job, transition: &Transition) -> bool {
    let nothing_moves = transition.due == Due::Unchanged && transition.ledger.is_none() && transition.ending.is_none();
    nothing_moves && transition.job == *job
}
