//! What can happen to a job.
//!
//! Decides which decisions and facts there are, and what each of them says. What they do to a job is for `apply`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{
    ids::{IntentId, JobId},
    job::{Attempt, Intent},
    outcome::{Charge, Outcome},
    reason::Failure,
};

/// What can happen to a job. Decisions come from the holder of its lease, facts from anyone who learned one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Decision: this lookup job finds the NSS.
    NssRequested { lookup: JobId, sweep_at: Timestamp },
    /// Fact: the lookup found it.
    NssFound { attempts: Vec<Attempt> },
    /// Fact: the lookup ended without one; `fall_back` = nothing stands against trying another route.
    NssMissed {
        failure: Failure,
        attempts: Vec<Attempt>,
        fall_back: bool,
    },
    /// Decision: not now, but at this time.
    Deferred { until: Timestamp },
    /// Decision: call. Committed before a byte is sent.
    IntentRecorded { intent: Intent },
    /// Fact: how the call, or a poll of it, went. If the job lives on it is due at `next_at`.
    OutcomeKnown {
        from: Source,
        intent: IntentId,
        outcome: Outcome,
        next_at: Timestamp,
    },
    /// Fact: a callback named the provider's reference.
    Hinted { intent: IntentId, reference: String },
    /// Decision: the lease of a calling worker ran out; its fact may still come until then.
    CallerLost { until: Timestamp },
    /// Decision: the operator's settings allow the other route after an ambiguous call.
    AmbiguityAbandoned,
    /// Decision: no route is left, or none may be taken.
    Exhausted { failure: Failure },
    /// Decision: a caller wants it to stop.
    CancelAsked,
    /// Decision: the job's deadline, or the grace of an ambiguous call, has passed.
    TimeUp,
    /// Decision: a worker has it in hand though its last claim did not move it.
    TakenUp,
    /// Decision: it was taken up many times and never moved.
    Stalled,
    /// Decision: another request joins, perhaps with a wider limit, perhaps as a job to wake.
    Joined { limit: u32, dependent: Option<JobId> },
    /// Decision: an operator settles the unknown charge.
    Settled { charge: Charge, note: String },
}

/// Who brought an outcome: the billed call itself, or a later question about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    Call,
    Poll,
}

impl Event {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Event::NssRequested { .. } => "NssRequested",
            Event::NssFound { .. } => "NssFound",
            Event::NssMissed { .. } => "NssMissed",
            Event::Deferred { .. } => "Deferred",
            Event::IntentRecorded { .. } => "IntentRecorded",
            Event::OutcomeKnown { .. } => "OutcomeKnown",
            Event::Hinted { .. } => "Hinted",
            Event::CallerLost { .. } => "CallerLost",
            Event::AmbiguityAbandoned => "AmbiguityAbandoned",
            Event::Exhausted { .. } => "Exhausted",
            Event::CancelAsked => "CancelAsked",
            Event::TimeUp => "TimeUp",
            Event::TakenUp => "TakenUp",
            Event::Stalled => "Stalled",
            Event::Joined { .. } => "Joined",
            Event::Settled { .. } => "Settled",
        }
    }
}
