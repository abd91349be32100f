//! New jobs whose first intent is recorded as they are created, and creations that were not heard of.

use std::{sync::atomic::Ordering, time::Duration};

use super::{
    harness::{Replica, World, lookup, reason, soon, submit_for, until},
    scripted::{accepted, history, nss},
    settings::counted,
    watching::{next, open, sequences},
};
use crate::{
    domain::{
        ids::{JobId, Tenant},
        job::{Job, Stage, StateName},
        outcome::Charge,
        reason::Reason,
    },
    engine::{JobFilter, Options, WatchContent},
    store::{ListQuery, Store as _},
};

/// A lease that ends in no story: what happens, happens without its end.
fn long_leases(options: &mut Options) {
    options.lease = Duration::from_secs(3600);
    for provider in options.providers.values_mut() {
        provider.call_time_limit = Duration::from_secs(3600);
    }
}

/// A hold of 0.5 s.
fn short_holds(options: &mut Options) {
    options.lease = Duration::from_secs(1);
    for provider in options.providers.values_mut() {
        provider.call_time_limit = Duration::from_millis(100);
    }
}

fn charges(job: &Job) -> Vec<Charge> {
    job.attempts.iter().map(|attempt| attempt.charge).collect()
}

/// The only job there is.
async fn only_job(replica: &Replica) -> JobId {
    let query = ListQuery {
        tenant: Tenant::sole(),
        filter: JobFilter::default(),
        before: None,
        page_size: 10,
    };
    let [job] = replica.store.list(query).await.unwrap().jobs.try_into().unwrap();
    job.id
}

#[tokio::test]
async fn a_caller_sees_a_job_begin_though_its_intent_was_recorded_with_it() {
    let (world, replica) = World::with(|_| {}).await;
    let release = world.kiban.hangs();
    let slow = replica.store.slow_creations.lock().await;
    let engine = replica.engine.clone();
    let submitting = tokio::spawn(async move { engine.submit(submit_for(1)).await.unwrap() });
    until("the job is there", || async {
        replica.store.feed_end().await.unwrap() != crate::store::FeedPosition::default()
    })
    .await;
    let job = replica.job(&only_job(&replica).await).await;
    assert_eq!((job.view().stage, job.sequence), (Some(Stage::AskingProvider), 2));
    assert_eq!(world.kiban.calls(), 0);
    drop(slow);
    let submitted = submitting.await.unwrap();
    let began = &submitted.snapshot.job;
    assert_eq!((began.view().stage, began.sequence), (Some(Stage::Queued), 1));

    let mut stream = open(&replica, &began.id, Some(&submitted.watch_cursor)).await.unwrap();
    let first = next(&mut stream).await.unwrap();
    let WatchContent::Event { event, .. } = &first.content else {
        panic!("an event was expected")
    };
    assert_eq!((event.sequence, event.view.stage), (2, Some(Stage::AskingProvider)));
    assert!(release.send(history()).is_ok());
    assert_eq!(sequences(&super::watching::to_the_end(stream).await), [3]);
    let mut registry = prometheus_client::registry::Registry::default();
    replica.metrics.register(&mut registry);
    let mut shown = String::new();
    prometheus_client::encoding::text::encode(&mut shown, &registry).unwrap();
    assert!(
        shown.contains(r#"charges_total{provider="kiban",charge="open"} 1"#),
        "{shown}"
    );
}

#[tokio::test]
async fn a_lookup_is_begun_so_as_well() {
    let (world, replica) = World::with(|_| {}).await;
    world.nubarium.replies(nss());
    let slow = replica.store.slow_intents.lock().await;
    let asking = replica.lookup_nss(lookup(), soon());
    let looking = async {
        until("its charge is open", || async {
            replica.rows().await.iter().any(|row| row.charge == Charge::Open)
        })
        .await;
        assert_eq!(world.nubarium.calls(), 0);
        drop(slow);
    };
    let (found, ()) = tokio::join!(asking, looking);
    found.unwrap();
    assert_eq!(world.nubarium.calls(), 1);
}

#[tokio::test]
async fn a_job_before_a_gate_that_counts_is_created_alone() {
    let (world, replica) = World::with(counted).await;
    world.kiban.replies(history());
    let slow = replica.store.slow_intents.lock().await;
    let id = replica.start().await.snapshot.job.id;
    until("its gate is entered", || async {
        replica.store.gate_calls.load(Ordering::SeqCst) == 1
    })
    .await;
    drop(slow);
    assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
}

#[tokio::test]
async fn a_creation_that_was_not_heard_of_leaves_a_job_that_is_called_for_once() {
    let (world, replica) = World::with(long_leases).await;
    world.kiban.replies(history());
    replica.store.loses_replies(1);
    assert_eq!(reason(replica.submit(submit_for(1)).await), Reason::StoreUnavailable);
    let job = replica.end(&only_job(&replica).await).await;
    assert_eq!((job.view().state, world.kiban.calls()), (StateName::Succeeded, 1));
    assert_eq!(charges(&job), [Charge::No, Charge::Yes]);
}

#[tokio::test]
async fn a_creation_that_its_store_repeated_leaves_a_job_that_is_called_for_once() {
    let (world, replica) = World::with(long_leases).await;
    world.kiban.replies(history());
    replica.store.repeats_creation();
    let id = replica.start().await.snapshot.job.id;
    let job = replica.end(&id).await;
    assert_eq!((job.view().state, world.kiban.calls()), (StateName::Succeeded, 1));
    assert_eq!(charges(&job), [Charge::No, Charge::Yes]);
}

#[tokio::test]
async fn a_creation_that_arrives_when_its_caller_has_given_up_leaves_no_charge_in_question() {
    let (world, replica) = World::with(|options| {
        short_holds(options);
        // Far longer than the intent is good for.
        options.ambiguous_grace = Duration::from_secs(60);
    })
    .await;
    world.kiban.replies(history());
    replica.store.delays_creation();
    assert_eq!(reason(replica.submit(submit_for(1)).await), Reason::StoreUnavailable);
    let arrived = replica.store.delayed_creation_arrives().await.stored.job;
    assert_eq!(arrived.view().stage, Some(Stage::AskingProvider));
    let job = replica.end(&arrived.id).await;
    assert_eq!((job.view().state, world.kiban.calls()), (StateName::Succeeded, 1));
    assert_eq!(charges(&job), [Charge::No, Charge::Yes]);
}

#[tokio::test]
async fn a_creation_that_arrives_long_after_that_begins_no_call() {
    let (world, replica) = World::with(short_holds).await;
    world.kiban.replies(history());
    replica.store.delays_creation();
    assert_eq!(reason(replica.submit(submit_for(1)).await), Reason::StoreUnavailable);
    until("nobody looks for it any more", || async {
        replica.engine.inner.tasks.is_empty()
    })
    .await;
    let arrived = replica.store.delayed_creation_arrives().await.stored.job;
    assert_eq!(arrived.view().stage, Some(Stage::Queued));
    // The lease that its creation took is in nobody's hand.
    let job = replica.end(&arrived.id).await;
    assert_eq!(
        (job.view().state, charges(&job)),
        (StateName::Succeeded, vec![Charge::Yes])
    );
}

#[tokio::test]
async fn a_drain_waits_for_a_call_that_was_begun_with_its_job_and_not_for_one_that_may_never_come() {
    let (world, replica) = World::with(long_leases).await;
    replica.store.delays_creation();
    assert_eq!(reason(replica.submit(submit_for(1)).await), Reason::StoreUnavailable);
    let release = world.kiban.hangs();
    let id = replica.submit(submit_for(2)).await.unwrap().snapshot.job.id;
    until("Kiban is asked", || async { world.kiban.calls() == 1 }).await;
    replica.stop.cancel();
    assert!(release.send(accepted("ref-1")).is_ok());
    replica.run.await.unwrap();
    let job = replica.store.read(&id).await.unwrap().unwrap().job;
    assert_eq!(job.view().stage, Some(Stage::WaitingForProvider));
}
