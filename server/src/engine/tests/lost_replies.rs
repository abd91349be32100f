//! Replies of the store that never come, commits that arrive when nobody waits for them any more, and a failover between two reads.

use std::time::Duration;

use super::{
    harness::{World, lookup, reason, soon, submit_nameless, until},
    scripted::{accepted, ambiguous, history},
    settings::counted,
};
use crate::{
    domain::{ids::Tenant, job::StateName, outcome::Charge, provider_id::ProviderId, reason::Reason},
    engine::Submit,
    store::Store as _,
};

#[tokio::test]
async fn lost_replies_to_claims_are_not_held_against_a_job() {
    let (world, idle) = World::with(|options| options.workers_max = 0).await;
    world.kiban.replies(history());
    let id = idle.start().await.snapshot.job.id;
    let lossy = world
        .replica_that(
            |options| options.lease = Duration::from_millis(100),
            |store| store.loses_claims(8),
        )
        .await;
    assert_eq!(lossy.ends(&id).await.0, StateName::Succeeded);
    assert_eq!(world.kiban.calls(), 1);
}

#[tokio::test]
async fn a_place_at_a_gate_whose_reply_was_lost_is_used_and_not_left_behind() {
    let (world, replica) = World::with(|options| {
        let kiban = options.providers.get_mut(&ProviderId::Kiban).unwrap();
        kiban.call_time_limit = Duration::from_secs(600);
        kiban.gate.in_flight_max = 1;
    })
    .await;
    replica.store.loses_gate_entries(2);
    world.kiban.replies(history());
    let id = replica.start().await.snapshot.job.id;
    assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
}

#[tokio::test]
async fn an_intent_that_arrives_after_it_was_given_up_does_not_count() {
    let (world, replica) = World::with(|options| {
        options.lease = Duration::from_millis(300);
        counted(options);
    })
    .await;
    replica.store.holds_first_intent();
    world.kiban.replies(history());
    let id = replica.start().await.snapshot.job.id;
    until("Kiban is asked", || async { world.kiban.calls() == 1 }).await;
    let job = replica.end(&id).await;
    assert_eq!(job.view().state, StateName::Succeeded);
    assert!(job.attempts.iter().all(|attempt| attempt.charge != Charge::Unknown));
}

#[tokio::test]
async fn leave_for_another_charge_is_leave_for_one_however_often_a_lookup_is_started() {
    let (world, replica) = World::with(|options| options.lease = Duration::from_millis(100)).await;
    replica.store.loses_lookups(1);
    world.nubarium.replies(ambiguous());
    let submit = Submit {
        allow_repeat_charge: true,
        ..submit_nameless()
    };
    let id = replica.submit(submit).await.unwrap().snapshot.job.id;
    assert_eq!(
        replica.ends(&id).await,
        (StateName::Failed, Some(Reason::OutcomeUnknown))
    );
    assert_eq!(world.nubarium.calls(), 1);
}

#[tokio::test]
async fn an_answer_that_is_forgotten_between_two_reads_is_asked_for_again() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(accepted("reference"));
    let id = replica.start().await.snapshot.job.id;
    until("Kiban is polled", || async { world.kiban.polls() > 0 }).await;
    let before = replica.store.read(&id).await.unwrap().unwrap();
    world.kiban.answers([Some(history())]);
    replica.end(&id).await;
    let ended = replica.store.read(&id).await.unwrap().unwrap();

    replica.store.goes_back_to(before);
    let got = replica.get(&Tenant::sole(), id.as_str(), None).await;
    assert_eq!(reason(got), Reason::StoreUnavailable);

    // A job that stands as it was read, and has no answer, is damaged; nobody need come back for it.
    replica.store.goes_back_to(ended);
    let got = replica.get(&Tenant::sole(), id.as_str(), None).await;
    assert_eq!(reason(got), Reason::Internal);
}

#[tokio::test]
async fn a_lookup_that_is_lost_while_it_is_waited_for_is_asked_for_again() {
    let (world, replica) = World::with(|_| {}).await;
    let _release = world.nubarium.hangs();
    let waiting = async { reason(replica.lookup_nss(lookup(), soon()).await) };
    let lost = async {
        until("Nubarium is asked", || async { world.nubarium.calls() == 1 }).await;
        replica.store.forgets_every_job();
    };
    let (found, ()) = tokio::join!(waiting, lost);
    assert_eq!(found, Reason::StoreUnavailable, "it had begun to wait");
    let found = replica.lookup_nss(lookup(), soon()).await;
    assert_eq!(reason(found), Reason::StoreUnavailable, "it had not");
}
