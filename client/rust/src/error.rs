//! What went wrong, by what a caller can do about it. It decides how a status is read, and nothing about retrying.
//!
//! A reason or detail that this version does not know never gets in the way: the text is kept, the code decides.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use tonic::Status;
use tonic_types::StatusExt as _;

use crate::code::Code;
use crate::endpoint::ConfigurationError;
use crate::model::{ErrorReason, WorkHistoryJob};

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The endpoint, credentials or options cannot be used; nothing was sent.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// The request is wrong: mend what `violations` name. Repeating it is of no use.
    #[error("{details}{}", in_words(violations))]
    InvalidRequest {
        violations: Vec<Violation>,
        details: Details,
    },
    /// No such job, NSS or CURP.
    #[error("{details}")]
    NotFound { details: Details },
    /// The system or the person's affairs must change first; the reason says what.
    #[error("{details}")]
    FailedPrecondition { details: Details },
    /// The cursor is older than what is kept: watch again without it.
    #[error("{details}")]
    OutOfRange { details: Details },
    /// A limit is used up. `retry_delay` is absent when waiting does not help.
    #[error("{details}")]
    Exhausted {
        retry_delay: Option<Duration>,
        details: Details,
    },
    /// The server or what it depends on cannot be reached, or the connection broke: try again later.
    #[error("{details}")]
    Unavailable {
        retry_delay: Option<Duration>,
        details: Details,
    },
    /// The deadline passed first. The work may go on: the same call later gets its answer.
    #[error("{details}")]
    DeadlineExceeded {
        details: Details,
        /// Where the job stood, from `get_work_history_when_done` once it had been submitted: a watch from there misses nothing.
        progress: Option<Box<Progress>>,
    },
    /// The call was cancelled by the server.
    #[error("{details}")]
    Cancelled { details: Details },
    /// The server does not know who calls.
    #[error("{details}")]
    Unauthenticated { details: Details },
    /// The caller is known and may not do this.
    #[error("{details}")]
    PermissionDenied { details: Details },
    /// A defect of the server, or something that only its operator can mend.
    #[error("{details}")]
    Internal { details: Details },
    /// The job ended otherwise than in success: read `job.failure`.
    #[error("the job {} ended {}{}", job.job_id, job.state, failure_in_words(job))]
    JobNotSucceeded { job: Box<WorkHistoryJob> },
    /// Any other status.
    #[error("{details}")]
    Other { details: Details },
}

/// Where a job stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The job.
    pub job_id: String,
    /// Position after the last update that came.
    pub cursor: String,
}

/// One wrong field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field, for example `subject.curp`.
    pub field: String,
    /// What is wrong with it.
    pub description: String,
}

/// What the server said. Boxed, so that a `Result` stays small.
#[derive(Clone)]
pub struct Details(Box<Inner>);

#[derive(Clone)]
struct Inner {
    reason: String,
    domain: String,
    metadata: BTreeMap<String, String>,
    status: Status,
}

impl Details {
    /// The reason in UPPER_SNAKE; empty when none was given, as by a proxy.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The reason if this version knows it, else `ErrorReason::Unspecified`.
    #[must_use]
    pub fn known_reason(&self) -> ErrorReason {
        if self.0.domain != crate::ERROR_DOMAIN {
            return ErrorReason::Unspecified;
        }
        ErrorReason::from_name(&self.0.reason).unwrap_or_default()
    }

    /// Who gave the reason: `semanas`, or another service on the way.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.0.domain
    }

    /// What the reason is about, by name.
    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.0.metadata
    }

    /// One plain sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        self.0.status.message()
    }

    /// The gRPC code.
    #[must_use]
    pub fn code(&self) -> Code {
        Code::of(self.0.status.code())
    }

    pub(crate) fn status(&self) -> &Status {
        &self.0.status
    }

    /// The details of the status as they were received: an encoded `google.rpc.Status`; empty when there are none.
    #[must_use]
    pub fn raw_details(&self) -> &[u8] {
        self.0.status.details()
    }
}

impl fmt::Display for Details {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = match self.message() {
            "" => self.0.status.code().description(),
            message => message,
        };
        match self.reason() {
            "" => formatter.write_str(message),
            reason => write!(formatter, "{message} [{reason}]"),
        }
    }
}

impl fmt::Debug for Details {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Details")
            .field("code", &self.code())
            .field("reason", &self.0.reason)
            .field("domain", &self.0.domain)
            .field("metadata", &self.0.metadata)
            .field("message", &self.message())
            .finish()
    }
}

impl Error {
    /// What the server said; `None` when it was never asked.
    #[must_use]
    pub fn details(&self) -> Option<&Details> {
        match self {
            Error::Configuration(_) | Error::JobNotSucceeded { .. } => None,
            Error::InvalidRequest { details, .. }
            | Error::NotFound { details }
            | Error::FailedPrecondition { details }
            | Error::OutOfRange { details }
            | Error::Exhausted { details, .. }
            | Error::Unavailable { details, .. }
            | Error::DeadlineExceeded { details, .. }
            | Error::Cancelled { details }
            | Error::Unauthenticated { details }
            | Error::PermissionDenied { details }
            | Error::Internal { details }
            | Error::Other { details } => Some(details),
        }
    }

    /// The gRPC code; `Unknown` when the server was never asked, or did answer and the job did not succeed.
    #[must_use]
    pub fn code(&self) -> Code {
        self.details().map_or(Code::Unknown, Details::code)
    }

    /// The reason in UPPER_SNAKE, of a job that did not succeed too; empty when there is none.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Error::JobNotSucceeded { job } => failure_reason(job).and_then(ErrorReason::name).unwrap_or_default(),
            other => other.details().map_or("", Details::reason),
        }
    }

    /// The reason if this version knows it, else `ErrorReason::Unspecified`.
    #[must_use]
    pub fn known_reason(&self) -> ErrorReason {
        match self {
            Error::JobNotSucceeded { job } => failure_reason(job)
                .filter(|reason| reason.name().is_some())
                .unwrap_or_default(),
            other => other.details().map(Details::known_reason).unwrap_or_default(),
        }
    }

    /// The wrong fields of the request, if the server named them.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        match self {
            Error::InvalidRequest { violations, .. } => violations,
            _ => &[],
        }
    }

    /// After how long the server wants to be asked again, if it said so.
    #[must_use]
    pub fn retry_delay(&self) -> Option<Duration> {
        match self {
            Error::Exhausted { retry_delay, .. } | Error::Unavailable { retry_delay, .. } => *retry_delay,
            _ => None,
        }
    }
}

impl Error {
    /// Reads a status. No `From`, which would make tonic a part of the crate's surface: see [`crate::raw::error`].
    pub(crate) fn of(status: Status) -> Self {
        let status = unbroken(status);
        let told = status.get_error_details();
        let retry_delay = told.retry_info().and_then(|info| info.retry_delay);
        let violations = told.bad_request().map(violations).unwrap_or_default();
        let (reason, domain, metadata) = told
            .error_info()
            .map(|info| (info.reason.clone(), info.domain.clone(), info.metadata.clone()))
            .unwrap_or_default();
        let code = Code::of(status.code());
        let details = Details(Box::new(Inner {
            reason,
            domain,
            metadata: metadata.into_iter().collect(),
            status,
        }));
        match code {
            Code::InvalidArgument => Error::InvalidRequest { violations, details },
            Code::NotFound => Error::NotFound { details },
            Code::FailedPrecondition => Error::FailedPrecondition { details },
            Code::OutOfRange => Error::OutOfRange { details },
            Code::ResourceExhausted => Error::Exhausted { retry_delay, details },
            Code::Unavailable => Error::Unavailable { retry_delay, details },
            Code::DeadlineExceeded => Error::DeadlineExceeded {
                details,
                progress: None,
            },
            Code::Cancelled => Error::Cancelled { details },
            Code::Unauthenticated => Error::Unauthenticated { details },
            Code::PermissionDenied => Error::PermissionDenied { details },
            Code::Internal | Code::DataLoss => Error::Internal { details },
            Code::Ok | Code::Unknown | Code::AlreadyExists | Code::Aborted | Code::Unimplemented => {
                Error::Other { details }
            }
        }
    }
}

/// How rustls says that what it read was no TLS.
const NO_TLS: &str = "InvalidContentType";

/// A status that the transport made up has a cause; the server's have none. Whatever it is called, the connection broke.
fn unbroken(status: Status) -> Status {
    let Some(cause) = status.source() else { return status };
    if status.message().contains(NO_TLS) {
        return Status::unavailable("the server does not speak TLS on this port: is its endpoint http://?");
    }
    if matches!(status.code(), tonic::Code::Unavailable | tonic::Code::DeadlineExceeded) {
        return status;
    }
    let mut words = status.message().to_owned();
    let mut next = Some(cause);
    while let Some(cause) = next {
        let word = cause.to_string();
        if !words.contains(&word) {
            words = format!("{words}: {word}");
        }
        next = cause.source();
    }
    Status::unavailable(words)
}

fn in_words(violations: &[Violation]) -> String {
    let word = |wrong: &Violation| format!("{}: {}", wrong.field, wrong.description);
    match violations {
        [] => String::new(),
        some => format!(": {}", some.iter().map(word).collect::<Vec<_>>().join("; ")),
    }
}

fn failure_reason(job: &WorkHistoryJob) -> Option<ErrorReason> {
    let failure = job.failure.as_ref()?;
    (failure.reason != ErrorReason::Unspecified).then_some(failure.reason)
}

fn failure_in_words(job: &WorkHistoryJob) -> String {
    let Some(failure) = &job.failure else {
        return String::new();
    };
    format!(": {} [{}]", failure.message, failure.reason)
}

fn violations(bad: &tonic_types::BadRequest) -> Vec<Violation> {
    let one = |violation: &tonic_types::FieldViolation| Violation {
        field: violation.field.clone(),
        description: violation.description.clone(),
    };
    bad.field_violations.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic::Code;
    use tonic::codegen::Bytes;
    use tonic_types::{ErrorDetails, FieldViolation};

    use super::*;

    fn with_reason(reason: &str, domain: &str) -> ErrorDetails {
        let metadata = HashMap::from([("provider".to_owned(), "KIBAN".to_owned())]);
        ErrorDetails::with_error_info(reason, domain, metadata)
    }

    #[test]
    fn a_status_with_details_becomes_a_typed_error_with_all_of_them() {
        let mut details = with_reason("INVALID_CURP", "semanas");
        let wrong = FieldViolation::new("subject.curp", "wrong check digit");
        details.set_bad_request(vec![wrong]);
        let error = Error::of(Status::with_error_details(
            Code::InvalidArgument,
            "the request is wrong",
            details,
        ));
        assert_eq!(error.known_reason(), ErrorReason::InvalidCurp);
        assert_eq!(
            error.to_string(),
            "the request is wrong [INVALID_CURP]: subject.curp: wrong check digit"
        );
        assert_eq!(error.details().unwrap().metadata()["provider"], "KIBAN");
        let Error::InvalidRequest { violations, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!(violations[0].field, "subject.curp");
    }

    #[test]
    fn a_retry_delay_is_read() {
        let mut details = with_reason("STORE_UNAVAILABLE", "semanas");
        details.set_retry_info(Some(Duration::from_millis(1_500)));
        let error = Error::of(Status::with_error_details(Code::Unavailable, "later", details));
        assert_eq!(error.retry_delay(), Some(Duration::from_millis(1_500)));
    }

    #[test]
    fn a_reason_that_is_not_known_keeps_its_text_and_the_code_decides() {
        let details = with_reason("MOON_TOO_BRIGHT", "semanas");
        let error = Error::of(Status::with_error_details(Code::NotFound, "not at night", details));
        assert!(matches!(error, Error::NotFound { .. }));
        assert_eq!(error.reason(), "MOON_TOO_BRIGHT");
        assert_eq!(error.known_reason(), ErrorReason::Unspecified);
    }

    #[test]
    fn a_reason_of_another_domain_is_not_taken_for_ours() {
        let details = with_reason("INTERNAL", "mesh.example");
        let error = Error::of(Status::with_error_details(
            Code::Unavailable,
            "no healthy host",
            details,
        ));
        assert_eq!(error.known_reason(), ErrorReason::Unspecified);
        assert_eq!(error.details().unwrap().domain(), "mesh.example");
    }

    #[test]
    fn details_that_cannot_be_read_do_not_hide_the_status() {
        let garbage = Bytes::from_static(b"\xff\xff\xff");
        let error = Error::of(Status::with_details(Code::Unavailable, "later", garbage));
        assert!(matches!(error, Error::Unavailable { retry_delay: None, .. }));
        assert_eq!(error.to_string(), "later");
    }

    #[test]
    fn a_status_without_words_is_named_by_its_code() {
        let error = Error::of(Status::new(Code::PermissionDenied, ""));
        assert!(!error.to_string().is_empty());
    }
}
