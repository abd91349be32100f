//! Jobs that are cancelled, kept waiting by a limit, or out of time.

use std::time::Duration;

use super::{
    harness::{Replica, World, reason, submit, submit_for, submit_nameless, until},
    scripted::{accepted, ambiguous, down, history, nss},
};
use crate::{
    domain::{
        ids::{JobId, Tenant},
        job::{Stage, State, StateName},
        outcome::Charge,
        provider_id::ProviderId,
        reason::Reason,
    },
    engine::{Options, Route},
};

async fn cancel(replica: &Replica, id: &JobId) -> StateName {
    let snapshot = replica.cancel(&Tenant::sole(), id.as_str()).await.unwrap();
    snapshot.job.view().state
}

#[tokio::test]
async fn a_queued_job_is_cancelled_at_once() {
    let (world, replica) = World::with(|options| options.workers_max = 0).await;
    let id = replica.start().await.snapshot.job.id;
    assert_eq!(cancel(&replica, &id).await, StateName::Cancelled);
    assert_eq!(cancel(&replica, &id).await, StateName::Cancelled);
    assert_eq!(world.kiban.calls(), 0);
    let again = replica.start().await;
    assert_eq!(
        again.disposition,
        crate::engine::Disposition::Started,
        "a cancelled job is not given back"
    );
}

#[tokio::test]
async fn a_cancelled_call_still_brings_its_answer() {
    let (world, replica) = World::with(|_| {}).await;
    let release = world.kiban.hangs();
    let id = replica.start().await.snapshot.job.id;
    let joined = replica.start().await.snapshot.job.id;
    assert_eq!(joined, id, "others take part in it");
    until("Kiban is asked", || async { world.kiban.calls() == 1 }).await;
    assert_eq!(cancel(&replica, &id).await, StateName::Running);
    assert!(release.send(accepted("ref-1")).is_ok());
    replica
        .when(&id, |job| matches!(job.state, State::Waiting { .. }))
        .await;
    assert_eq!(cancel(&replica, &id).await, StateName::Running);
    world.kiban.answers([Some(history())]);
    assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
}

#[tokio::test]
async fn a_cancelled_call_that_cost_nothing_is_not_repeated() {
    let (world, replica) = World::with(|_| {}).await;
    let release = world.kiban.hangs();
    let id = replica.start().await.snapshot.job.id;
    until("Kiban is asked", || async { world.kiban.calls() == 1 }).await;
    cancel(&replica, &id).await;
    assert!(release.send(down(ProviderId::Kiban)).is_ok());
    assert_eq!(replica.ends(&id).await.0, StateName::Cancelled);
    assert_eq!(world.kiban.calls() + world.nubarium.calls(), 1);
}

#[tokio::test]
async fn a_cancelled_ambiguous_job_goes_nowhere_else() {
    let (world, replica) = World::with(|options| options.ambiguous_failover = true).await;
    let release = world.kiban.hangs();
    let id = replica.start().await.snapshot.job.id;
    until("Kiban is asked", || async { world.kiban.calls() == 1 }).await;
    cancel(&replica, &id).await;
    assert!(release.send(ambiguous()).is_ok());
    assert_eq!(replica.ends(&id).await.0, StateName::OutcomeUnknown);
    assert_eq!(world.nubarium.calls() + world.tuidentidad.calls(), 0);
}

#[tokio::test]
async fn a_job_cancelled_in_its_lookup_leaves_the_lookup_to_others() {
    let (world, replica) = World::with(|_| {}).await;
    let release = world.nubarium.hangs();
    let id = replica.submit(submit_nameless()).await.unwrap().snapshot.job.id;
    replica
        .when(&id, |job| matches!(job.state, State::AwaitingNss { .. }))
        .await;
    until("Nubarium is asked", || async { world.nubarium.calls() == 1 }).await;
    assert_eq!(cancel(&replica, &id).await, StateName::Cancelled);
    assert!(release.send(nss()).is_ok());
    let found = replica
        .lookup_nss(super::harness::lookup(), super::harness::soon())
        .await;
    assert!(found.is_ok());
    assert_eq!((world.nubarium.calls(), world.tuidentidad.calls()), (1, 0));
}

#[tokio::test]
async fn a_person_has_so_many_charges_a_day() {
    let (world, replica) = World::with(|options| options.person_daily_max = 1).await;
    world.kiban.replies(history());
    world.kiban.replies(history());
    replica.end(&replica.start().await.snapshot.job.id).await;
    let mut fresh = submit();
    fresh.max_age = Some(Duration::ZERO);
    let second = replica.submit(fresh).await.unwrap().snapshot.job.id;
    assert_eq!(
        replica.ends(&second).await,
        (StateName::Failed, Some(Reason::PersonDailyLimit))
    );
    let other = replica.submit(submit_for(2)).await.unwrap().snapshot.job.id;
    assert_eq!(replica.ends(&other).await.0, StateName::Succeeded);
    assert_eq!(world.kiban.calls(), 2);
}

#[tokio::test]
async fn a_rate_defers_calls_and_loses_none() {
    let (world, replica) = World::with(|options| {
        let kiban = options.providers.get_mut(&ProviderId::Kiban).unwrap();
        kiban.gate.rate_max = 1;
        kiban.gate.rate_window = Duration::from_millis(150);
    })
    .await;
    let mut ids = Vec::new();
    for person in 0..4 {
        world.kiban.replies(history());
        ids.push(replica.submit(submit_for(person)).await.unwrap().snapshot.job.id);
    }
    let mut deferred = 0;
    for id in &ids {
        let job = replica.end(id).await;
        assert_eq!(job.view().state, StateName::Succeeded);
        deferred += usize::from(
            job.events
                .iter()
                .any(|event| event.view.stage == Some(Stage::WaitingToRetry)),
        );
    }
    assert!(deferred >= 1, "at least the second call came too early");
    assert_eq!(world.kiban.calls(), 4);
}

#[tokio::test]
async fn so_many_calls_go_at_a_time() {
    let (world, replica) = World::with(|options| {
        options
            .providers
            .get_mut(&ProviderId::Kiban)
            .unwrap()
            .gate
            .in_flight_max = 1;
    })
    .await;
    let release = world.kiban.hangs();
    world.kiban.replies(history());
    let first = replica.start().await.snapshot.job.id;
    until("Kiban is asked", || async { world.kiban.calls() == 1 }).await;
    let second = replica.submit(submit_for(2)).await.unwrap().snapshot.job.id;
    replica
        .when(&second, |job| job.state == State::Queued { deferred: true })
        .await;
    assert_eq!(world.kiban.calls(), 1);
    assert!(release.send(history()).is_ok());
    assert_eq!(replica.ends(&first).await.0, StateName::Succeeded);
    assert_eq!(replica.ends(&second).await.0, StateName::Succeeded);
}

fn soon_over(options: &mut Options) {
    options.job_deadline = Duration::from_millis(400);
}

#[tokio::test]
async fn a_job_that_no_provider_takes_in_time_fails_free() {
    let (world, replica) = World::with(|options| {
        soon_over(options);
        options.routes = vec![Route::Kiban];
        let kiban = options.providers.get_mut(&ProviderId::Kiban).unwrap();
        (kiban.gate.rate_max, kiban.gate.rate_window) = (1, Duration::from_secs(3600));
    })
    .await;
    world.kiban.replies(history());
    let first = replica.start().await.snapshot.job.id;
    assert_eq!(replica.ends(&first).await.0, StateName::Succeeded);
    let second = replica.submit(submit_for(2)).await.unwrap().snapshot.job.id;
    assert_eq!(
        replica.ends(&second).await,
        (StateName::Failed, Some(Reason::ProviderUnavailable))
    );
    assert_eq!(world.kiban.calls(), 1);
}

#[tokio::test]
async fn a_waiting_job_out_of_time_ends_unknown() {
    let (world, replica) = World::with(|options| {
        soon_over(options);
        let kiban = options.providers.get_mut(&ProviderId::Kiban).unwrap();
        // A poll that is far off must not keep the job beyond its time.
        (kiban.poll.first, kiban.poll.max) = (Duration::from_secs(3600), Duration::from_secs(3600));
    })
    .await;
    world.kiban.replies(accepted("ref-1"));
    let id = replica.start().await.snapshot.job.id;
    assert_eq!(
        replica.ends(&id).await,
        (StateName::OutcomeUnknown, Some(Reason::OutcomeUnknown))
    );
    let row = &replica.rows().await[0];
    assert_eq!((row.charge, row.reference.as_deref()), (Charge::Unknown, Some("ref-1")));
    assert_eq!(world.kiban.calls(), 1);
}

#[tokio::test]
async fn a_job_whose_lookup_takes_too_long_fails_free() {
    let (world, replica) = World::with(soon_over).await;
    let _release = world.nubarium.hangs();
    let id = replica.submit(submit_nameless()).await.unwrap().snapshot.job.id;
    assert_eq!(
        replica.ends(&id).await,
        (StateName::Failed, Some(Reason::ProviderUnavailable))
    );
    assert_eq!(world.tuidentidad.calls(), 0);
}

#[tokio::test]
async fn an_unknown_job_and_one_that_is_none_get_the_same_words() {
    let (_world, replica) = World::with(|_| {}).await;
    for id in ["", "wh_", "wh_0193e5a0c2d17f9ab3c4a5d6e7f8091201"] {
        let tenant = Tenant::sole();
        assert_eq!(reason(replica.get(&tenant, id, None).await), Reason::JobNotFound);
        assert_eq!(reason(replica.cancel(&tenant, id).await), Reason::JobNotFound);
        let resolved = replica.resolve(&tenant, id, Charge::No, String::new()).await;
        assert_eq!(reason(resolved), Reason::JobNotFound);
    }
}
