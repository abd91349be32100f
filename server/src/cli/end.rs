//! How a command ends: its exit code, and what is said when it did not succeed. The codes are a promise to scripts.

use std::io;

use semanas_client::{Error, ErrorReason, JobState, Violation};

use crate::cli::render::printable;

/// The exit codes that `--help` lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Succeeded = 0,
    Unexpected = 1,
    Invalid = 2,
    Failed = 3,
    OutcomeUnknown = 4,
    Cancelled = 5,
    NotFound = 6,
    Unavailable = 7,
    DeadlinePassed = 8,
}

impl Exit {
    /// What the state of a job says. A job that has not ended is no failure of the command that shows it.
    pub fn of_state(state: JobState) -> Exit {
        match state {
            JobState::Failed => Exit::Failed,
            JobState::Cancelled => Exit::Cancelled,
            JobState::OutcomeUnknown => Exit::OutcomeUnknown,
            _ => Exit::Succeeded,
        }
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// Nobody reads the output any more.
    ReaderGone,
    /// The command cannot be carried out as it was given.
    Usage(String),
    /// The server's answer was an error.
    Call(Error),
    /// A watch broke; what to run in order to go on.
    Watch { error: Error, again: String },
    /// Anything else.
    Other(anyhow::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Call(error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::Other(error)
    }
}

impl Failure {
    pub fn from_write(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::ReaderGone,
            _ => Failure::Other(anyhow::Error::new(error).context("cannot write to standard output")),
        }
    }

    pub fn exit(&self) -> Exit {
        match self {
            Failure::ReaderGone => Exit::Succeeded,
            Failure::Usage(_) => Exit::Invalid,
            Failure::Call(error) | Failure::Watch { error, .. } => exit_of(error),
            Failure::Other(_) => Exit::Unexpected,
        }
    }

    /// What to say on standard error; empty when there is nothing to say.
    pub fn text(&self) -> String {
        match self {
            Failure::ReaderGone => String::new(),
            Failure::Usage(text) => format!("error: {text}"),
            Failure::Call(error) => explain(error),
            Failure::Watch { error, again } => {
                format!("{}\n  The job goes on. Follow it again with: {again}", explain(error))
            }
            Failure::Other(error) => format!("error: {error:#}"),
        }
    }
}

fn exit_of(error: &Error) -> Exit {
    match error {
        Error::Configuration(_) | Error::InvalidRequest { .. } | Error::OutOfRange { .. } => Exit::Invalid,
        Error::NotFound { .. } => Exit::NotFound,
        Error::FailedPrecondition { .. } => match error.known_reason() {
            ErrorReason::OutcomeUnknown => Exit::OutcomeUnknown,
            ErrorReason::NoRoute | ErrorReason::JobNotResolvable => Exit::Invalid,
            _ => Exit::Failed,
        },
        Error::Exhausted { .. } | Error::Unavailable { .. } => Exit::Unavailable,
        Error::DeadlineExceeded { .. } => Exit::DeadlinePassed,
        Error::JobNotSucceeded { job } => Exit::of_state(job.state),
        _ => Exit::Unexpected,
    }
}

/// One clear message with its reason in brackets, each wrong field on a line of its own, and what to do.
fn explain(error: &Error) -> String {
    let unreachable = matches!(error, Error::Unavailable { .. }) && error.reason().is_empty();
    let said = match error {
        Error::InvalidRequest { details, .. } => details.to_string(),
        other => other.to_string(),
    };
    let what = match unreachable && !said.starts_with("cannot connect") {
        true => "cannot reach the server: ",
        false => "",
    };
    let mut lines = vec![format!("error: {what}{}", printable(&said))];
    let line = |wrong: &Violation| format!("  {}: {}", printable(&wrong.field), printable(&wrong.description));
    lines.extend(error.violations().iter().map(line));
    lines.extend(advice(error).map(|advice| format!("  {advice}")));
    lines.join("\n")
}

fn advice(error: &Error) -> Option<String> {
    let by_reason = match error.known_reason() {
        ErrorReason::JobNotFound => "`semanas list` shows the jobs that there are.",
        ErrorReason::OutcomeUnknown => {
            "Ask the provider's books and settle the job with `semanas resolve`, or repeat with --allow-repeat-charge."
        }
        ErrorReason::NoRoute => {
            "The route by Kiban needs --given-names and --paternal-surname; `semanas providers` shows what is configured."
        }
        ErrorReason::CursorExpired | ErrorReason::CursorInvalid => "Leave the cursor out to begin with a snapshot.",
        ErrorReason::LookupInProgress => "The lookup goes on: the same command later gets its answer.",
        ErrorReason::RequestIdReused => "Give another --request-id, or none.",
        ErrorReason::ProviderCredentials => "An operator must correct the provider's credentials on the server.",
        ErrorReason::ProviderContractChanged => "An operator must look: `semanas providers` shows which provider.",
        _ => return advice_by_kind(error),
    };
    Some(by_reason.to_owned())
}

fn advice_by_kind(error: &Error) -> Option<String> {
    match error {
        Error::Unavailable { .. } | Error::Exhausted { .. } if error.retry_delay().is_some() => {
            let seconds = error.retry_delay()?.as_secs_f64().ceil();
            Some(format!("Try again in {seconds} s."))
        }
        Error::Unavailable { .. } if error.reason().is_empty() => {
            Some("Is the server running there? --server or SEMANAS_SERVER says where to look.".to_owned())
        }
        Error::Unavailable { .. } => Some("Try again later.".to_owned()),
        Error::DeadlineExceeded { .. } => Some("Give more time with --timeout, or ask again later.".to_owned()),
        Error::Configuration(semanas_client::ConfigurationError::PlaintextRefused { .. }) => {
            Some("On the command line that leave is --allow-plaintext.".to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use tonic::{Code, Status};
    use tonic_types::{ErrorDetails, StatusExt as _};

    use super::*;

    fn failure(code: Code, reason: &str, message: &str) -> Failure {
        let mut details = ErrorDetails::new();
        if !reason.is_empty() {
            details.set_error_info(reason, "semanas", HashMap::new());
        }
        match reason {
            "INVALID_REQUEST" => {
                details.add_bad_request_violation("subject.curp", "wrong check digit");
                details.add_bad_request_violation("limit", "must not be negative");
            }
            "STORE_UNAVAILABLE" => {
                details.set_retry_info(Some(Duration::from_millis(1_500)));
            }
            _ => {}
        }
        Failure::Call(semanas_client::raw::error(Status::with_error_details(
            code, message, details,
        )))
    }

    #[track_caller]
    fn check(code: Code, reason: &str, expected: Exit) {
        assert_eq!(failure(code, reason, "text").exit(), expected, "{reason}");
    }

    #[test]
    fn each_error_has_its_exit_code() {
        check(Code::InvalidArgument, "INVALID_CURP", Exit::Invalid);
        check(Code::NotFound, "JOB_NOT_FOUND", Exit::NotFound);
        check(Code::FailedPrecondition, "VISIT_SUBDELEGATION", Exit::Failed);
        check(Code::FailedPrecondition, "OUTCOME_UNKNOWN", Exit::OutcomeUnknown);
        check(Code::FailedPrecondition, "NO_ROUTE", Exit::Invalid);
        check(Code::ResourceExhausted, "QUOTA_EXCEEDED", Exit::Unavailable);
        check(Code::Unavailable, "", Exit::Unavailable);
        check(Code::DeadlineExceeded, "LOOKUP_IN_PROGRESS", Exit::DeadlinePassed);
        check(Code::Internal, "INTERNAL", Exit::Unexpected);
        check(Code::Unknown, "NEWER_THAN_US", Exit::Unexpected);
    }

    #[test]
    fn an_error_says_what_is_wrong_and_what_to_do() {
        let texts = [
            failure(Code::InvalidArgument, "INVALID_REQUEST", "2 fields are wrong"),
            failure(Code::Unavailable, "STORE_UNAVAILABLE", "the store does not answer"),
            failure(Code::Unavailable, "", "tcp connect error"),
            failure(Code::NotFound, "JOB_NOT_FOUND", "no such job"),
            failure(Code::NotFound, "NEWER_THAN_US", "an escape \u{1b}[31m sequence"),
        ]
        .map(|failure| failure.text());
        insta::assert_snapshot!(texts.join("\n\n"));
    }

    #[test]
    fn the_help_lists_every_exit_code() {
        for code in [
            Exit::Succeeded,
            Exit::Unexpected,
            Exit::Invalid,
            Exit::Failed,
            Exit::OutcomeUnknown,
            Exit::Cancelled,
            Exit::NotFound,
            Exit::Unavailable,
            Exit::DeadlinePassed,
        ] {
            assert!(
                crate::cli::EXIT_CODES.contains(&format!("\n  {}  ", code as u8)),
                "{code:?}"
            );
        }
    }
}
