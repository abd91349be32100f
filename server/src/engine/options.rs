//! Settings of the engine, each with the reason it exists. Their defaults stand in `config.default.toml`, nowhere else.

use std::{collections::BTreeMap, time::Duration};

use crate::domain::{gate::GateLimits, provider_id::ProviderId, retry::Backoff};

/// Settings of the engine.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Jobs worked on at a time by this replica.
    pub workers_max: usize,
    /// How long a claim lasts before another replica may take the job.
    pub lease: Duration,
    /// How often due jobs are looked for when nothing rings.
    pub sweep_interval: Duration,
    /// By when a job ends at the latest.
    pub job_deadline: Duration,
    /// Age of an answer that is accepted when the request names none.
    pub max_age_default: Duration,
    /// Claims without a move after which a job is ended for the operator to look at.
    pub stalled_claims_max: u32,
    /// How long a callback or a late fact is waited for when a call's outcome is unknown.
    pub ambiguous_grace: Duration,
    /// Whether a job may go to the other route after an ambiguous call.
    pub ambiguous_failover: bool,
    /// Charges a person may have open or paid in one day for one step; 0 = unlimited.
    pub person_daily_max: u32,
    /// Between tries at the same provider.
    pub retry: Backoff,
    /// Routes to a work history in the order they are tried.
    pub routes: Vec<Route>,
    /// Longest wait of a LookupNss whose caller sets no deadline.
    pub lookup_wait_max: Duration,
    /// How long ended jobs are kept.
    pub retention: Duration,
    /// Whether requests may carry a `test_case_id`.
    pub test_cases_allowed: bool,
    /// Where providers reach `http.listen`; `None` = no callbacks, polling only.
    pub public_url: Option<String>,
    /// How long streams and billed calls may go on after a stop.
    pub drain_limit: Duration,
    pub watch: WatchOptions,
    /// Of each configured provider.
    pub providers: BTreeMap<ProviderId, ProviderOptions>,
}

/// The longest margin between the end of a lease and what is done under it.
const LEASE_MARGIN_MAX: Duration = Duration::from_secs(2);

impl Options {
    /// The commit after a call must reach the store before the lease ends there; a short lease must not be all margin.
    pub(super) fn lease_margin(&self) -> Duration {
        (self.lease / 5).min(LEASE_MARGIN_MAX)
    }
}

/// Settings of watch streams.
#[derive(Clone, Debug)]
pub(crate) struct WatchOptions {
    pub heartbeat_interval: Duration,
    /// A stream ends with `draining` after a random age between these two.
    pub stream_age_min: Duration,
    pub stream_age_max: Duration,
    /// How often the store is asked which watched jobs have changed, whatever rang.
    pub resync_interval: Duration,
    /// Streams at a time on this replica.
    pub streams_max: usize,
    /// How long a cursor can be resumed.
    pub cursor_ttl: Duration,
    /// How long a message may wait for its reader before the stream is ended.
    pub slow_reader_limit: Duration,
}

/// Settings of the engine for one provider.
#[derive(Clone, Debug)]
pub(crate) struct ProviderOptions {
    /// Longest time for the billed call.
    pub call_time_limit: Duration,
    /// Longest time for one poll.
    pub poll_time_limit: Duration,
    /// When to poll: `delay(n)` after the n-th poll.
    pub poll: Backoff,
    pub gate: GateLimits,
}

/// A way to a work history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// CURP and names to Kiban.
    Kiban,
    /// CURP to an NSS at Nubarium, then both to Tu Identidad.
    Nss,
}
