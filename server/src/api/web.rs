//! Which pages may call from a browser.
//!
//! Decides whose call a browser's is, and what a browser is told about it, by the rules of CORS; the translation of gRPC-Web itself
//! is tonic-web's. It keeps no program out: only browsers say where they come from, and only they obey.

use std::{
    convert::Infallible,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::future::Either;
use http::{HeaderName, HeaderValue, Method, Request, Response, Version, header};
use tonic::body::Body;
use tonic_web::{GrpcWebLayer, GrpcWebService};
use tower::{Layer, Service};
use tower_http::cors::{AllowOrigin, Cors, CorsLayer};

/// What a page reads of an answer; a browser shows it no other header.
const SHOWN: [HeaderName; 3] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
];
/// What the libraries for gRPC-Web send, credentials and trace context.
const ACCEPTED: [HeaderName; 8] = [
    header::CONTENT_TYPE,
    header::AUTHORIZATION,
    header::USER_AGENT,
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-user-agent"),
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];
/// How long a browser may remember the answer: the most that Chromium does.
const REMEMBERED: Duration = Duration::from_secs(2 * 3600);

/// The origins of the pages that may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WebOrigins {
    /// These, and none when there are none.
    These(Vec<HeaderValue>),
    Every,
}

/// One entry of the setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WebOrigin {
    This(HeaderValue),
    Every,
}

impl WebOrigins {
    pub(crate) fn of(list: Vec<WebOrigin>) -> WebOrigins {
        let mut these = Vec::new();
        for origin in list {
            match origin {
                WebOrigin::This(origin) => these.push(origin),
                WebOrigin::Every => return WebOrigins::Every,
            }
        }
        WebOrigins::These(these)
    }

    pub(super) fn layer(&self) -> WebLayer {
        WebLayer(self.cors())
    }

    fn cors(&self) -> CorsLayer {
        let origins = match self {
            WebOrigins::These(these) => AllowOrigin::list(these.clone()),
            WebOrigins::Every => AllowOrigin::any(),
        };
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::POST])
            .allow_headers(ACCEPTED)
            .expose_headers(SHOWN)
            .max_age(REMEMBERED)
    }
}

/// Speaks with browsers as they want it. What is behind it sees plain gRPC, whatever the caller speaks.
#[derive(Clone)]
pub(super) struct WebLayer(CorsLayer);

/// A service that both kinds of callers reach.
#[derive(Clone)]
pub(super) struct WebService<S> {
    /// For plain gRPC, whose callers would not read what browsers are told: it is headers on each answer.
    plain: S,
    web: Cors<GrpcWebService<S>>,
}

impl<S: Clone> Layer<S> for WebLayer {
    type Service = WebService<S>;

    fn layer(&self, inner: S) -> WebService<S> {
        WebService {
            plain: inner.clone(),
            web: self.0.layer(GrpcWebLayer::new().layer(inner)),
        }
    }
}

impl<S> Service<Request<Body>> for WebService<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<S::Future, <Cors<GrpcWebService<S>> as Service<Request<Body>>>::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        ready!(self.plain.poll_ready(context))?;
        Service::<Request<Body>>::poll_ready(&mut self.web, context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if is_plain(&request) {
            Either::Left(self.plain.call(request))
        } else {
            Either::Right(self.web.call(request))
        }
    }
}

/// Whether a program calls by gRPC itself. All else is a browser's, or nothing that is served here.
fn is_plain(request: &Request<Body>) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let is_grpc =
        content_type.is_some_and(|it| it.starts_with(b"application/grpc") && !it.starts_with(b"application/grpc-web"));
    is_grpc && request.version() == Version::HTTP_2 && !request.headers().contains_key(header::ORIGIN)
}
