//! One call: reads its request, writes it down, and does with it what the script says, down to the frame.

use std::future::{pending, poll_fn};
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use prost_reflect::MethodDescriptor;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tonic::Code;
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

use super::frames;
use super::record::Record;
use super::script::{Action, Refusal, ResetCode, Script};
use crate::wire;

/// What a call asks of its connection.
pub enum Order {
    GoawayGraceful,
    GoawayNow,
    Close,
    Freeze,
}

/// What a call needs of what is around it.
#[derive(Clone)]
pub struct Around {
    pub script: std::sync::Arc<Script>,
    pub record: Record,
    pub connection: usize,
    pub orders: mpsc::Sender<Order>,
}

/// Answers a call; what is wrong with the script is written down as a fault.
pub async fn answer(request: Request<RecvStream>, respond: SendResponse<Bytes>, around: Around) {
    let record = around.record.clone();
    if let Err(error) = try_answer(request, respond, around).await {
        record.fault(format!("{error:#}"));
    }
}

async fn try_answer(request: Request<RecvStream>, respond: SendResponse<Bytes>, around: Around) -> anyhow::Result<()> {
    let path = request.uri().path().to_owned();
    let metadata = metadata_json(request.headers());
    let method = wire::method(&path).with_context(|| format!("a call to {path}, which is not in the contract"))?;
    // A client that leaves before its request is whole has not called.
    let Ok(body) = read_whole(request.into_body()).await else {
        return Ok(());
    };
    let asked = wire::request_json(&method, &body)?;
    let is_welcome =
        around.script.bearer_token.as_ref().is_none_or(|token| {
            metadata.get("authorization").and_then(Value::as_str) == Some(&format!("Bearer {token}"))
        });
    let (open, number) = around.record.begin(around.connection, method.name(), asked, metadata);
    let mut reply = Reply {
        respond,
        stream: None,
        is_over: false,
    };
    if !is_welcome {
        let refusal = serde_json::json!({"code": "UNAUTHENTICATED", "message": "the bearer token is missing or wrong"});
        reply.refuse(&serde_json::from_value(refusal)?);
        open.end();
        return Ok(());
    }
    let Some(actions) = around.script.answer(method.name(), number) else {
        let text = format!(
            "call {} of {} was not expected: the script has no answer for it",
            number + 1,
            method.name()
        );
        around.record.fault(text.clone());
        let refusal = serde_json::json!({"code": "UNIMPLEMENTED", "message": text});
        reply.refuse(&serde_json::from_value(refusal)?);
        open.end();
        return Ok(());
    };
    for action in actions {
        if let Some(order) = last_order(action) {
            open.end();
            // A connection that is gone needs no order.
            let _ = around.orders.send(order).await;
            // The stream is held until its connection goes: letting go of it would reset it first.
            pending::<()>().await;
            return Ok(());
        }
        let left = reply.carry_out(action, &method, &around.orders).await?;
        if left {
            drop(open);
            return Ok(());
        }
    }
    open.end();
    if !reply.is_over {
        around.record.fault(format!(
            "the script's answer {} to {} has no end",
            number + 1,
            method.name()
        ));
    }
    Ok(())
}

async fn read_whole(mut body: RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut whole = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        whole.extend_from_slice(&chunk);
        // Fails only when the stream is over.
        let _ = body.flow_control().release_capacity(chunk.len());
    }
    Ok(whole)
}

/// The headers as an object; `timeout_ms` is what `grpc-timeout` says.
fn metadata_json(headers: &HeaderMap) -> Map<String, Value> {
    let text = |value: &HeaderValue| Value::String(String::from_utf8_lossy(value.as_bytes()).into_owned());
    let mut metadata: Map<String, Value> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect();
    if let Some(ms) = headers
        .get("grpc-timeout")
        .and_then(|value| timeout_ms(value.to_str().ok()?))
    {
        metadata.insert("timeout_ms".to_owned(), ms.into());
    }
    metadata
}

fn timeout_ms(text: &str) -> Option<f64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: f64 = digits.parse().ok()?;
    let unit_ms = match unit {
        "H" => 3_600_000.0,
        "M" => 60_000.0,
        "S" => 1_000.0,
        "m" => 1.0,
        "u" => 0.001,
        "n" => 0.000_001,
        _ => return None,
    };
    Some(number * unit_ms)
}

/// The answer as far as it has gone.
struct Reply {
    respond: SendResponse<Bytes>,
    stream: Option<SendStream<Bytes>>,
    is_over: bool,
}

impl Reply {
    /// Gives whether the client has left.
    async fn carry_out(
        &mut self,
        action: &Action,
        method: &MethodDescriptor,
        orders: &mpsc::Sender<Order>,
    ) -> anyhow::Result<bool> {
        if let Some(frame) = frames::of(method, action)? {
            return Ok(self
                .headers()
                .is_none_or(|stream| stream.send_data(frame, false).is_err()));
        }
        match action {
            Action::Headers => return Ok(self.headers().is_none()),
            Action::DelayMs(ms) => return Ok(self.left_within(Some(Duration::from_millis(*ms))).await),
            Action::Silence => {
                self.is_over = true;
                return Ok(self.left_within(None).await);
            }
            Action::Ok => self.trailers("0", None, true),
            Action::Error(refusal) => {
                if refusal.after_headers {
                    self.headers();
                }
                self.refuse(refusal);
            }
            Action::End => {
                if let Some(stream) = self.headers() {
                    // A client that has left does not mind.
                    let _ = stream.send_data(Bytes::new(), true);
                }
                self.is_over = true;
            }
            Action::Reset(code) => {
                let reason = reason_of(*code);
                match &mut self.stream {
                    Some(stream) => stream.send_reset(reason),
                    None => self.respond.send_reset(reason),
                }
                self.is_over = true;
            }
            Action::GoawayGraceful => {
                // A connection that is gone needs no order.
                let _ = orders.send(Order::GoawayGraceful).await;
            }
            Action::Http {
                status,
                content_type,
                body,
            } => self.answer_as_http(*status, content_type, body)?,
            Action::GoawayNow | Action::Close | Action::Freeze => unreachable!("these end a connection"),
            Action::Message(_)
            | Action::Snapshot(_)
            | Action::Event(_)
            | Action::Heartbeat(_)
            | Action::Stale(_)
            | Action::Draining { .. }
            | Action::Job(_)
            | Action::Synced(_)
            | Action::FeedReset(_)
            | Action::UnknownContent(_) => unreachable!("these are messages"),
        }
        Ok(false)
    }

    /// The stream, after its headers; none when the client has left.
    fn headers(&mut self) -> Option<&mut SendStream<Bytes>> {
        if self.stream.is_none() {
            let response = Response::builder()
                .status(200)
                .header("content-type", "application/grpc")
                .body(())
                .unwrap();
            self.stream = self.respond.send_response(response, false).ok();
        }
        self.stream.as_mut()
    }

    fn refuse(&mut self, refusal: &Refusal) {
        let code = code_of(&refusal.code);
        let details = if refusal.garbage_details {
            Some(Bytes::from_static(b"\xff\xfe\x07 no protobuf"))
        } else {
            details_of(refusal, code)
        };
        let mut number = i32::from(code).to_string();
        // A code that gRPC does not have is sent as it is written.
        if refusal.code.parse::<i32>().is_ok() {
            number.clone_from(&refusal.code);
        }
        self.trailers(&number, Some((&refusal.message, details)), false);
    }

    /// Trailers, or all in the headers when there are none yet and the status is not OK.
    fn trailers(&mut self, code: &str, error: Option<(&str, Option<Bytes>)>, wants_headers: bool) {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", code.parse().unwrap());
        if let Some((message, details)) = error {
            let message: String = message.bytes().map(percent_encoded).collect();
            trailers.insert("grpc-message", message.parse().unwrap());
            if let Some(details) = details {
                trailers.insert(
                    "grpc-status-details-bin",
                    STANDARD_NO_PAD.encode(details).parse().unwrap(),
                );
            }
        }
        self.is_over = true;
        if wants_headers {
            self.headers();
        }
        match &mut self.stream {
            // A client that has left does not mind.
            Some(stream) => drop(stream.send_trailers(trailers)),
            None => {
                let mut response = Response::builder()
                    .status(200)
                    .header("content-type", "application/grpc")
                    .body(())
                    .unwrap();
                response.headers_mut().extend(trailers);
                drop(self.respond.send_response(response, true));
            }
        }
    }

    fn answer_as_http(&mut self, status: u16, content_type: &str, body: &str) -> anyhow::Result<()> {
        let response = Response::builder()
            .status(status)
            .header("content-type", content_type)
            .body(())?;
        if let Ok(mut stream) = self.respond.send_response(response, false) {
            drop(stream.send_data(Bytes::copy_from_slice(body.as_bytes()), true));
        }
        self.is_over = true;
        Ok(())
    }

    /// Waits for so long, or for ever; gives whether the client left meanwhile.
    async fn left_within(&mut self, limit: Option<Duration>) -> bool {
        let left = async {
            match &mut self.stream {
                Some(stream) => drop(poll_fn(|context| stream.poll_reset(context)).await),
                None => drop(poll_fn(|context| self.respond.poll_reset(context)).await),
            }
        };
        match limit {
            Some(limit) => tokio::select! {
                () = left => true,
                () = sleep_until(Instant::now() + limit) => false,
            },
            None => {
                left.await;
                true
            }
        }
    }
}

/// What takes the whole connection.
fn last_order(action: &Action) -> Option<Order> {
    match action {
        Action::GoawayNow => Some(Order::GoawayNow),
        Action::Close => Some(Order::Close),
        Action::Freeze => Some(Order::Freeze),
        Action::Message(_)
        | Action::Snapshot(_)
        | Action::Event(_)
        | Action::Heartbeat(_)
        | Action::Stale(_)
        | Action::Draining { .. }
        | Action::Job(_)
        | Action::Synced(_)
        | Action::FeedReset(_)
        | Action::UnknownContent(_)
        | Action::Headers
        | Action::DelayMs(_)
        | Action::Ok
        | Action::Error(_)
        | Action::End
        | Action::Reset(_)
        | Action::GoawayGraceful
        | Action::Silence
        | Action::Http { .. } => None,
    }
}

fn details_of(refusal: &Refusal, code: Code) -> Option<Bytes> {
    let mut details = ErrorDetails::new();
    if let Some(reason) = &refusal.reason {
        let domain = refusal.domain.as_deref().unwrap_or(semanas_proto::ERROR_DOMAIN);
        details.set_error_info(
            reason,
            domain,
            refusal
                .metadata
                .clone()
                .into_iter()
                .collect::<std::collections::HashMap<_, _>>(),
        );
    }
    if let Some(ms) = refusal.retry_delay_ms {
        details.set_retry_info(Some(Duration::from_millis(ms)));
    }
    if !refusal.violations.is_empty() {
        let violations = refusal
            .violations
            .iter()
            .map(|it| FieldViolation::new(&it.field, &it.description));
        details.set_bad_request(violations.collect::<Vec<_>>());
    }
    let is_bare = refusal.reason.is_none() && refusal.retry_delay_ms.is_none() && refusal.violations.is_empty();
    (!is_bare)
        .then(|| Bytes::copy_from_slice(tonic::Status::with_error_details(code, &refusal.message, details).details()))
}

fn percent_encoded(byte: u8) -> String {
    match byte {
        b' '..=b'~' if byte != b'%' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    }
}

fn code_of(name: &str) -> Code {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    let number = NAMES.iter().position(|known| *known == name).unwrap_or(2);
    Code::from_i32(i32::try_from(number).unwrap())
}

fn reason_of(code: ResetCode) -> Reason {
    match code {
        ResetCode::NoError => Reason::NO_ERROR,
        ResetCode::ProtocolError => Reason::PROTOCOL_ERROR,
        ResetCode::InternalError => Reason::INTERNAL_ERROR,
        ResetCode::RefusedStream => Reason::REFUSED_STREAM,
        ResetCode::Cancel => Reason::CANCEL,
        ResetCode::EnhanceYourCalm => Reason::ENHANCE_YOUR_CALM,
    }
}
