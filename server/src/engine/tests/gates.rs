//! Gates that do not count calls: what is asked of them, and what their breaker still learns.

use std::{sync::atomic::Ordering, time::Duration};

use super::{
    harness::{Replica, World, until},
    scripted::{down, history, rejected},
};
use crate::{
    domain::{
        gate::{Breaker, GateLimits, GateReport, GateStatus},
        job::StateName,
        provider_id::ProviderId,
        reason::Reason,
    },
    engine::{Options, Route},
    store::{Store as _, conformance::fixtures},
};

const KIBAN: ProviderId = ProviderId::Kiban;

fn breaker(options: &mut Options) {
    options.routes = vec![Route::Kiban];
    let kiban = options.providers.get_mut(&KIBAN).unwrap();
    kiban.gate.breaker_failures = 2;
    kiban.gate.breaker_open = Duration::from_secs(3600);
}

async fn gate(replica: &Replica) -> GateStatus {
    replica.store.gate_status(KIBAN).await.unwrap()
}

/// What a call of another replica tells the gate.
async fn is_told(replica: &Replica, report: GateReport) {
    let (entrant, hold) = (fixtures::entrant(), Duration::from_secs(1));
    let entered = replica.store.enter_gate(KIBAN, &entrant, &GateLimits::NONE, hold);
    entered.await.unwrap();
    let left = replica
        .store
        .leave_gate(KIBAN, &entrant.intent, &GateLimits::NONE, report);
    left.await.unwrap();
}

#[tokio::test]
async fn a_good_call_asks_nothing_of_a_gate_that_has_nothing_to_say() {
    for settings in [|_: &mut Options| {}, breaker] {
        let (world, replica) = World::with(settings).await;
        world.kiban.replies(history());
        let id = replica.start().await.snapshot.job.id;
        assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
        drop(replica.stop.clone().drop_guard());
        replica.run.await.unwrap();
        assert_eq!(replica.store.gate_calls.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn failures_open_a_breaker_that_counts_no_calls() {
    let (world, replica) = World::with(breaker).await;
    world.kiban.replies(down(KIBAN));
    world.kiban.replies(down(KIBAN));
    let id = replica.start().await.snapshot.job.id;
    assert_eq!(replica.ends(&id).await.0, StateName::Failed);
    until("the breaker is open", || async {
        matches!(gate(&replica).await.breaker, Breaker::Open { .. })
    })
    .await;
}

#[tokio::test]
async fn a_good_call_takes_back_what_another_replica_told() {
    for report in [
        GateReport::Bad,
        GateReport::CredentialsRefused,
        GateReport::ContractChanged,
    ] {
        let (world, replica) = World::with(breaker).await;
        is_told(&replica, report).await;
        assert!(!gate(&replica).await.is_clear());
        world.kiban.replies(history());
        let id = replica.start().await.snapshot.job.id;
        assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
        until("it is taken back", || async { gate(&replica).await.is_clear() }).await;
    }
}

#[tokio::test]
async fn refused_credentials_are_shown_until_a_call_succeeds_though_nothing_is_limited() {
    let (world, replica) = World::with(|options| options.routes = vec![Route::Kiban]).await;
    world.kiban.replies(rejected(KIBAN, Reason::ProviderCredentials));
    let id = replica.start().await.snapshot.job.id;
    assert_eq!(replica.ends(&id).await.0, StateName::Failed);
    until("they are shown", || async { gate(&replica).await.credentials_refused }).await;
    world.kiban.replies(history());
    let id = replica.start().await.snapshot.job.id;
    assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
    until("it is taken back", || async { gate(&replica).await.is_clear() }).await;
}
