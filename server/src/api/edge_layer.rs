//! What happens around every call: a span, the metrics, details for a status that tonic made by itself, and an end by the caller's
//! deadline, whatever the handler waits for.
//!
//! Decides nothing else about a call. It looks at methods, codes and times only: no message and no metadata but `traceparent` and
//! `grpc-timeout` is read here, so no personal data can leave this way.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;
use tokio::time::timeout_at;
use tonic::{Code, body::Body};
use tower::{Layer, Service};
use tracing::{Instrument as _, Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::api::{
    deadline,
    metrics::Metrics,
    reflection::{Method, Methods},
    status::{self, Moment},
    trace_context::TraceParent,
};

/// Puts all of it around a service.
#[derive(Clone)]
pub(super) struct EdgeLayer {
    methods: Arc<Methods>,
    metrics: Metrics,
}

/// A service with all of it around.
#[derive(Clone)]
pub(super) struct EdgeService<S> {
    inner: S,
    layer: EdgeLayer,
}

/// A call under way. Whoever drops it before it ended was left by the caller.
struct Call {
    metrics: Metrics,
    method: Method,
    span: Span,
    began: Instant,
    ended: bool,
}

// === impl EdgeLayer, EdgeService ===

impl EdgeLayer {
    pub(super) fn new(metrics: Metrics) -> EdgeLayer {
        EdgeLayer {
            methods: Arc::new(Methods::of_this_server()),
            metrics,
        }
    }
}

impl<S> Layer<S> for EdgeLayer {
    type Service = EdgeService<S>;

    fn layer(&self, inner: S) -> EdgeService<S> {
        EdgeService {
            inner,
            layer: self.clone(),
        }
    }
}

impl<S> Service<Request<Body>> for EdgeService<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let method = self.layer.methods.find(request.uri().path()).clone();
        let span = span_of(&method, request.headers());
        let end_by = deadline::end_by(request.headers(), tokio::time::Instant::now());
        let call = Call::begin(self.layer.metrics.clone(), method, span.clone());
        let response = span.in_scope(|| self.inner.call(request));
        Box::pin(async move { in_time(response, end_by).await.map(|response| follow(response, call)) }.instrument(span))
    }
}

/// The response, if it begins in time.
async fn in_time<F>(response: F, end_by: Option<tokio::time::Instant>) -> Result<Response<Body>, Infallible>
where
    F: Future<Output = Result<Response<Body>, Infallible>>,
{
    match end_by {
        None => response.await,
        Some(end_by) => timeout_at(end_by, response)
            .await
            .unwrap_or_else(|_elapsed| Ok(status::deadline_exceeded().into_http())),
    }
}

/// Follows the response to its end, which is in its headers when there is no body, else in its trailers.
fn follow(response: Response<Body>, mut call: Call) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    call.responded();
    if let Some(code) = status::complete(&mut parts.headers, Moment::BeforeResponse) {
        call.end(code);
        return Response::from_parts(parts, body);
    }
    let followed = body.map_frame(move |mut frame| {
        if let Some(code) = frame
            .trailers_mut()
            .and_then(|trailers| status::complete(trailers, Moment::AfterResponse))
        {
            call.end(code);
        }
        frame
    });
    Response::from_parts(parts, Body::new(followed))
}

/// A span as OpenTelemetry's conventions for RPC want it.
fn span_of(method: &Method, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        "rpc",
        otel.name = &*method.full_name,
        otel.kind = "server",
        rpc.system = "grpc",
        rpc.service = &*method.service,
        rpc.method = &*method.name,
        rpc.grpc.status_code = Empty,
    );
    let header = headers.get("traceparent").and_then(|value| value.to_str().ok());
    if let Some(parent) = header.and_then(TraceParent::parse) {
        // Without an exporter there is no OpenTelemetry layer, and nothing to be a parent to.
        let _ = span.set_parent(parent.context());
    }
    span
}

// === impl Call ===

impl Call {
    fn begin(metrics: Metrics, method: Method, span: Span) -> Call {
        metrics.begin(&method.full_name);
        Call {
            metrics,
            method,
            span,
            began: Instant::now(),
            ended: false,
        }
    }

    fn responded(&self) {
        self.metrics.responded(&self.method.full_name, self.began.elapsed());
    }

    fn end(&mut self, code: Code) {
        if !std::mem::replace(&mut self.ended, true) {
            self.metrics.end(&self.method.full_name, status::code_word(code));
            self.span.record("rpc.grpc.status_code", i32::from(code));
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end(status::LEFT_BY_CALLER);
    }
}
