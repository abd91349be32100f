//! A new job's first call, when it can be made at once: its intent goes on record in the step that creates the job.
//!
//! Decides for which jobs that is tried, and what becomes of an intent whose creation was not heard of: it stands for a call that
//! nobody makes, and that nothing was sent is known here alone. The call itself is `caller`'s.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    domain::{
        gate::Entrant,
        ids::{IntentId, JobId},
        job::{Intent, Job},
        person::Subject,
        reason::Reason,
    },
    engine::{
        Engine,
        caller::Call,
        gate::{Way, waiter},
        route::{self, Plan},
    },
    store::{Claim, FirstIntent},
};

/// The first call of a job that is about to be created.
pub(super) struct FirstCall {
    intent: Intent,
    pub first_intent: FirstIntent,
}

impl FirstCall {
    /// Whether its intent stands, and no more has happened to the job than that.
    pub(super) fn is_begun(&self, job: &Job) -> bool {
        job.live_intent() == Some(&self.intent)
    }
}

impl Engine {
    /// `None` = the job is created alone, and its worker takes the gate and commits the intent, if it comes to that.
    pub(super) fn first_call(&self, job: &Job) -> Option<FirstCall> {
        let Plan::Call { provider, step } = route::next(job, &self.inner.options, &[]) else {
            return None;
        };
        // A full store creates nothing, and what was not created need not be looked for.
        let may_begin = !self.inner.draining.is_cancelled() && !self.inner.store.condition().is_full;
        if !may_begin || !self.is_known_to_pass(provider) {
            return None;
        }
        let intent = self.new_intent(provider, step);
        let first_intent = self.first_intent(job, intent.clone(), self.hold(provider)).ok()?;
        Some(FirstCall { intent, first_intent })
    }

    /// Makes the call. All that it needs is at hand.
    pub(super) fn spawn_first_call(
        &self,
        claim: Claim,
        first: FirstCall,
        subject: Arc<Subject>,
        permit: OwnedSemaphorePermit,
    ) {
        if let Some(change) = &first.first_intent.transition.ledger {
            self.inner.metrics.ledger(change);
        }
        let (engine, job) = (self.clone(), claim.stored.job.clone());
        self.spawn_for(&job, permit, async move {
            let (job, intent) = (&claim.stored.job, first.intent);
            let call = Call {
                request: engine.request(job, &intent, &subject, subject.nss.clone()),
                entrant: Entrant {
                    intent: intent.id.clone(),
                    waiter: waiter(job),
                },
                way: Way::Uncounted,
                intent,
            };
            engine.call_and_record(claim, call).await;
        });
    }

    /// The reply to a creation was lost, so that its intent may stand, and nobody calls under it. Says so, however long the store
    /// takes. A worker is kept busy with that for as long as the store is away, as with any of its calls: so no more of them wait
    /// than there are workers.
    pub(super) fn spawn_disowning(&self, job: &Job, first: FirstCall, permit: OwnedSemaphorePermit) {
        let (engine, id) = (self.clone(), job.id.clone());
        let late_at = first.first_intent.late_at() + self.inner.options.lease_margin();
        self.inner.tasks.spawn(async move {
            let intent = first.intent.id;
            if engine.disown(&id, &intent).await {
                return;
            }
            drop(permit);
            // It may still be on its way. Later than this it leaves no intent.
            engine.until_late(late_at).await;
            engine.disown(&id, &intent).await;
        });
    }

    /// False = there is no such job, as yet.
    async fn disown(&self, id: &JobId, intent: &IntentId) -> bool {
        match self.record_not_sent(id, intent.clone()).await {
            Ok(_) => true,
            Err(error) if error.reason == Reason::JobNotFound => false,
            Err(error) => {
                tracing::warn!(job.id = %id, error = %error, "it could not be recorded that a call was not made");
                true
            }
        }
    }

    async fn until_late(&self, late_at: Timestamp) {
        let left = Duration::try_from(late_at.duration_since(self.inner.clock.now())).unwrap_or_default();
        tokio::select! {
            biased;
            () = tokio::time::sleep(left) => {}
            () = self.inner.draining.cancelled() => {}
        }
    }
}
