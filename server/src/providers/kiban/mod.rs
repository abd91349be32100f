//! Kiban: a work history from CURP and names, accepted at once and answered minutes later.
//!
//! Decides how Kiban is asked and which HTTP statuses mean what; `convert` reads its documents. It deliberately knows no
//! test case (they are data of the caller) and never tells when to poll.

mod convert;
mod wire;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;

use self::{
    convert::{Asked, Reading},
    wire::Document,
};
use crate::{
    domain::{outcome::Outcome, person::PersonName, provider_id::ProviderId},
    providers::{
        CallRequest, CallbackAddress, Check, PollRequest, Provider, Reply, check, check_exchange,
        http::{Exchanged, HttpAnswer, HttpClient, OptionsError, endpoint, secret_header, send, sensitive_header},
        json::{self, NotJson},
        reference,
        refusal::{UnbilledStatuses, is_success, note_failed_poll},
    },
};

const ID: ProviderId = ProviderId::Kiban;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const CALLBACK_URL: HeaderName = HeaderName::from_static("urlcallback");
const CALLBACK_KEY: HeaderName = HeaderName::from_static("xapikeycallback");
/// Formed as Kiban's ids are, and of the year 1970.
const NO_DOCUMENT: &str = "000000000000000000000000";
const TEST_CASE: &str = "testCaseId";

/// Settings of the adapter.
pub(crate) struct Options {
    pub base_url: Url,
    pub api_key: SecretString,
    /// The number in the path; which one this service has is not published.
    pub version: String,
    /// What follows `/api/v{version}/`.
    pub path: String,
    pub unbilled_statuses: Vec<u16>,
}

/// The adapter.
pub(crate) struct Kiban {
    http: HttpClient,
    service: Url,
    api_key: HeaderValue,
    unbilled: UnbilledStatuses,
}

impl Kiban {
    pub(crate) fn new(options: Options, http: HttpClient) -> Result<Kiban, OptionsError> {
        let path = format!("api/v{}/{}", options.version, options.path.trim_matches('/'));
        Ok(Kiban {
            http,
            service: endpoint(&options.base_url, &path)?,
            api_key: secret_header(&options.api_key)?,
            unbilled: UnbilledStatuses::parse(options.unbilled_statuses)?,
        })
    }

    /// The service with the test case, which is not personal.
    fn submit_url(&self, test_case_id: Option<&str>) -> Url {
        let mut url = self.service.clone();
        if let Some(id) = test_case_id {
            url.query_pairs_mut().append_pair(TEST_CASE, id);
        }
        url
    }

    fn document_url(&self, reference: &str) -> Url {
        let mut url = self.service.clone();
        url.path_segments_mut()
            .expect("an http URL has path segments")
            .push(reference);
        url
    }

    pub(super) fn read_call(&self, answer: &HttpAnswer, request: &CallRequest) -> Reply {
        let asked = Asked {
            curp: &request.subject.curp,
            is_test_case: request.test_case_id.is_some(),
            now: request.now,
        };
        if is_success(answer.status) {
            return match json::read(&answer.body) {
                Ok(value) => convert::acknowledgement(&Document::read(value), &asked),
                Err(NotJson) => Reply::bare(Outcome::Ambiguous),
            };
        }
        let rejection = (answer.status == 400)
            .then(|| convert::rejection(&answer.body))
            .flatten();
        Reply::bare(rejection.unwrap_or_else(|| self.unbilled.outcome_of(ID, answer)))
    }
}

#[async_trait]
impl Provider for Kiban {
    fn id(&self) -> ProviderId {
        ID
    }

    async fn call(&self, request: &CallRequest, time_limit: Duration) -> Reply {
        let Some(name) = &request.subject.name else {
            return Reply::incomplete_request();
        };
        let url = self.submit_url(request.test_case_id.as_deref());
        let post = self
            .http
            .post(url)
            .header(header::ACCEPT, "application/json")
            .header(API_KEY, self.api_key.clone())
            .headers(callback_headers(request.callback.as_ref()))
            .json(&submission(request, name));
        let exchanged = send(post, request.exchange(ID, time_limit)).await;
        Reply::of_call(exchanged, |answer| self.read_call(answer, request))
    }

    async fn poll(&self, request: &PollRequest, time_limit: Duration) -> Option<Reply> {
        let Some(reference) = reference(&request.reference) else {
            return Some(Reply::reference_lost(ID, None));
        };
        let get = self
            .http
            .get(self.document_url(&reference))
            .header(header::ACCEPT, "application/json")
            .header(API_KEY, self.api_key.clone());
        match send(get, request.exchange(ID, time_limit)).await {
            Exchanged::NotSent | Exchanged::Lost => None,
            Exchanged::Answer(answer) => read_poll(&answer, &reference, request),
        }
    }

    /// Asks for a document that there is none of: to good credentials Kiban says so.
    async fn check(&self, now: Timestamp, time_limit: Duration) -> Check {
        let get = self
            .http
            .get(self.document_url(NO_DOCUMENT))
            .header(header::ACCEPT, "application/json")
            .header(API_KEY, self.api_key.clone());
        let exchanged = send(get, check_exchange(ID, now, time_limit)).await;
        check::read(exchanged, |answer| answer.status == 404)
    }
}

impl fmt::Debug for Kiban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kiban")
    }
}

/// The id of the document that a notification is about. Nobody publishes the body, so the id is taken from wherever
/// Kiban's documents carry one.
pub(super) fn read_callback(body: &[u8]) -> Option<String> {
    Document::read(json::read(body).ok()?).id
}

pub(super) fn read_poll(answer: &HttpAnswer, reference: &str, request: &PollRequest) -> Option<Reply> {
    if answer.status == 404 {
        return Some(Reply::reference_lost(ID, None));
    }
    if !is_success(answer.status) {
        note_failed_poll(ID, answer.status);
        return None;
    }
    let document = Document::read(json::read(&answer.body).ok()?);
    let asked = Asked {
        curp: &request.subject.curp,
        is_test_case: request.test_case_id.is_some(),
        now: request.now,
    };
    match convert::document(&document, reference, &asked) {
        Reading::Running => None,
        Reading::SomebodyElse => {
            tracing::warn!(provider = %ID, "a document is not about the person or the call that it was asked for");
            None
        }
        Reading::Ended(reply) => Some(*reply),
    }
}

fn submission<'a>(request: &'a CallRequest, name: &'a PersonName) -> wire::Submission<'a> {
    let (primer_nombre, segundo_nombre) = name.first_and_rest();
    let parts = name.expose();
    wire::Submission {
        curp: request.subject.curp.expose(),
        primer_nombre,
        segundo_nombre,
        apellido_paterno: parts.paternal_surname,
        apellido_materno: parts.maternal_surname,
    }
}

/// Address and key go together: a callback that nobody can check is not asked for.
fn callback_headers(callback: Option<&CallbackAddress>) -> HeaderMap {
    let pair = callback.and_then(|address| Some((sensitive_header(&address.url)?, sensitive_header(&address.key)?)));
    match pair {
        Some((url, key)) => HeaderMap::from_iter([(CALLBACK_URL, url), (CALLBACK_KEY, key)]),
        None => HeaderMap::new(),
    }
}

#[cfg(test)]
mod tests;
