//! Settings of the replicas in these stories.

use std::time::Duration;

use super::harness::PATIENCE;
use crate::{
    domain::{gate::GateLimits, provider_id::ProviderId, retry::Backoff},
    engine::{Options, ProviderOptions, Route, WatchOptions},
};

fn backoff(tries_max: u32) -> Backoff {
    Backoff {
        first: Duration::from_millis(5),
        factor: 1.0,
        max: Duration::from_millis(5),
        tries_max,
    }
}

/// Leases here outlast a busy machine; stories about their end make them short.
pub(super) fn options() -> Options {
    let provider = ProviderOptions {
        call_time_limit: Duration::from_secs(5),
        poll_time_limit: Duration::from_secs(1),
        poll: backoff(0),
        gate: GateLimits {
            rate_max: 0,
            rate_window: Duration::from_secs(1),
            rate_burst: 1,
            in_flight_max: 0,
            breaker_failures: 0,
            breaker_open: Duration::from_millis(100),
        },
    };
    Options {
        workers_max: 16,
        lease: Duration::from_secs(5),
        sweep_interval: Duration::from_millis(20),
        job_deadline: Duration::from_secs(60),
        max_age_default: Duration::from_secs(24 * 3600),
        stalled_claims_max: 3,
        ambiguous_grace: Duration::from_millis(60),
        ambiguous_failover: false,
        person_daily_max: 0,
        retry: backoff(2),
        routes: vec![Route::Kiban, Route::Nss],
        lookup_wait_max: PATIENCE,
        retention: Duration::from_secs(30 * 24 * 3600),
        test_cases_allowed: true,
        public_url: None,
        drain_limit: Duration::from_secs(5),
        watch: WatchOptions {
            heartbeat_interval: Duration::from_millis(50),
            stream_age_min: Duration::from_secs(60),
            stream_age_max: Duration::from_secs(60),
            resync_interval: Duration::from_millis(100),
            streams_max: 100,
            cursor_ttl: Duration::from_secs(3600),
            slow_reader_limit: Duration::from_secs(1),
        },
        providers: ProviderId::ALL.map(|id| (id, provider.clone())).into(),
    }
}

/// Gates that every call enters and leaves.
pub(super) fn counted(options: &mut Options) {
    for provider in options.providers.values_mut() {
        provider.gate.in_flight_max = 100;
    }
}

/// Leases that end within a story.
pub(super) fn short_leases(options: &mut Options) {
    options.lease = Duration::from_millis(300);
    for provider in options.providers.values_mut() {
        provider.call_time_limit = Duration::from_millis(300);
        provider.poll_time_limit = Duration::from_millis(100);
    }
}
