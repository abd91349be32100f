//! Callers that go away, replies that are lost and facts that come late, each at the worst moment.

use std::time::Duration;

use super::{
    harness::{World, short_leases, submit, until},
    scripted::{EMPLOYERS, history, nss},
};
use crate::{
    domain::{
        job::{State, StateName},
        outcome::Charge,
    },
    engine::Options,
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
        .replica(|options| options.lease = Duration::from_millis(300))
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
