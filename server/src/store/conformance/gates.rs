//! The gate before a provider, over all who share the store.

use std::time::Duration;

use super::{LONG, SHORT, World, fixtures};
use crate::{
    domain::{
        gate::{ABSENCE, Breaker, Called, Denial, Entrant, GateLimits, GateReport, Passage},
        ids::JobId,
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

const ONE_PLACE: GateLimits = GateLimits {
    in_flight_max: 1,
    ..UNLIMITED
};

/// A job that wants to make a call.
fn someone() -> Entrant {
    fixtures::entrant()
}

/// One that was turned away before, and that the gate does not know any more.
fn someone_late() -> Entrant {
    let mut late = someone();
    late.waiter.since = Some(fixtures::EPOCH - LONG);
    late
}

async fn enter(store: &dyn Store, entrant: &Entrant, limits: &GateLimits) -> Passage {
    store.enter_gate(PROVIDER, entrant, limits, LONG).await.unwrap()
}

/// Leaves, and says who is called.
async fn leave(store: &dyn Store, entrant: &Entrant, limits: &GateLimits, report: GateReport) -> Vec<JobId> {
    let left = store.leave_gate(PROVIDER, &entrant.intent, limits, report);
    left.await.unwrap().into_iter().map(|called| called.job).collect()
}

async fn assert_granted(world: &World, entrant: &Entrant, limits: &GateLimits) {
    assert_eq!(enter(&*world.store, entrant, limits).await, Passage::AT_ONCE);
}

async fn assert_denied(world: &World, limits: &GateLimits, expected: Denial) -> Duration {
    assert_waits(world, &someone(), limits, expected).await
}

async fn assert_waits(world: &World, entrant: &Entrant, limits: &GateLimits, expected: Denial) -> Duration {
    match enter(&*world.store, entrant, limits).await {
        Passage::Denied { why, retry_after } if why == expected && retry_after > Duration::ZERO => retry_after,
        other => panic!("a denial for {expected:?} was expected: {other:?}"),
    }
}

/// One call and how it went.
async fn call(world: &World, limits: &GateLimits, report: GateReport) {
    let intent = someone();
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
    assert_denied(world, &limits, Denial::Rate).await;

    let quick = GateLimits {
        rate_max: 1,
        rate_window: SHORT,
        ..UNLIMITED
    };
    let other = ProviderId::TuIdentidad;
    for _ in 0..3 {
        assert_eq!(
            world.store.enter_gate(other, &someone(), &quick, LONG).await.unwrap(),
            Passage::AT_ONCE
        );
        world.advance(SHORT).await;
    }
}

pub(crate) async fn a_call_that_may_soon_begin_is_granted_and_told_when(world: &World) {
    let limits = GateLimits {
        rate_max: 4,
        rate_window: Duration::from_secs(1),
        ..UNLIMITED
    };
    let quarter = Duration::from_millis(250);
    assert_granted(world, &someone(), &limits).await;
    let second = someone();
    let Passage::Granted { start_in } = enter(&*world.store, &second, &limits).await else {
        panic!("a quarter of a second is soon");
    };
    assert!(start_in <= quarter, "{start_in:?}");
    let Passage::Granted { start_in: again_in } = enter(&*world.store, &second, &limits).await else {
        panic!("it has been granted");
    };
    assert!(again_in <= start_in, "{again_in:?} {start_in:?}");
}

pub(crate) async fn turns_of_a_rate_follow_each_other_and_who_waits_longest_is_first(world: &World) {
    let limits = GateLimits {
        rate_max: 1,
        rate_window: Duration::from_secs(10),
        ..UNLIMITED
    };
    assert_granted(world, &someone(), &limits).await;
    let is_turn = |wait: Duration, turn: u64| wait.as_secs() + 2 >= turn * 10 && wait.as_secs() < turn * 10;
    for turn in [1, 2, 3] {
        let (younger, wait) = (someone(), async |entrant: &Entrant| {
            assert_waits(world, entrant, &limits, Denial::Rate).await
        });
        let first = wait(&younger).await;
        assert!(is_turn(first, turn), "turn {turn}: {first:?}");
        let again = wait(&younger).await;
        assert!(is_turn(again, turn), "asked again, turn {turn}: {again:?}");
    }
    let wait = assert_waits(world, &someone_late(), &limits, Denial::Rate).await;
    assert!(is_turn(wait, 1), "{wait:?}");
    let wait = assert_denied(world, &limits, Denial::Rate).await;
    assert!(is_turn(wait, 5), "{wait:?}");
}

pub(crate) async fn nobody_is_told_to_wait_for_long(world: &World) {
    let limits = GateLimits {
        rate_max: 1,
        ..UNLIMITED
    };
    assert_granted(world, &someone(), &limits).await;
    for _ in 0..3 {
        let wait = assert_denied(world, &limits, Denial::Rate).await;
        assert!(
            wait >= Duration::from_secs(25) && wait <= Duration::from_secs(60),
            "{wait:?}"
        );
    }
}

pub(crate) async fn only_the_last_call_of_a_rate_gives_its_interval_back(world: &World) {
    let limits = GateLimits {
        rate_max: 2,
        rate_burst: 2,
        ..UNLIMITED
    };
    let (first, second, third) = (someone(), someone(), someone());
    assert_granted(world, &first, &limits).await;
    assert_granted(world, &second, &limits).await;
    leave(&*world.store, &first, &limits, GateReport::Unused).await;
    assert_waits(world, &third, &limits, Denial::Rate).await;
    leave(&*world.store, &second, &limits, GateReport::Unused).await;
    assert_granted(world, &third, &limits).await;
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
    let (first, second) = (someone(), someone());
    assert_granted(world, &first, &limits).await;
    assert_granted(world, &second, &limits).await;
    assert_eq!(world.store.gate_status(PROVIDER).await.unwrap().in_flight, 2);
    let third = someone();
    assert_waits(world, &third, &limits, Denial::InFlight).await;
    leave(&*world.store, &first, &limits, GateReport::Good).await;
    assert_eq!(world.store.gate_status(PROVIDER).await.unwrap().in_flight, 1);
    assert_granted(world, &third, &limits).await;
    assert_denied(world, &limits, Denial::InFlight).await;
}

pub(crate) async fn who_leaves_calls_who_waits_longest(world: &World) {
    let (first, second, late) = (someone(), someone(), someone_late());
    assert_granted(world, &first, &ONE_PLACE).await;
    for entrant in [&second, &late, &second] {
        assert_waits(world, entrant, &ONE_PLACE, Denial::InFlight).await;
    }
    let left = world
        .store
        .leave_gate(PROVIDER, &first.intent, &ONE_PLACE, GateReport::Good);
    let called = Called {
        job: late.waiter.job.clone(),
        within: Duration::ZERO,
    };
    assert_eq!(left.await.unwrap(), [called]);
    assert_denied(world, &ONE_PLACE, Denial::InFlight).await;
    assert_waits(world, &second, &ONE_PLACE, Denial::InFlight).await;
    assert_granted(world, &late, &ONE_PLACE).await;
    let next = leave(&*world.store, &late, &ONE_PLACE, GateReport::Unused).await;
    assert_eq!(next, [second.waiter.job]);
}

pub(crate) async fn who_is_called_comes_when_the_rate_allows_it(world: &World) {
    let limits = GateLimits {
        in_flight_max: 2,
        rate_max: 1,
        rate_window: Duration::from_secs(10),
        ..UNLIMITED
    };
    let (first, second, third) = (someone(), someone(), someone());
    assert_granted(world, &first, &limits).await;
    assert_waits(world, &second, &limits, Denial::Rate).await;
    assert_waits(world, &third, &limits, Denial::InFlight).await;
    let left = world
        .store
        .leave_gate(PROVIDER, &first.intent, &limits, GateReport::Good);
    let called = left.await.unwrap();
    assert_eq!(called.len(), 1);
    assert_eq!(called[0].job, third.waiter.job);
    let within = called[0].within;
    assert!(
        within > Duration::from_secs(17) && within < Duration::from_secs(20),
        "{within:?}"
    );
}

pub(crate) async fn who_is_called_and_does_not_come_has_no_turn(world: &World) {
    let (first, absent, next) = (someone(), someone(), someone());
    assert_granted(world, &first, &ONE_PLACE).await;
    assert_waits(world, &absent, &ONE_PLACE, Denial::InFlight).await;
    assert_waits(world, &next, &ONE_PLACE, Denial::InFlight).await;
    leave(&*world.store, &first, &ONE_PLACE, GateReport::Good).await;
    world.advance(ABSENCE + SHORT).await;
    assert_granted(world, &next, &ONE_PLACE).await;
    assert_waits(world, &absent, &ONE_PLACE, Denial::InFlight).await;
    assert_eq!(
        leave(&*world.store, &next, &ONE_PLACE, GateReport::Good).await,
        [absent.waiter.job]
    );
}

pub(crate) async fn a_job_whose_time_is_up_is_not_called(world: &World) {
    let (first, mut over, next) = (someone(), someone(), someone());
    over.waiter.until = world.now().await;
    assert_granted(world, &first, &ONE_PLACE).await;
    assert_waits(world, &over, &ONE_PLACE, Denial::InFlight).await;
    assert_waits(world, &next, &ONE_PLACE, Denial::InFlight).await;
    assert_eq!(
        leave(&*world.store, &first, &ONE_PLACE, GateReport::Good).await,
        [next.waiter.job]
    );
}

pub(crate) async fn nobody_is_called_to_an_open_breaker(world: &World) {
    let limits = GateLimits {
        breaker_failures: 1,
        ..ONE_PLACE
    };
    let (first, waits) = (someone(), someone());
    assert_granted(world, &first, &limits).await;
    assert_waits(world, &waits, &limits, Denial::InFlight).await;
    assert_eq!(leave(&*world.store, &first, &limits, GateReport::Bad).await, []);
    assert_waits(world, &waits, &limits, Denial::Breaker).await;
}

pub(crate) async fn a_place_is_given_up_by_itself(world: &World) {
    let limits = GateLimits {
        in_flight_max: 1,
        ..UNLIMITED
    };
    let lost = someone();
    assert_eq!(
        world.store.enter_gate(PROVIDER, &lost, &limits, SHORT).await.unwrap(),
        Passage::AT_ONCE
    );
    world.advance(SHORT).await;
    assert_eq!(world.store.gate_status(PROVIDER).await.unwrap().in_flight, 0);
    assert_granted(world, &someone(), &limits).await;
}

pub(crate) async fn entering_twice_takes_one_place(world: &World) {
    let limits = GateLimits {
        in_flight_max: 2,
        rate_max: 2,
        rate_burst: 2,
        ..UNLIMITED
    };
    let intent = someone();
    assert_granted(world, &intent, &limits).await;
    assert_granted(world, &intent, &limits).await;
    assert_granted(world, &someone(), &limits).await;
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
    let probe = someone();
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
    assert_granted(world, &someone(), &limits).await;
    assert_granted(world, &someone(), &limits).await;
}

pub(crate) async fn an_unused_probe_gives_way_to_the_next(world: &World) {
    let limits = half_open(world).await;
    call(world, &limits, GateReport::Unused).await;
    assert_eq!(breaker(world).await, Breaker::HalfOpen);
    let lost = someone();
    assert_eq!(
        world.store.enter_gate(PROVIDER, &lost, &limits, SHORT).await.unwrap(),
        Passage::AT_ONCE
    );
    world.advance(SHORT).await;
    assert_granted(world, &someone(), &limits).await;
    assert_denied(world, &limits, Denial::Breaker).await;
}

pub(crate) async fn leaving_twice_or_unknown_is_no_news(world: &World) {
    let intent = someone();
    assert_granted(world, &intent, &BREAKER).await;
    for _ in 0..3 {
        leave(&*world.store, &intent, &BREAKER, GateReport::Bad).await;
    }
    leave(&*world.store, &someone(), &BREAKER, GateReport::Bad).await;
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
        .enter_gate(ProviderId::Nubarium, &someone(), &BREAKER, LONG)
        .await
        .unwrap();
    assert_eq!(passage, Passage::AT_ONCE);
}
