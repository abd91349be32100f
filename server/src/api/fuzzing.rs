//! What must hold for whatever a caller sends: a request is read whole, or every wrong field is named in words that hold nothing
//! of it; and for whatever is written back.
//!
//! An input is one byte that chooses the request, then its protobuf encoding.

use http::HeaderMap;
use prost::Message;
use semanas_proto::v1;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{caller::Caller, deadline, parse, status, to_proto, trace_context::TraceParent};
use crate::{
    domain::{
        fuzzing::{assert_silent, identifiers_in},
        ids::Tenant,
        job::Job,
        work_history::WorkHistory,
    },
    engine::{JobAnswer, Snapshot},
};

pub(crate) fn request(input: &[u8]) {
    let Some((chosen, bytes)) = input.split_first() else {
        return;
    };
    match chosen % 8 {
        0 => check(bytes, |request| parse::lookup(request, caller()).map(drop)),
        1 => check(bytes, |request| parse::submit(request, caller()).map(drop)),
        2 => check(bytes, |request| parse::watch(request, caller()).map(drop)),
        3 => check(bytes, |request: v1::GetWorkHistoryRequest| {
            parse::get(request).map(drop)
        }),
        4 => check(bytes, |request| parse::list(request).map(drop)),
        5 => check(bytes, |request| parse::watch_all(request, caller()).map(drop)),
        6 => check(bytes, |request| parse::charges(&request, caller()).map(drop)),
        _ => check(bytes, |request| parse::resolve(request).map(drop)),
    }
}

/// `grpc-timeout` and `traceparent`.
pub(crate) fn header(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Some(parent) = TraceParent::parse(&text) {
        assert_eq!(parent.as_str(), text);
        let _ = parent.context();
    }
    let mut headers = HeaderMap::new();
    if let Ok(value) = text.parse() {
        headers.insert("grpc-timeout", value);
    }
    let now = tokio::time::Instant::now();
    let wait_max = std::time::Duration::from_secs(30);
    assert!(deadline::answer_by(&headers, wait_max, now) <= now + wait_max);
    assert!(deadline::end_by(&headers, now).is_none_or(|until| until >= now));
}

/// A record that can be read can be shown to its caller.
pub(crate) fn show(job: Job, history: Option<WorkHistory>) {
    let id = job.id.to_string();
    let answer = history.map(|history| JobAnswer {
        employment_count: history.employments_total(),
        history,
        nss_provenance: None,
    });
    let shown = to_proto::snapshot(Snapshot { job, answer });
    assert_eq!(shown.job_id, id);
    let read = v1::WorkHistoryJob::decode(shown.encode_to_vec().as_slice());
    assert_eq!(read.as_ref(), Ok(&shown));
}

fn check<R: Message + Default>(bytes: &[u8], parse: impl Fn(R) -> Result<(), parse::Refusal>) {
    let Ok(request) = R::decode(bytes) else { return };
    let Err(refusal) = parse(request) else { return };
    let refused = status::refused(refusal);
    assert_eq!(refused.code(), Code::InvalidArgument);
    let details = refused.get_error_details();
    let violations = details.bad_request().map(|bad| &bad.field_violations);
    let violations = violations.expect("a refusal names fields");
    assert!(!violations.is_empty());
    let identifiers = identifiers_in(bytes);
    for violation in violations {
        assert!(!violation.field.is_empty() && !violation.description.is_empty());
        assert_silent(&identifiers, &format!("{violation:?}"));
    }
    assert_silent(&identifiers, refused.message());
}

fn caller() -> Caller {
    Caller {
        tenant: Tenant::sole(),
        trace_parent: None,
    }
}
