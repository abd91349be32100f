//! Failovers of the model store: what is gone, what comes back, and what may not happen in between.

use std::{sync::Arc, time::Duration};

use crate::{
    domain::{
        job::Event,
        outcome::{Charge, Outcome},
    },
    store::{
        Committed, StoreError,
        conformance::{World, fixtures},
        model::{Model, tests::harness},
    },
};

const PAUSE: Duration = Duration::from_secs(3);

fn world() -> (Arc<Model>, World) {
    let (model, harness) = harness();
    (model, World::new(Box::new(harness)))
}

#[tokio::test]
async fn a_job_that_is_created_again_after_a_rewind_has_no_version_of_its_lost_life() {
    let (model, world) = world();
    let creation = fixtures::creation(fixtures::work_history(1, world.now().await));
    let before = model.look(|data| data.clone());
    let lost = world.start_creation(creation.clone()).await;
    let intent = fixtures::history_intent();
    let intends = Event::IntentRecorded { intent };
    let late = world
        .commit_of(&lost.stored.job.id, Some(lost.lease.fence), intends)
        .await;
    model.rewind(before);
    world.start_creation(creation).await;
    assert_eq!(world.try_commit(&late).await, Committed::Conflict);
}

#[tokio::test]
async fn what_is_remembered_is_there_again_at_once() {
    let (model, world) = world();
    let before = model.look(|data| data.clone());
    let id = world.start(1).await.stored.job.id;
    world.intends(&id, &fixtures::history_intent(), world.now().await).await;
    let lost = model.lose(before, PAUSE, |person| *person == fixtures::person(1));
    assert!(lost.is_empty());
    assert_eq!(world.read(&id).await.job.state.name(), "Calling");
    assert_eq!(world.rows(&id).await[0].charge, Charge::Open);
}

#[tokio::test]
async fn of_what_nobody_remembers_the_charges_come_back_before_the_next_intent() {
    let (model, world) = world();
    let other = world.start(2).await.stored.job.id;
    let before = model.look(|data| data.clone());
    let id = world.start(1).await.stored.job.id;
    world.intends(&id, &fixtures::history_intent(), world.now().await).await;
    assert_eq!(model.lose(before, PAUSE, |_| false), std::slice::from_ref(&id));

    let is_unavailable = |error| matches!(error, StoreError::Unavailable { .. });
    assert!(is_unavailable(world.store.read(&id).await.unwrap_err()));
    let again = fixtures::creation(fixtures::work_history(1, world.now().await));
    assert!(is_unavailable(world.store.create(again.clone()).await.unwrap_err()));
    let intent = fixtures::history_intent();
    let intends = Event::IntentRecorded { intent };
    let postponed = world.happens(&other, intends.clone()).await;
    assert_eq!(postponed, Committed::Postponed { wait: PAUSE });
    assert!(world.claim(PAUSE).await.claims.is_empty());

    world.advance(PAUSE).await;
    assert_eq!(world.store.read(&id).await.unwrap(), None);
    assert_eq!(world.rows(&id).await[0].charge, Charge::Unknown);
    let twin = world.start_creation(again).await.stored.job.id;
    let taken = Committed::UnitTaken {
        charge: Charge::Unknown,
    };
    assert_eq!(world.happens(&twin, intends).await, taken);
}

#[tokio::test]
async fn an_older_call_that_a_loss_brings_back_frees_no_unit_of_the_newer_one() {
    let (model, world) = world();
    let id = world.start(1).await.stored.job.id;
    let (older, newer) = (fixtures::history_intent(), fixtures::history_intent());
    let down = || Outcome::Down {
        failure: fixtures::failure(),
        retry_after: None,
    };
    let accepted = Outcome::Accepted {
        reference: "reference".to_owned(),
    };
    let now = world.now().await;
    world.intends(&id, &older, now).await;
    world.outcome(&id, &older, accepted, now).await;
    let before = model.look(|data| data.clone());
    world.advance(PAUSE).await;
    world.outcome(&id, &older, down(), world.now().await).await;
    world.intends(&id, &newer, world.now().await).await;
    model.lose(before, PAUSE, |_| false);

    world.advance(PAUSE).await;
    world.outcome(&id, &older, down(), world.now().await).await;
    let intends = Event::IntentRecorded {
        intent: fixtures::history_intent(),
    };
    let taken = Committed::UnitTaken {
        charge: Charge::Unknown,
    };
    assert_eq!(world.happens(&id, intends).await, taken);
}
