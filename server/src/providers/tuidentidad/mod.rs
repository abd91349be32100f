//! Tu Identidad: a work history from CURP and NSS, at once or for a ticket.
//!
//! Decides how Tu Identidad is asked, and what the words that `convert` reads are worth. On the billed call a documented
//! failure was not charged. On a poll the call has been accepted, so the same words no longer prove that, and an end is
//! only believed where waiting longer would bring nothing.

mod convert;
mod wire;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use http::{HeaderName, HeaderValue, header};
use jiff::Timestamp;
use reqwest::{RequestBuilder, multipart::Form};
use secrecy::SecretString;
use url::Url;

use self::convert::Reading;
use crate::{
    domain::{
        outcome::Outcome,
        provider_id::ProviderId,
        reason::{Failure, Reason},
    },
    providers::{
        CallRequest, Check, PollRequest, Provider, Reply, check, check_exchange,
        http::{Exchanged, HttpAnswer, HttpClient, OptionsError, endpoint, secret_header, send},
        reference,
        refusal::{UnbilledStatuses, concerns_us, is_success, note_failed_poll},
    },
};

const ID: ProviderId = ProviderId::TuIdentidad;
const API_KEY: HeaderName = HeaderName::from_static("apikey");
/// Formed as Tu Identidad's ids are; none is made of zeros.
const NO_VERIFICATION: &str = "00000000-0000-0000-0000-000000000000";

/// Settings of the adapter.
pub(crate) struct Options {
    pub base_url: Url,
    pub api_key: SecretString,
    pub encoding: Encoding,
    pub work_history_path: String,
    pub status_path: String,
    pub unbilled_statuses: Vec<u16>,
}

/// How form data is written; the document does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Multipart,
    Urlencoded,
}

/// The adapter.
pub(crate) struct TuIdentidad {
    http: HttpClient,
    work_history: Url,
    status: Url,
    api_key: HeaderValue,
    encoding: Encoding,
    unbilled: UnbilledStatuses,
}

impl TuIdentidad {
    pub(crate) fn new(options: Options, http: HttpClient) -> Result<TuIdentidad, OptionsError> {
        Ok(TuIdentidad {
            http,
            work_history: endpoint(&options.base_url, &options.work_history_path)?,
            status: endpoint(&options.base_url, &options.status_path)?,
            api_key: secret_header(&options.api_key)?,
            encoding: options.encoding,
            unbilled: UnbilledStatuses::parse(options.unbilled_statuses)?,
        })
    }

    fn post(&self, url: &Url, fields: &[(&'static str, &str)]) -> RequestBuilder {
        let post = self
            .http
            .post(url.clone())
            .header(header::ACCEPT, "application/json")
            .header(API_KEY, self.api_key.clone());
        match self.encoding {
            Encoding::Urlencoded => post.form(fields),
            Encoding::Multipart => post.multipart(multipart(fields)),
        }
    }

    pub(super) fn read_call(&self, answer: &HttpAnswer, request: &CallRequest) -> Reply {
        let told = |reason, code| Failure::told(reason, ID, Some(code));
        match convert::read(answer, &request.subject.curp, request.now) {
            Reading::Settled(reply) => *reply,
            Reading::Pending(Some(reference)) => Reply::bare(Outcome::Accepted { reference }),
            Reading::Unavailable(code) | Reading::Failed(code) => Reply::bare(Outcome::Down {
                failure: told(Reason::ProviderUnavailable, code),
                retry_after: answer.retry_after,
            }),
            Reading::Malformed(code) => Reply::bare(Outcome::Rejected {
                failure: told(Reason::InvalidRequest, code),
            }),
            Reading::Undocumented(code) => self.read_undocumented(answer, code),
            Reading::UnknownReference(code) => Reply::contract_changed(ID, Some(code)),
            Reading::Pending(None) | Reading::UnknownShape | Reading::NoContent | Reading::SomebodyElse => {
                Reply::contract_changed(ID, None)
            }
            Reading::Silent => Reply::bare(self.unbilled.outcome_of(ID, answer)),
        }
    }

    /// Where the code says nothing the status speaks: of our credentials, of our quota, or of what the operator knows to be
    /// free. Nobody says what the others cost.
    fn read_undocumented(&self, answer: &HttpAnswer, code: String) -> Reply {
        let with_code = |failure| Failure {
            provider_code: Some(code.clone()),
            ..failure
        };
        Reply::bare(match self.unbilled.outcome_of(ID, answer) {
            Outcome::Rejected { failure } => Outcome::Rejected {
                failure: with_code(failure),
            },
            Outcome::Down { failure, retry_after } => Outcome::Down {
                failure: with_code(failure),
                retry_after,
            },
            Outcome::NotSent
            | Outcome::Accepted { .. }
            | Outcome::Answered { .. }
            | Outcome::Unusable { .. }
            | Outcome::ReferenceLost { .. }
            | Outcome::Ambiguous => Outcome::Unusable {
                failure: Failure::told(Reason::ProviderUnavailable, ID, Some(code)),
            },
        })
    }
}

#[async_trait]
impl Provider for TuIdentidad {
    fn id(&self) -> ProviderId {
        ID
    }

    async fn call(&self, request: &CallRequest, time_limit: Duration) -> Reply {
        let Some(nss) = &request.nss else {
            return Reply::incomplete_request();
        };
        let fields = [
            (wire::CURP, request.subject.curp.expose()),
            (wire::NSS, nss.expose()),
            (wire::LIMIT, wire::LIMIT_ALL),
        ];
        let exchanged = send(self.post(&self.work_history, &fields), request.exchange(ID, time_limit)).await;
        Reply::of_call(exchanged, |answer| self.read_call(answer, request))
    }

    async fn poll(&self, request: &PollRequest, time_limit: Duration) -> Option<Reply> {
        let Some(reference) = reference(&request.reference) else {
            return Some(Reply::reference_lost(ID, None));
        };
        let post = self.post(&self.status, &[(wire::VERIFICATION_ID, &reference)]);
        match send(post, request.exchange(ID, time_limit)).await {
            Exchanged::NotSent | Exchanged::Lost => None,
            Exchanged::Answer(answer) => read_poll(&answer, request),
        }
    }

    /// Asks for a verification that there is none of: to good credentials Tu Identidad says so.
    async fn check(&self, now: Timestamp, time_limit: Duration) -> Check {
        let post = self.post(&self.status, &[(wire::VERIFICATION_ID, NO_VERIFICATION)]);
        let exchanged = send(post, check_exchange(ID, now, time_limit)).await;
        check::read(exchanged, convert::is_unknown_reference)
    }
}

impl fmt::Debug for TuIdentidad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TuIdentidad")
    }
}

pub(super) fn read_poll(answer: &HttpAnswer, request: &PollRequest) -> Option<Reply> {
    let ended = |reason, code| Some(Reply::unusable(Failure::told(reason, ID, Some(code))));
    match convert::read(answer, &request.subject.curp, request.now) {
        Reading::Settled(reply) => Some(*reply),
        Reading::Pending(_) => None,
        // A key that is refused now may be mended while the answer waits, and that answer is being paid for.
        Reading::Undocumented(_) if concerns_us(answer.status) => {
            note_failed_poll(ID, answer.status);
            None
        }
        Reading::Failed(code) | Reading::Undocumented(code) => ended(Reason::ProviderUnavailable, code),
        Reading::Malformed(code) => ended(Reason::ProviderContractChanged, code),
        Reading::UnknownReference(code) => Some(Reply::reference_lost(ID, Some(code))),
        Reading::UnknownShape => Some(Reply::contract_changed(ID, None)),
        Reading::SomebodyElse => {
            tracing::warn!(provider = %ID, "a result is not about the person that it was asked for");
            None
        }
        // No content and broken content may both be better next time, and asking is free.
        Reading::NoContent => None,
        Reading::Silent if is_success(answer.status) => None,
        Reading::Silent | Reading::Unavailable(_) => {
            note_failed_poll(ID, answer.status);
            None
        }
    }
}

fn multipart(fields: &[(&'static str, &str)]) -> Form {
    fields
        .iter()
        .fold(Form::new(), |form, (name, value)| form.text(*name, (*value).to_owned()))
}

#[cfg(test)]
mod tests;
