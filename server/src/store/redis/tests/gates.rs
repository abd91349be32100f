//! Rules of the gate that the shared suite does not reach.

use std::time::Duration;

use super::server::{SHARED, options};
use crate::{
    domain::{
        gate::{Breaker, GateLimits, GateReport, Passage},
        provider_id::ProviderId,
    },
    store::{Store, conformance::fixtures, redis::open},
};

#[tokio::test]
async fn a_failed_probe_opens_the_breaker_though_the_limit_was_raised() {
    let store = open(options(&SHARED.url().await)).await.unwrap();
    let at_once = GateLimits {
        rate_max: 0,
        rate_window: Duration::from_secs(1),
        rate_burst: 1,
        in_flight_max: 0,
        breaker_failures: 1,
        breaker_open: Duration::ZERO,
    };
    let raised = GateLimits {
        breaker_failures: 5,
        breaker_open: Duration::from_secs(60),
        ..at_once.clone()
    };
    let hold = Duration::from_secs(60);
    for limits in [&at_once, &raised] {
        let entrant = fixtures::entrant();
        let passage = store
            .enter_gate(ProviderId::Kiban, &entrant, limits, hold)
            .await
            .unwrap();
        assert_eq!(passage, Passage::AT_ONCE);
        store
            .leave_gate(ProviderId::Kiban, &entrant.intent, limits, GateReport::Bad)
            .await
            .unwrap();
    }
    let status = store.gate_status(ProviderId::Kiban).await.unwrap();
    assert!(matches!(status.breaker, Breaker::Open { .. }), "{status:?}");
    assert_eq!(status.consecutive_failures, 2);
}
