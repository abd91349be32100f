//! How a call to a provider went: the only thing that decides on retry, failover and money.
//!
//! Adapters turn HTTP into these classes; nobody after them sees a status code. The answer itself is personal data and travels
//! beside the outcome, sealed, never inside it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::reason::Failure;

/// The fact that a call or a poll established about an intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Proved not to have reached the provider: the connection never stood.
    NotSent,
    /// By the provider's documented contract not processed and not billed, and asking again would bring the same.
    Rejected { failure: Failure },
    /// By the provider's documented contract down or failed, and not billed; later may be better.
    Down {
        failure: Failure,
        retry_after: Option<Duration>,
    },
    /// The provider has it and will answer under this reference.
    Accepted { reference: String },
    /// A definite answer, charged.
    Answered {
        verdict: Verdict,
        reference: Option<String>,
    },
    /// The provider ended it in a way that is no known answer; whether it is charged cannot be known.
    Unusable { failure: Failure },
    /// The provider does not know the reference that it gave: its answer can no longer be had.
    ReferenceLost { failure: Failure },
    /// The request may have been processed and billed, and nothing more is known.
    Ambiguous,
}

/// What a definite answer says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// A history or an NSS; possibly an empty history.
    Found,
    /// A definite no.
    No(Failure),
}

/// Public class of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OutcomeClass {
    NotSent,
    Rejected,
    ProviderDown,
    Answered,
    Ambiguous,
}

/// Whether a call was charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Charge {
    /// The intent is on record; nothing more is known yet.
    Open,
    Yes,
    No,
    Unknown,
}

impl Outcome {
    /// Class and charge that the outcome settles; `None` while the provider still works on it.
    pub(crate) fn settles(&self) -> Option<(OutcomeClass, Charge)> {
        match self {
            Outcome::NotSent => Some((OutcomeClass::NotSent, Charge::No)),
            Outcome::Rejected { .. } => Some((OutcomeClass::Rejected, Charge::No)),
            Outcome::Down { .. } => Some((OutcomeClass::ProviderDown, Charge::No)),
            Outcome::Accepted { .. } => None,
            Outcome::Answered { .. } => Some((OutcomeClass::Answered, Charge::Yes)),
            Outcome::Unusable { .. } | Outcome::ReferenceLost { .. } | Outcome::Ambiguous => {
                Some((OutcomeClass::Ambiguous, Charge::Unknown))
            }
        }
    }

    pub(crate) fn failure(&self) -> Option<&Failure> {
        match self {
            Outcome::Rejected { failure }
            | Outcome::Down { failure, .. }
            | Outcome::Unusable { failure }
            | Outcome::ReferenceLost { failure }
            | Outcome::Answered {
                verdict: Verdict::No(failure),
                ..
            } => Some(failure),
            Outcome::NotSent
            | Outcome::Accepted { .. }
            | Outcome::Ambiguous
            | Outcome::Answered {
                verdict: Verdict::Found,
                ..
            } => None,
        }
    }

    pub(crate) fn reference(&self) -> Option<&str> {
        match self {
            Outcome::Accepted { reference } => Some(reference),
            Outcome::Answered { reference, .. } => reference.as_deref(),
            Outcome::NotSent
            | Outcome::Rejected { .. }
            | Outcome::Down { .. }
            | Outcome::Unusable { .. }
            | Outcome::ReferenceLost { .. }
            | Outcome::Ambiguous => None,
        }
    }
}
