//! Carries a fault out: turns a provider's answer into what really goes over the wire.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;

use super::body::{Act, ScriptedBody, WhenSent};
use super::reply::Reply;
use crate::faults::Fault;

/// The last thing that happens to a call.
pub(crate) enum Delivery {
    Respond(Response<ScriptedBody>),
    Reset,
    Close,
    Hang,
}

/// White space before a JSON value is legal, so only a cap on the size stops a reader.
const PADDING: &[u8; 65_536] = &[b' '; 65_536];
/// Lets the bytes before a break reach the client as bytes and not only as an error.
const BEFORE_BREAK: Duration = Duration::from_millis(20);
const ENDLESS_PAUSE: Duration = Duration::from_millis(5);
const HTML: &str = "<!DOCTYPE html><html><head><title>Mantenimiento</title></head>\
                    <body><h1>Servicio en mantenimiento</h1><p>Intente m&aacute;s tarde.</p></body></html>";

pub(crate) fn untouched(reply: Reply, when_sent: Option<WhenSent>) -> Delivery {
    let acts = if reply.body.is_empty() {
        Vec::new()
    } else {
        vec![Act::Send(reply.body.clone())]
    };
    let declared = reply.body.len() as u64;
    play(&reply, acts, Some(declared), when_sent)
}

/// Spoils `reply`. For faults whose answer does not depend on it (an unbilled 503) the reply is simply dropped.
pub(crate) fn spoil(fault: &Fault, reply: Reply, when_sent: Option<WhenSent>) -> Delivery {
    let length = reply.body.len();
    let half = Act::Send(reply.body.slice(..length / 2));
    match fault {
        Fault::Refuse | Fault::ResetOnConnect | Fault::Reset { .. } => Delivery::Reset,
        Fault::Close { .. } => Delivery::Close,
        Fault::Hang { .. } => Delivery::Hang,
        Fault::ServerError { status, .. } => untouched(server_error(*status), None),
        Fault::TooManyRequests { retry_after_s, .. } => untouched(too_many_requests(*retry_after_s), None),
        Fault::Redirect { status, location, .. } => untouched(redirect(*status, location), None),
        Fault::BrokenJson { .. } => play(&reply, vec![half], Some((length / 2) as u64), None),
        Fault::TruncatedBody { .. } => play(
            &reply,
            vec![half, Act::Pause(BEFORE_BREAK), Act::Break],
            Some(length as u64),
            None,
        ),
        Fault::HugeBody { bytes, .. } => {
            let padding = Act::Repeat {
                piece: Bytes::from_static(PADDING),
                bytes_left: *bytes,
            };
            play(
                &reply,
                vec![padding, Act::Send(reply.body.clone())],
                Some(bytes + length as u64),
                when_sent,
            )
        }
        Fault::EndlessBody { .. } => play(&reply, endless(), None, None),
        Fault::HangBody { .. } => play(&reply, vec![Act::Stall], Some(length.max(1) as u64), None),
        Fault::SlowBody {
            chunk_bytes, pause_ms, ..
        } => play(
            &reply,
            drip(&reply.body, *chunk_bytes, *pause_ms),
            Some(length as u64),
            when_sent,
        ),
        Fault::Html { status, .. } => untouched(Reply::text(code(*status), "text/html; charset=utf-8", HTML), None),
        Fault::EmptyBody { status, .. } => untouched(Reply::empty(code(*status)), None),
        Fault::ContentType { value, .. } => {
            let value = HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static("text/plain"));
            untouched(reply.header(header::CONTENT_TYPE, value), when_sent)
        }
        Fault::CredentialsRefused { .. } | Fault::Delay { .. } => untouched(reply, when_sent),
    }
}

pub(crate) fn too_many_requests(retry_after_s: Option<u64>) -> Reply {
    let reply = Reply::json(StatusCode::TOO_MANY_REQUESTS, &json!({"message": "Too Many Requests"}));
    match retry_after_s {
        Some(seconds) => reply.header(header::RETRY_AFTER, HeaderValue::from(seconds)),
        None => reply,
    }
}

fn server_error(status: u16) -> Reply {
    Reply::json(code(status), &json!({"message": "Service unavailable"}))
}

fn redirect(status: u16, location: &str) -> Reply {
    let location = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/"));
    Reply::empty(code(status)).header(header::LOCATION, location)
}

fn endless() -> Vec<Act> {
    vec![Act::Endless {
        piece: Bytes::from_static(&PADDING[..1_024]),
        pause: ENDLESS_PAUSE,
    }]
}

fn drip(body: &Bytes, chunk_bytes: usize, pause_ms: u64) -> VecDeque<Act> {
    let mut acts = VecDeque::new();
    for chunk in body.chunks(chunk_bytes.max(1)) {
        acts.push_back(Act::Pause(Duration::from_millis(pause_ms)));
        acts.push_back(Act::Send(body.slice_ref(chunk)));
    }
    acts
}

fn play(
    reply: &Reply,
    acts: impl Into<VecDeque<Act>>,
    declared_bytes: Option<u64>,
    when_sent: Option<WhenSent>,
) -> Delivery {
    let mut response = Response::new(ScriptedBody::new(acts, declared_bytes, when_sent));
    *response.status_mut() = reply.status;
    for (name, value) in &reply.headers {
        response.headers_mut().insert(name.clone(), value.clone());
    }
    Delivery::Respond(response)
}

/// The control API refuses numbers that are no HTTP status, so the fallback is never seen.
fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
