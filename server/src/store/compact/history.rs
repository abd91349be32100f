//! The attempts and events of a job in a record: an event names the attempt that it shows by its place.

use serde::{Deserialize, Serialize};

use super::{Nanos, NoJob, Times, is_false};
use crate::domain::{
    ids::IntentId,
    job::{Attempt, Job, JobEvent, JobView, Stage, StateName, Step},
    outcome::{Charge, OutcomeClass},
    provider_id::ProviderId,
    reason::Failure,
};

#[derive(Serialize, Deserialize)]
pub(super) struct CompactAttempt {
    id: IntentId,
    provider: ProviderId,
    step: Step,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    class: Option<OutcomeClass>,
    charge: Charge,
    at: Nanos,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<Nanos>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    #[serde(default, skip_serializing_if = "is_false")]
    shared: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct CompactEvent {
    /// `None` = one more than that of the event before; the last one has that of the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
    at: Nanos,
    /// Of which the state can be told, and the provider is that of the attempt, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stage: Option<Stage>,
    /// … or all that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    view: Option<JobView>,
    /// The attempt at this place, as it is by now, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempt: Option<usize>,
    /// … as it was when it began, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    began: Option<usize>,
    /// … or another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    own: Option<CompactAttempt>,
}

impl CompactAttempt {
    pub(super) fn of(attempt: &Attempt, times: Times) -> CompactAttempt {
        CompactAttempt {
            id: attempt.id.clone(),
            provider: attempt.provider,
            step: attempt.step,
            class: attempt.class,
            charge: attempt.charge,
            at: times.since(attempt.started_at),
            ended: attempt.ended_at.map(|at| times.since(at)),
            failure: attempt.failure.clone(),
            shared: attempt.shared,
        }
    }

    pub(super) fn into_attempt(self, times: Times) -> Result<Attempt, NoJob> {
        Ok(Attempt {
            id: self.id,
            provider: self.provider,
            step: self.step,
            class: self.class,
            charge: self.charge,
            started_at: times.at(self.at)?,
            ended_at: self.ended.map(|at| times.at(at)).transpose()?,
            failure: self.failure,
            shared: self.shared,
        })
    }
}

impl CompactEvent {
    pub(super) fn of(job: &Job, place: usize, times: Times) -> CompactEvent {
        let event = &job.events[place];
        let is_numbered = numbered(job.sequence, job.events.len(), place) == Some(event.sequence);
        let shown = event.attempt.as_ref();
        let is_told = event
            .view
            .stage
            .is_some_and(|stage| view_of(stage, shown) == event.view);
        let attempt = job.attempts.iter().position(|attempt| shown == Some(attempt));
        let has_begun = |attempt: &Attempt| shown == Some(&begun(attempt));
        let began = attempt.map_or_else(|| job.attempts.iter().position(has_begun), |_| None);
        let own = shown.filter(|_| attempt.is_none() && began.is_none());
        CompactEvent {
            sequence: (!is_numbered).then_some(event.sequence),
            at: times.since(event.at),
            stage: event.view.stage.filter(|_| is_told),
            view: (!is_told).then_some(event.view),
            attempt,
            began,
            own: own.map(|attempt| CompactAttempt::of(attempt, times)),
        }
    }

    pub(super) fn into_event(self, number: Option<u64>, attempts: &[Attempt], times: Times) -> Result<JobEvent, NoJob> {
        let at = |place: usize| attempts.get(place).ok_or(NoJob);
        let attempt = match (self.attempt, self.began, self.own) {
            (Some(place), ..) => Some(at(place)?.clone()),
            (None, Some(place), _) => Some(begun(at(place)?)),
            (None, None, own) => own.map(|own| own.into_attempt(times)).transpose()?,
        };
        let told = self.stage.map(|stage| view_of(stage, attempt.as_ref()));
        Ok(JobEvent {
            sequence: self.sequence.or(number).ok_or(NoJob)?,
            at: times.at(self.at)?,
            view: self.view.or(told).ok_or(NoJob)?,
            attempt,
        })
    }
}

/// What is mostly seen of a job at this stage.
fn view_of(stage: Stage, shown: Option<&Attempt>) -> JobView {
    let state = match stage {
        Stage::Queued | Stage::WaitingToRetry => StateName::Queued,
        Stage::LookingUpNss | Stage::AskingProvider | Stage::WaitingForProvider | Stage::ConfirmingWithProvider => {
            StateName::Running
        }
    };
    JobView {
        state,
        stage: Some(stage),
        provider: shown.map(|attempt| attempt.provider),
    }
}

/// The attempt as it was when its intent was recorded.
fn begun(attempt: &Attempt) -> Attempt {
    Attempt {
        class: None,
        charge: Charge::Open,
        ended_at: None,
        failure: None,
        ..attempt.clone()
    }
}

/// The number of the event at this place, when they are contiguous and the last one has the job's.
pub(super) fn numbered(sequence: u64, count: usize, place: usize) -> Option<u64> {
    sequence.checked_sub((count - place - 1) as u64)
}
