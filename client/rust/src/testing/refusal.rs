//! How a fake says no: a status with the details that the real server would give it.

use std::collections::HashMap;
use std::time::Duration;

use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::code::Code;

/// An error instead of an answer. Boxed, so that a `Result` stays small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    code: Code,
    reason: String,
    message: String,
    metadata: HashMap<String, String>,
    retry_delay: Option<Duration>,
    violations: Vec<(String, String)>,
}

impl Refusal {
    /// A refusal with a reason of the catalogue in UPPER_SNAKE, such as `JOB_NOT_FOUND`, and a sentence. An empty reason leaves all
    /// details out, as a proxy does.
    pub fn new(code: Code, reason: impl Into<String>, message: impl Into<String>) -> Refusal {
        Refusal(Box::new(Inner {
            code,
            reason: reason.into(),
            message: message.into(),
            metadata: HashMap::new(),
            retry_delay: None,
            violations: Vec::new(),
        }))
    }

    /// The same with a name and value that the reason is about.
    #[must_use]
    pub fn with_metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Refusal {
        self.0.metadata.insert(name.into(), value.into());
        self
    }

    /// The same with the time after which the server wants to be asked again.
    #[must_use]
    pub fn with_retry_delay(mut self, delay: Duration) -> Refusal {
        self.0.retry_delay = Some(delay);
        self
    }

    /// The same with a wrong field of the request.
    #[must_use]
    pub fn with_violation(mut self, field: impl Into<String>, description: impl Into<String>) -> Refusal {
        self.0.violations.push((field.into(), description.into()));
        self
    }

    pub(super) fn status(self) -> Status {
        let told = *self.0;
        let mut details = ErrorDetails::new();
        if !told.reason.is_empty() {
            details.set_error_info(told.reason, crate::ERROR_DOMAIN, told.metadata);
        }
        if told.retry_delay.is_some() {
            details.set_retry_info(told.retry_delay);
        }
        for (field, description) in told.violations {
            details.add_bad_request_violation(field, description);
        }
        Status::with_error_details(told.code.to_tonic(), told.message, details)
    }
}
