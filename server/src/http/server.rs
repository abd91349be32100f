//! Serves the plain HTTP edge on a listener until it is told to stop.
//!
//! Decides what an unknown path is answered, how long one request may take, and that a stop ends.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use prometheus_client::registry::Registry;
use serde_json::json;
use tokio::{
    net::TcpListener,
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    engine::Engine,
    http::{callbacks, observability},
};

/// Settings of the plain HTTP edge. Their defaults stand in `config.default.toml`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// How long one request may take, its body included.
    pub request_time_limit: Duration,
    /// How long requests may go on after the stop.
    pub drain_limit: Duration,
}

/// What the edge serves.
pub(crate) struct Face {
    pub engine: Engine,
    pub options: Options,
    pub registry: Arc<Registry>,
    /// Whether the engine is ready, kept up to date by `app`.
    pub ready: watch::Receiver<bool>,
}

/// The server could not go on.
#[derive(Debug, thiserror::Error)]
#[error("HTTP server failed")]
pub(crate) struct ServeError(#[source] std::io::Error);

/// Serves until `stop`, then lets requests end, at most `drain_limit` long.
pub(crate) async fn serve(listener: TcpListener, face: Face, stop: CancellationToken) -> Result<(), ServeError> {
    let routes = callbacks::routes(face.engine).merge(observability::routes(face.registry, face.ready));
    serve_routes(listener, routes, face.options, stop).await
}

async fn serve_routes(
    listener: TcpListener,
    routes: Router,
    options: Options,
    stop: CancellationToken,
) -> Result<(), ServeError> {
    let serving =
        axum::serve(listener, bounded(routes, options)).with_graceful_shutdown(stop.clone().cancelled_owned());
    tokio::select! {
        served = serving.into_future() => served.map_err(ServeError),
        () = drained(&stop, options.drain_limit) => Ok(()),
    }
}

fn bounded(routes: Router, options: Options) -> Router {
    routes
        .fallback(|| async { plain_error(StatusCode::NOT_FOUND, "there is nothing at this path") })
        .method_not_allowed_fallback(|| async {
            plain_error(StatusCode::METHOD_NOT_ALLOWED, "this path has another method")
        })
        .layer(middleware::from_fn_with_state(options.request_time_limit, within))
}

async fn within(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    let too_slow = |_| plain_error(StatusCode::REQUEST_TIMEOUT, "the request took too long");
    timeout(limit, next.run(request)).await.unwrap_or_else(too_slow)
}

fn plain_error(status: StatusCode, words: &str) -> Response {
    (status, Json(json!({ "error": words }))).into_response()
}

async fn drained(stop: &CancellationToken, limit: Duration) {
    stop.cancelled().await;
    sleep(limit).await;
}

#[cfg(test)]
mod tests;
