//! `grpc.health.v1` as the protocol says.
//!
//! Decides what is healthy: the whole server (the empty name) is while it is served, a service of the contract is while the
//! engine is ready. tonic-health's own service has the whole server healthy from birth and an unknown service end its watch,
//! so only its messages are used here. It deliberately does not know what being ready takes.

use futures::{StreamExt as _, stream::BoxStream};
use semanas_proto::v1::{
    operations_service_server::SERVICE_NAME as OPERATIONS, work_history_service_server::SERVICE_NAME as WORK_HISTORIES,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus, health_server::Health,
};

use crate::api::status;

/// The name that stands for the whole server.
const WHOLE_SERVER: &str = "";

/// The health of this replica.
#[derive(Clone)]
pub(super) struct HealthOfServer {
    ready: watch::Receiver<bool>,
    stop: CancellationToken,
}

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    WholeServer,
    Service,
    Unknown,
}

impl HealthOfServer {
    pub(super) fn new(ready: watch::Receiver<bool>, stop: CancellationToken) -> HealthOfServer {
        HealthOfServer { ready, stop }
    }

    fn status_of(&self, subject: Subject, ready: bool) -> ServingStatus {
        match subject {
            Subject::Unknown => ServingStatus::ServiceUnknown,
            Subject::WholeServer => ServingStatus::Serving,
            Subject::Service if ready && !self.stop.is_cancelled() => ServingStatus::Serving,
            Subject::Service => ServingStatus::NotServing,
        }
    }

    /// The status now and after each change, until the server stops: then once more if it changes by that, and the end. A watch
    /// that stayed open would hold up the shutdown.
    fn follow(mut self, subject: Subject) -> impl futures::Stream<Item = ServingStatus> {
        async_stream::stream! {
            let mut sent = None;
            loop {
                let ready = *self.ready.borrow_and_update();
                let status = self.status_of(subject, ready);
                if sent.replace(status) != Some(status) {
                    yield status;
                }
                if self.stop.is_cancelled() {
                    return;
                }
                tokio::select! {
                    () = self.stop.cancelled() => {}
                    Ok(()) = self.ready.changed() => {}
                }
            }
        }
    }
}

#[tonic::async_trait]
impl Health for HealthOfServer {
    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        let ready = *self.ready.borrow();
        match self.status_of(subject(&request.get_ref().service), ready) {
            ServingStatus::ServiceUnknown => Err(status::unknown_health_service()),
            known => Ok(Response::new(message(known))),
        }
    }

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let statuses = self.clone().follow(subject(&request.get_ref().service));
        Ok(Response::new(statuses.map(|status| Ok(message(status))).boxed()))
    }
}

fn subject(name: &str) -> Subject {
    match name {
        WHOLE_SERVER => Subject::WholeServer,
        WORK_HISTORIES | OPERATIONS => Subject::Service,
        _ => Subject::Unknown,
    }
}

fn message(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}
