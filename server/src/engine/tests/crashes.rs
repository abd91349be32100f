//! Replicas that are killed, stores that go away, and replicas that stop: nothing is lost, and nothing is paid twice.

use std::time::Duration;

use futures::future::join_all;

use super::{
    harness::{World, reason, short_leases, submit, submit_for, until},
    scripted::{accepted, history},
    settings::counted,
};
use crate::{
    domain::{
        ids::JobId,
        job::{Stage, State, StateName},
        outcome::Charge,
        reason::Reason,
    },
    engine::Options,
    store::Store as _,
};

#[tokio::test]
async fn a_call_whose_replica_was_killed_is_never_made_again() {
    let world = World::new().await;
    let (doomed, runtime) = world.doomed(short_leases).await;
    let other = world.replica(short_leases).await;
    let _never = world.kiban.hangs();
    let engine = doomed.engine.clone();
    let started = runtime.spawn(async move { engine.submit(submit()).await });
    let id = started.await.unwrap().unwrap().snapshot.job.id;
    until("Kiban is asked", || async { world.kiban.calls() == 1 }).await;
    runtime.shutdown_background();

    let job = other.end(&id).await;
    assert_eq!(job.view().state, StateName::OutcomeUnknown);
    assert!(
        job.events
            .iter()
            .any(|event| event.view.stage == Some(Stage::ConfirmingWithProvider))
    );
    assert_eq!(
        world.kiban.calls() + world.nubarium.calls() + world.tuidentidad.calls(),
        1
    );
    assert_eq!(other.rows().await[0].charge, Charge::Unknown);
}

#[tokio::test]
async fn a_job_whose_replica_was_killed_before_the_intent_is_run_by_another() {
    let world = World::new().await;
    let created_alone = |options: &mut Options| {
        short_leases(options);
        counted(options);
    };
    let (doomed, runtime) = world.doomed(created_alone).await;
    let other = world.replica(created_alone).await;
    world.kiban.replies(history());
    // The job is created and claimed, and its replica never learns of it.
    doomed.store.loses_replies(1);
    let engine = doomed.engine.clone();
    let started = runtime.spawn(async move { engine.submit(submit()).await });
    assert_eq!(reason(started.await.unwrap()), Reason::StoreUnavailable);
    runtime.shutdown_background();

    let joined = other.start().await.snapshot.job.id;
    assert_eq!(other.ends(&joined).await.0, StateName::Succeeded);
    assert_eq!(world.kiban.calls(), 1);
}

#[tokio::test]
async fn a_job_that_was_begun_by_a_replica_that_never_learned_of_it_is_settled_and_not_called_for() {
    let world = World::new().await;
    let (doomed, runtime) = world.doomed(short_leases).await;
    let other = world.replica(short_leases).await;
    doomed.store.goes_down_after_a_creation();
    let engine = doomed.engine.clone();
    let started = runtime.spawn(async move { engine.submit(submit()).await });
    assert_eq!(reason(started.await.unwrap()), Reason::StoreUnavailable);
    runtime.shutdown_background();

    let joined = other.start().await.snapshot.job.id;
    assert_eq!(other.ends(&joined).await.0, StateName::OutcomeUnknown);
    assert_eq!(world.kiban.calls(), 0);
}

#[tokio::test]
async fn a_waiting_job_whose_replica_was_killed_is_polled_by_another() {
    let world = World::new().await;
    let (doomed, runtime) = world.doomed(short_leases).await;
    world.kiban.replies(accepted("ref-1"));
    let engine = doomed.engine.clone();
    let started = runtime.spawn(async move { engine.submit(submit()).await });
    let id = started.await.unwrap().unwrap().snapshot.job.id;
    until("Kiban is polled", || async { world.kiban.polls() > 0 }).await;
    runtime.shutdown_background();
    world.kiban.answers([None, Some(history())]);
    let other = world.replica(short_leases).await;
    assert_eq!(other.ends(&id).await.0, StateName::Succeeded);
    assert_eq!(world.kiban.calls(), 1);
}

#[tokio::test]
async fn a_fact_is_stored_once_the_store_is_back() {
    let (world, replica) = World::with(|_| {}).await;
    let release = world.kiban.hangs();
    let id = replica.start().await.snapshot.job.id;
    until("Kiban is asked", || async { world.kiban.calls() == 1 }).await;
    replica.store.goes_down();
    assert!(release.send(history()).is_ok());
    until("the store is missed", || async { errors_of_store(&replica) > 2 }).await;
    replica.store.comes_back();
    assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
    assert_eq!(world.kiban.calls(), 1);
}

#[tokio::test]
async fn a_gate_that_cannot_be_left_keeps_no_fact_from_its_record() {
    let (world, replica) = World::with(counted).await;
    world.kiban.replies(history());
    replica.store.hangs_at_gates();
    let id = replica.start().await.snapshot.job.id;
    assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
}

#[tokio::test]
async fn a_gate_that_cannot_be_seen_keeps_no_fact_from_its_record() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(history());
    replica.store.hangs_at_gates();
    let id = replica.start().await.snapshot.job.id;
    assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
}

fn errors_of_store(replica: &super::harness::Replica) -> u64 {
    let mut registry = prometheus_client::registry::Registry::default();
    replica.metrics.register(&mut registry);
    let mut shown = String::new();
    prometheus_client::encoding::text::encode(&mut shown, &registry).unwrap();
    let line = shown.lines().find(|line| line.starts_with("store_errors_total"));
    line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn lost_replies_to_commits_repeat_no_call() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(accepted("ref-1"));
    world.kiban.answers([None, Some(history())]);
    let id = replica.start().await.snapshot.job.id;
    replica.store.loses_replies(3);
    let job = replica.end(&id).await;
    assert_eq!((job.view().state, job.attempts.len()), (StateName::Succeeded, 1));
    let numbers: Vec<u64> = job.events.iter().map(|event| event.sequence).collect();
    assert_eq!(numbers, (1..=job.sequence).collect::<Vec<_>>());
    assert_eq!((world.kiban.calls(), replica.rows().await.len()), (1, 1));
}

#[tokio::test]
async fn a_stopping_replica_finishes_its_calls_and_takes_no_more() {
    let (world, replica) = World::with(|_| {}).await;
    let release = world.kiban.hangs();
    let id = replica.start().await.snapshot.job.id;
    until("Kiban is asked", || async { world.kiban.calls() == 1 }).await;
    replica.stop.cancel();
    until("it drains", || async { !replica.ready().await }).await;
    assert_eq!(reason(replica.submit(submit_for(2)).await), Reason::ServerDraining);
    let lookup = replica
        .lookup_nss(super::harness::lookup(), super::harness::soon())
        .await;
    assert_eq!(reason(lookup), Reason::ServerDraining);
    assert!(release.send(history()).is_ok());
    replica.run.await.unwrap();
    let (_, other) = (&world, world.replica(|_| {}).await);
    assert_eq!(other.job(&id).await.view().state, StateName::Succeeded);
}

#[tokio::test]
async fn a_stop_leaves_hanging_calls_to_others_within_its_limit() {
    let quick = |options: &mut Options| {
        short_leases(options);
        options.drain_limit = Duration::from_millis(50);
    };
    let (world, replica) = World::with(quick).await;
    let _never = world.kiban.hangs();
    let id = replica.start().await.snapshot.job.id;
    until("Kiban is asked", || async { world.kiban.calls() == 1 }).await;
    replica.stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), replica.run)
        .await
        .unwrap()
        .unwrap();
    let other = world.replica(quick).await;
    assert_eq!(other.ends(&id).await.0, StateName::OutcomeUnknown);
    assert_eq!(world.kiban.calls(), 1);
}

#[tokio::test]
async fn a_stop_gives_idle_jobs_back_at_once() {
    // Leases outlast the story: whatever is not given back is not taken by the other replica.
    let long = |options: &mut Options| options.lease = Duration::from_secs(3600);
    let world = World::new().await;
    let replica = world.replica(long).await;
    for _ in 0..10 {
        world.kiban.replies(accepted("ref-1"));
    }
    let ids: Vec<JobId> = join_all((0..10).map(|person| replica.submit(submit_for(person))))
        .await
        .into_iter()
        .map(|submitted| submitted.unwrap().snapshot.job.id)
        .collect();
    for id in &ids {
        replica.when(id, |job| matches!(job.state, State::Waiting { .. })).await;
    }
    replica.stop.cancel();
    replica.run.await.unwrap();
    world.kiban.answers((0..10).map(|_| Some(history())));
    let other = world.replica(long).await;
    for id in &ids {
        assert_eq!(other.ends(id).await.0, StateName::Succeeded);
    }
    assert_eq!(world.kiban.calls(), 10);
}

#[tokio::test]
async fn a_job_that_cannot_be_worked_on_ends_and_hinders_no_other() {
    let (world, idle) = World::with(|options| options.workers_max = 0).await;
    let poisoned = idle.start().await.snapshot.job.id;
    world.data.damage_subject(&poisoned);
    world.kiban.replies(history());
    let replica = world
        .replica(|options| {
            short_leases(options);
            options.lease = Duration::from_millis(100);
        })
        .await;
    let healthy = replica.submit(submit_for(2)).await.unwrap().snapshot.job.id;
    assert_eq!(replica.ends(&healthy).await.0, StateName::Succeeded);
    assert_eq!(
        replica.ends(&poisoned).await,
        (StateName::Failed, Some(Reason::Internal))
    );
    assert_eq!(world.kiban.calls(), 1);
    assert!(replica.store.probe().await.is_ok());
}
