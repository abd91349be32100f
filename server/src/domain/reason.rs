//! Why something did not succeed, in the words of the catalogue.
//!
//! The gRPC code and the sentence that go with a reason are the edge's business (`api::status`), not the domain's.

use serde::{Deserialize, Serialize};

use crate::domain::provider_id::ProviderId;

/// A reason of the catalogue; the same words as `ErrorReason` in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Reason {
    InvalidRequest,
    InvalidCurp,
    InvalidNss,
    RequestIdReused,
    CursorInvalid,
    JobNotFound,
    NssNotFound,
    CurpNotInRenapo,
    WorkHistoryNotFound,
    VisitSubdelegation,
    EmailRegisteredToOtherCurp,
    OutcomeUnknown,
    NoRoute,
    JobNotResolvable,
    CursorExpired,
    PersonDailyLimit,
    QuotaExceeded,
    SlowConsumer,
    TooManyWatches,
    RequestTooLarge,
    ProviderUnavailable,
    StoreUnavailable,
    ServerDraining,
    LookupInProgress,
    ProviderCredentials,
    ProviderContractChanged,
    Internal,
    MethodUnknown,
    DeadlineExceeded,
}

/// Why a job, or one attempt of it, brought no history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub reason: Reason,
    /// Who gave the reason; `None` when Semanas itself did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
    /// The provider's own code, for example `WH007` or `1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_code: Option<String>,
}

impl Failure {
    /// A failure that Semanas itself found.
    pub(crate) fn own(reason: Reason) -> Failure {
        Failure {
            reason,
            provider: None,
            provider_code: None,
        }
    }

    /// A failure that a provider told, with its code if it has one.
    pub(crate) fn told(reason: Reason, provider: ProviderId, provider_code: Option<String>) -> Failure {
        Failure {
            reason,
            provider: Some(provider),
            provider_code,
        }
    }
}
