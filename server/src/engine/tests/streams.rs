//! Watch streams as such: when they beat, go stale, drain, are refused and are forgotten.

use std::time::Duration;

use super::{
    harness::{World, reason, submit, until},
    scripted::{accepted, down, history},
    watching::{cause, eventful, find, is_news, next, open, sequence, sequences, to_the_end},
};
use crate::{
    domain::{ids::Tenant, job::StateName, provider_id::ProviderId, reason::Reason},
    engine::{JobFilter, Options, SnapshotCause, WatchContent},
};

#[tokio::test]
async fn a_quiet_stream_beats() {
    let (world, replica) = World::with(|_| {}).await;
    let _release = world.kiban.hangs();
    let id = replica.start().await.snapshot.job.id;
    let mut stream = open(&replica, &id, None).await.unwrap();
    let beat = |content: &WatchContent| matches!(content, WatchContent::Heartbeat { .. });
    find(&mut stream, beat).await;
    let message = find(&mut stream, beat).await;
    assert!(
        open(&replica, &id, Some(&message.cursor)).await.is_ok(),
        "a heartbeat's cursor resumes"
    );
}

#[tokio::test]
async fn a_stream_ends_with_draining_when_it_is_old_or_its_replica_stops() {
    let draining = |content: &WatchContent| matches!(content, WatchContent::Draining { .. });
    let (world, replica) = World::with(|options| {
        options.watch.stream_age_min = Duration::from_millis(100);
        options.watch.stream_age_max = Duration::from_millis(100);
    })
    .await;
    let _release = world.kiban.hangs();
    let id = replica.start().await.snapshot.job.id;
    let mut old = open(&replica, &id, None).await.unwrap();
    let message = find(&mut old, draining).await;
    assert!(!message.terminal && next(&mut old).await.is_none());

    let other = world.replica(|_| {}).await;
    let mut stream = open(&other, &id, Some(&message.cursor)).await.unwrap();
    other.stop.cancel();
    find(&mut stream, draining).await;
    assert!(next(&mut stream).await.is_none());
    assert_eq!(reason(open(&other, &id, None).await), Reason::ServerDraining);
    other.run.await.unwrap();
}

#[tokio::test]
async fn so_many_streams_go_at_a_time_and_a_dropped_one_is_forgotten() {
    let (world, replica) = World::with(|options: &mut Options| options.watch.streams_max = 1).await;
    let _release = world.kiban.hangs();
    let id = replica.start().await.snapshot.job.id;
    let mut stream = open(&replica, &id, None).await.unwrap();
    next(&mut stream).await.unwrap();
    assert_eq!(reason(open(&replica, &id, None).await), Reason::TooManyWatches);
    assert_eq!(replica.engine.inner.hub.followed_count(), 1);
    drop(stream);
    assert_eq!(replica.engine.inner.hub.followed_count(), 0);
    assert!(open(&replica, &id, None).await.is_ok());
}

#[tokio::test]
async fn a_watch_tells_that_it_is_stale_and_goes_on_when_the_store_is_back() {
    let world = World::new().await;
    let worker = world.replica(|_| {}).await;
    // It only watches: a replica without its store could not record what a call of its own brought.
    let other = world.replica(|options| options.workers_max = 0).await;
    let (id, release) = eventful(&world, &worker).await;
    let mut stream = open(&other, &id, None).await.unwrap();
    let first = next(&mut stream).await.unwrap();
    other.store.goes_down();
    // The call's own event may still have been on its way.
    let mut news = Vec::new();
    loop {
        let message = next(&mut stream).await.unwrap();
        match &message.content {
            WatchContent::Stale { .. } => break,
            content if is_news(content) => news.push(message),
            _ => {}
        }
    }
    assert_eq!(reason(open(&other, &id, None).await), Reason::StoreUnavailable);
    assert!(release.send(down(ProviderId::Kiban)).is_ok());
    let job = worker.end(&id).await;
    other.store.comes_back();
    news.extend(to_the_end(stream).await);
    let seen = sequence(&first);
    assert_eq!(sequences(&news), (seen + 1..=job.sequence).collect::<Vec<_>>());
    assert_eq!(job.view().state, StateName::Succeeded);
}

#[tokio::test]
async fn a_cursor_ahead_of_what_the_hub_has_heard_is_no_loss_of_data() {
    let world = World::new().await;
    let worker = world.replica(|_| {}).await;
    let (id, release) = eventful(&world, &worker).await;
    // A replica whose background duties have not begun hears no bell: its hub stays at what it read first.
    let deaf = world.replica(|_| {}).await;
    deaf.run.abort();
    let _follower = open(&deaf, &id, None).await.unwrap();
    let mut stream = open(&worker, &id, None).await.unwrap();
    assert!(release.send(accepted("ref-1")).is_ok());
    let ahead = find(&mut stream, |content| matches!(content, WatchContent::Event { .. })).await;
    let mut resumed = open(&deaf, &id, Some(&ahead.cursor)).await.unwrap();
    world.kiban.answers([Some(history())]);
    let job = worker.end(&id).await;
    let message = find(&mut resumed, |_| true).await;
    assert_eq!(cause(&message), None, "no reset");
    assert!(job.sequence > sequence(&ahead));
}

#[tokio::test]
async fn a_cursor_to_what_was_read_before_a_loss_is_not_from_after_it() {
    let (world, replica) = World::with(|_| {}).await;
    let _release = world.kiban.hangs();
    let slow = replica.store.slow_creations.lock().await;
    let created = tokio::spawn({
        let engine = replica.engine.clone();
        async move { engine.submit(submit()).await.unwrap() }
    });
    let is_there = || async {
        let (page, _) = replica
            .list(&Tenant::sole(), JobFilter::default(), 1, "")
            .await
            .unwrap();
        !page.jobs.is_empty()
    };
    until("the job is there", is_there).await;
    replica.store.declares_a_loss();
    drop(slow);
    let created = created.await.unwrap();
    let id = created.snapshot.job.id;
    until("nothing more happens", || async { world.kiban.calls() == 1 }).await;
    let mut stream = open(&replica, &id, Some(&created.watch_cursor)).await.unwrap();
    let first = next(&mut stream).await.unwrap();
    assert_eq!(cause(&first), Some(SnapshotCause::Reset), "what Submit gave");

    replica.store.declares_a_loss();
    let beat = |content: &WatchContent| matches!(content, WatchContent::Heartbeat { .. });
    let beat = find(&mut stream, beat).await;
    let mut resumed = open(&replica, &id, Some(&beat.cursor)).await.unwrap();
    let first = next(&mut resumed).await.unwrap();
    assert_eq!(cause(&first), Some(SnapshotCause::Reset), "what a watch gave");
}
