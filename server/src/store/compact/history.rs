//! The attempts and events of a job in a record: an event names the attempt that it shows by its place, unless its stage tells it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Birth, Nanos, NoJob, is_false};
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
    /// `None` = the one that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider: Option<ProviderId>,
    /// `None` = what the job is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<Step>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    class: Option<OutcomeClass>,
    #[serde(default = "open", skip_serializing_if = "is_open")]
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
    /// `None` = when the attempt that it shows began; when the job was created, if it shows none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<Nanos>,
    /// Of which the state can be told, and the provider is that of the attempt, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stage: Option<Stage>,
    /// … or all that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    view: Option<JobView>,
    /// The attempt at this place, as it is by now (`None`, and nothing below, at a stage of a call = the last one), …
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
    pub(super) fn of(attempt: &Attempt, birth: Birth) -> CompactAttempt {
        CompactAttempt {
            id: attempt.id.clone(),
            provider: (birth.asked != Some(attempt.provider)).then_some(attempt.provider),
            step: (birth.step() != attempt.step).then_some(attempt.step),
            class: attempt.class,
            charge: attempt.charge,
            at: birth.since(attempt.started_at),
            ended: attempt.ended_at.map(|at| birth.since(at)),
            failure: attempt.failure.clone(),
            shared: attempt.shared,
        }
    }

    pub(super) fn into_attempt(self, birth: Birth) -> Result<Attempt, NoJob> {
        Ok(Attempt {
            id: self.id,
            provider: self.provider.or(birth.asked).ok_or(NoJob)?,
            step: self.step.unwrap_or(birth.step()),
            class: self.class,
            charge: self.charge,
            started_at: birth.at(self.at)?,
            ended_at: self.ended.map(|at| birth.at(at)).transpose()?,
            failure: self.failure,
            shared: self.shared,
        })
    }
}

impl CompactEvent {
    pub(super) fn of(job: &Job, place: usize, birth: Birth) -> CompactEvent {
        let event = &job.events[place];
        let is_numbered = numbered(job.sequence, job.events.len(), place) == Some(event.sequence);
        let shown = event.attempt.as_ref();
        let stage = event.view.stage.filter(|stage| tells(*stage, event));
        let attempt = job.attempts.iter().position(|attempt| shown == Some(attempt));
        let has_begun = |attempt: &Attempt| shown == Some(&begun(attempt));
        let began = attempt.map_or_else(|| job.attempts.iter().position(has_begun), |_| None);
        let own = shown.filter(|_| attempt.is_none() && began.is_none());
        let is_last = stage.is_some_and(is_of_a_call) && shown == job.attempts.last();
        CompactEvent {
            sequence: (!is_numbered).then_some(event.sequence),
            at: (event.at != told_at(shown, birth)).then(|| birth.since(event.at)),
            stage,
            view: stage.is_none().then_some(event.view),
            attempt: attempt.filter(|_| !is_last),
            began,
            own: own.map(|attempt| CompactAttempt::of(attempt, birth)),
        }
    }

    pub(super) fn into_event(self, number: Option<u64>, attempts: &[Attempt], birth: Birth) -> Result<JobEvent, NoJob> {
        let at = |place: usize| attempts.get(place).ok_or(NoJob);
        let attempt = match (self.attempt, self.began, self.own) {
            (Some(place), ..) => Some(at(place)?.clone()),
            (None, Some(place), _) => Some(begun(at(place)?)),
            (None, None, Some(own)) => Some(own.into_attempt(birth)?),
            (None, None, None) if self.stage.is_some_and(is_of_a_call) => Some(attempts.last().ok_or(NoJob)?.clone()),
            (None, None, None) => None,
        };
        let told = self.stage.map(|stage| view_of(stage, attempt.as_ref()));
        Ok(JobEvent {
            sequence: self.sequence.or(number).ok_or(NoJob)?,
            at: match self.at {
                Some(nanos) => birth.at(nanos)?,
                None => told_at(attempt.as_ref(), birth),
            },
            view: self.view.or(told).ok_or(NoJob)?,
            attempt,
        })
    }
}

/// Whether all that was seen of the job can be told of this stage.
fn tells(stage: Stage, event: &JobEvent) -> bool {
    let shown = event.attempt.as_ref();
    view_of(stage, shown) == event.view && (shown.is_some() || !is_of_a_call(stage))
}

/// Whether an event with this stage shows an attempt.
fn is_of_a_call(stage: Stage) -> bool {
    match stage {
        Stage::AskingProvider | Stage::WaitingForProvider | Stage::ConfirmingWithProvider => true,
        // A lookup that another job makes is seen as well, and has no attempt of this one.
        Stage::LookingUpNss | Stage::Queued | Stage::WaitingToRetry => false,
    }
}

/// When most events with this attempt, or with none, happened.
fn told_at(shown: Option<&Attempt>, birth: Birth) -> Timestamp {
    shown.map_or(birth.created_at, |attempt| attempt.started_at)
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

fn open() -> Charge {
    Charge::Open
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_open(charge: &Charge) -> bool {
    *charge == Charge::Open
}
