//! The client itself: how it is made, and the one way in which every unary call goes out, with deadline and retries.
//!
//! What the calls are stands in `calls` and `operations`.

use std::error::Error as _;
use std::future::Future;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::transport::{Channel, Uri};
use tonic::{Code, Request, Response, Status, TimeoutExpired};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::code;
use crate::connect;
use crate::endpoint::{self, ConfigurationError};
use crate::error::Error;
use crate::hooks::CallAttempt;
use crate::options::Options;
use crate::raw::v1::operations_service_client::OperationsServiceClient;
use crate::raw::v1::work_history_service_client::WorkHistoryServiceClient;
use crate::retry;
use crate::transport::Transport;

/// The largest answer that is read: a history of ten thousand employments with their movements stays below.
pub(crate) const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;
/// What "no deadline" comes down to: a year.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);
/// Whose health is asked for.
pub(crate) const SERVICE: &str = "semanas.v1.WorkHistoryService";

/// A client of one Semanas deployment. Cheap to clone; clones share the connection.
#[derive(Clone, Debug)]
pub struct Client {
    transport: Transport,
    options: Options,
}

/// Whether the server takes work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Serving,
    /// It is up and takes none: it is starting, draining, or its store does not answer.
    NotServing,
    /// It does not say.
    Unknown,
}

/// Whether a call may be made again.
#[derive(Clone, Copy)]
pub(crate) enum Repeat {
    /// As often as the policy says.
    Harmless,
    /// Only after the server itself said that it did not do it: a second try that follows a broken connection could buy twice.
    OnServersWord,
}

impl Client {
    /// A client of the server at `endpoint` (`https://host:port`, or `http://` on the same machine), which connects with its
    /// first call and again whenever the connection breaks.
    ///
    /// # Errors
    /// `Configuration`: the endpoint is malformed, or personal data or a token would go unencrypted to another machine, or a
    /// certificate cannot be read, or there is no Tokio runtime here.
    pub fn new(endpoint: &str, options: Options) -> Result<Client, Error> {
        let endpoint = endpoint::parse(endpoint, &options)?;
        Handle::try_current().map_err(|_| ConfigurationError::NoRuntime)?;
        let (limit, hooks) = (options.connect_timeout, options.hooks.clone());
        let connector = tower::service_fn(move |uri: Uri| connect::connect(uri, limit, hooks.clone()));
        let channel = endpoint.connect_with_connector_lazy(connector);
        Ok(Client::over(channel, options))
    }

    pub(crate) fn over(channel: Channel, options: Options) -> Client {
        let transport = Transport::new(channel, options.credentials.bearer.clone());
        Client { transport, options }
    }

    /// The same client with another deadline for its unary calls; `None` = none.
    #[must_use]
    pub fn with_unary_deadline(&self, deadline: Option<Duration>) -> Client {
        let mut client = self.clone();
        client.options.unary_deadline = deadline;
        client
    }

    /// Asks the server whether it takes work. Never retried: whoever asks wants to know it as it is.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn health(&self) -> Result<Health, Error> {
        let mut service = HealthClient::new(self.transport());
        let request = HealthCheckRequest {
            service: SERVICE.to_owned(),
        };
        let ask = |request| async move { service.check(request).await };
        let asked = try_once(request, self.deadline(), self.options.unary_deadline.is_some(), ask).await;
        self.options.hooks.attempted(&CallAttempt {
            method: "Check",
            number: 1,
            code: asked
                .as_ref()
                .map_or_else(|status| code::Code::of(status.code()), |_| code::Code::Ok),
            reason: String::new(),
            wait: None,
        });
        let answer: HealthCheckResponse = match asked {
            Ok(answer) => answer,
            Err(status) if status.code() == Code::NotFound => return Ok(Health::Unknown),
            Err(status) => return Err(Error::of(status)),
        };
        Ok(match ServingStatus::try_from(answer.status) {
            Ok(ServingStatus::Serving) => Health::Serving,
            Ok(ServingStatus::NotServing) => Health::NotServing,
            Ok(ServingStatus::Unknown | ServingStatus::ServiceUnknown) | Err(_) => Health::Unknown,
        })
    }

    pub(crate) fn transport(&self) -> Transport {
        self.transport.clone()
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn work_histories(&self) -> WorkHistoryServiceClient<Transport> {
        WorkHistoryServiceClient::new(self.transport()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    pub(crate) fn operations(&self) -> OperationsServiceClient<Transport> {
        OperationsServiceClient::new(self.transport()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    /// Makes a unary call, and makes it again as the policy says. The deadline spans all tries; a wait that would pass it is
    /// not begun, so that the caller gets the real reason and not the deadline's.
    pub(crate) async fn call<Q: Clone, R, F>(
        &self,
        method: &'static str,
        request: Q,
        repeat: Repeat,
        once: impl Fn(Request<Q>) -> F,
    ) -> Result<R, Error>
    where
        F: Future<Output = Result<Response<R>, Status>>,
    {
        let deadline = self.deadline();
        let mut number = 0;
        loop {
            number += 1;
            let tried = try_once(request.clone(), deadline, self.options.unary_deadline.is_some(), &once).await;
            let tried = tried.map_err(Error::of);
            let wait = tried
                .as_ref()
                .err()
                .and_then(|error| self.wait(error, repeat, number, deadline));
            self.options.hooks.attempted(&CallAttempt {
                method,
                number,
                code: tried.as_ref().map_or_else(Error::code, |_| code::Code::Ok),
                reason: tried.as_ref().map_or_else(Error::reason, |_| "").to_owned(),
                wait,
            });
            match wait {
                Some(delay) => sleep(delay).await,
                None => return tried,
            }
        }
    }

    fn wait(&self, error: &Error, repeat: Repeat, tries_made: u32, deadline: Instant) -> Option<Duration> {
        let may_repeat = match repeat {
            Repeat::Harmless => true,
            Repeat::OnServersWord => error.details().is_some_and(|told| told.domain() == crate::ERROR_DOMAIN),
        };
        retry::delay(&self.options.retry, error, tries_made, rand::random())
            .filter(|delay| may_repeat && Instant::now() + *delay < deadline)
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.options.unary_deadline.unwrap_or(FOREVER)
    }
}

async fn try_once<Q, R, F>(
    message: Q,
    deadline: Instant,
    tell_server: bool,
    once: impl FnOnce(Request<Q>) -> F,
) -> Result<R, Status>
where
    F: Future<Output = Result<Response<R>, Status>>,
{
    let mut request = Request::new(message);
    if tell_server {
        request.set_timeout(deadline.saturating_duration_since(Instant::now()));
    }
    match timeout_at(deadline, once(request)).await {
        Ok(Ok(answer)) => Ok(answer.into_inner()),
        // The transport reports the deadline that it was given as a cancellation.
        Ok(Err(status)) if is_time_out(&status) => Err(too_late()),
        Ok(Err(status)) => Err(status),
        Err(_) => Err(too_late()),
    }
}

fn is_time_out(status: &Status) -> bool {
    let mut next = status.source();
    while let Some(cause) = next {
        if cause.is::<TimeoutExpired>() {
            return true;
        }
        next = cause.source();
    }
    false
}

pub(crate) fn too_late() -> Status {
    Status::deadline_exceeded("the deadline passed before the server answered")
}
