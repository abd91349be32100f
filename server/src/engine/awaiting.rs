//! A history job and the lookup that finds its NSS: starting it, waiting for it, and what its end means.
//!
//! It does not know how an NSS is found: that is the lookup job's own work.

use std::{sync::Arc, time::Duration};

use crate::{
    domain::{
        ids::JobId,
        job::{Attempt, Event, Job, State},
        outcome::OutcomeClass,
        person::Subject,
        reason::{Failure, Reason},
    },
    engine::{
        Engine,
        lookup::Wanted,
        route::{self, Plan},
        worker::Work,
    },
    store::{Claim, Stored},
};

/// How long a job waits for its lookup before it looks by itself; the lookup's end wakes it sooner.
const LOOKUP_SWEEP: Duration = Duration::from_secs(5);

impl Engine {
    /// Hands the search for the NSS to a lookup job, and lets go until that one ends.
    pub(super) async fn find_nss(&self, claim: Claim, subject: Option<Arc<Subject>>) -> Option<Work> {
        let job = &claim.stored.job;
        let found = match self.subject_for(&job.id, subject).await {
            Ok(subject) => self.start_lookup(Wanted::by_job(job, subject.curp.clone())).await,
            Err(error) => Err(error),
        };
        let lookup = match found {
            Ok(started) => started.stored.job,
            Err(error) => return self.give_back(claim, &error).await,
        };
        let sweep = if lookup.is_terminal() {
            Duration::ZERO
        } else {
            LOOKUP_SWEEP
        };
        let sweep_at = self.not_past_deadline(&claim.stored.job, sweep);
        self.decide_and_go_on(
            claim,
            Event::NssRequested {
                lookup: lookup.id,
                sweep_at,
            },
            None,
        )
        .await
    }

    pub(super) async fn look_at_lookup(
        &self,
        claim: Claim,
        lookup: &JobId,
        subject: Option<Arc<Subject>>,
    ) -> Option<Work> {
        let event = match self.inner.store.read(lookup).await {
            Ok(Some(Stored { job, .. })) if !job.is_terminal() => Event::Deferred {
                until: self.not_past_deadline(&claim.stored.job, LOOKUP_SWEEP),
            },
            Ok(Some(Stored { job, .. })) => self.read_lookup(&claim.stored.job, job),
            Ok(None) => self.missed(&claim.stored.job, Failure::own(Reason::Internal), Vec::new(), true),
            Err(error) => return self.give_back(claim, &error.into()).await,
        };
        self.decide_and_go_on(claim, event, subject).await
    }

    /// What the end of a lookup means to a job that waits for it.
    fn read_lookup(&self, job: &Job, lookup: Job) -> Event {
        let spent = |class| lookup.attempts.iter().any(|attempt| attempt.class == Some(class));
        let (failure, may_fall_back) = match lookup.state {
            State::Succeeded { .. } => {
                return Event::NssFound {
                    attempts: lookup.attempts,
                };
            }
            State::OutcomeUnknown { failure, .. } => (failure, self.inner.options.ambiguous_failover),
            // What is said about the person holds on every route; what cost nothing leaves the other one open.
            State::Failed { failure, .. } => {
                let is_final = spent(OutcomeClass::Answered)
                    || spent(OutcomeClass::Ambiguous)
                    || route::is_about_the_person(failure.reason);
                (failure, !is_final)
            }
            State::Queued { .. }
            | State::AwaitingNss { .. }
            | State::Calling { .. }
            | State::Waiting { .. }
            | State::Ambiguous { .. }
            | State::Cancelled { .. } => (Failure::own(Reason::Internal), true),
        };
        self.missed(job, failure, lookup.attempts, may_fall_back)
    }

    /// Without another route the job ends with the lookup's own reason.
    fn missed(&self, job: &Job, failure: Failure, attempts: Vec<Attempt>, may_fall_back: bool) -> Event {
        let without = Job {
            nss_missed: true,
            ..job.clone()
        };
        let has_other = matches!(route::next(&without, &self.inner.options, &[]), Plan::Call { .. });
        Event::NssMissed {
            failure,
            attempts,
            fall_back: may_fall_back && has_other,
        }
    }
}
