//! The way out, for what the client does not offer: the generated stubs over the same connection, with the same credentials, deadline
//! and user agent, and without our retries and resuming.
//!
//! What stands here follows tonic and prost, and changes with their versions. Its messages show personal data in debug prints.

use std::time::Duration;

use tonic::codegen::InterceptedService;
use tonic::service::Interceptor;
use tonic::{Request, Status};

use self::v1::operations_service_client::OperationsServiceClient;
use self::v1::work_history_service_client::WorkHistoryServiceClient;
use crate::client::{ANSWER_BYTES_MAX, Client};
pub use crate::transport::Transport;
pub use tonic;

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

/// The raw stubs of a client.
impl Client {
    /// `WorkHistoryService` for unary calls; its streams would end with the unary deadline, see [`Client::raw_streams`].
    #[must_use]
    pub fn raw(&self) -> WorkHistoryServiceClient<Connection> {
        let deadline = Deadline(self.options().unary_deadline);
        WorkHistoryServiceClient::with_interceptor(self.transport(), deadline)
            .max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    /// `WorkHistoryService` for streams: without a deadline.
    #[must_use]
    pub fn raw_streams(&self) -> WorkHistoryServiceClient<Connection> {
        WorkHistoryServiceClient::with_interceptor(self.transport(), Deadline(None))
            .max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    /// `OperationsService`.
    #[must_use]
    pub fn raw_operations(&self) -> OperationsServiceClient<Connection> {
        let deadline = Deadline(self.options().unary_deadline);
        OperationsServiceClient::with_interceptor(self.transport(), deadline)
            .max_decoding_message_size(ANSWER_BYTES_MAX)
    }
}
