//! The transition function: state x event -> transition, total over the states.
//!
//! It decides where the job goes; what each move does to attempts, ledger, due time and later requests stands in `next`.
//! It does not decide which provider to ask or how long to wait: those arrive inside the events.

use jiff::Timestamp;

use crate::domain::{
    job::{Event, Intent, Job, Source, State, Step, next::Next},
    outcome::{Charge, Outcome, OutcomeClass},
    provider_id::ProviderId,
    reason::{Failure, Reason},
};

/// What one event makes of a job; committed as a whole or not at all.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Transition {
    pub job: Job,
    pub due: Due,
    pub ledger: Option<LedgerChange>,
    /// Set when the job ends with this transition.
    pub ending: Option<Ending>,
}

/// When the job is to be looked at next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// The committer goes on with it under its lease.
    Held,
    At(Timestamp),
    /// It has ended.
    Never,
    /// As it was: the event changes nothing about it.
    Unchanged,
}

/// What happens to the ledger in the same commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LedgerChange {
    /// The unit goes from free to open. Refused while another charge of the unit is open or unknown, or newer than `fresh_after`;
    /// `repeat_allowed` waives the unknown one of another job.
    Open {
        intent: Intent,
        fresh_after: Timestamp,
        repeat_allowed: bool,
    },
    /// A fact about a charge. `late` = the job had ended.
    Settle {
        intent: Intent,
        charge: Charge,
        class: OutcomeClass,
        reference: Option<String>,
        provider_code: Option<String>,
        late: bool,
    },
    /// An operator's word on every unknown charge of the job.
    Resolve { charge: Charge, note: String },
}

/// What a job's end means for later requests of the same person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    pub reuse: Reuse,
}

/// Whether a later request gets this job back instead of a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// It paid for a definite answer of this provider: for as long as the caller accepts its age.
    Answer(ProviderId),
    /// It may have been charged: until it is settled or the caller gives leave.
    UntilSettled,
    /// It cost nothing and brought nothing.
    Never,
}

/// An event that the state does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {event} cannot happen to a job that is {state}")]
pub(crate) struct IllegalTransition {
    pub state: &'static str,
    pub event: &'static str,
}

impl Job {
    /// What `event` makes of this job at `now`.
    pub(crate) fn apply(&self, event: Event, now: Timestamp) -> Result<Transition, IllegalTransition> {
        let mut transition = self.react(event, now)?;
        if transition.due != Due::Unchanged || transition.job.sequence > self.sequence {
            transition.job.stalls = 0;
        }
        Ok(transition)
    }

    fn react(&self, event: Event, now: Timestamp) -> Result<Transition, IllegalTransition> {
        let illegal = IllegalTransition {
            state: self.state.name(),
            event: event.name(),
        };
        let next = Next { job: self.clone(), now };
        match (&self.state, event) {
            (State::Queued { .. }, event) => match event {
                Event::Joined { limit, dependent } => Ok(next.joined(limit, dependent)),
                Event::TakenUp => Ok(next.taken_up()),
                Event::NssRequested { lookup, sweep_at } => {
                    Ok(next.to(State::AwaitingNss { lookup }, None, Due::At(sweep_at)))
                }
                Event::Deferred { until } => Ok(next.deferred(until)),
                Event::IntentRecorded { intent } => Ok(next.calling(intent)),
                Event::Exhausted { failure } => Ok(next.failed(failure)),
                Event::CancelAsked => Ok(next.cancelled()),
                Event::TimeUp => Ok(next.failed(self.last_failure())),
                Event::Stalled => Ok(next.failed(Failure::own(Reason::Internal))),
                Event::OutcomeKnown { intent, outcome, .. } => Ok(next.late(&intent, &outcome)),
                Event::Hinted { .. } => Ok(next.unchanged()),
                Event::NssFound { .. }
                | Event::NssMissed { .. }
                | Event::CallerLost { .. }
                | Event::AmbiguityAbandoned
                | Event::Settled { .. } => Err(illegal),
            },

            (State::AwaitingNss { lookup }, event) => match event {
                Event::Joined { limit, dependent } => Ok(next.joined(limit, dependent)),
                Event::TakenUp => Ok(next.taken_up()),
                Event::NssFound { attempts } => Ok(next.nss_found(lookup.clone(), attempts)),
                Event::NssMissed {
                    failure,
                    attempts,
                    fall_back,
                } => Ok(next.nss_missed(failure, attempts, fall_back)),
                Event::Deferred { until } => Ok(next.rescheduled(until)),
                Event::CancelAsked => Ok(next.cancelled()),
                Event::TimeUp => Ok(next.failed(self.last_failure())),
                Event::Stalled => Ok(next.failed(Failure::own(Reason::Internal))),
                Event::OutcomeKnown { intent, outcome, .. } => Ok(next.late(&intent, &outcome)),
                Event::Hinted { .. } => Ok(next.unchanged()),
                Event::NssRequested { .. }
                | Event::IntentRecorded { .. }
                | Event::CallerLost { .. }
                | Event::AmbiguityAbandoned
                | Event::Exhausted { .. }
                | Event::Settled { .. } => Err(illegal),
            },

            (State::Calling { intent }, event) => match event {
                Event::Joined { limit, dependent } => Ok(next.joined(limit, dependent)),
                Event::TakenUp => Ok(next.taken_up()),
                Event::OutcomeKnown {
                    intent: of,
                    outcome,
                    next_at,
                    ..
                } if of == intent.id => Ok(next.outcome(intent, outcome, next_at)),
                Event::OutcomeKnown { intent, outcome, .. } => Ok(next.late(&intent, &outcome)),
                Event::Hinted { intent: of, reference } if of == intent.id => Ok(next.waiting(intent, reference, now)),
                Event::Hinted { .. } => Ok(next.unchanged()),
                Event::CallerLost { until } => Ok(next.ambiguous(intent, until)),
                Event::CancelAsked => Ok(next.cancel_noted()),
                Event::Stalled => Ok(next.outcome_unknown(intent)),
                Event::NssRequested { .. }
                | Event::NssFound { .. }
                | Event::NssMissed { .. }
                | Event::Deferred { .. }
                | Event::IntentRecorded { .. }
                | Event::AmbiguityAbandoned
                | Event::Exhausted { .. }
                | Event::TimeUp
                | Event::Settled { .. } => Err(illegal),
            },

            (State::Waiting { intent, reference, .. }, event) => match event {
                Event::Joined { limit, dependent } => Ok(next.joined(limit, dependent)),
                Event::TakenUp => Ok(next.taken_up()),
                Event::OutcomeKnown {
                    from,
                    intent: of,
                    outcome,
                    next_at,
                } if of == intent.id => match (from, outcome) {
                    // The reply to the call that a callback overtook. The provider has named its reference, so it has the request,
                    // whatever became of the reply; to believe a "down" here would be to pay again.
                    (
                        Source::Call,
                        Outcome::Accepted { .. }
                        | Outcome::Ambiguous
                        | Outcome::NotSent
                        | Outcome::Rejected { .. }
                        | Outcome::Down { .. }
                        | Outcome::Unusable { .. },
                    ) => Ok(next.unchanged()),
                    (Source::Poll, Outcome::Accepted { .. } | Outcome::Ambiguous | Outcome::NotSent) => {
                        Ok(next.unchanged())
                    }
                    (_, Outcome::ReferenceLost { .. }) => Ok(next.outcome_unknown(intent)),
                    (
                        Source::Poll,
                        outcome @ (Outcome::Rejected { .. } | Outcome::Down { .. } | Outcome::Unusable { .. }),
                    )
                    | (_, outcome @ Outcome::Answered { .. }) => Ok(next.outcome(intent, outcome, next_at)),
                },
                Event::OutcomeKnown { intent, outcome, .. } => Ok(next.late(&intent, &outcome)),
                Event::Hinted {
                    intent: of,
                    reference: hint,
                } if of == intent.id && hint == *reference => Ok(Transition {
                    due: Due::At(now),
                    ..next.unchanged()
                }),
                Event::Hinted { .. } => Ok(next.unchanged()),
                Event::Deferred { until } => Ok(next.polled(until)),
                Event::CancelAsked => Ok(next.cancel_noted()),
                Event::TimeUp | Event::Stalled => Ok(next.outcome_unknown(intent)),
                Event::NssRequested { .. }
                | Event::NssFound { .. }
                | Event::NssMissed { .. }
                | Event::IntentRecorded { .. }
                | Event::CallerLost { .. }
                | Event::AmbiguityAbandoned
                | Event::Exhausted { .. }
                | Event::Settled { .. } => Err(illegal),
            },

            (State::Ambiguous { intent, .. }, event) => match event {
                Event::Joined { limit, dependent } => Ok(next.joined(limit, dependent)),
                Event::TakenUp => Ok(next.taken_up()),
                Event::OutcomeKnown {
                    intent: of,
                    outcome,
                    next_at,
                    ..
                } if of == intent.id => match outcome {
                    Outcome::Ambiguous => Ok(next.unchanged()),
                    Outcome::ReferenceLost { .. } => Ok(next.outcome_unknown(intent)),
                    Outcome::NotSent
                    | Outcome::Rejected { .. }
                    | Outcome::Down { .. }
                    | Outcome::Accepted { .. }
                    | Outcome::Answered { .. }
                    | Outcome::Unusable { .. } => Ok(next.outcome(intent, outcome, next_at)),
                },
                Event::OutcomeKnown { intent, outcome, .. } => Ok(next.late(&intent, &outcome)),
                Event::Hinted { intent: of, reference } if of == intent.id => Ok(next.waiting(intent, reference, now)),
                Event::Hinted { .. } => Ok(next.unchanged()),
                Event::Deferred { until } => Ok(next.rescheduled(until)),
                Event::AmbiguityAbandoned => Ok(next.abandoned(intent)),
                Event::CancelAsked => Ok(next.cancel_noted()),
                Event::TimeUp | Event::Stalled => Ok(next.outcome_unknown(intent)),
                Event::NssRequested { .. }
                | Event::NssFound { .. }
                | Event::NssMissed { .. }
                | Event::IntentRecorded { .. }
                | Event::CallerLost { .. }
                | Event::Exhausted { .. }
                | Event::Settled { .. } => Err(illegal),
            },

            (
                State::Succeeded { .. } | State::Failed { .. } | State::Cancelled { .. } | State::OutcomeUnknown { .. },
                event,
            ) => match event {
                Event::Joined { limit, dependent } => Ok(next.joined(limit, dependent)),
                Event::OutcomeKnown { intent, outcome, .. } => Ok(next.late(&intent, &outcome)),
                Event::Hinted { .. } | Event::CancelAsked => Ok(next.unchanged()),
                Event::Settled {
                    charge: charge @ (Charge::Yes | Charge::No),
                    note,
                } if self.needs_settlement() => Ok(next.settled(charge, note)),
                Event::Settled { .. }
                | Event::NssRequested { .. }
                | Event::NssFound { .. }
                | Event::NssMissed { .. }
                | Event::Deferred { .. }
                | Event::IntentRecorded { .. }
                | Event::CallerLost { .. }
                | Event::AmbiguityAbandoned
                | Event::Exhausted { .. }
                | Event::TimeUp
                | Event::TakenUp
                | Event::Stalled => Err(illegal),
            },
        }
    }

    /// What to say when time is up: the last thing that went wrong, else that no provider could be asked in time.
    fn last_failure(&self) -> Failure {
        let last = self.attempts.iter().rev().find_map(|attempt| attempt.failure.clone());
        last.unwrap_or_else(|| Failure::own(Reason::ProviderUnavailable))
    }
}

impl State {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            State::Queued { .. } => "Queued",
            State::AwaitingNss { .. } => "AwaitingNss",
            State::Calling { .. } => "Calling",
            State::Waiting { .. } => "Waiting",
            State::Ambiguous { .. } => "Ambiguous",
            State::Succeeded { .. } => "Succeeded",
            State::Failed { .. } => "Failed",
            State::Cancelled { .. } => "Cancelled",
            State::OutcomeUnknown { .. } => "OutcomeUnknown",
        }
    }
}

impl Step {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Step::FindNss => "find_nss",
            Step::FetchHistory => "fetch_history",
        }
    }
}
