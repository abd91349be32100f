//! The client itself: how it is made, and the one way in which every unary call goes out, with deadline and retries.
//!
//! What the calls are stands in `calls` and `operations`.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::endpoint;
use crate::error::Error;
use crate::options::Options;
use crate::retry;
use crate::v1::operations_service_client::OperationsServiceClient;
use crate::v1::work_history_service_client::WorkHistoryServiceClient;

/// The largest answer that is read: a history of ten thousand employments with their movements stays below.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;
/// What "no deadline" comes down to: a year.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// A client of one Semanas deployment. Cheap to clone; clones share the connection.
#[derive(Clone, Debug)]
pub struct Client {
    channel: Channel,
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
    /// first call and again whenever the connection breaks. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// The endpoint is malformed, or would send personal data unencrypted to another machine.
    pub fn connect_lazy(endpoint: &str, options: Options) -> Result<Client, Error> {
        let channel = endpoint::parse(endpoint, &options)?.connect_lazy();
        Ok(Client { channel, options })
    }

    /// A client over a channel of the caller's making: other transports, balancing, own TLS. What `options` say about the
    /// connection has no effect.
    #[must_use]
    pub fn from_channel(channel: Channel, options: Options) -> Client {
        Client { channel, options }
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
        let mut service = HealthClient::new(self.channel.clone());
        let mut request = Request::new(HealthCheckRequest::default());
        let deadline = self.deadline();
        request.set_timeout(deadline - Instant::now());
        let answer: HealthCheckResponse = match timeout_at(deadline, service.check(request)).await {
            Ok(answer) => answer?.into_inner(),
            Err(_) => return Err(too_late().into()),
        };
        Ok(match answer.status() {
            ServingStatus::Serving => Health::Serving,
            ServingStatus::NotServing => Health::NotServing,
            ServingStatus::Unknown | ServingStatus::ServiceUnknown => Health::Unknown,
        })
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn work_histories(&self) -> WorkHistoryServiceClient<Channel> {
        WorkHistoryServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    pub(crate) fn operations(&self) -> OperationsServiceClient<Channel> {
        OperationsServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    /// Makes a unary call, and makes it again as the policy says. The deadline spans all tries; a wait that would pass it is
    /// not begun, so that the caller gets the real reason and not the deadline's.
    pub(crate) async fn call<Q: Clone, R, F>(
        &self,
        request: Q,
        repeat: Repeat,
        once: impl Fn(Request<Q>) -> F,
    ) -> Result<R, Error>
    where
        F: Future<Output = Result<Response<R>, Status>>,
    {
        let deadline = self.deadline();
        let mut tries_made = 0;
        loop {
            let error = match try_once(request.clone(), deadline, self.options.unary_deadline.is_some(), &once).await {
                Ok(answer) => return Ok(answer),
                Err(status) => Error::from(status),
            };
            tries_made += 1;
            let may_repeat = match repeat {
                Repeat::Harmless => true,
                Repeat::OnServersWord => error.details().is_some_and(|told| told.domain() == crate::ERROR_DOMAIN),
            };
            match retry::delay(&self.options.retry, &error, tries_made, rand::random()) {
                Some(delay) if may_repeat && Instant::now() + delay < deadline => sleep(delay).await,
                _ => return Err(error),
            }
        }
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.options.unary_deadline.unwrap_or(FOREVER)
    }
}

async fn try_once<Q, R, F>(
    message: Q,
    deadline: Instant,
    tell_server: bool,
    once: &impl Fn(Request<Q>) -> F,
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
        Ok(Err(status)) if status.code() == Code::Cancelled && Instant::now() >= deadline => Err(too_late()),
        Ok(Err(status)) => Err(status),
        Err(_) => Err(too_late()),
    }
}

fn too_late() -> Status {
    Status::deadline_exceeded("the deadline passed before the server answered")
}
