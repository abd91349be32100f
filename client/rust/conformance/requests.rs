//! What a case says, as the client's requests and options. Whatever is absent is not set.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use semanas_client::{
    CallAttempt, ChargeState, Client, Credentials, Error, Hooks, JobFilter, JobState, ListChargesRequest,
    LookupNssRequest, Options, Provider, ResolveWorkHistoryRequest, RetryPolicy, Subject, SubmitWorkHistoryRequest,
    WatchWorkHistoriesRequest,
};
use serde_json::Value;

/// Any that is not zero.
const CALLERS_SPAN: SpanId = SpanId::from_bytes([0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]);

pub fn client(case: &Value, told: impl Fn(&CallAttempt) + Send + Sync + 'static) -> Result<Client, Error> {
    let mut options = Options {
        credentials: credentials(&case["credentials"]),
        hooks: Hooks {
            on_attempt: Some(Arc::new(told)),
            ..Hooks::default()
        },
        ..Options::default()
    };
    let given = &case["options"];
    if given["unary_deadline_ms"].is_u64() {
        options.unary_deadline = ms(&given["unary_deadline_ms"]);
    }
    set(&mut options.connect_timeout, ms(&given["connect_timeout_ms"]));
    set(&mut options.retry.tries_max, count(&given["retry_tries_max"]));
    set(&mut options.retry.delay_first, ms(&given["retry_delay_first_ms"]));
    if given["retry"] == "off" {
        options.retry = RetryPolicy::OFF;
    }
    set(&mut options.watch.resume.tries_max, count(&given["watch_tries_max"]));
    set(
        &mut options.watch.resume.delay_first,
        ms(&given["watch_delay_first_ms"]),
    );
    set(&mut options.watch.resume.delay_max, ms(&given["watch_delay_max_ms"]));
    set(
        &mut options.watch.heartbeat_interval,
        ms(&given["watch_heartbeat_interval_ms"]),
    );
    if given["watch_resume"] == "off" {
        options.watch.resume = RetryPolicy::OFF;
    }
    set(&mut options.watch.reports_stale, given["watch_reports_stale"].as_bool());
    set(&mut options.allow_plaintext, given["allow_plaintext"].as_bool());
    options.ca_certificate_pem = given["ca_certificate_pem"].as_str().map(str::to_owned);
    options.user_agent = given["user_agent"].as_str().map(str::to_owned);
    Client::new(case["endpoint"].as_str().unwrap_or_default(), options)
}

/// What the case's calls are made in: a span of its trace, if it names one.
pub fn context(case: &Value) -> Context {
    let trace = case["options"]["trace_id"].as_str().map(TraceId::from_hex);
    match trace {
        Some(Ok(trace)) => {
            let span = SpanContext::new(trace, CALLERS_SPAN, TraceFlags::SAMPLED, true, TraceState::default());
            Context::new().with_remote_span_context(span)
        }
        Some(Err(_)) | None => Context::new(),
    }
}

fn credentials(given: &Value) -> Credentials {
    let mut credentials = Credentials::default();
    if let Some(token) = given["bearer_token"].as_str() {
        credentials = Credentials::bearer_token(token);
    }
    if let Some(tokens) = given["bearer_tokens"].as_array() {
        let (tokens, next): (Vec<String>, _) = (tokens.iter().map(text).collect(), AtomicUsize::new(0));
        credentials = Credentials::bearer_tokens(move || {
            let at = next.fetch_add(1, Ordering::Relaxed).min(tokens.len() - 1);
            std::future::ready(Ok(tokens[at].clone()))
        });
    }
    let (certificate, key) = (&given["client_certificate_pem"], &given["client_key_pem"]);
    if certificate.is_string() || key.is_string() {
        credentials = credentials.with_client_certificate(text(certificate), text(key));
    }
    credentials
}

fn set<T>(option: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *option = given;
    }
}

pub fn ms(value: &Value) -> Option<Duration> {
    value.as_u64().map(Duration::from_millis)
}

fn count(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|count| u32::try_from(count).ok())
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub fn limit(call: &Value) -> Option<i32> {
    call["limit"].as_i64().and_then(|limit| i32::try_from(limit).ok())
}

fn labels(value: &Value) -> std::collections::BTreeMap<String, String> {
    let labels = value.as_object().into_iter().flatten();
    labels.map(|(key, value)| (key.clone(), text(value))).collect()
}

pub fn lookup(request: &Value) -> LookupNssRequest {
    LookupNssRequest {
        curp: text(&request["curp"]),
        max_age: ms(&request["max_age_ms"]),
        allow_repeat_charge: request["allow_repeat_charge"] == true,
        purpose: text(&request["purpose"]),
        consent_reference: text(&request["consent_reference"]),
    }
}

pub fn submit(request: &Value) -> SubmitWorkHistoryRequest {
    SubmitWorkHistoryRequest {
        subject: Subject {
            curp: text(&request["curp"]),
            nss: text(&request["nss"]),
            given_names: text(&request["given_names"]),
            paternal_surname: text(&request["paternal_surname"]),
            maternal_surname: text(&request["maternal_surname"]),
        },
        limit: limit(request).unwrap_or_default(),
        request_id: text(&request["request_id"]),
        max_age: ms(&request["max_age_ms"]),
        allow_repeat_charge: request["allow_repeat_charge"] == true,
        provider: Provider::from_name(&text(&request["provider"])).unwrap_or_default(),
        purpose: text(&request["purpose"]),
        consent_reference: text(&request["consent_reference"]),
        labels: labels(&request["labels"]),
        ..SubmitWorkHistoryRequest::default()
    }
}

pub fn filter(filter: &Value) -> JobFilter {
    let states = filter["states"].as_array().into_iter().flatten();
    let state = |name: &Value| JobState::from_name(&text(name));
    JobFilter {
        states: states.filter_map(state).collect(),
        labels: labels(&filter["labels"]),
        create_time: None,
    }
}

pub fn feed(call: &Value) -> WatchWorkHistoriesRequest {
    WatchWorkHistoriesRequest {
        cursor: text(&call["cursor"]),
        filter: filter(&call["filter"]),
        initial_count: 0,
    }
}

pub fn charges(call: &Value) -> ListChargesRequest {
    ListChargesRequest {
        job_id: text(&call["job_id"]),
        ..ListChargesRequest::default()
    }
}

pub fn resolve(call: &Value) -> ResolveWorkHistoryRequest {
    let charge = ChargeState::from_name(&text(&call["charge"])).unwrap_or_default();
    ResolveWorkHistoryRequest {
        job_id: text(&call["job_id"]),
        charge,
        note: text(&call["note"]),
    }
}
