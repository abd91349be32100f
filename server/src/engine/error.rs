//! How engine errors are made: from a reason, from a job's failure, from the store.

use crate::{
    domain::reason::{Failure, Reason},
    engine::{
        Engine,
        request::{EngineError, WrongField},
    },
    store::StoreError,
};

impl Engine {
    /// A record that this version cannot read was met and passed over: an alarm, for only an operator can mend it.
    pub(super) fn note_unreadable(&self, name: &str) {
        self.inner.metrics.unreadable();
        tracing::error!(
            record = name,
            "a job or charge cannot be read by this version and is left alone: start the version that wrote it, or restore a backup"
        );
    }
}

impl EngineError {
    pub(crate) fn new(reason: Reason) -> EngineError {
        EngineError {
            reason,
            field: None,
            retry_after: None,
            provider_code: None,
            provider: None,
            source: None,
        }
    }

    /// A refusal for what stands in a field of the request.
    pub(crate) fn of_field(reason: Reason, name: &'static str, description: &'static str) -> EngineError {
        EngineError {
            field: Some(WrongField { name, description }),
            ..EngineError::new(reason)
        }
    }

    /// Names the field in which the caller sent a cursor or page token that is none; the engine reads both alike and does not
    /// know which. Any other error stays as it is.
    pub(crate) fn of_token_in(self, name: &'static str) -> EngineError {
        let description = "is not one that this request was given; leave it out to start again";
        let wrong = (self.reason == Reason::CursorInvalid).then_some(WrongField { name, description });
        EngineError {
            field: wrong.or(self.field),
            ..self
        }
    }

    /// The failure of a job that a call was waiting for.
    pub(crate) fn of_failure(failure: &Failure) -> EngineError {
        EngineError {
            provider: failure.provider,
            provider_code: failure.provider_code.clone(),
            ..EngineError::new(failure.reason)
        }
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> EngineError {
        let reason = match error {
            StoreError::Unavailable { .. } | StoreError::DataSetLost { .. } => Reason::StoreUnavailable,
            StoreError::Unreadable { .. } => Reason::Internal,
        };
        EngineError {
            source: Some(error),
            ..EngineError::new(reason)
        }
    }
}
