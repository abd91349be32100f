//! The billed call: the five moves between a decision and a fact, in the order that keeps the money rule.
//!
//! Take a place at the gate, commit the intent, check our own clock, send once, commit the fact. Between intent and fact nothing
//! is ever repeated; a crash there leaves an open intent, which another replica finds and does not resend.

use std::{sync::Arc, time::Duration};

use crate::{
    domain::{
        gate::{Denial, Entrant, GateReport, Passage},
        ids::{IntentId, JobId},
        job::{Event, Intent, Job, Source, Step},
        nss::Nss,
        outcome::Outcome,
        person::Subject,
        provider_id::ProviderId,
        reason::Reason,
    },
    engine::{
        Engine, EngineError,
        commit::{Decided, Recorded},
        gate::{Way, gate_report, waiter},
        route, trace,
        worker::Work,
    },
    failpoint,
    providers::{CallRequest, CallbackAddress, Reply},
    store::Claim,
};

/// Too short a time to make a call in: the lease was almost over when the intent stood.
const CALL_TIME_MIN: Duration = Duration::from_millis(500);

/// A call that may be made as soon as its intent stands.
pub(super) struct Call {
    pub intent: Intent,
    pub request: CallRequest,
    pub entrant: Entrant,
    pub way: Way,
}

/// What became of the will to call.
pub(super) enum Sent {
    /// Intent and fact are on record, or somebody else goes on.
    Done(Option<Work>),
    /// The store gives no intents now; nothing was committed.
    Postponed {
        claim: Claim,
        subject: Option<Arc<Subject>>,
        wait: Duration,
    },
    /// The gate is shut; nothing was committed.
    Shut {
        claim: Claim,
        subject: Option<Arc<Subject>>,
        why: Denial,
        retry_after: Duration,
    },
}

impl Engine {
    pub(super) async fn send(
        &self,
        claim: Claim,
        provider_id: ProviderId,
        step: Step,
        subject: Option<Arc<Subject>>,
    ) -> Sent {
        let intent = self.new_intent(provider_id, step);
        let hold = self.hold(provider_id);
        let request = match self.prepare(&claim.stored.job, &intent, subject.clone()).await {
            Ok(request) => request,
            Err(error) => return Sent::Done(self.give_back(claim, &error).await),
        };
        let entrant = Entrant {
            intent: intent.id.clone(),
            waiter: waiter(&claim.stored.job),
        };
        let way = match self.enter(&claim, provider_id, &entrant, hold).await {
            Ok((Passage::Granted { start_in }, way)) => {
                // Before the intent is on record: a replica that dies meanwhile leaves nothing in question.
                if !start_in.is_zero() {
                    tokio::time::sleep(start_in).await;
                }
                way
            }
            Ok((Passage::Denied { why, retry_after }, _)) => {
                return Sent::Shut {
                    claim,
                    subject,
                    why,
                    retry_after,
                };
            }
            Err(error) => {
                self.leave(provider_id, &entrant, Way::Place, GateReport::Unused).await;
                return Sent::Done(self.give_back(claim, &error.into()).await);
            }
        };
        let undecided = claim.clone();
        let decided = self
            .decide(claim, Event::IntentRecorded { intent: intent.clone() }, hold)
            .await;
        let claim = match decided {
            Decided::Held(claim) => claim,
            Decided::LetGo | Decided::Lost => {
                self.leave(provider_id, &entrant, way, GateReport::Unused).await;
                self.record_unsent(undecided, intent).await;
                return Sent::Done(None);
            }
            Decided::Postponed(claim, wait) => {
                self.leave(provider_id, &entrant, way, GateReport::Unused).await;
                return Sent::Postponed { claim, subject, wait };
            }
            Decided::Refused(claim, refusal) => {
                self.leave(provider_id, &entrant, way, GateReport::Unused).await;
                return Sent::Done(self.refused(claim, refusal).await);
            }
        };
        let call = Call {
            intent,
            request,
            entrant,
            way,
        };
        self.call_and_record(claim, call).await;
        Sent::Done(None)
    }

    /// The last of the five moves, once the intent stands.
    pub(super) async fn call_and_record(&self, claim: Claim, call: Call) {
        let Call {
            intent,
            request,
            entrant,
            way,
        } = call;
        let id = claim.stored.job.id.clone();
        failpoint::reach(failpoint::INTENT_COMMITTED, id.as_str()).await;
        let called = self.call_in_time(&claim, intent.provider, &request).await;
        // A call that was not made says nothing about the provider.
        let report = called
            .as_ref()
            .map_or(GateReport::Unused, |reply| gate_report(&reply.outcome));
        let reply = called.unwrap_or_else(|| Reply::bare(Outcome::NotSent));
        // The fact goes first: a gate that answers slowly must not stand between what was paid for and its record.
        self.record_reply(claim, &intent, Source::Call, reply).await;
        failpoint::reach(failpoint::FACT_COMMITTED, id.as_str()).await;
        self.leave(intent.provider, &entrant, way, report).await;
    }

    pub(super) fn new_intent(&self, provider: ProviderId, step: Step) -> Intent {
        Intent {
            id: IntentId::new(self.inner.dice.name(self.inner.clock.now())),
            provider,
            step,
        }
    }

    /// How long the lease must last for a call, its fact and the gate.
    pub(super) fn hold(&self, provider: ProviderId) -> Duration {
        self.inner.options.providers[&provider].call_time_limit + self.inner.options.lease_margin() * 2
    }

    /// The one place from which a billed request leaves, and only while our own clock says that the lease holds; `None` = it
    /// does not.
    async fn call_in_time(&self, claim: &Claim, provider: ProviderId, request: &CallRequest) -> Option<Reply> {
        let options = &self.inner.options.providers[&provider];
        let time_limit = options.call_time_limit.min(self.left(claim));
        if time_limit < CALL_TIME_MIN.min(options.call_time_limit / 2) {
            return None;
        }
        let job = claim.stored.job.id.as_str();
        failpoint::reach(failpoint::ABOUT_TO_SEND, job).await;
        let reply = self.inner.providers[&provider].call(request, time_limit).await;
        failpoint::reach(failpoint::ANSWER_RECEIVED, job).await;
        Some(reply)
    }

    /// The intent may stand all the same, when only the reply to its commit was lost. That nothing was sent is known here alone,
    /// and without it the job would end as one that may have been charged.
    ///
    /// First the job is put off under the old fence and version. When that is done, or refused, the lost commit can no longer come
    /// to pass, however late it reaches the store; so what is read after it is all that there will be.
    async fn record_unsent(&self, undecided: Claim, intent: Intent) {
        let id = &undecided.stored.job.id;
        if !self.shut_out(&undecided).await {
            return;
        }
        if let Err(error) = self.record_not_sent(id, intent.id).await {
            tracing::warn!(job.id = %id, error = %error, "it could not be recorded that a call was not made");
        }
    }

    pub(super) async fn record_not_sent(&self, id: &JobId, intent: IntentId) -> Result<Recorded, EngineError> {
        let event = Event::OutcomeKnown {
            from: Source::Call,
            intent,
            outcome: Outcome::NotSent,
            next_at: self.inner.clock.now(),
        };
        self.record(id, None, &event, None, None).await
    }

    /// Commits the fact, however long the store takes: it was paid for.
    pub(super) async fn record_reply(&self, claim: Claim, intent: &Intent, from: Source, reply: Reply) {
        let id = claim.stored.job.id.clone();
        self.inner.metrics.outcome(intent, &reply.outcome);
        self.alarm_operator(intent, &reply.outcome);
        let pause = self.pause_after(&claim, intent, &reply.outcome);
        // The grace of an ambiguous call is no time of the job's: it outlasts the deadline.
        let next_at = match reply.outcome {
            Outcome::Ambiguous => self.inner.clock.now() + pause,
            Outcome::NotSent
            | Outcome::Rejected { .. }
            | Outcome::Down { .. }
            | Outcome::Accepted { .. }
            | Outcome::Answered { .. }
            | Outcome::Unusable { .. }
            | Outcome::ReferenceLost { .. } => self.not_past_deadline(&claim.stored.job, pause),
        };
        let event = Event::OutcomeKnown {
            from,
            intent: intent.id.clone(),
            next_at,
            outcome: reply.outcome,
        };
        let sealed = reply.answer.as_ref().map(|answer| self.seal_answer(&id, answer));
        match self.record_fact(&id, claim.stored, &event, sealed.as_deref()).await {
            Ok(Recorded::Done(_)) => {}
            Ok(Recorded::Illegal(_, illegal)) => {
                tracing::error!(job.id = %id, error = %illegal, "a fact found no place")
            }
            Err(error) => {
                tracing::error!(job.id = %id, attempt.id = %intent.id, error = %error, "a fact could not be stored")
            }
        }
    }

    /// How long until the job is looked at again, if the outcome leaves it alive.
    fn pause_after(&self, claim: &Claim, intent: &Intent, outcome: &Outcome) -> Duration {
        let job = &claim.stored.job;
        let retry = || {
            let tries = route::tries(job, intent.provider);
            // The last try at this provider: what comes next is another route or the end, at once.
            self.inner
                .options
                .retry
                .delay(tries, self.inner.dice.fraction())
                .unwrap_or_default()
        };
        match outcome {
            Outcome::NotSent => retry(),
            Outcome::Down { retry_after, .. } => {
                let pause = retry();
                if pause.is_zero() {
                    pause
                } else {
                    pause.max(retry_after.unwrap_or_default())
                }
            }
            Outcome::Accepted { .. } => {
                let options = &self.inner.options.providers[&intent.provider];
                options
                    .poll
                    .delay(1, self.inner.dice.fraction())
                    .unwrap_or(options.poll.first)
            }
            Outcome::Ambiguous if self.hears_back(intent.provider) => self.inner.options.ambiguous_grace,
            Outcome::Ambiguous
            | Outcome::Rejected { .. }
            | Outcome::Answered { .. }
            | Outcome::Unusable { .. }
            | Outcome::ReferenceLost { .. } => Duration::ZERO,
        }
    }

    /// Whether the provider may still tell us by itself what became of a call.
    fn hears_back(&self, provider: ProviderId) -> bool {
        match provider {
            ProviderId::Kiban => self.inner.options.public_url.is_some(),
            ProviderId::TuIdentidad | ProviderId::Nubarium => false,
        }
    }

    async fn prepare(
        &self,
        job: &Job,
        intent: &Intent,
        subject: Option<Arc<Subject>>,
    ) -> Result<CallRequest, EngineError> {
        let subject = self.subject_for(&job.id, subject).await?;
        let nss = match (&subject.nss, &job.nss_from) {
            (Some(given), _) => Some(given.clone()),
            (None, Some(lookup)) => Some(self.looked_up(lookup).await?),
            (None, None) => None,
        };
        Ok(self.request(job, intent, &subject, nss))
    }

    pub(super) fn request(&self, job: &Job, intent: &Intent, subject: &Subject, nss: Option<Nss>) -> CallRequest {
        CallRequest {
            subject: subject.clone(),
            nss,
            test_case_id: job.ask.test_case_id.clone(),
            callback: self
                .hears_back(intent.provider)
                .then(|| self.callback_address(&job.id, intent))
                .flatten(),
            trace_parent: trace::outgoing(job.trace_parent.as_deref()),
            now: self.inner.clock.now(),
        }
    }

    async fn looked_up(&self, lookup: &JobId) -> Result<Nss, EngineError> {
        Ok(self.nss_found_by(lookup).await?.nss)
    }

    fn callback_address(&self, job: &JobId, intent: &Intent) -> Option<CallbackAddress> {
        let base = self.inner.options.public_url.as_deref()?.trim_end_matches('/');
        let token = self.inner.vault.callback_token(job, &intent.id);
        Some(CallbackAddress {
            url: format!(
                "{base}/callbacks/{}/{job}/{}/{token}",
                intent.provider.as_str(),
                intent.id
            ),
            key: self.inner.vault.callback_key(job, &intent.id),
        })
    }

    fn alarm_operator(&self, intent: &Intent, outcome: &Outcome) {
        let provider = intent.provider.as_str();
        match outcome.failure().map(|failure| failure.reason) {
            Some(Reason::ProviderCredentials) => {
                tracing::error!(provider, attempt.id = %intent.id, "the provider refuses our credentials: check its settings");
            }
            Some(Reason::ProviderContractChanged) => {
                tracing::error!(provider, attempt.id = %intent.id, "the provider answered in a shape that is not its contract");
            }
            Some(_) | None => {}
        }
    }
}
