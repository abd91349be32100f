//! Jobs that began with their first intent, under a master that lacks them: they come back as calls under way, and are paid for once.
#![allow(clippy::unwrap_used)]

use std::{sync::Arc, time::Duration};

use super::{
    losses::{Master, PAUSE, answered, everything_is_told, follows, happens, rows, state},
    server::until,
};
use crate::{
    domain::{
        job::{Event, Intent, Job, StateName},
        outcome::{Charge, Outcome},
    },
    store::{Created, Creation, FirstIntent, How, Store, conformance::fixtures, redis::RedisStore},
};

const LEASE: Duration = Duration::from_secs(60);

pub(super) async fn job(store: &RedisStore, person: u8) -> Job {
    fixtures::work_history(person, store.probe().await.unwrap().now)
}

/// A creation with this intent, as of when the job was born.
pub(super) fn creation(job: Job, intent: &Intent) -> Creation {
    let transition = job.apply(Event::IntentRecorded { intent: intent.clone() }, job.created_at);
    let first_intent = FirstIntent {
        op: fixtures::next_uuid(),
        transition: transition.unwrap(),
        hold: LEASE,
        person_day: None,
    };
    Creation {
        claim: Some(LEASE),
        first_intent: Some(first_intent),
        ..fixtures::creation(job)
    }
}

/// Begins a call for this person.
async fn begins(store: &RedisStore, person: u8) -> (Job, Intent) {
    let intent = fixtures::history_intent();
    let created = store.create(creation(job(store, person).await, &intent)).await.unwrap();
    assert!(is_begun(&created), "{created:?}");
    (created.stored.job, intent)
}

fn is_begun(created: &Created) -> bool {
    matches!(created.how, How::Started(Some(_))) && created.stored.job.live_intent().is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_one_comes_back_as_a_call_under_way_and_its_late_fact_finds_it() {
    let mut master = Master::begin(PAUSE).await;
    let store = master.store().await;
    let replica = master.server.copy();
    let (begun, intent) = begins(&store, 1).await;

    master.server.starts_on(replica).await;
    follows(&store).await;
    until("it is back", async || {
        matches!(store.read(&begun.id).await, Ok(Some(_)))
    })
    .await;
    until("its charge is back too", async || {
        !rows(&store, &begun.id).await.is_empty()
    })
    .await;
    let stored = store.read(&begun.id).await.unwrap().unwrap();
    assert_eq!(stored.job, begun);
    assert_eq!(
        store.read_sealed(&begun.id).await.unwrap().unwrap().subject,
        b"sealed subject"
    );
    // Whoever asks for the same person is given it, and no second charge.
    let again = store.create(creation(job(&store, 1).await, &fixtures::history_intent()));
    assert!(matches!(again.await.unwrap().how, How::Attached));
    assert_eq!(rows(&store, &begun.id).await[0].charge, Charge::Open);

    happens(&store, &begun.id, answered(&intent), None).await;
    assert_eq!(state(&store, &begun.id).await, Some(StateName::Succeeded));
    assert_eq!(rows(&store, &begun.id).await[0].charge, Charge::Yes);
    everything_is_told(&store).await;
    let condition = store.condition();
    assert_eq!(
        (condition.put_back, condition.lost_for_good, condition.unaccounted),
        (2, 0, 0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_repetition_with_another_intent_was_told_of_comes_back_with_the_intent_that_stood() {
    let mut master = Master::begin(PAUSE).await;
    let (one, other) = (master.store().await, master.store().await);
    let replica = master.server.copy();
    let (begun, intent) = begins(&one, 1).await;
    // The same request comes to another replica, which would have begun with an intent of its own.
    let mut proposed = job(&other, 1).await;
    proposed.id = begun.id.clone();
    let repeated = other
        .create(creation(proposed, &fixtures::history_intent()))
        .await
        .unwrap();
    assert!(matches!(repeated.how, How::Started(None)), "{repeated:?}");
    assert_eq!(repeated.stored.job, begun);

    master.server.starts_on(replica).await;
    // Who was only told of the job looks first.
    follows(&other).await;
    until("it is back", async || {
        matches!(other.read(&begun.id).await, Ok(Some(_)))
    })
    .await;
    follows(&one).await;
    until("so is its call", async || !rows(&one, &begun.id).await.is_empty()).await;
    let stored = one.read(&begun.id).await.unwrap().unwrap();
    assert_eq!(stored.job.live_intent(), Some(&intent));
    let [row] = rows(&one, &begun.id).await.try_into().unwrap();
    assert_eq!((row.id, row.charge), (intent.id, Charge::Open));
    everything_is_told(&one).await;
    let (one, other) = (one.condition(), other.condition());
    assert_eq!(
        (one.put_back + other.put_back, one.lost_for_good + other.lost_for_good),
        (2, 0)
    );
    assert_eq!((one.unaccounted, other.unaccounted), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_one_that_only_a_dead_replica_remembered_both_steps_are_told_to_be_missing() {
    let mut master = Master::begin(Duration::from_millis(100)).await;
    let (dying, other) = (master.store().await, master.store().await);
    let replica = master.server.copy();
    begins(&dying, 1).await;
    // By which the number of all that came before is known.
    let kept = begins(&other, 17).await.0;
    drop(dying);
    master.server.starts_on(replica).await;
    follows(&other).await;
    until("the number is told", async || other.condition().unaccounted == 2).await;
    assert!(other.read(&kept.id).await.unwrap().is_some());
}

/// A replica that comes late to a new reign, in which its person was asked for anew and another call begun.
#[test]
fn one_that_comes_back_beside_a_newer_call_leaves_it_the_unit() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    // Nothing happens in a replica whose runtime nobody drives.
    let (world, latecomers) = (runtime(), runtime());
    let mut master = world.block_on(Master::begin(Duration::ZERO));
    let (latecomer, lost, intent, replica) = latecomers.block_on(async {
        let latecomer: Arc<RedisStore> = master.store().await;
        let replica = master.server.copy();
        let (lost, intent) = begins(&latecomer, 1).await;
        (latecomer, lost, intent, replica)
    });
    let (twin, newer) = world.block_on(async {
        master.server.starts_on(replica).await;
        let other = master.store().await;
        begins(&other, 1).await
    });
    latecomers.block_on(async {
        follows(&latecomer).await;
        until("the lost one is back", async || {
            !rows(&latecomer, &lost.id).await.is_empty()
        })
        .await;
        let states = (state(&latecomer, &lost.id).await, state(&latecomer, &twin.id).await);
        assert_eq!(states, (Some(StateName::Running), Some(StateName::Running)));
        assert_eq!(rows(&latecomer, &lost.id).await[0].charge, Charge::Open);
        assert_eq!(latecomer.condition().put_back, 2);
        // The twin serves whoever comes.
        let next = creation(job(&latecomer, 1).await, &fixtures::history_intent());
        let joined = latecomer.create(next).await.unwrap();
        assert_eq!(joined.stored.job.id, twin.id);
        // That nothing was sent for the older one frees nothing of the newer.
        let not_sent = Event::OutcomeKnown {
            from: crate::domain::job::Source::Call,
            intent: intent.id.clone(),
            outcome: Outcome::NotSent,
            next_at: fixtures::EPOCH,
        };
        happens(&latecomer, &lost.id, not_sent, None).await;
        let apart = Creation {
            product: "apart".to_owned(),
            ..creation(job(&latecomer, 1).await, &fixtures::history_intent())
        };
        let alone = latecomer.create(apart).await.unwrap();
        assert!(!is_begun(&alone), "the unit is {newer:?}'s: {alone:?}");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_pause_jobs_are_created_alone_and_without_a_lease() {
    let mut master = Master::begin(Duration::from_secs(30)).await;
    let store = master.store().await;
    master.server.kill();
    master.server.start_again().await;
    follows(&store).await;
    let intent = fixtures::history_intent();
    let proposed = creation(job(&store, 1).await, &intent);
    until("jobs begin again", async || {
        store.create(proposed.clone()).await.is_ok()
    })
    .await;
    let stored = store.read(&proposed.job.id).await.unwrap().unwrap();
    assert_eq!(stored.job, proposed.job);
    let repeated = store.create(proposed).await.unwrap();
    assert!(matches!(repeated.how, How::Started(None)), "{repeated:?}");
    assert!(rows(&store, &stored.job.id).await.is_empty());
}
