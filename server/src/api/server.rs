//! Serves the gRPC edge on a listener until it is told to stop.
//!
//! Decides how connections are kept, and that a stop ends: streams end by themselves on the stop token, and what has not ended
//! when the drain is over is left. It deliberately does not bind, and knows no settings file.

use std::time::Duration;

use futures::TryStreamExt as _;
use semanas_proto::v1::{
    operations_service_server::OperationsServiceServer, work_history_service_server::WorkHistoryServiceServer,
};
use tokio::{net::TcpListener, sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;
use tonic::{
    service::{Routes, RoutesBuilder},
    transport::{Server, server::TcpIncoming},
};
use tonic_health::pb::health_server::HealthServer;

use crate::{
    api::{
        edge_layer::EdgeLayer, forward::Readers, gathered::Gathered, health::HealthOfServer, metrics::Metrics,
        operations_service::Operations, reflection, web::WebOrigins, work_history_service::WorkHistories,
    },
    engine::Engine,
};

/// What a stream may send before the server has read it: two of the largest requests.
const STREAM_WINDOW_BYTES: u32 = 128 * 1024;
/// The same for all streams of a connection together.
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;

/// Settings of the gRPC edge. Their defaults stand in `config.default.toml`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// Largest request message.
    pub request_bytes_max: usize,
    /// Longest wait of a LookupNss whose caller sets no deadline.
    pub lookup_wait_max: Duration,
    /// How long a message of a stream may wait for its reader.
    pub slow_reader_limit: Duration,
    /// Streams at a time on one connection. A client library holds all its watches on one; hyper's own 200 is too few.
    pub streams_per_connection_max: u32,
    /// After how long a quiet connection is pinged.
    pub keepalive_interval: Duration,
    /// How long the ping's answer may take before the connection is closed.
    pub keepalive_time_limit: Duration,
    /// Age at which a connection is asked to be replaced, so that load spreads over new replicas; its calls go on. It should
    /// differ a little from replica to replica, so that not all connections that were made together come back together.
    pub connection_age: Duration,
    /// How long calls and streams may go on after the stop.
    pub drain_limit: Duration,
}

/// What the edge serves.
pub(crate) struct Edge {
    pub engine: Engine,
    pub options: Options,
    pub metrics: Metrics,
    /// Whose pages may call.
    pub web_origins: WebOrigins,
    /// Whether the engine is ready, kept up to date by `app`.
    pub ready: watch::Receiver<bool>,
}

/// The server could not go on.
#[derive(Debug, thiserror::Error)]
#[error("gRPC server failed")]
pub(crate) struct ServeError(#[source] tonic::transport::Error);

/// Serves until `stop`, then drains, at most `drain_limit` long. Returns when every connection is closed or the drain is over.
pub(crate) async fn serve(listener: TcpListener, edge: Edge, stop: CancellationToken) -> Result<(), ServeError> {
    let Edge {
        engine,
        options,
        metrics,
        web_origins,
        ready,
    } = edge;
    let readers = Readers::new(options.slow_reader_limit);
    let mut routes = RoutesBuilder::default();
    routes
        .add_service(
            WorkHistoryServiceServer::new(WorkHistories::new(engine.clone(), options, readers.clone()))
                .max_decoding_message_size(options.request_bytes_max),
        )
        .add_service(
            OperationsServiceServer::new(Operations::new(engine)).max_decoding_message_size(options.request_bytes_max),
        );
    add_standard_services(&mut routes, options, ready, &stop);
    tokio::select! {
        served = serve_routes(listener, routes.routes(), options, metrics, web_origins, stop) => served,
        never = readers.end_the_stuck() => never,
    }
}

/// Health and reflection.
fn add_standard_services(
    routes: &mut RoutesBuilder,
    options: Options,
    ready: watch::Receiver<bool>,
    stop: &CancellationToken,
) {
    let health = HealthOfServer::new(ready, stop.clone());
    routes.add_service(HealthServer::new(health).max_decoding_message_size(options.request_bytes_max));
    reflection::add_to(routes, options.request_bytes_max);
}

async fn serve_routes(
    listener: TcpListener,
    routes: Routes,
    options: Options,
    metrics: Metrics,
    web_origins: WebOrigins,
    stop: CancellationToken,
) -> Result<(), ServeError> {
    let incoming = TcpIncoming::from(listener)
        .with_nodelay(Some(true))
        .map_ok(Gathered::new);
    let router = with_connection_settings(Server::builder(), options)
        .layer(web_origins.layer())
        .layer(EdgeLayer::new(metrics))
        .add_routes(routes);
    let serving = router.serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned());
    tokio::select! {
        served = serving => served.map_err(ServeError),
        () = drained(&stop, options.drain_limit) => {
            tracing::warn!(drain_limit_ms = options.drain_limit.as_millis(), "gRPC calls were still open when the drain was over");
            Ok(())
        }
    }
}

fn with_connection_settings(server: Server, options: Options) -> Server {
    server
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_concurrent_streams(options.streams_per_connection_max)
        .http2_keepalive_interval(Some(options.keepalive_interval))
        .http2_keepalive_timeout(Some(options.keepalive_time_limit))
        // Without a grace: tonic sends no GOAWAY when there is one.
        .max_connection_age(options.connection_age)
        // Browsers may use it where there is no TLS to agree on HTTP/2.
        .accept_http1(true)
}

async fn drained(stop: &CancellationToken, limit: Duration) {
    stop.cancelled().await;
    sleep(limit).await;
}

#[cfg(test)]
mod tests;
