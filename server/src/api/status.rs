//! Every status that Semanas sends: the one place that knows gRPC codes and makes a `tonic::Status`.
//!
//! Decides what a caller is told. Each status has exactly one `ErrorInfo`; causes go to the log, once, here. It deliberately
//! does not know how an error came about, and no text of a request is repeated in a status.

mod catalogue;
mod tonic_made;

use std::{collections::HashMap, error::Error, time::Duration};

use semanas_proto::{ERROR_DOMAIN, v1::ErrorReason};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

pub(super) use self::tonic_made::{Moment, complete};
use crate::{
    api::parse::{Refusal, Violation},
    domain::{ids::JobId, reason::Reason},
    engine::EngineError,
};

/// What a call that its caller left without waiting for the end counts as.
pub(super) const LEFT_BY_CALLER: Code = Code::Cancelled;

/// The reason as the contract's enum.
pub(super) fn reason_to_proto(reason: Reason) -> ErrorReason {
    catalogue::to_proto(reason)
}

/// The sentence for `Failure.message` of a job that ended for this reason.
pub(super) fn failure_message(reason: Reason) -> &'static str {
    catalogue::entry(reason).sentence
}

/// The status for a request whose fields are wrong, naming all of them.
pub(super) fn refused(refusal: Refusal) -> Status {
    let reason = refusal.reason();
    let wrong = refusal.into_violations().into_iter().map(to_field_violation).collect();
    made(reason, None, HashMap::new(), wrong)
}

/// The status for a call that the engine did not do. `job_id` as the caller named it, if it did.
pub(super) fn of_engine(error: EngineError, job_id: Option<&str>) -> Status {
    log_cause(&error);
    let mut metadata = HashMap::new();
    if let Some(provider) = error.provider {
        metadata.insert("provider".to_owned(), provider.to_string());
    }
    if let Some(code) = error.provider_code {
        metadata.insert("provider_code".to_owned(), code);
    }
    // What a caller sends as a job's name may be anything, a CURP too; only what is one is repeated.
    if let Some(job_id) = job_id.and_then(|text| JobId::parse(text).ok()) {
        metadata.insert("job_id".to_owned(), job_id.to_string());
    }
    let wrong = error.field.map(|wrong| {
        to_field_violation(Violation {
            field: wrong.name.to_owned(),
            description: wrong.description.to_owned(),
            reason: error.reason,
        })
    });
    made(error.reason, error.retry_after, metadata, wrong.into_iter().collect())
}

/// The status of a stream whose reader did not keep up.
pub(super) fn slow_consumer() -> Status {
    of_reason(Reason::SlowConsumer)
}

/// The status of a call or a stream that its caller's deadline ended.
pub(super) fn deadline_exceeded() -> Status {
    of_reason(Reason::DeadlineExceeded)
}

/// The status of a call that a defect of ours ended.
pub(super) fn internal() -> Status {
    of_reason(Reason::Internal)
}

/// The status that the health protocol wants for a service it does not know.
pub(super) fn unknown_health_service() -> Status {
    let entry = catalogue::entry(Reason::InvalidRequest);
    let word = catalogue::word(Reason::InvalidRequest);
    let mut details = ErrorDetails::with_error_info(word, ERROR_DOMAIN, HashMap::new());
    details.add_bad_request_violation(
        "service",
        "is no service of this server; leave it empty to ask for the whole",
    );
    Status::with_error_details(Code::NotFound, entry.sentence, details)
}

/// The code as the specification spells it.
pub(super) fn code_word(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

fn of_reason(reason: Reason) -> Status {
    made(reason, None, HashMap::new(), Vec::new())
}

fn made(
    reason: Reason,
    retry_after: Option<Duration>,
    metadata: HashMap<String, String>,
    wrong: Vec<FieldViolation>,
) -> Status {
    let entry = catalogue::entry(reason);
    let mut details = ErrorDetails::with_error_info(catalogue::word(reason), ERROR_DOMAIN, metadata);
    if let Some(delay) = retry_after.or(entry.retry_after) {
        details.set_retry_info(Some(delay));
    }
    if !wrong.is_empty() {
        details.set_bad_request(wrong);
    }
    Status::with_error_details(entry.code, entry.sentence, details)
}

fn to_field_violation(violation: Violation) -> FieldViolation {
    FieldViolation {
        reason: catalogue::word(violation.reason).to_owned(),
        ..FieldViolation::new(violation.field, violation.description)
    }
}

/// Logs what the caller is not told: the chain of causes, and every reason that an operator must act on.
fn log_cause(error: &EngineError) {
    let chain = chain_of(error);
    if catalogue::entry(error.reason).code == Code::Internal {
        tracing::error!(
            reason = catalogue::word(error.reason),
            provider = error.provider.map(|id| id.as_str()),
            cause = chain,
            "call failed"
        );
    } else if !chain.is_empty() {
        tracing::warn!(reason = catalogue::word(error.reason), cause = chain, "call failed");
    }
}

fn chain_of(error: &EngineError) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests;
