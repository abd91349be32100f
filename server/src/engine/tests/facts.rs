//! Outcomes that the store does not take: what was paid for is on disk before anybody waits for the store.

use std::path::PathBuf;

use super::{
    harness::{Replica, World, until},
    scripted::{Release, history},
};
use crate::{
    domain::{
        ids::JobId,
        job::{Stage, StateName},
        outcome::Charge,
    },
    engine::Vault,
    store::Journal,
};

/// A billed call that is answered while the store is down.
async fn answered_in_an_outage(world: &World, replica: &Replica) -> JobId {
    let (id, release) = calling(world, replica).await;
    replica.store.goes_down();
    release.send(history()).unwrap_or_else(|_| panic!("the call waits"));
    until("the outcome is on disk", async || entries(world).len() == 1).await;
    id
}

async fn calling(world: &World, replica: &Replica) -> (JobId, Release) {
    let release = world.kiban.hangs();
    let id = replica.start().await.snapshot.job.id;
    until("the call is made", async || world.kiban.calls() == 1).await;
    (id, release)
}

fn entries(world: &World) -> Vec<PathBuf> {
    let files = std::fs::read_dir(world.journal.path()).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|it| it == "outcome"))
        .collect()
}

#[tokio::test]
async fn an_outcome_waits_on_disk_sealed_and_goes_when_the_store_has_it() {
    let (world, replica) = World::with(|_| {}).await;
    let id = answered_in_an_outage(&world, &replica).await;
    let raw = std::fs::read(&entries(&world)[0]).unwrap();
    let raw = String::from_utf8_lossy(&raw).into_owned();
    assert!(raw.contains(id.as_str()));
    for secret in [super::scripted::EMPLOYERS[0], "ref-1"] {
        assert!(!raw.contains(secret), "it is sealed");
    }
    replica.store.comes_back();
    assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
    until("the journal is empty", async || entries(&world).is_empty()).await;
    assert_eq!((world.kiban.calls(), replica.rows().await[0].charge), (1, Charge::Yes));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_outlasts_its_process_and_is_stored_by_the_next() {
    let world = World::new().await;
    let (doomed, runtime) = world.doomed(|_| {}).await;
    let id = answered_in_an_outage(&world, &doomed).await;
    tokio::task::spawn_blocking(move || drop(runtime)).await.unwrap();
    assert_eq!(entries(&world).len(), 1);
    let next = world.replica(|_| {}).await;
    assert_eq!(next.ends(&id).await.0, StateName::Succeeded);
    until("the journal is empty", async || entries(&world).is_empty()).await;
    assert_eq!((world.kiban.calls(), next.rows().await.len()), (1, 1));
    assert_eq!(next.rows().await[0].charge, Charge::Yes);
}

#[tokio::test]
async fn an_outcome_that_is_stored_twice_is_stored_once() {
    let (world, replica) = World::with(|_| {}).await;
    let id = answered_in_an_outage(&world, &replica).await;
    let entry = entries(&world).remove(0);
    let bytes = std::fs::read(&entry).unwrap();
    replica.store.comes_back();
    let job = replica.end(&id).await;
    until("the journal is empty", async || entries(&world).is_empty()).await;
    std::fs::write(&entry, bytes).unwrap();
    replica.replay_round().await;
    assert!(entries(&world).is_empty());
    assert_eq!(replica.job(&id).await, job, "nothing has changed");
    assert_eq!(replica.rows().await.len(), 1);
}

#[tokio::test]
async fn what_is_not_ours_or_cannot_be_read_is_left_alone() {
    let (world, replica) = World::with(|_| {}).await;
    let id = answered_in_an_outage(&world, &replica).await;
    let entry = entries(&world).remove(0);
    let bytes = std::fs::read(&entry).unwrap();
    replica.store.comes_back();
    replica.end(&id).await;
    until("the journal is empty", async || entries(&world).is_empty()).await;

    let journal = Journal::open(world.journal.path()).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (header, _) = text.split_once('\n').unwrap();
    let sealed = &bytes[header.len() + 1..];
    let with = |header: &str, sealed: &[u8]| [header.as_bytes(), b"\n", sealed].concat();
    let stranger = Vault::new(b"another secret of thirty-two chars").seal(&id, "fact", b"{}");
    journal.write("other-secret", &with(header, &stranger)).unwrap();
    let epoch = format!("\"epoch\":{}", replica.engine.inner.epoch);
    let elsewhere = header.replace(&epoch, "\"epoch\":7");
    assert_ne!(elsewhere, header);
    journal.write("other-data-set", &with(&elsewhere, sealed)).unwrap();
    journal.write("torn", &bytes[..bytes.len() - 1]).unwrap();
    journal.write("garbage", b"no line ends here").unwrap();
    for _ in 0..2 {
        replica.replay_round().await;
    }
    let mut left = journal.list().unwrap();
    left.sort_unstable();
    assert_eq!(left, ["other-data-set", "other-secret"]);
    assert!(world.journal.path().join("torn.damaged").exists());
    assert!(world.journal.path().join("garbage.damaged").exists());
}

#[tokio::test]
async fn a_journal_that_takes_nothing_leaves_the_outcome_in_memory() {
    let (world, replica) = World::with(|_| {}).await;
    let (id, release) = calling(&world, &replica).await;
    std::fs::remove_dir_all(world.journal.path()).unwrap();
    replica.store.goes_down();
    release.send(history()).unwrap_or_else(|_| panic!("the call waits"));
    let failed = replica.metrics.store_errors_seen();
    until("it tries again", async || {
        replica.metrics.store_errors_seen() > failed + 2
    })
    .await;
    replica.store.comes_back();
    assert_eq!(replica.ends(&id).await.0, StateName::Succeeded);
    assert_eq!(world.kiban.calls(), 1);
}

#[tokio::test]
async fn a_job_waits_while_no_intent_can_be_had_and_nothing_is_called() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(history());
    replica.store.postpones(true);
    let id = replica.start().await.snapshot.job.id;
    replica
        .when(&id, |job| job.view().stage == Some(Stage::WaitingToRetry))
        .await;
    assert_eq!(world.kiban.calls(), 0);
    replica.store.postpones(false);
    let job = replica.end(&id).await;
    assert_eq!((job.view().state, world.kiban.calls()), (StateName::Succeeded, 1));
    assert_eq!(job.attempts.len(), 1);
}
