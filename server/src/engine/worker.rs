//! The worker: one step of one leased job at a time.
//!
//! `step` looks at the state and does the one thing that it asks for; the loop around it goes on while the lease holds. It never
//! guesses: a job found Calling under a fresh lease means that its caller is gone, and nothing is sent again.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument as _;

use crate::{
    domain::{
        gate::Denial,
        ids::JobId,
        job::{Event, Intent, Job, Source, State},
        outcome::Outcome,
        person::Subject,
        provider_id::ProviderId,
        reason::{Failure, Reason},
    },
    engine::{
        Engine, EngineError,
        caller::Sent,
        commit::{Decided, Refusal},
        gate::waiter,
        route::{self, Plan},
        trace,
    },
    failpoint,
    providers::{PollRequest, Reply},
    store::Claim,
};

/// A job is looked at this long after its deadline, when a clock a little behind the store's has also reached it.
const DEADLINE_SLACK: Duration = Duration::from_millis(50);

/// How long a job is put off when the store failed its worker and is back.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// A leased job, with its person when this replica has just been told.
pub(super) struct Work {
    pub claim: Claim,
    pub subject: Option<Arc<Subject>>,
}

impl Engine {
    /// Works on a job for as long as its lease is held.
    pub(super) fn spawn_work(&self, work: Work, permit: OwnedSemaphorePermit) {
        let (engine, job) = (self.clone(), work.claim.stored.job.clone());
        self.spawn_for(&job, permit, async move {
            let mut next = engine.take_up(work).await;
            while let Some(work) = next {
                next = engine.step(work).await;
            }
        });
    }

    /// Runs what is done for a job in a task that the drain waits for.
    pub(super) fn spawn_for(
        &self,
        job: &Job,
        permit: OwnedSemaphorePermit,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        // No child of whatever submitted or woke it: it links to its own request.
        let span = tracing::info_span!(parent: None, "job", otel.kind = "consumer", job.id = %job.id);
        trace::link(&span, job.trace_parent.as_deref());
        let run = async move {
            work.await;
            // Nobody is told that a worker is free: when jobs are due and all are busy, the dispatcher waits for the permit.
            drop(permit);
        };
        self.inner.tasks.spawn(run.instrument(span));
    }

    /// Before the first step under a lease. A job whose last claim did not move it is first marked as taken up, and ends when that
    /// has happened too often. So what counts against it is that workers had it in hand: the store's own count of claims would
    /// also hold against it that the replies to some were lost.
    async fn take_up(&self, work: Work) -> Option<Work> {
        let Work { claim, subject } = work;
        let job = claim.stored.job.id.clone();
        let claim = if claim.lease.stalled_claims > 1 && !claim.stored.job.is_terminal() {
            self.note(claim, Event::TakenUp).await?
        } else {
            claim
        };
        failpoint::reach(failpoint::CLAIMED, job.as_str()).await;
        let stalls = claim.stored.job.stalls;
        if stalls >= self.inner.options.stalled_claims_max {
            tracing::error!(job.id = %job, stalls, "a job never moves: it is ended for an operator");
            return self.decide_and_go_on(claim, Event::Stalled, subject).await;
        }
        Some(Work { claim, subject })
    }

    /// One step. `Some` = the lease still holds and there is more to do.
    pub(super) async fn step(&self, work: Work) -> Option<Work> {
        let now = self.inner.clock.now();
        let Work { claim, subject } = work;
        if self.inner.draining.is_cancelled() && claim.stored.job.live_intent().is_none() {
            self.release(&claim).await;
            return None;
        }
        let is_late = now >= claim.stored.job.deadline_at;
        match claim.stored.job.state.clone() {
            State::Queued { .. } | State::AwaitingNss { .. } if is_late => {
                self.decide_and_go_on(claim, Event::TimeUp, subject).await
            }
            State::Queued { .. } => self.plan(claim, subject).await,
            State::AwaitingNss { lookup } => self.look_at_lookup(claim, &lookup, subject).await,
            State::Calling { .. } => {
                let until = now + self.inner.options.ambiguous_grace;
                self.decide_and_go_on(claim, Event::CallerLost { until }, subject).await
            }
            State::Waiting {
                intent,
                reference,
                polls,
            } => self.poll(claim, intent, reference, polls, subject).await,
            State::Ambiguous { until, .. } if now < until => {
                self.decide_and_go_on(claim, Event::Deferred { until }, subject).await
            }
            State::Ambiguous { .. } => {
                let event = if self.may_abandon(&claim.stored.job) {
                    Event::AmbiguityAbandoned
                } else {
                    Event::TimeUp
                };
                self.decide_and_go_on(claim, event, subject).await
            }
            State::Succeeded { .. } | State::Failed { .. } | State::Cancelled { .. } | State::OutcomeUnknown { .. } => {
                // A job that has ended is never due; if the store says otherwise, an operator must hear of it.
                tracing::error!(job.id = %claim.stored.job.id, "claimed a job that has ended");
                None
            }
        }
    }

    pub(super) async fn decide_and_go_on(
        &self,
        claim: Claim,
        event: Event,
        subject: Option<Arc<Subject>>,
    ) -> Option<Work> {
        match self.decide(claim, event, self.inner.options.lease).await {
            Decided::Held(claim) => Some(Work { claim, subject }),
            Decided::LetGo | Decided::Lost => None,
            Decided::Refused(claim, refusal) => self.refused(claim, refusal).await,
            Decided::Postponed(claim, wait) => Box::pin(self.defer(claim, wait, subject)).await,
        }
    }

    /// The ledger refused an intent: the job ends without a call.
    pub(super) async fn refused(&self, claim: Claim, refusal: Refusal) -> Option<Work> {
        let event = Event::Exhausted {
            failure: refusal_failure(refusal),
        };
        Box::pin(self.decide_and_go_on(claim, event, None)).await
    }

    async fn plan(&self, mut claim: Claim, mut subject: Option<Arc<Subject>>) -> Option<Work> {
        let mut shut = Vec::new();
        let mut wait = self.inner.options.job_deadline;
        loop {
            let (provider, step) = match route::next(&claim.stored.job, &self.inner.options, &shut) {
                Plan::Call { provider, step } => (provider, step),
                Plan::FindNss => {
                    // A lookup would wait for a provider that is known to be down; another route serves sooner.
                    shut.push(ProviderId::Nubarium);
                    let other = route::next(&claim.stored.job, &self.inner.options, &shut);
                    if matches!(other, Plan::Call { .. }) && self.is_down(ProviderId::Nubarium).await {
                        continue;
                    }
                    return self.find_nss(claim, subject).await;
                }
                Plan::Wait => return self.defer(claim, wait, subject).await,
                Plan::Stop(failure) => {
                    return self
                        .decide_and_go_on(claim, Event::Exhausted { failure }, subject)
                        .await;
                }
            };
            // Boxed, since it is most of what a step takes: the rest of them would keep room for it.
            match Box::pin(self.send(claim, provider, step, subject)).await {
                Sent::Done(next) => return next,
                Sent::Postponed { claim, subject, wait } => return self.defer(claim, wait, subject).await,
                Sent::Shut {
                    claim: back,
                    subject: person,
                    why,
                    retry_after,
                } => {
                    (claim, subject) = (back, person);
                    wait = wait.min(retry_after);
                    match why {
                        // A provider known to be down: another route may serve, else the job waits for it.
                        Denial::Breaker => shut.push(provider),
                        // A turn before a gate that is full is sooner than another route, and the job keeps it.
                        Denial::Rate | Denial::InFlight => return self.defer(claim, wait, subject).await,
                    }
                }
            }
        }
    }

    async fn defer(&self, claim: Claim, wait: Duration, subject: Option<Arc<Subject>>) -> Option<Work> {
        let until = self.not_past_deadline(&claim.stored.job, wait);
        self.decide_and_go_on(claim, Event::Deferred { until }, subject).await
    }

    /// When to look again after `wait`, or when the job's time is up, so that it ends then and not a long wait later.
    pub(super) fn not_past_deadline(&self, job: &Job, wait: Duration) -> Timestamp {
        (self.inner.clock.now() + wait).min(job.deadline_at + DEADLINE_SLACK)
    }

    async fn poll(
        &self,
        claim: Claim,
        intent: Intent,
        reference: String,
        polls: u32,
        subject: Option<Arc<Subject>>,
    ) -> Option<Work> {
        let job = &claim.stored.job;
        let Some(provider) = self.inner.providers.get(&intent.provider) else {
            return self.wait_on(claim, self.inner.options.job_deadline, subject).await;
        };
        let subject = match self.subject_for(&job.id, subject).await {
            Ok(subject) => subject,
            Err(error) => return self.give_back(claim, &error).await,
        };
        let options = &self.inner.options.providers[&intent.provider];
        let request = PollRequest {
            reference,
            subject: (*subject).clone(),
            test_case_id: job.ask.test_case_id.clone(),
            trace_parent: trace::outgoing(job.trace_parent.as_deref()),
            now: self.inner.clock.now(),
        };
        let time_limit = options.poll_time_limit.min(self.left(&claim));
        match provider.poll(&request, time_limit).await.filter(is_news) {
            Some(reply) => {
                let (outcome, teller) = (reply.outcome.clone(), waiter(job));
                self.record_reply(claim, &intent, Source::Poll, reply).await;
                self.tell_gate_of_poll(intent.provider, teller, &outcome).await;
                None
            }
            None => {
                let delay = options.poll.delay(polls + 2, self.inner.dice.fraction());
                self.wait_on(claim, delay.unwrap_or(options.poll.max), Some(subject))
                    .await
            }
        }
    }

    /// A job that was paid for is asked about once more before its time is up: its replicas may have been away for long.
    async fn wait_on(&self, claim: Claim, wait: Duration, subject: Option<Arc<Subject>>) -> Option<Work> {
        if self.inner.clock.now() >= claim.stored.job.deadline_at {
            return self.decide_and_go_on(claim, Event::TimeUp, subject).await;
        }
        self.defer(claim, wait, subject).await
    }

    /// What is left of the lease, less a margin for the commit that follows.
    pub(super) fn left(&self, claim: &Claim) -> Duration {
        let left = claim
            .lease
            .expires_at
            .saturating_duration_since(tokio::time::Instant::now());
        left.saturating_sub(self.inner.options.lease_margin())
    }

    fn may_abandon(&self, job: &Job) -> bool {
        let settled_elsewhere = route::next(job, &self.inner.options, &[]);
        let has_other = matches!(settled_elsewhere, Plan::Call { .. } | Plan::FindNss);
        self.inner.options.ambiguous_failover
            && has_other
            && !job.cancel_requested
            && self.inner.clock.now() < job.deadline_at
    }

    pub(super) async fn subject_for(
        &self,
        job: &JobId,
        known: Option<Arc<Subject>>,
    ) -> Result<Arc<Subject>, EngineError> {
        match known {
            Some(subject) => Ok(subject),
            None => self.subject_of(job).await.map(Arc::new),
        }
    }

    /// Something that the step needs cannot be had now: the lease runs out and the next claim tries again, a bounded number of
    /// times, since the job counts as not having moved. A store that is away is not the job's fault: once it is back, the job is
    /// put off, which counts as a move.
    pub(super) async fn give_back(&self, claim: Claim, error: &EngineError) -> Option<Work> {
        tracing::warn!(job.id = %claim.stored.job.id, error = %error, "a step could not be taken");
        if error.reason == Reason::StoreUnavailable {
            return self.defer(claim, STORE_PAUSE, None).await;
        }
        None
    }
}

/// A poll that says nothing new is made again later; to record it would change nothing and leave the job to its lease.
fn is_news(reply: &Reply) -> bool {
    match reply.outcome {
        Outcome::Accepted { .. } | Outcome::Ambiguous | Outcome::NotSent => false,
        Outcome::Rejected { .. }
        | Outcome::Down { .. }
        | Outcome::Answered { .. }
        | Outcome::Unusable { .. }
        | Outcome::ReferenceLost { .. } => true,
    }
}

fn refusal_failure(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::UnitTaken => Failure::own(Reason::OutcomeUnknown),
        Refusal::PersonDayFull => Failure::own(Reason::PersonDailyLimit),
    }
}
