//! Person and answer on their way into and out of the sealed record.
//!
//! The only file where personal data meets storage: it is sealed before it goes in, and cut to the caller's limit on its way out.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    domain::{
        ids::JobId,
        job::{Job, State},
        person::Subject,
        reason::Reason,
    },
    engine::{
        Engine, EngineError,
        request::{JobAnswer, Snapshot},
    },
    providers::{Answer, NssAnswer},
    store::SealedRecord,
};

const SUBJECT: &str = "subject";
const ANSWER: &str = "answer";

impl Engine {
    pub(super) fn seal_subject(&self, job: &JobId, subject: &Subject) -> Vec<u8> {
        self.seal(job, SUBJECT, subject)
    }

    pub(super) fn seal_answer(&self, job: &JobId, answer: &Answer) -> Vec<u8> {
        self.seal(job, ANSWER, answer)
    }

    pub(super) async fn subject_of(&self, job: &JobId) -> Result<Subject, EngineError> {
        let record = self.sealed(job).await?;
        self.unseal(job, SUBJECT, &record.subject)
    }

    /// The NSS that a lookup job found.
    pub(super) async fn nss_found_by(&self, lookup: &JobId) -> Result<NssAnswer, EngineError> {
        match self.answer_of(lookup).await? {
            Some(answer) => nss_of(answer),
            None => Err(EngineError::new(Reason::JobNotFound)),
        }
    }

    /// The same from the answer that came with the job, so that it is not read.
    pub(super) fn nss_at_hand(&self, lookup: &JobId, sealed: &[u8]) -> Result<NssAnswer, EngineError> {
        nss_of(self.unseal(lookup, ANSWER, sealed)?)
    }

    /// The job with its whole answer, when it has one that was not purged. The caller cuts it.
    pub(super) async fn snapshot(&self, job: Job) -> Result<Snapshot, EngineError> {
        let answer = match &job.state {
            State::Succeeded { .. } => {
                let answer = self.answer_of(&job.id).await?;
                self.job_answer(&job, answer).await?
            }
            State::Queued { .. }
            | State::AwaitingNss { .. }
            | State::Calling { .. }
            | State::Waiting { .. }
            | State::Ambiguous { .. }
            | State::Failed { .. }
            | State::Cancelled { .. }
            | State::OutcomeUnknown { .. } => None,
        };
        Ok(Snapshot { job, answer })
    }

    /// The same with the answer that this replica has just sealed, or that came with the job, so that it is not read.
    pub(super) async fn snapshot_at_hand(&self, job: Job, sealed: &[u8]) -> Result<Snapshot, EngineError> {
        let answer = self.unseal(&job.id, ANSWER, sealed)?;
        let answer = self.job_answer(&job, Some(answer)).await?;
        Ok(Snapshot { job, answer })
    }

    async fn job_answer(&self, job: &Job, answer: Option<Answer>) -> Result<Option<JobAnswer>, EngineError> {
        let history = match answer {
            Some(Answer::History(history)) => history,
            Some(Answer::Nss(_)) => return Err(EngineError::new(Reason::Internal)),
            None => return Ok(None),
        };
        let nss_provenance = match &job.nss_from {
            // The lookup may have been purged before the job: its provenance is worth nothing without it.
            Some(lookup) => self.nss_found_by(lookup).await.ok().map(|answer| answer.provenance),
            None => None,
        };
        Ok(Some(JobAnswer {
            employment_count: history.employments_total(),
            history,
            nss_provenance,
        }))
    }

    /// The answer of a job that was read as succeeded; `None` = it was purged, and the job stays until its charge is settled.
    async fn answer_of(&self, job: &JobId) -> Result<Option<Answer>, EngineError> {
        let record = self.inner.store.read_sealed(job).await?;
        let sealed = match record.and_then(|record| record.answer) {
            Some(sealed) => Some(sealed),
            None => self.answer_once_more(job).await?,
        };
        sealed.map(|sealed| self.unseal(job, ANSWER, &sealed)).transpose()
    }

    /// A store that failed over between two reads may have forgotten the end that the first one saw: whoever asks again is told
    /// what is so now. A job that stands as succeeded and whose sealed record has no answer is damaged; `None` = that was purged.
    async fn answer_once_more(&self, job: &JobId) -> Result<Option<Vec<u8>>, EngineError> {
        let stored = self.inner.store.read(job).await?;
        if !stored.is_some_and(|stored| matches!(stored.job.state, State::Succeeded { .. })) {
            return Err(EngineError::new(Reason::StoreUnavailable));
        }
        // It may have got there once more before it was read.
        let Some(record) = self.inner.store.read_sealed(job).await? else {
            return Ok(None);
        };
        record.answer.map(Some).ok_or_else(|| {
            tracing::error!(job.id = %job, "a job has succeeded and has no answer");
            EngineError::new(Reason::Internal)
        })
    }

    async fn sealed(&self, job: &JobId) -> Result<SealedRecord, EngineError> {
        let record = self.inner.store.read_sealed(job).await?;
        record.ok_or_else(|| EngineError::new(Reason::JobNotFound))
    }

    fn seal(&self, job: &JobId, kind: &str, value: &impl Serialize) -> Vec<u8> {
        let plain = serde_json::to_vec(value).expect("our own types have string keys and no failing serializer");
        self.inner.vault.seal(job, kind, &plain)
    }

    fn unseal<T: DeserializeOwned>(&self, job: &JobId, kind: &'static str, sealed: &[u8]) -> Result<T, EngineError> {
        let unreadable = |what: &'static str| {
            tracing::error!(job.id = %job, record = kind, cause = what, "a sealed record cannot be read");
            EngineError::new(Reason::Internal)
        };
        let plain = self
            .inner
            .vault
            .open(job, kind, sealed)
            .map_err(|_| unreadable("it does not open with this secret"))?;
        serde_json::from_slice(&plain).map_err(|_| unreadable("it is not of a known shape"))
    }
}

fn nss_of(answer: Answer) -> Result<NssAnswer, EngineError> {
    match answer {
        Answer::Nss(answer) => Ok(answer),
        Answer::History(_) => Err(EngineError::new(Reason::Internal)),
    }
}

impl Snapshot {
    /// The same with at most `limit` employments; 0 = all.
    pub(super) fn cut(mut self, limit: u32) -> Snapshot {
        self.answer = self.answer.map(|answer| JobAnswer {
            history: answer.history.cut(limit),
            ..answer
        });
        self
    }
}
