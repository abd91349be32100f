//! How engine errors are made: from a reason, from a job's failure, from the store.

use crate::{
    domain::reason::{Failure, Reason},
    engine::request::EngineError,
    store::StoreError,
};

impl EngineError {
    pub(crate) fn new(reason: Reason) -> EngineError {
        EngineError {
            reason,
            retry_after: None,
            provider_code: None,
            provider: None,
            source: None,
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
