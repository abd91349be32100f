//! Submit: starts a job, joins the one that lives, or gives back an answer that was paid for.
//!
//! The store decides which of the three, in the commit that would create the job. A new job is claimed in that same commit when
//! this replica has a worker free, and runs here at once.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tracing::Instrument as _;

use crate::{
    domain::{
        ids::{JobId, JobKind, PersonKey},
        job::{Ask, Event, Job, NewJob},
        person::Subject,
        provider_id::ProviderId,
        reason::Reason,
    },
    engine::{
        Engine, EngineError,
        commit::Recorded,
        request::{Disposition, Snapshot, Submit, Submitted},
        route::{self, Given},
        worker::Work,
    },
    store::{Claim, Created, Creation, How, Reservation, Reserved, StoreError, Stored},
};

/// How long a request id is remembered: longer than any caller's retries, and than the default reuse window.
const REQUEST_ID_KEPT: Duration = Duration::from_secs(48 * 3600);

/// How long a caller waits for a commit that only widens a limit or notes a wish.
pub(super) const WISH_PATIENCE: Duration = Duration::from_secs(5);

/// What kind of job serves a request.
pub(super) struct Wish {
    pub product: String,
    /// Only a paid answer of this provider.
    pub answered_by: Option<ProviderId>,
    /// How long the same request must be given the same job.
    pub remember: Option<Duration>,
}

impl Engine {
    pub(crate) async fn submit(&self, submit: Submit) -> Result<Submitted, EngineError> {
        self.refuse_while_draining()?;
        self.check_possible(&submit)?;
        let lost_at = self.inner.store.condition().lost_at;
        let person = self.inner.vault.person_key(&submit.subject.curp);
        let now = self.inner.clock.now();
        let mut id = self.new_id(JobKind::WorkHistory, &person, now);
        let mut is_repeated = false;
        if let Some(request) = &submit.request_id {
            let key = self.inner.vault.request_key(&submit.tenant, &request.id);
            let fingerprint = self.inner.vault.fingerprint(&request.body);
            let reservation = Reservation {
                key,
                fingerprint,
                job: id.clone(),
                keep: self.request_id_kept(),
            };
            match self.inner.store.reserve_request(reservation).await? {
                Reserved::New => {}
                Reserved::Known { job, settled: false } => (id, is_repeated) = (job, true),
                Reserved::Known { job, settled: true } => {
                    return self.answered_before(&job, lost_at, submit.limit).await;
                }
                Reserved::OtherRequest => {
                    return Err(EngineError::of_field(
                        Reason::RequestIdReused,
                        "request_id",
                        "was used before with another request; choose a new one",
                    ));
                }
            }
        }
        let created = self.create_history_job(id, person, now, &submit).await?;
        // The proposed job needs no word, unless an earlier try of the same request may have found another one.
        let is_proposed = matches!(created.how, How::Started(_)) && !is_repeated;
        if let Some(request) = submit.request_id.as_ref().filter(|_| !is_proposed) {
            let key = self.inner.vault.request_key(&submit.tenant, &request.id);
            let found = &created.stored.job.id;
            let answered = self.inner.store.settle_request(&key, found).await?;
            if answered != *found {
                return self.answered_before(&answered, lost_at, submit.limit).await;
            }
        }
        self.submitted(created, lost_at, submit.limit).await
    }

    /// No longer than the job: a repeated request must not start one that was purged anew.
    fn request_id_kept(&self) -> Duration {
        REQUEST_ID_KEPT.min(self.inner.options.retention)
    }

    fn check_possible(&self, submit: &Submit) -> Result<(), EngineError> {
        let given = Given {
            has_names: submit.subject.name.is_some(),
            has_nss: submit.subject.nss.is_some(),
            provider: submit.provider,
        };
        if submit.test_case_id.is_some() && !self.inner.options.test_cases_allowed {
            return Err(EngineError::of_field(
                Reason::InvalidRequest,
                "test_case_id",
                "must be empty: this server makes no calls to the providers' own sandboxes",
            ));
        }
        if route::is_possible(given, &self.inner.options) {
            Ok(())
        } else {
            Err(EngineError::new(Reason::NoRoute))
        }
    }

    async fn create_history_job(
        &self,
        id: JobId,
        person: PersonKey,
        now: Timestamp,
        submit: &Submit,
    ) -> Result<Created, EngineError> {
        let max_age = self.max_age(submit.max_age);
        let ask = Ask {
            limit: submit.limit,
            provider: submit.provider,
            test_case_id: submit.test_case_id.clone(),
            has_names: submit.subject.name.is_some(),
            has_nss: submit.subject.nss.is_some(),
            fresh_after: now - max_age,
            allow_repeat_charge: submit.allow_repeat_charge,
            purpose: submit.purpose.clone(),
            consent_reference: submit.consent_reference.clone(),
            labels: submit.labels.clone(),
        };
        let job = Job::new(
            NewJob {
                id,
                tenant: submit.tenant.clone(),
                person,
                ask,
                deadline_at: now + self.inner.options.job_deadline,
                dependent: None,
                trace_parent: submit.trace_parent.clone(),
            },
            now,
        );
        let product = match &submit.test_case_id {
            Some(test_case) => format!("work_history/{test_case}"),
            None => "work_history".to_owned(),
        };
        // Two of the same request that come at once are one creation: whichever is served by a job binds the other to it.
        let remember = submit.request_id.as_ref().map(|_| self.request_id_kept());
        let wish = Wish {
            product,
            answered_by: submit.provider,
            remember,
        };
        self.create(job, wish, submit.subject.clone()).await
    }

    /// How old an answer may be. None is kept longer than the retention, and a charge whose answer is gone must block nobody.
    pub(super) fn max_age(&self, asked: Option<Duration>) -> Duration {
        let options = &self.inner.options;
        asked.unwrap_or(options.max_age_default).min(options.retention)
    }

    /// Creates the job, or finds the one that serves instead; a new one starts to run on this replica if a worker is free.
    ///
    /// In a task of its own: a caller that goes away meanwhile would leave a leased job that nobody works on.
    pub(super) async fn create(&self, job: Job, wish: Wish, subject: Subject) -> Result<Created, EngineError> {
        let engine = self.clone();
        let creation = async move { engine.create_and_run(job, wish, subject).await };
        let created = self.inner.tasks.spawn(creation.in_current_span()).await;
        created.map_err(|_| EngineError::new(Reason::Internal))?
    }

    async fn create_and_run(&self, job: Job, wish: Wish, subject: Subject) -> Result<Created, EngineError> {
        let permit = Arc::clone(&self.inner.workers).try_acquire_owned().ok();
        let first = permit.as_ref().and_then(|_| self.first_call(&job));
        let creation = Creation {
            subject: self.seal_subject(&job.id, &subject),
            product: wish.product,
            answered_since: job.ask.fresh_after,
            answered_by: wish.answered_by,
            remember: wish.remember,
            repeat_allowed: job.ask.allow_repeat_charge,
            claim: permit.as_ref().map(|_| self.inner.options.lease),
            first_intent: first.as_ref().map(|first| first.first_intent.clone()),
            job: job.clone(),
        };
        let mut created = match self.inner.store.create(creation).await {
            Ok(created) => created,
            Err(error) => {
                if let (StoreError::Unavailable { .. }, Some(first), Some(permit)) = (&error, first, permit) {
                    self.spawn_disowning(&job, first, permit);
                }
                return Err(error.into());
            }
        };
        let first = first.filter(|first| first.is_begun(&created.stored.job));
        match (&created.how, permit, first) {
            (How::Started(Some(lease)), Some(permit), first) => {
                let claim = Claim {
                    stored: created.stored.clone(),
                    lease: *lease,
                };
                let subject = Arc::new(subject);
                match first {
                    Some(first) => {
                        self.spawn_first_call(claim, first, subject, permit);
                        // Its caller is told how the job began, and watches what came after.
                        created.stored.job = job;
                    }
                    None => self.spawn_work(
                        Work {
                            claim,
                            subject: Some(subject),
                        },
                        permit,
                    ),
                }
            }
            // It was created before, and nobody was told of the lease.
            (How::Started(None), Some(permit), Some(first)) => self.spawn_disowning(&job, first, permit),
            (How::Started(_), _, _) => self.inner.alarm.ring_now(),
            (How::Attached | How::Reused { .. }, _, _) => {}
        }
        self.inner
            .metrics
            .created(created.stored.job.id.kind(), disposition(&created.how));
        Ok(created)
    }

    /// Lets a request take part in a job that was there before it.
    pub(super) async fn join(&self, stored: Stored, event: Event) -> Result<Stored, EngineError> {
        let id = stored.job.id.clone();
        match self
            .record(&id, Some(stored), &event, None, Some(WISH_PATIENCE))
            .await?
        {
            Recorded::Done(stored) | Recorded::Illegal(stored, _) => Ok(stored),
        }
    }

    /// A new job's name: born now by the engine's clock, in the shard of its person.
    pub(super) fn new_id(&self, kind: JobKind, person: &PersonKey, now: Timestamp) -> JobId {
        JobId::new(kind, self.inner.dice.name(now), person.shard())
    }

    async fn submitted(&self, created: Created, lost_at: u64, limit: u32) -> Result<Submitted, EngineError> {
        let disposition = disposition(&created.how);
        let answer = created.how.into_answer();
        let stored = match disposition {
            Disposition::Started => created.stored,
            Disposition::Attached | Disposition::Reused => {
                let joined = Event::Joined { limit, dependent: None };
                // Boxed, so that those who join nothing keep no room for it.
                Box::pin(self.join(created.stored, joined)).await?
            }
        };
        let watch_cursor = self.job_cursor(lost_at, &stored.job, stored.job.sequence, limit);
        let snapshot = match answer {
            Some(sealed) if stored.job.brings_answer() => self.snapshot_at_hand(stored.job, &sealed).await?,
            Some(_) | None => self.snapshot(stored.job).await?,
        };
        let snapshot = snapshot.cut(limit);
        Ok(Submitted {
            snapshot,
            disposition,
            watch_cursor,
        })
    }

    /// The same request came before and was answered with another request's job.
    async fn answered_before(&self, job: &JobId, lost_at: u64, limit: u32) -> Result<Submitted, EngineError> {
        let stored = self
            .inner
            .store
            .read(job)
            .await?
            .ok_or_else(|| EngineError::new(Reason::JobNotFound))?;
        let disposition = if stored.job.is_terminal() {
            Disposition::Reused
        } else {
            Disposition::Attached
        };
        let watch_cursor = self.job_cursor(lost_at, &stored.job, stored.job.sequence, limit);
        let snapshot: Snapshot = self.snapshot(stored.job).await?.cut(limit);
        Ok(Submitted {
            snapshot,
            disposition,
            watch_cursor,
        })
    }
}

pub(super) fn disposition(how: &How) -> Disposition {
    match how {
        How::Started(_) => Disposition::Started,
        How::Attached => Disposition::Attached,
        How::Reused { .. } => Disposition::Reused,
    }
}
