//! What an HTTP status alone proves about a call, when the provider's words prove nothing.
//!
//! Decides the statuses that all three providers share. It deliberately reads no body; adapters ask here last, after
//! everything that their provider's contract says in words. Statuses go no further than the adapters.

use crate::{
    domain::{
        outcome::Outcome,
        provider_id::ProviderId,
        reason::{Failure, Reason},
    },
    providers::http::{HttpAnswer, OptionsError},
};

/// The statuses that the operator knows to be free of charge. Never one that may carry an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct UnbilledStatuses(Vec<u16>);

impl UnbilledStatuses {
    pub(super) fn parse(statuses: Vec<u16>) -> Result<UnbilledStatuses, OptionsError> {
        match statuses.iter().all(|status| (400..=599).contains(status)) {
            true => Ok(UnbilledStatuses(statuses)),
            false => Err(OptionsError::UnbilledStatus),
        }
    }

    /// A billed call that was answered with this status and nothing that the contract knows. 401 and 403 concern our
    /// credentials, 429 our quota; redirects are never followed. What is left may have been billed before it failed.
    pub(super) fn outcome_of(&self, provider: ProviderId, answer: &HttpAnswer) -> Outcome {
        match answer.status {
            401 | 403 => Outcome::Rejected {
                failure: Failure::told(Reason::ProviderCredentials, provider, None),
            },
            429 => Outcome::Down {
                failure: Failure::told(Reason::QuotaExceeded, provider, None),
                retry_after: answer.retry_after,
            },
            status if self.0.contains(&status) => Outcome::Down {
                failure: Failure::told(Reason::ProviderUnavailable, provider, None),
                retry_after: answer.retry_after,
            },
            _ => Outcome::Ambiguous,
        }
    }
}

/// Whether the status belongs to an answer with content.
pub(super) fn is_success(status: u16) -> bool {
    (200..=299).contains(&status)
}

/// Whether the status is about us, our credentials or our quota, and says nothing about the person.
pub(super) fn concerns_us(status: u16) -> bool {
    matches!(status, 401 | 403 | 429)
}

/// Says in the log why a poll brought nothing. A refused key is the operator's to mend, and the job waits for that.
pub(super) fn note_failed_poll(provider: ProviderId, status: u16) {
    match status {
        401 | 403 => tracing::warn!(%provider, status, "a provider refuses our credentials for polling"),
        _ => tracing::info!(%provider, status, "a poll brought nothing; it is asked again later"),
    }
}
