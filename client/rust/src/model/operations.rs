//! What operators see: the ledger of charges and the state of the providers. It holds no personal data.

use std::time::SystemTime;

use super::{BreakerState, ChargeState, OutcomeClass, Provider, Step, message};

message! {
    #[derive(Debug)]
    /// One billed call that was intended. It holds no personal data.
    Charge {
        /// Name of the row: the attempt_id.
        charge_id: String = same,
        /// The job it was made for. LookupNss has jobs of its own; their names begin with "nss_".
        job_id: String = same,
        /// Who was asked.
        provider: Provider = value,
        /// What for.
        step: Step = value,
        /// Whether it was charged.
        state: ChargeState = value,
        /// How it went.
        outcome_class: OutcomeClass = value,
        /// The provider's own reference; may be empty.
        provider_reference: String = same,
        /// When the intent was recorded, before anything was sent.
        open_time: Option<SystemTime> = time,
        /// When the outcome was recorded; absent while it is open.
        settle_time: Option<SystemTime> = time,
        /// True when the answer came after the job had ended.
        late: bool = same,
        /// The provider's own code; may be empty.
        provider_code: String = same,
        /// The operator's note when one settled it.
        note: String = same,
    }
}

message! {
    #[derive(Debug)]
    /// A provider as this deployment sees it.
    ProviderStatus {
        /// Which one.
        provider: Provider = value,
        /// Whether it has a base URL and credentials.
        configured: bool = same,
        /// Whether calls are let through.
        breaker_state: BreakerState = value,
        /// When the breaker lets the next call through; absent when it is closed.
        retry_time: Option<SystemTime> = time,
        /// Failures in a row that the breaker has counted.
        consecutive_failures: i32 = same,
        /// Calls under way over all replicas.
        in_flight: i32 = same,
        /// Most calls at a time that are allowed; 0 = unlimited.
        in_flight_max: i32 = same,
        /// True after the provider refused our credentials, until a call succeeds.
        credentials_refused: bool = same,
        /// True after the provider answered in an unknown shape, until a call succeeds.
        contract_changed: bool = same,
    }
}
