//! The gate before a provider, over all who share the store.

use std::time::Duration;

use super::{LONG, SHORT, World, fixtures};
use crate::{
    domain::{
        gate::{Breaker, Denial, GateLimits, GateReport, Passage},
        ids::IntentId,
        provider_id::ProviderId,
    },
    store::Store,
};

const PROVIDER: ProviderId = ProviderId::Kiban;

const UNLIMITED: GateLimits = GateLimits {
    rate_max: 0,
    rate_window: LONG,
    rate_burst: 1,
    in_flight_max: 0,
    breaker_failures: 0,
    breaker_open: LONG,
};

const BREAKER: GateLimits = GateLimits {
    breaker_failures: 2,
    ..UNLIMITED
};

fn name() -> IntentId {
    fixtures::history_intent().id
}

async fn enter(store: &dyn Store, intent: &IntentId, limits: &GateLimits) -> Passage {
    store.enter_gate(PROVIDER, intent, limits, LONG).await.unwrap()
}

async fn leave(store: &dyn Store, intent: &IntentId, limits: &GateLimits, report: GateReport) {
    store.leave_gate(PROVIDER, intent, limits, report).await.unwrap();
}

async fn assert_granted(world: &World, intent: &IntentId, limits: &GateLimits) {
    assert_eq!(enter(&*world.store, intent, limits).await, Passage::Granted);
}

async fn assert_denied(world: &World, limits: &GateLimits, expected: Denial) -> Duration {
    match enter(&*world.store, &name(), limits).await {
        Passage::Denied { why, retry_after } if why == expected && retry_after > Duration::ZERO => retry_after,
        other => panic!("a denial for {expected:?} was expected: {other:?}"),
    }
}

/// One call and how it went.
async fn call(world: &World, limits: &GateLimits, report: GateReport) {
    let intent = name();
    assert_granted(world, &intent, limits).await;
    leave(&*world.store, &intent, limits, report).await;
}

async fn breaker(world: &World) -> Breaker {
    world.store.gate_status(PROVIDER).await.unwrap().breaker
}

/// A breaker that was open and may be tried now.
async fn half_open(world: &World) -> GateLimits {
    let limits = GateLimits {
        breaker_open: SHORT,
        ..BREAKER
    };
    call(world, &limits, GateReport::Bad).await;
    call(world, &limits, GateReport::Bad).await;
    world.advance(SHORT).await;
    assert_eq!(breaker(world).await, Breaker::HalfOpen);
    GateLimits {
        breaker_open: LONG,
        ..limits
    }
}

pub(crate) async fn calls_are_spread_by_the_rate(world: &World) {
    // One each half hour, two at once.
    let limits = GateLimits {
        rate_max: 2,
        rate_burst: 2,
        ..UNLIMITED
    };
    call(world, &limits, GateReport::Good).await;
    call(world, &limits, GateReport::Good).await;
    let wait = assert_denied(world, &limits, Denial::Rate).await;
    assert!(wait <= LONG / 2 && wait > LONG / 4, "{wait:?}");

    let quick = GateLimits {
        rate_max: 1,
        rate_window: SHORT,
        ..UNLIMITED
    };
    let other = ProviderId::TuIdentidad;
    for _ in 0..3 {
        assert_eq!(
            world.store.enter_gate(other, &name(), &quick, LONG).await.unwrap(),
            Passage::Granted
        );
        world.advance(SHORT).await;
    }
}

pub(crate) async fn a_place_that_was_not_used_costs_no_call_of_the_rate(world: &World) {
    let limits = GateLimits {
        rate_max: 1,
        ..UNLIMITED
    };
    for _ in 0..3 {
        call(world, &limits, GateReport::Unused).await;
    }
    call(world, &limits, GateReport::Good).await;
    assert_denied(world, &limits, Denial::Rate).await;
}

pub(crate) async fn so_many_calls_go_at_a_time(world: &World) {
    let limits = GateLimits {
        in_flight_max: 2,
        ..UNLIMITED
    };
    let (first, second) = (name(), name());
    assert_granted(world, &first, &limits).await;
    assert_granted(world, &second, &limits).await;
    assert_eq!(world.store.gate_status(PROVIDER).await.unwrap().in_flight, 2);
    assert_denied(world, &limits, Denial::InFlight).await;
    leave(&*world.store, &first, &limits, GateReport::Good).await;
    assert_eq!(world.store.gate_status(PROVIDER).await.unwrap().in_flight, 1);
    assert_granted(world, &name(), &limits).await;
    assert_denied(world, &limits, Denial::InFlight).await;
}

pub(crate) async fn a_place_is_given_up_by_itself(world: &World) {
    let limits = GateLimits {
        in_flight_max: 1,
        ..UNLIMITED
    };
    let lost = name();
    assert_eq!(
        world.store.enter_gate(PROVIDER, &lost, &limits, SHORT).await.unwrap(),
        Passage::Granted
    );
    world.advance(SHORT).await;
    assert_eq!(world.store.gate_status(PROVIDER).await.unwrap().in_flight, 0);
    assert_granted(world, &name(), &limits).await;
}

pub(crate) async fn entering_twice_takes_one_place(world: &World) {
    let limits = GateLimits {
        in_flight_max: 2,
        rate_max: 2,
        rate_burst: 2,
        ..UNLIMITED
    };
    let intent = name();
    assert_granted(world, &intent, &limits).await;
    assert_granted(world, &intent, &limits).await;
    assert_granted(world, &name(), &limits).await;
    assert_eq!(world.store.gate_status(PROVIDER).await.unwrap().in_flight, 2);
}

pub(crate) async fn failures_open_the_breaker(world: &World) {
    call(world, &BREAKER, GateReport::Bad).await;
    assert_eq!(breaker(world).await, Breaker::Closed);
    assert_eq!(world.store.gate_status(PROVIDER).await.unwrap().consecutive_failures, 1);
    call(world, &BREAKER, GateReport::CredentialsRefused).await;
    assert!(matches!(breaker(world).await, Breaker::Open { .. }));
    let wait = assert_denied(world, &BREAKER, Denial::Breaker).await;
    assert!(wait <= LONG && wait > LONG / 2, "{wait:?}");
}

pub(crate) async fn a_good_call_forgets_failures(world: &World) {
    for report in [GateReport::Bad, GateReport::Good, GateReport::Bad, GateReport::Unused] {
        call(world, &BREAKER, report).await;
    }
    assert_eq!(breaker(world).await, Breaker::Closed);
    assert_eq!(world.store.gate_status(PROVIDER).await.unwrap().consecutive_failures, 1);
    for _ in 0..5 {
        call(world, &UNLIMITED, GateReport::Bad).await;
    }
    assert_eq!(breaker(world).await, Breaker::Closed, "a limit of zero never opens it");
}

pub(crate) async fn one_probe_tries_a_half_open_breaker(world: &World) {
    let limits = half_open(world).await;
    let probe = name();
    assert_granted(world, &probe, &limits).await;
    assert_denied(world, &limits, Denial::Breaker).await;
    assert_granted(world, &probe, &limits).await;
}

pub(crate) async fn a_failed_probe_opens_the_breaker_again(world: &World) {
    let limits = half_open(world).await;
    call(world, &limits, GateReport::Bad).await;
    assert!(matches!(breaker(world).await, Breaker::Open { .. }));
    assert_denied(world, &limits, Denial::Breaker).await;
}

pub(crate) async fn a_good_probe_closes_the_breaker(world: &World) {
    let limits = half_open(world).await;
    call(world, &limits, GateReport::Good).await;
    let status = world.store.gate_status(PROVIDER).await.unwrap();
    assert_eq!((status.breaker, status.consecutive_failures), (Breaker::Closed, 0));
    assert_granted(world, &name(), &limits).await;
    assert_granted(world, &name(), &limits).await;
}

pub(crate) async fn an_unused_probe_gives_way_to_the_next(world: &World) {
    let limits = half_open(world).await;
    call(world, &limits, GateReport::Unused).await;
    assert_eq!(breaker(world).await, Breaker::HalfOpen);
    let lost = name();
    assert_eq!(
        world.store.enter_gate(PROVIDER, &lost, &limits, SHORT).await.unwrap(),
        Passage::Granted
    );
    world.advance(SHORT).await;
    assert_granted(world, &name(), &limits).await;
    assert_denied(world, &limits, Denial::Breaker).await;
}

pub(crate) async fn leaving_twice_or_unknown_is_no_news(world: &World) {
    let intent = name();
    assert_granted(world, &intent, &BREAKER).await;
    for _ in 0..3 {
        leave(&*world.store, &intent, &BREAKER, GateReport::Bad).await;
    }
    leave(&*world.store, &name(), &BREAKER, GateReport::Bad).await;
    assert_eq!(world.store.gate_status(PROVIDER).await.unwrap().consecutive_failures, 1);
}

pub(crate) async fn what_an_operator_must_mend_is_shown_until_it_is_mended(world: &World) {
    call(world, &UNLIMITED, GateReport::CredentialsRefused).await;
    call(world, &UNLIMITED, GateReport::ContractChanged).await;
    let status = world.store.gate_status(PROVIDER).await.unwrap();
    assert!(status.credentials_refused && status.contract_changed);
    call(world, &UNLIMITED, GateReport::Good).await;
    let status = world.store.gate_status(PROVIDER).await.unwrap();
    assert!(!status.credentials_refused && !status.contract_changed);
}

pub(crate) async fn gates_of_providers_are_apart(world: &World) {
    call(world, &BREAKER, GateReport::Bad).await;
    call(world, &BREAKER, GateReport::Bad).await;
    let other = world.store.gate_status(ProviderId::Nubarium).await.unwrap();
    assert_eq!((other.breaker, other.consecutive_failures), (Breaker::Closed, 0));
    let passage = world
        .store
        .enter_gate(ProviderId::Nubarium, &name(), &BREAKER, LONG)
        .await
        .unwrap();
    assert_eq!(passage, Passage::Granted);
}
