//! What follows from how a call went: again, the other route, or the end.

use super::{
    harness::{World, submit_nameless},
    scripted::{accepted, ambiguous, down, history, no, not_sent, nss, rejected},
};
use crate::{
    domain::{
        gate::{Breaker, GateReport},
        job::{Stage, StateName},
        outcome::Charge,
        provider_id::ProviderId,
        reason::Reason,
    },
    engine::{Options, Route},
    store::conformance::fixtures,
};

const KIBAN: ProviderId = ProviderId::Kiban;

fn breakers(options: &mut Options) {
    for provider in options.providers.values_mut() {
        provider.gate.breaker_failures = 1;
        provider.gate.breaker_open = std::time::Duration::from_secs(3600);
    }
}

#[tokio::test]
async fn a_provider_that_stays_down_is_left_for_the_other_route() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(down(KIBAN));
    world.kiban.replies(not_sent());
    world.nubarium.replies(nss());
    world.tuidentidad.replies(history());
    let id = replica.start().await.snapshot.job.id;
    let job = replica.end(&id).await;
    assert_eq!(job.view().state, StateName::Succeeded);
    assert_eq!((world.kiban.calls(), world.tuidentidad.calls()), (2, 1));
    let charges: Vec<Charge> = job.attempts.iter().map(|attempt| attempt.charge).collect();
    assert_eq!(charges, [Charge::No, Charge::No, Charge::Yes, Charge::Yes]);
}

#[tokio::test]
async fn a_call_that_was_not_sent_is_made_again() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(not_sent());
    world.kiban.replies(history());
    let job = replica.end(&replica.start().await.snapshot.job.id).await;
    assert_eq!(job.view().state, StateName::Succeeded);
    assert!(
        job.events
            .iter()
            .any(|event| event.view.stage == Some(Stage::WaitingToRetry))
    );
}

#[tokio::test]
async fn refused_credentials_alarm_and_take_the_other_route_at_once() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(rejected(KIBAN, Reason::ProviderCredentials));
    world.nubarium.replies(nss());
    world.tuidentidad.replies(history());
    let id = replica.start().await.snapshot.job.id;
    assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
    assert_eq!(world.kiban.calls(), 1);
    let mut registry = prometheus_client::registry::Registry::default();
    replica.metrics.register(&mut registry);
    let mut shown = String::new();
    prometheus_client::encoding::text::encode(&mut shown, &registry).unwrap();
    assert!(shown.contains(r#"provider="kiban",alarm="credentials"} 1"#), "{shown}");
    let status = replica.provider_status().await.unwrap();
    assert!(status[0].configured && status[0].gate.credentials_refused);
}

#[tokio::test]
async fn without_another_route_the_last_reason_is_told() {
    let (world, replica) = World::with(|options| options.routes = vec![Route::Kiban]).await;
    world.kiban.replies(not_sent());
    world.kiban.replies(down(KIBAN));
    let id = replica.start().await.snapshot.job.id;
    let job = replica.end(&id).await;
    let failure = job.failure().unwrap();
    assert_eq!(failure.reason, Reason::ProviderUnavailable);
    assert_eq!(failure.provider_code.as_deref(), Some("503"));
}

#[tokio::test]
async fn a_person_whom_a_provider_refuses_is_asked_of_no_other() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(rejected(KIBAN, Reason::InvalidCurp));
    let id = replica.start().await.snapshot.job.id;
    assert_eq!(replica.ends(&id).await, (StateName::Failed, Some(Reason::InvalidCurp)));
    assert_eq!(world.nubarium.calls() + world.tuidentidad.calls(), 0);
}

#[tokio::test]
async fn a_person_whom_the_lookup_refuses_is_asked_of_no_other() {
    let (world, replica) = World::with(|options| options.routes = vec![Route::Nss, Route::Kiban]).await;
    world
        .nubarium
        .replies(rejected(ProviderId::Nubarium, Reason::InvalidCurp));
    let id = replica.start().await.snapshot.job.id;
    assert_eq!(replica.ends(&id).await, (StateName::Failed, Some(Reason::InvalidCurp)));
    assert_eq!(world.kiban.calls(), 0);
}

#[tokio::test]
async fn a_lookup_that_finds_no_nss_ends_the_job_and_one_that_fails_does_not() {
    let nss_first = |options: &mut Options| options.routes = vec![Route::Nss, Route::Kiban];
    let (world, replica) = World::with(nss_first).await;
    world.nubarium.replies(no(ProviderId::Nubarium, Reason::NssNotFound));
    let id = replica.start().await.snapshot.job.id;
    assert_eq!(replica.ends(&id).await, (StateName::Failed, Some(Reason::NssNotFound)));
    assert_eq!(world.kiban.calls(), 0);

    let (world, replica) = World::with(nss_first).await;
    world.nubarium.replies(down(ProviderId::Nubarium));
    world.nubarium.replies(down(ProviderId::Nubarium));
    world.kiban.replies(history());
    let id = replica.start().await.snapshot.job.id;
    assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
}

#[tokio::test]
async fn a_lookup_that_fails_gives_its_own_reason_when_no_route_is_left() {
    let (world, replica) = World::with(|options| options.person_daily_max = 1).await;
    world.nubarium.replies(nss());
    replica
        .lookup_nss(super::harness::lookup(), super::harness::soon())
        .await
        .unwrap();
    let mut fresh = submit_nameless();
    fresh.max_age = Some(std::time::Duration::ZERO);
    let id = replica.submit(fresh).await.unwrap().snapshot.job.id;
    assert_eq!(
        replica.ends(&id).await,
        (StateName::Failed, Some(Reason::PersonDailyLimit))
    );
}

#[tokio::test]
async fn an_open_breaker_sends_the_job_to_the_other_route() {
    let (world, replica) = World::with(breakers).await;
    open_breaker(&replica, KIBAN).await;
    world.nubarium.replies(nss());
    world.tuidentidad.replies(history());
    let id = replica.start().await.snapshot.job.id;
    assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
    assert_eq!(world.kiban.calls(), 0);
}

#[tokio::test]
async fn an_open_breaker_of_the_lookup_sends_the_job_to_the_other_route() {
    let (world, replica) = World::with(|options| {
        breakers(options);
        options.routes = vec![Route::Nss, Route::Kiban];
    })
    .await;
    open_breaker(&replica, ProviderId::Nubarium).await;
    world.kiban.replies(history());
    let id = replica.start().await.snapshot.job.id;
    assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
    assert_eq!(world.nubarium.calls(), 0);
}

#[tokio::test]
async fn without_another_route_a_job_waits_for_the_breaker() {
    let (world, replica) = World::with(|options| {
        breakers(options);
        options.routes = vec![Route::Kiban];
        let kiban = options.providers.get_mut(&KIBAN).unwrap();
        kiban.gate.breaker_open = std::time::Duration::from_millis(200);
    })
    .await;
    open_breaker(&replica, KIBAN).await;
    world.kiban.replies(history());
    let id = replica.start().await.snapshot.job.id;
    let job = replica.end(&id).await;
    assert_eq!((job.view().state, world.kiban.calls()), (StateName::Succeeded, 1));
    assert!(
        job.events
            .iter()
            .any(|event| event.view.stage == Some(Stage::WaitingToRetry))
    );
}

async fn open_breaker(replica: &super::harness::Replica, provider: ProviderId) {
    use crate::store::Store as _;
    let limits = replica.engine.inner.options.providers[&provider].gate.clone();
    let entrant = fixtures::entrant();
    let hold = std::time::Duration::from_secs(1);
    replica
        .store
        .enter_gate(provider, &entrant, &limits, hold)
        .await
        .unwrap();
    replica
        .store
        .leave_gate(provider, &entrant.intent, &limits, GateReport::Bad)
        .await
        .unwrap();
    let status = replica.store.gate_status(provider).await.unwrap();
    assert!(matches!(status.breaker, Breaker::Open { .. }));
}

#[tokio::test]
async fn an_ambiguous_call_ends_unknown_when_nobody_can_tell() {
    let (world, replica) = World::with(|options| options.ambiguous_grace = std::time::Duration::from_secs(3600)).await;
    world.kiban.replies(ambiguous());
    let id = replica.start().await.snapshot.job.id;
    assert_eq!(
        replica.ends(&id).await,
        (StateName::OutcomeUnknown, Some(Reason::OutcomeUnknown))
    );
    assert_eq!(
        world.kiban.calls() + world.tuidentidad.calls() + world.nubarium.calls(),
        1
    );
    assert_eq!(replica.rows().await[0].charge, Charge::Unknown);
}

#[tokio::test]
async fn an_ambiguous_call_goes_to_the_other_route_only_by_the_operators_leave() {
    let (world, replica) = World::with(|options| options.ambiguous_failover = true).await;
    world.kiban.replies(ambiguous());
    world.nubarium.replies(nss());
    world.tuidentidad.replies(history());
    let id = replica.start().await.snapshot.job.id;
    let job = replica.end(&id).await;
    assert_eq!((job.view().state, world.kiban.calls()), (StateName::Succeeded, 1));
    assert_eq!(job.attempts[0].charge, Charge::Unknown);
}

#[tokio::test]
async fn a_reference_that_the_provider_lost_ends_unknown() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(accepted("ref-1"));
    let lost = crate::domain::outcome::Outcome::ReferenceLost {
        failure: crate::domain::reason::Failure::told(Reason::OutcomeUnknown, KIBAN, None),
    };
    world.kiban.answers([None, Some(crate::providers::Reply::bare(lost))]);
    let id = replica.start().await.snapshot.job.id;
    assert_eq!(replica.ends(&id).await.0, StateName::OutcomeUnknown);
    assert_eq!(world.kiban.calls(), 1);
}
