//! Nubarium: the NSS of a CURP, answered in the same call.
//!
//! Decides how Nubarium is asked; `convert` reads its answers. It deliberately cannot be polled: there is no reference to
//! ask for.

mod convert;
mod wire;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderValue, header};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{
    domain::{outcome::Outcome, provider_id::ProviderId},
    providers::{
        CallRequest, Check, PollRequest, Provider, Reply, check_exchange,
        http::{Exchanged, HttpAnswer, HttpClient, OptionsError, endpoint, secret_header, send},
        json::{self, NotJson},
        refusal::{UnbilledStatuses, is_success},
    },
};

const ID: ProviderId = ProviderId::Nubarium;

/// Settings of the adapter.
pub(crate) struct Options {
    pub base_url: Url,
    pub username: String,
    pub password: SecretString,
    pub path: String,
    pub unbilled_statuses: Vec<u16>,
}

/// The adapter.
pub(crate) struct Nubarium {
    http: HttpClient,
    service: Url,
    authorization: HeaderValue,
    unbilled: UnbilledStatuses,
}

impl Nubarium {
    pub(crate) fn new(options: Options, http: HttpClient) -> Result<Nubarium, OptionsError> {
        Ok(Nubarium {
            http,
            service: endpoint(&options.base_url, &options.path)?,
            authorization: basic(&options.username, &options.password)?,
            unbilled: UnbilledStatuses::parse(options.unbilled_statuses)?,
        })
    }

    pub(super) fn read_call(&self, answer: &HttpAnswer, request: &CallRequest) -> Reply {
        if !is_success(answer.status) {
            return Reply::bare(self.unbilled.outcome_of(ID, answer));
        }
        match json::read(&answer.body) {
            Ok(value) => convert::answer(&value, &request.subject.curp, request.now),
            Err(NotJson) => Reply::bare(Outcome::Ambiguous),
        }
    }
}

#[async_trait]
impl Provider for Nubarium {
    fn id(&self) -> ProviderId {
        ID
    }

    async fn call(&self, request: &CallRequest, time_limit: Duration) -> Reply {
        let post = self
            .http
            .post(self.service.clone())
            .header(header::ACCEPT, "application/json")
            .header(header::AUTHORIZATION, self.authorization.clone())
            .json(&wire::Question {
                curp: request.subject.curp.expose(),
            });
        let exchanged = send(post, request.exchange(ID, time_limit)).await;
        Reply::of_call(exchanged, |answer| self.read_call(answer, request))
    }

    async fn poll(&self, _request: &PollRequest, _time_limit: Duration) -> Option<Reply> {
        None
    }

    /// Nubarium has no request that costs nothing, so its front page is asked for, without credentials.
    async fn check(&self, now: Timestamp, time_limit: Duration) -> Check {
        let mut front = self.service.clone();
        front.set_path("/");
        match send(self.http.get(front), check_exchange(ID, now, time_limit)).await {
            Exchanged::NotSent => Check::NotReached,
            Exchanged::Lost => Check::Broke,
            Exchanged::Answer(_) => Check::Reachable,
        }
    }
}

impl fmt::Debug for Nubarium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nubarium")
    }
}

/// HTTP Basic has the user name end at the first colon, so there can be none in it.
fn basic(username: &str, password: &SecretString) -> Result<HeaderValue, OptionsError> {
    if username.is_empty() || username.contains(':') {
        return Err(OptionsError::Credentials);
    }
    let pair = BASE64_STANDARD.encode(format!("{username}:{}", password.expose_secret()));
    secret_header(&SecretString::from(format!("Basic {pair}")))
}

#[cfg(test)]
mod tests;
