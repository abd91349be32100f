//! What a replica commits itself, its watchers see without anybody reading it back; and what others commit, they see as well. There
//! is no resync in these stories.

use std::{sync::atomic::Ordering, time::Duration};

use super::{
    harness::{World, until},
    scripted::history,
    watching::{next, open, sequences, to_the_end},
};
use crate::{
    domain::job::Stage,
    engine::{Options, WatchContent, WatchMessage},
};

/// How many the answer has that comes with a message.
fn employments(message: &WatchMessage) -> Option<usize> {
    let snapshot = match &message.content {
        WatchContent::Snapshot { snapshot, .. } => snapshot,
        WatchContent::Event { job, .. } => job.as_ref()?,
        WatchContent::Heartbeat { .. } | WatchContent::Stale { .. } | WatchContent::Draining { .. } => return None,
    };
    snapshot
        .answer
        .as_ref()
        .map(|answer| answer.history.employments().len())
}

fn no_resync(options: &mut Options) {
    options.watch.resync_interval = Duration::from_secs(3600);
}

#[tokio::test]
async fn a_watch_on_the_working_replica_reads_the_job_once() {
    let (world, replica) = World::with(no_resync).await;
    let release = world.kiban.hangs();
    let mut rings = replica.engine.inner.hub.rings();
    let id = replica.start().await.snapshot.job.id;
    until("Kiban is asked", || async { world.kiban.calls() == 1 }).await;
    // The first look of a hub, and the creation with its intent, which names no commit.
    rings.wait_for(|rings| *rings == 2).await.unwrap();
    let before = replica.store.reads.load(Ordering::SeqCst);
    let mut stream = open(&replica, &id, None).await.unwrap();
    assert!(!next(&mut stream).await.unwrap().terminal);
    assert!(release.send(history()).is_ok());
    let news = to_the_end(stream).await;
    assert_eq!(news.len(), 1);
    assert_eq!(employments(&news[0]), Some(3));
    assert_eq!(replica.store.reads.load(Ordering::SeqCst) - before, 1);
    assert_eq!(
        replica.store.answers_read.load(Ordering::SeqCst),
        0,
        "the answer was at hand"
    );
    // Whoever comes later reads it, and is shown the same.
    let again = to_the_end(open(&replica, &id, None).await.unwrap()).await;
    assert_eq!(employments(&again[0]), Some(3));
    assert_eq!(replica.store.answers_read.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_watch_on_another_replica_hears_of_every_commit() {
    let world = World::new().await;
    let (worker, other) = (world.replica(no_resync).await, world.replica(no_resync).await);
    let release = world.kiban.hangs();
    let id = worker.start().await.snapshot.job.id;
    worker
        .when(&id, |job| job.view().stage == Some(Stage::AskingProvider))
        .await;
    let mut stream = open(&other, &id, None).await.unwrap();
    let first = next(&mut stream).await.unwrap();
    assert!(release.send(history()).is_ok());
    let news = to_the_end(stream).await;
    assert_eq!(sequences(&news), [super::watching::sequence(&first) + 1]);
}

#[tokio::test]
async fn an_end_whose_reply_is_lost_is_shown_all_the_same() {
    let (world, replica) = World::with(no_resync).await;
    let release = world.kiban.hangs();
    let id = replica.start().await.snapshot.job.id;
    until("Kiban is asked", || async { world.kiban.calls() == 1 }).await;
    let mut stream = open(&replica, &id, None).await.unwrap();
    assert!(!next(&mut stream).await.unwrap().terminal);
    replica.store.loses_replies(2);
    assert!(release.send(history()).is_ok());
    assert!(to_the_end(stream).await.last().unwrap().terminal);
}
