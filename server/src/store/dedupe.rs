//! What is remembered of earlier jobs of the same tenant, person and product, and what that means for a new request.
//!
//! Pure: the embedded store keeps a [`Dedupe`] in a row, the Redis store does the same in a script, and the conformance suite
//! holds both to it. It does not know whether a job it names still exists: a store that finds it gone goes on to the next.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        ids::JobId,
        job::{Job, Reuse},
        provider_id::ProviderId,
    },
    store::Creation,
};

/// Earlier jobs that can serve a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dedupe {
    /// The job that has not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<JobId>,
    /// The newest paid answer of each provider.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<ProviderId, PaidAnswer>,
    /// The newest job that has ended with a charge nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsettled: Option<JobId>,
}

/// A job that ended with a paid answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PaidAnswer {
    pub job: JobId,
    pub ended_at: Timestamp,
}

/// What an earlier job is to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Serves {
    Attached(JobId),
    Reused(JobId),
}

// === impl Dedupe ===

impl Dedupe {
    /// The job that serves the request, or `None` when a new one must start: first the living job, then the newest paid answer
    /// that the request accepts, then the job with an unknown charge.
    pub(crate) fn serves(&self, creation: &Creation) -> Option<Serves> {
        if let Some(live) = &self.live {
            return Some(Serves::Attached(live.clone()));
        }
        let accepted = self.answers.iter().filter(|(provider, answer)| {
            answer.ended_at >= creation.answered_since && creation.answered_by.is_none_or(|by| by == **provider)
        });
        let newest = accepted
            .max_by_key(|(_, answer)| answer.ended_at)
            .map(|(_, answer)| &answer.job);
        let unsettled = self.unsettled.as_ref().filter(|_| !creation.repeat_allowed);
        newest.or(unsettled).cloned().map(Serves::Reused)
    }

    pub(crate) fn started(&mut self, job: &JobId) {
        self.live = Some(job.clone());
    }

    /// The job has ended, or what its end means has changed.
    pub(crate) fn ended(&mut self, job: &Job, reuse: Reuse) {
        self.forget_live_and_unsettled(&job.id);
        match reuse {
            Reuse::Answer(provider) => self.answered(job, provider),
            Reuse::UntilSettled => self.unsettled = Some(job.id.clone()),
            Reuse::Never => {}
        }
    }

    /// The job is gone.
    pub(crate) fn forget(&mut self, job: &JobId) {
        self.forget_live_and_unsettled(job);
        self.forget_answer(job);
    }

    /// The job's answer is gone, though the job is not.
    pub(crate) fn forget_answer(&mut self, job: &JobId) {
        self.answers.retain(|_, answer| answer.job != *job);
    }

    /// Drops answers older than any that a request may ask for, so that the record does not outlive its use.
    pub(crate) fn prune(&mut self, now: Timestamp, retention: Duration) {
        self.answers
            .retain(|_, answer| now.duration_since(answer.ended_at) <= signed(retention));
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Dedupe::default()
    }

    fn forget_live_and_unsettled(&mut self, job: &JobId) {
        self.live.take_if(|live| live == job);
        self.unsettled.take_if(|unsettled| unsettled == job);
    }

    /// An operator's late word on an old job must not hide a newer answer.
    fn answered(&mut self, job: &Job, provider: ProviderId) {
        let ended_at = job.ended_at().unwrap_or(job.updated_at);
        let newer = self
            .answers
            .get(&provider)
            .is_some_and(|answer| answer.ended_at > ended_at);
        if !newer {
            self.answers.insert(
                provider,
                PaidAnswer {
                    job: job.id.clone(),
                    ended_at,
                },
            );
        }
    }
}

fn signed(duration: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(duration).unwrap_or(jiff::SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::store::conformance::fixtures;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn answers_past_the_retention_are_pruned_and_an_empty_record_says_so() {
        let now = fixtures::EPOCH;
        let mut job = fixtures::work_history(1, now);
        job.state = crate::domain::job::State::Succeeded { at: now };
        let mut dedupe = Dedupe::default();
        dedupe.started(&job.id);
        dedupe.ended(&job, Reuse::Answer(ProviderId::Kiban));
        dedupe.prune(now + HOUR, HOUR);
        assert_eq!(dedupe.answers.len(), 1);
        dedupe.prune(now + HOUR * 2, HOUR);
        assert!(dedupe.is_empty());
    }

    #[test]
    fn it_round_trips() {
        let now = fixtures::EPOCH;
        let job = fixtures::work_history(1, now);
        let answer = PaidAnswer {
            job: job.id.clone(),
            ended_at: now,
        };
        let answers = BTreeMap::from([(ProviderId::Kiban, answer)]);
        let dedupe = Dedupe {
            live: Some(job.id.clone()),
            answers,
            unsettled: Some(job.id),
        };
        let text = serde_json::to_string(&dedupe).unwrap();
        assert_eq!(serde_json::from_str::<Dedupe>(&text).unwrap(), dedupe);
    }
}
