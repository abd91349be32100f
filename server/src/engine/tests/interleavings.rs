//! Callers that go away, replies that are lost and facts that come late, each at the worst moment.

use std::time::Duration;

use super::{
    harness::{World, short_leases, submit, until},
    scripted::{EMPLOYERS, accepted, ambiguous, history, nss},
    settings::counted,
    watching::{open, to_the_end},
};
use crate::{
    domain::{
        ids::Tenant,
        job::{State, StateName},
        outcome::Charge,
    },
    engine::Options,
    store::Store as _,
};

#[tokio::test]
async fn a_caller_that_goes_away_while_its_job_is_created_leaves_no_job_without_a_worker() {
    // The lease outlasts the story: only who created the job can work on it.
    let (world, replica) = World::with(|options| options.lease = Duration::from_secs(3600)).await;
    world.kiban.replies(history());
    let slow = replica.store.slow_creations.lock().await;
    let impatient = tokio::time::timeout(Duration::from_millis(100), replica.submit(submit()));
    assert!(impatient.await.is_err());
    drop(slow);
    until("Kiban is asked", || async { world.kiban.calls() == 1 }).await;
}

#[tokio::test]
async fn a_call_that_was_never_made_because_its_intent_was_lost_is_made_later() {
    let world = World::new().await;
    let replica = world
        .replica(|options| {
            options.lease = Duration::from_millis(300);
            counted(options);
        })
        .await;
    replica.store.loses_first_intent();
    world.kiban.replies(history());
    let id = replica.start().await.snapshot.job.id;
    let job = replica.end(&id).await;
    assert_eq!((job.view().state, world.kiban.calls()), (StateName::Succeeded, 1));
    let charges: Vec<Charge> = job.attempts.iter().map(|attempt| attempt.charge).collect();
    assert_eq!(charges, [Charge::No, Charge::Yes]);
}

#[tokio::test]
async fn a_late_answer_does_not_replace_the_one_that_was_given() {
    let failover = |options: &mut Options| {
        short_leases(options);
        options.ambiguous_failover = true;
    };
    let (world, replica) = World::with(failover).await;
    let late = world.kiban.hangs();
    world.nubarium.replies(nss());
    world.tuidentidad.replies(history());
    let id = replica.start().await.snapshot.job.id;
    let ended = replica.end(&id).await;
    assert!(matches!(ended.state, State::Succeeded { .. }));
    let mut other = history();
    if let Some(crate::providers::Answer::History(history)) = &mut other.answer {
        *history = history.clone().cut(1);
    }
    assert!(late.send(other).is_ok());
    replica.when(&id, |job| job.attempts[0].charge == Charge::Yes).await;
    let shown = replica.snapshot_of(&id, None).await.answer.unwrap().history;
    assert_eq!(shown.employments().len(), EMPLOYERS.len());
}

#[tokio::test]
async fn an_answer_that_was_paid_for_and_purged_is_bought_again_however_old_a_one_is_accepted() {
    let (world, replica) = World::with(|options| options.retention = Duration::from_millis(1)).await;
    world.kiban.replies(history());
    world.kiban.replies(history());
    let first = replica.start().await.snapshot.job.id;
    replica.end(&first).await;
    let now = replica.store.probe().await.unwrap().now;
    assert_eq!(replica.store.purge(now + Duration::from_secs(1), 10).await.unwrap(), 1);

    let second = replica.start().await.snapshot.job.id;
    assert_eq!(replica.ends(&second).await.0, StateName::Succeeded);
    assert_eq!(world.kiban.calls(), 2);
}

#[tokio::test]
async fn a_purged_answer_hides_no_job_that_must_be_settled() {
    let (world, replica) = World::with(|options| options.ambiguous_failover = true).await;
    world.kiban.replies(ambiguous());
    world.nubarium.replies(nss());
    world.tuidentidad.replies(history());
    let id = replica.start().await.snapshot.job.id;
    assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
    let long_after = replica.store.probe().await.unwrap().now + Duration::from_secs(1);
    replica.store.purge(long_after, 10).await.unwrap();

    let shown = replica.snapshot_of(&id, None).await;
    assert_eq!(shown.job.view().state, StateName::Succeeded);
    assert!(shown.answer.is_none(), "what is personal is gone");
    to_the_end(open(&replica, &id, None).await.unwrap()).await;

    let tenant = Tenant::sole();
    let settled = replica.resolve(&tenant, id.as_str(), Charge::No, String::new());
    assert_eq!(settled.await.unwrap().job.attempts[0].charge, Charge::No);
    assert!(replica.snapshot_of(&id, None).await.answer.is_none());
    replica.store.purge(long_after, 10).await.unwrap();
    assert!(replica.store.read(&id).await.unwrap().is_none());
}

#[tokio::test]
async fn a_job_that_runs_to_its_end_has_nobody_look_for_due_jobs() {
    let (world, replica) = World::with(|options| options.sweep_interval = Duration::from_secs(3600)).await;
    until("it looked at its start", || async { replica.store.claims_made() == 1 }).await;
    for person in 0..5 {
        world.kiban.replies(history());
        let submitted = replica.submit(super::harness::submit_for(person)).await.unwrap();
        assert_eq!(replica.ends(&submitted.snapshot.job.id).await.0, StateName::Succeeded);
    }
    assert_eq!(replica.store.claims_made(), 1);
}

#[tokio::test]
async fn a_paid_answer_is_still_fetched_when_all_replicas_were_down_past_the_deadline() {
    let world = World::new().await;
    let hasty = |options: &mut Options| {
        short_leases(options);
        options.job_deadline = Duration::from_millis(400);
    };
    let (doomed, runtime) = world.doomed(hasty).await;
    world.kiban.replies(accepted("ref-1"));
    let engine = doomed.engine.clone();
    let started = runtime.spawn(async move { engine.submit(submit()).await });
    let id = started.await.unwrap().unwrap().snapshot.job.id;
    until("Kiban is polled", || async { world.kiban.polls() > 0 }).await;
    runtime.shutdown_background();
    let watching = world.replica(|options| options.workers_max = 0).await;
    let deadline_at = watching.job(&id).await.deadline_at;
    until("its time is up", || async {
        watching.store.probe().await.unwrap().now > deadline_at
    })
    .await;

    world.kiban.answers([Some(history())]);
    let other = world.replica(hasty).await;
    assert_eq!(other.ends(&id).await.0, StateName::Succeeded);
    assert_eq!(world.kiban.calls(), 1);
}

#[tokio::test]
async fn a_provider_that_was_not_asked_because_the_store_was_slow_is_not_taken_for_down() {
    let (world, replica) = World::with(|options| {
        options.lease = Duration::from_secs(1);
        for provider in options.providers.values_mut() {
            provider.call_time_limit = Duration::from_millis(100);
            provider.gate.breaker_failures = 1;
            provider.gate.breaker_open = Duration::from_secs(3600);
        }
    })
    .await;
    world.kiban.replies(history());
    let slow = replica.store.slow_intents.lock().await;
    let id = replica.start().await.snapshot.job.id;
    let recorded = replica.when(&id, |job| matches!(job.state, State::Calling { .. }));
    recorded.await;
    let since = tokio::time::Instant::now();
    until("the lease is almost over", || async {
        since.elapsed() > Duration::from_millis(400)
    })
    .await;
    drop(slow);
    assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
    assert_eq!(world.kiban.calls(), 1);
}
