//! What goes around every request and answer on the wire: the bearer token, the trace context, and answers of something on the way
//! that speaks no gRPC.
//!
//! It decides nothing about retries, and reads no message.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::credentials::Bearer;

/// A connection with the client's credentials.
#[derive(Clone)]
pub struct Transport {
    channel: Channel,
    bearer: Option<Arc<Bearer>>,
}

impl Transport {
    pub(crate) fn new(channel: Channel, bearer: Option<Bearer>) -> Transport {
        Transport {
            channel,
            bearer: bearer.map(Arc::new),
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Transport")
    }
}

impl Service<Request<Body>> for Transport {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Body>, Status>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.channel
            .poll_ready(context)
            .map_err(|error| Status::from_error(Box::new(error)))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // The one that was asked whether it is ready takes the request; its clone was not asked.
        let waiting = self.channel.clone();
        let mut channel = std::mem::replace(&mut self.channel, waiting);
        let bearer = self.bearer.clone();
        add_trace_context(request.headers_mut());
        Box::pin(async move {
            if let Some(bearer) = bearer {
                request
                    .headers_mut()
                    .insert(header::AUTHORIZATION, authorization(&bearer).await?);
            }
            let answer = channel
                .call(request)
                .await
                .map_err(|error| Status::from_error(Box::new(error)))?;
            Ok(understood(answer))
        })
    }
}

async fn authorization(bearer: &Bearer) -> Result<HeaderValue, Status> {
    let token = bearer.token().await;
    let token = token.map_err(|error| Status::unauthenticated(format!("no bearer token could be had: {error}")))?;
    let value = HeaderValue::try_from(format!("Bearer {token}"));
    let mut value =
        value.map_err(|_| Status::unauthenticated("the bearer token has characters that no header may have"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// What a proxy says by HTTP, said by gRPC: the mapping is that of the gRPC specification.
fn understood(answer: Response<Body>) -> Response<Body> {
    if answer.status() == StatusCode::OK || answer.headers().contains_key("grpc-status") {
        return answer;
    }
    let code = match answer.status().as_u16() {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    };
    let what = format!(
        "the answer is HTTP {} and no gRPC: something on the way gave it",
        answer.status()
    );
    Status::new(code, what).into_http()
}

#[cfg(feature = "opentelemetry")]
fn add_trace_context(headers: &mut HeaderMap) {
    use opentelemetry::trace::TraceContextExt as _;

    let context = opentelemetry::Context::current();
    let span = context.span().span_context().clone();
    if !span.is_valid() {
        return;
    }
    let flags = span.trace_flags().to_u8();
    let text = format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id());
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert("traceparent", value);
    }
    let state = span.trace_state().header();
    if let (false, Ok(value)) = (state.is_empty(), HeaderValue::try_from(state)) {
        headers.insert("tracestate", value);
    }
}

#[cfg(not(feature = "opentelemetry"))]
fn add_trace_context(_: &mut HeaderMap) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(http: u16, expected: &str) {
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = StatusCode::from_u16(http).unwrap();
        let read = understood(answer);
        assert_eq!(
            (read.status(), &read.headers()["grpc-status"]),
            (StatusCode::OK, &expected.parse::<HeaderValue>().unwrap())
        );
    }

    #[test]
    fn what_a_proxy_says_is_read_as_grpc_reads_it() {
        check(503, "14");
        check(429, "14");
        check(401, "16");
        check(403, "7");
        check(404, "12");
        check(500, "2");
        let fine = understood(Response::new(Body::empty()));
        assert!(!fine.headers().contains_key("grpc-status"));
    }

    #[tokio::test]
    async fn a_token_that_no_header_can_hold_is_said_without_repeating_it() {
        let refused = authorization(&Bearer::Token("a\nb".into())).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
        assert!(!refused.message().contains("a\nb"));
    }
}
