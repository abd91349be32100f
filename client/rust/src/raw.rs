//! The way out, for what the client does not offer: the generated stubs over the same connection, with the same credentials, deadline
//! and user agent, and without our retries and resuming.
//!
//! This module alone shows tonic and prost, and the conversions between its messages and the crate's types do. It follows their
//! versions, so that it is outside of what the crate's own version promises: a minor version may change it. Its messages show
//! personal data in debug prints.

use std::time::Duration;

use tonic::codegen::InterceptedService;
use tonic::service::Interceptor;
use tonic::transport::Channel;
use tonic::{Request, Status};

use self::v1::operations_service_client::OperationsServiceClient;
use self::v1::work_history_service_client::WorkHistoryServiceClient;
use crate::client::{ANSWER_BYTES_MAX, Client};
use crate::error::Error;
use crate::options::Options;
pub use crate::transport::Transport;
pub use tonic;

/// A client over a channel of the caller's making: other transports, balancing, own TLS. What `options` say about the connection
/// (`connect_timeout`, `allow_plaintext`, `ca_certificate_pem`, `user_agent`, the client certificate, `hooks.on_connection_state`) has no
/// effect, and a bearer token goes wherever the channel does.
#[must_use]
pub fn client_over(channel: Channel, options: Options) -> Client {
    Client::over(channel, options)
}

/// The typed error that the client's own calls make of a status.
#[must_use]
pub fn error(status: Status) -> Error {
    Error::of(status)
}

/// The status that an error was made of; `None` when the server was never asked.
#[must_use]
pub fn status(error: &Error) -> Option<&Status> {
    error.details().map(crate::error::Details::status)
}

/// The stubs of a client, from [`Client::raw`].
#[derive(Clone, Debug)]
pub struct Stubs {
    client: Client,
}

impl Client {
    /// The generated stubs over the same connection, see [`crate::raw`].
    #[must_use]
    pub fn raw(&self) -> Stubs {
        Stubs { client: self.clone() }
    }
}

impl Stubs {
    /// `WorkHistoryService` for unary calls; its streams would end with the unary deadline, see [`Stubs::streams`].
    #[must_use]
    pub fn work_histories(&self) -> WorkHistoryServiceClient<Connection> {
        let deadline = Deadline(self.client.options().unary_deadline);
        WorkHistoryServiceClient::with_interceptor(self.client.transport(), deadline)
            .max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    /// `WorkHistoryService` for streams: without a deadline.
    #[must_use]
    pub fn streams(&self) -> WorkHistoryServiceClient<Connection> {
        WorkHistoryServiceClient::with_interceptor(self.client.transport(), Deadline(None))
            .max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    /// `OperationsService`.
    #[must_use]
    pub fn operations(&self) -> OperationsServiceClient<Connection> {
        let deadline = Deadline(self.client.options().unary_deadline);
        OperationsServiceClient::with_interceptor(self.client.transport(), deadline)
            .max_decoding_message_size(ANSWER_BYTES_MAX)
    }
}

/// Package `semanas.v1`, as generated.
#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    unused_qualifications,
    missing_docs,
    rustdoc::all
)]
pub mod v1 {
    include!("gen/semanas.v1.rs");
}

/// A stub's connection. Calls have the client's unary deadline unless they set one of their own.
pub type Connection = InterceptedService<Transport, Deadline>;

/// Sets the client's unary deadline on calls of a stub.
#[derive(Clone, Debug)]
pub struct Deadline(Option<Duration>);

impl Interceptor for Deadline {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let (Some(deadline), None) = (self.0, request.metadata().get("grpc-timeout")) {
            request.set_timeout(deadline);
        }
        Ok(request)
    }
}
