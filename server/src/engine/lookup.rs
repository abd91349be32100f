//! LookupNss, and the lookup jobs that history jobs wait for: one machinery, one charge.
//!
//! The call only waits for a job. When its caller's time is up the job goes on, and the next caller gets the answer.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::{
    domain::{
        curp::Curp,
        ids::{JobId, JobKind, Tenant},
        job::{Ask, Event, Job, NewJob, State},
        person::Subject,
        provider_id::ProviderId,
        reason::Reason,
    },
    engine::{
        Engine, EngineError,
        hub::Latest,
        request::{Disposition, LookedUp, Lookup},
        submit::{Wish, disposition},
    },
    store::{Created, How},
};

/// An NSS is wanted, by a caller or by a job.
pub(super) struct Wanted {
    tenant: Tenant,
    curp: Curp,
    fresh_after: Timestamp,
    allow_repeat_charge: bool,
    purpose: String,
    consent_reference: String,
    dependent: Option<JobId>,
    trace_parent: Option<String>,
}

impl Engine {
    /// Waits for the answer until `until`, then says LOOKUP_IN_PROGRESS.
    pub(crate) async fn lookup_nss(&self, lookup: Lookup, until: Instant) -> Result<LookedUp, EngineError> {
        self.refuse_while_draining()?;
        if !self.inner.providers.contains_key(&ProviderId::Nubarium) {
            return Err(EngineError::new(Reason::NoRoute));
        }
        let fresh_after = self.inner.clock.now() - self.max_age(lookup.max_age);
        let created = self.start_lookup(Wanted::by_caller(lookup, fresh_after)).await?;
        let (job, how) = (&created.stored.job, disposition(&created.how));
        if job.is_terminal() {
            return self.answer_from(job, created.how.into_answer().as_deref(), how).await;
        }
        // Boxed, so that those who wait for nothing keep no room for it.
        let ended = Box::pin(self.await_end(&job.id, until)).await?;
        self.answer_from(&ended.stored.job, ended.answer.as_deref(), how).await
    }

    /// Starts a lookup job or joins the one there is.
    pub(super) async fn start_lookup(&self, wanted: Wanted) -> Result<Created, EngineError> {
        let person = self.inner.vault.person_key(&wanted.curp);
        let now = self.inner.clock.now();
        let id = match &wanted.dependent {
            // A repetition under a new name would be charged anew, if its job has leave for that.
            Some(job) => job.of_own_lookup(),
            None => self.new_id(JobKind::NssLookup, &person, now),
        };
        let job = Job::new(
            NewJob {
                id,
                tenant: wanted.tenant,
                person,
                ask: Ask {
                    limit: 0,
                    provider: None,
                    test_case_id: None,
                    has_names: false,
                    has_nss: false,
                    fresh_after: wanted.fresh_after,
                    allow_repeat_charge: wanted.allow_repeat_charge,
                    purpose: wanted.purpose,
                    consent_reference: wanted.consent_reference,
                    labels: Default::default(),
                },
                deadline_at: now + self.inner.options.job_deadline,
                dependent: wanted.dependent.clone(),
                trace_parent: wanted.trace_parent,
            },
            now,
        );
        let subject = Subject {
            curp: wanted.curp,
            name: None,
            nss: None,
        };
        let wish = Wish {
            product: "nss".to_owned(),
            answered_by: None,
            remember: None,
        };
        let created = self.create(job, wish, subject).await?;
        match created.how {
            // One that has ended wakes nobody: it must not collect everybody who reads its answer.
            How::Started(_) | How::Reused { .. } => Ok(created),
            How::Attached => {
                let joined = Event::Joined {
                    limit: 0,
                    dependent: wanted.dependent,
                };
                // Boxed, so that those who join nothing keep no room for it.
                let stored = Box::pin(self.join(created.stored, joined)).await?;
                Ok(Created { stored, ..created })
            }
        }
    }

    async fn await_end(&self, lookup: &JobId, until: Instant) -> Result<Latest, EngineError> {
        let in_progress = || EngineError {
            retry_after: Some(Duration::from_secs(1)),
            ..EngineError::new(Reason::LookupInProgress)
        };
        // What has just been there can only have been lost: whoever comes again starts another one.
        let lost = || EngineError::new(Reason::StoreUnavailable);
        let mut follow = self.inner.hub.follow(lookup).await?.ok_or_else(lost)?;
        loop {
            let latest = follow.latest();
            if latest.stored.job.is_terminal() {
                return Ok(latest);
            }
            if latest.is_gone {
                return Err(lost());
            }
            tokio::select! {
                biased;
                () = follow.changed() => {}
                () = tokio::time::sleep_until(until) => return Err(in_progress()),
                () = self.inner.draining.cancelled() => return Err(EngineError::new(Reason::ServerDraining)),
            }
        }
    }

    /// `sealed` is its answer, when that is at hand.
    async fn answer_from(
        &self,
        job: &Job,
        sealed: Option<&[u8]>,
        disposition: Disposition,
    ) -> Result<LookedUp, EngineError> {
        match &job.state {
            State::Succeeded { .. } => {
                let answer = match sealed {
                    Some(sealed) => self.nss_at_hand(&job.id, sealed)?,
                    None => self.nss_found_by(&job.id).await?,
                };
                Ok(LookedUp {
                    nss: answer.nss,
                    full_name: answer.full_name,
                    provenance: answer.provenance,
                    disposition,
                })
            }
            State::Failed { failure, .. } | State::OutcomeUnknown { failure, .. } => {
                Err(EngineError::of_failure(failure))
            }
            State::Queued { .. }
            | State::AwaitingNss { .. }
            | State::Calling { .. }
            | State::Waiting { .. }
            | State::Ambiguous { .. }
            | State::Cancelled { .. } => Err(EngineError::new(Reason::Internal)),
        }
    }
}

// === impl Wanted ===

impl Wanted {
    fn by_caller(lookup: Lookup, fresh_after: Timestamp) -> Wanted {
        Wanted {
            tenant: lookup.tenant,
            curp: lookup.curp,
            fresh_after,
            allow_repeat_charge: lookup.allow_repeat_charge,
            purpose: lookup.purpose,
            consent_reference: lookup.consent_reference,
            dependent: None,
            trace_parent: lookup.trace_parent,
        }
    }

    /// A history job wants it, as fresh as its own caller asked, and with its caller's leave.
    pub(super) fn by_job(job: &Job, curp: Curp) -> Wanted {
        Wanted {
            tenant: job.tenant.clone(),
            curp,
            fresh_after: job.ask.fresh_after,
            allow_repeat_charge: job.ask.allow_repeat_charge,
            purpose: job.ask.purpose.clone(),
            consent_reference: job.ask.consent_reference.clone(),
            dependent: Some(job.id.clone()),
            trace_parent: job.trace_parent.clone(),
        }
    }
}
