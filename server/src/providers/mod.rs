//! What a provider adapter must do: make one billed call, poll for its answer, and say how it went in outcome classes.
//!
//! Adapters know HTTP and their provider's words; nobody after them does. They never retry, never follow redirects, and never
//! log what they read.

mod check;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod history;
pub(crate) mod http;
mod json;
pub(crate) mod kiban;
pub(crate) mod nubarium;
mod refusal;
pub(crate) mod tuidentidad;

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

pub(crate) use self::check::Check;
use self::http::{Exchange, Exchanged, HttpAnswer};
use crate::domain::{
    curp::{CURP_CHARS, Curp},
    nss::Nss,
    outcome::{Outcome, Verdict},
    person::Subject,
    provider_id::ProviderId,
    reason::{Failure, Reason},
    work_history::{Provenance, WorkHistory},
};

/// The longest reference that a provider gives; Kiban's has 24 characters, Tu Identidad's 36.
const REFERENCE_CHARS_MAX: usize = 64;

/// One upstream API.
#[async_trait]
pub(crate) trait Provider: Send + Sync + 'static {
    fn id(&self) -> ProviderId;

    /// Makes the one billed call of an intent, inside `time_limit`. Everything after its first byte that is not proved
    /// otherwise by the provider's contract is `Ambiguous`.
    async fn call(&self, request: &CallRequest, time_limit: Duration) -> Reply;

    /// Asks for the answer to an accepted call; never billed. `None` = still running, or not reachable: ask again later.
    async fn poll(&self, request: &PollRequest, time_limit: Duration) -> Option<Reply>;

    /// Looks whether the provider is there and takes our credentials, as far as that can be asked for nothing.
    async fn check(&self, now: Timestamp, time_limit: Duration) -> Check;
}

/// What a call needs. Not `Debug`: it is all personal data.
pub(crate) struct CallRequest {
    pub subject: Subject,
    /// The NSS, where the provider wants one: the caller's or the one that was looked up.
    pub nss: Option<Nss>,
    pub test_case_id: Option<String>,
    pub callback: Option<CallbackAddress>,
    pub trace_parent: Option<String>,
    /// The time that goes into the answer's provenance.
    pub now: Timestamp,
}

/// What a poll needs.
pub(crate) struct PollRequest {
    pub reference: String,
    /// Whom the answer must be about.
    pub subject: Subject,
    pub test_case_id: Option<String>,
    pub trace_parent: Option<String>,
    pub now: Timestamp,
}

/// Where a provider may tell us that an answer is ready.
#[derive(Clone)]
pub(crate) struct CallbackAddress {
    /// Holds an unguessable token.
    pub url: String,
    /// The key that the provider sends back with it.
    pub key: String,
}

/// How a call or a poll went, with the answer beside it when there is one.
pub(crate) struct Reply {
    pub outcome: Outcome,
    pub answer: Option<Answer>,
}

/// What was bought. Sealed before it is stored; it has no `Debug`.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    History(WorkHistory),
    Nss(NssAnswer),
}

/// The NSS of a person.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct NssAnswer {
    pub nss: Nss,
    pub full_name: Option<String>,
    pub provenance: Provenance,
}

/// What surrounds a check.
fn check_exchange(provider: ProviderId, now: Timestamp, time_limit: Duration) -> Exchange<'static> {
    Exchange {
        provider,
        time_limit,
        trace_parent: None,
        now,
    }
}

impl CallRequest {
    fn exchange(&self, provider: ProviderId, time_limit: Duration) -> Exchange<'_> {
        Exchange {
            provider,
            time_limit,
            trace_parent: self.trace_parent.as_deref(),
            now: self.now,
        }
    }
}

impl PollRequest {
    fn exchange(&self, provider: ProviderId, time_limit: Duration) -> Exchange<'_> {
        Exchange {
            provider,
            time_limit,
            trace_parent: self.trace_parent.as_deref(),
            now: self.now,
        }
    }
}

impl Reply {
    /// What became of a billed call: the line between not sent and unknown, the same for all adapters. Only a whole answer is
    /// theirs to read.
    fn of_call(exchanged: Exchanged, read: impl FnOnce(&HttpAnswer) -> Reply) -> Reply {
        match exchanged {
            Exchanged::NotSent => Reply::bare(Outcome::NotSent),
            Exchanged::Lost => Reply::bare(Outcome::Ambiguous),
            Exchanged::Answer(answer) => read(&answer),
        }
    }

    /// A reply without an answer.
    pub(crate) fn bare(outcome: Outcome) -> Reply {
        Reply { outcome, answer: None }
    }

    /// A bought answer.
    fn found(answer: Answer, reference: Option<String>) -> Reply {
        Reply {
            outcome: Outcome::Answered {
                verdict: Verdict::Found,
                reference,
            },
            answer: Some(answer),
        }
    }

    /// A definite no.
    fn no(failure: Failure, reference: Option<String>) -> Reply {
        Reply::bare(Outcome::Answered {
            verdict: Verdict::No(failure),
            reference,
        })
    }

    /// An end that is no known answer.
    fn unusable(failure: Failure) -> Reply {
        Reply::bare(Outcome::Unusable { failure })
    }

    /// An answer that fits nothing we know of the provider. Operators are alarmed by the reason.
    fn contract_changed(provider: ProviderId, provider_code: Option<String>) -> Reply {
        Reply::unusable(Failure::told(Reason::ProviderContractChanged, provider, provider_code))
    }

    /// A request that lacks what the provider needs. Nothing was sent.
    fn incomplete_request() -> Reply {
        Reply::bare(Outcome::Rejected {
            failure: Failure::own(Reason::InvalidRequest),
        })
    }

    /// The provider does not know the reference any more.
    fn reference_lost(provider: ProviderId, provider_code: Option<String>) -> Reply {
        Reply::bare(Outcome::ReferenceLost {
            failure: Failure::told(Reason::OutcomeUnknown, provider, provider_code),
        })
    }
}

/// The provider's reference in the body of a callback, if there is one. The body is untrusted and is read for nothing else.
pub(crate) fn callback_reference(provider: ProviderId, body: &[u8]) -> Option<String> {
    match provider {
        ProviderId::Kiban => kiban::read_callback(body),
        ProviderId::TuIdentidad | ProviderId::Nubarium => None,
    }
}

/// A provider's reference, if it is one that can go into a URL and a record as it is. One that names a person cannot. What was paid
/// for is lost with its reference, so each place of a CURP has to be right: ids of random characters have letters and digits where a
/// CURP has them once in some hundred thousand.
fn reference(text: &str) -> Option<String> {
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let fits = is_plain && (1..=REFERENCE_CHARS_MAX).contains(&text.len());
    let is_curp = |window: &[u8]| str::from_utf8(window).is_ok_and(|text| Curp::parse_lenient(text).is_ok());
    (fits && !text.as_bytes().windows(CURP_CHARS).any(is_curp)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
