//! The state of a job in a record: an intent is the place of its attempt.

use serde::{Deserialize, Serialize};

use super::{Birth, Nanos, NoJob, is_false, is_zero};
use crate::domain::{
    ids::JobId,
    job::{Attempt, Intent, Job, State},
    reason::Failure,
};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CompactState {
    Queued {
        #[serde(default, skip_serializing_if = "is_false")]
        deferred: bool,
    },
    AwaitingNss {
        lookup: JobId,
    },
    Calling {
        intent: CompactIntent,
    },
    Waiting {
        intent: CompactIntent,
        reference: String,
        #[serde(default, skip_serializing_if = "is_zero")]
        polls: u32,
    },
    Ambiguous {
        intent: CompactIntent,
        until: Nanos,
    },
    Succeeded {
        at: Nanos,
    },
    Failed {
        at: Nanos,
        failure: Failure,
    },
    Cancelled {
        at: Nanos,
    },
    OutcomeUnknown {
        at: Nanos,
        failure: Failure,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum CompactIntent {
    /// That of the attempt at this place.
    Of(usize),
    Own(Intent),
}

impl CompactState {
    pub(super) fn of(job: &Job, birth: Birth) -> CompactState {
        let compact = |intent: &Intent| CompactIntent::of(intent, &job.attempts);
        match &job.state {
            State::Queued { deferred } => CompactState::Queued { deferred: *deferred },
            State::AwaitingNss { lookup } => CompactState::AwaitingNss { lookup: lookup.clone() },
            State::Calling { intent } => CompactState::Calling {
                intent: compact(intent),
            },
            State::Waiting {
                intent,
                reference,
                polls,
            } => CompactState::Waiting {
                intent: compact(intent),
                reference: reference.clone(),
                polls: *polls,
            },
            State::Ambiguous { intent, until } => CompactState::Ambiguous {
                intent: compact(intent),
                until: birth.since(*until),
            },
            State::Succeeded { at } => CompactState::Succeeded { at: birth.since(*at) },
            State::Failed { at, failure } => CompactState::Failed {
                at: birth.since(*at),
                failure: failure.clone(),
            },
            State::Cancelled { at } => CompactState::Cancelled { at: birth.since(*at) },
            State::OutcomeUnknown { at, failure } => CompactState::OutcomeUnknown {
                at: birth.since(*at),
                failure: failure.clone(),
            },
        }
    }

    pub(super) fn into_state(self, attempts: &[Attempt], birth: Birth) -> Result<State, NoJob> {
        Ok(match self {
            CompactState::Queued { deferred } => State::Queued { deferred },
            CompactState::AwaitingNss { lookup } => State::AwaitingNss { lookup },
            CompactState::Calling { intent } => State::Calling {
                intent: intent.into_intent(attempts)?,
            },
            CompactState::Waiting {
                intent,
                reference,
                polls,
            } => State::Waiting {
                intent: intent.into_intent(attempts)?,
                reference,
                polls,
            },
            CompactState::Ambiguous { intent, until } => State::Ambiguous {
                intent: intent.into_intent(attempts)?,
                until: birth.at(until)?,
            },
            CompactState::Succeeded { at } => State::Succeeded { at: birth.at(at)? },
            CompactState::Failed { at, failure } => State::Failed {
                at: birth.at(at)?,
                failure,
            },
            CompactState::Cancelled { at } => State::Cancelled { at: birth.at(at)? },
            CompactState::OutcomeUnknown { at, failure } => State::OutcomeUnknown {
                at: birth.at(at)?,
                failure,
            },
        })
    }
}

impl CompactIntent {
    fn of(intent: &Intent, attempts: &[Attempt]) -> CompactIntent {
        let place = attempts.iter().position(|attempt| intent_of(attempt) == *intent);
        place.map_or_else(|| CompactIntent::Own(intent.clone()), CompactIntent::Of)
    }

    fn into_intent(self, attempts: &[Attempt]) -> Result<Intent, NoJob> {
        match self {
            CompactIntent::Of(place) => attempts.get(place).map(intent_of).ok_or(NoJob),
            CompactIntent::Own(intent) => Ok(intent),
        }
    }
}

fn intent_of(attempt: &Attempt) -> Intent {
    Intent {
        id: attempt.id.clone(),
        provider: attempt.provider,
        step: attempt.step,
    }
}
