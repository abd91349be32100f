//! Which pages may call from a browser.
//!
//! Decides what a browser is told about that, by the rules of CORS; the translation of gRPC-Web itself is tonic-web's. It keeps no
//! program out: only browsers say where they come from, and only they obey.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

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

    pub(super) fn layer(&self) -> CorsLayer {
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
