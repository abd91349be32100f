//! The feed of all jobs: the newest first, then every change, wherever it is resumed.

use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::timeout;

use super::{
    harness::{PATIENCE, Replica, World, reason, submit_for},
    scripted::{accepted, history},
};
use crate::{
    domain::{
        ids::{JobId, Tenant},
        reason::Reason,
    },
    engine::{EngineError, FeedContent, FeedMessage, JobFilter, WatchAll, watch::Watching},
};

type Stream = Watching<FeedMessage>;

async fn open(replica: &Replica, cursor: Option<&str>, filter: JobFilter) -> Result<Stream, EngineError> {
    let watch = WatchAll {
        tenant: Tenant::sole(),
        cursor: cursor.map(str::to_owned),
        filter,
        initial_count: 10,
    };
    replica.watch_all(watch).await
}

async fn next(stream: &mut Stream) -> FeedMessage {
    let message = timeout(PATIENCE, stream.next()).await.expect("a feed is never silent");
    message.expect("the feed goes on").unwrap()
}

async fn find(stream: &mut Stream, wanted: impl Fn(&FeedContent) -> bool) -> FeedMessage {
    let search = async {
        loop {
            let message = next(stream).await;
            if wanted(&message.content) {
                return message;
            }
        }
    };
    timeout(PATIENCE, search).await.expect("a feed brings it in time")
}

/// Jobs up to the message that says that the rest are changes.
async fn initial(stream: &mut Stream) -> (Vec<JobId>, String) {
    let mut jobs = Vec::new();
    loop {
        let message = next(stream).await;
        match message.content {
            FeedContent::Job(job) => jobs.push(job.id),
            FeedContent::Synced { .. } => return (jobs, message.cursor),
            _ => panic!("the beginning holds jobs only"),
        }
    }
}

pub(super) async fn first_cursor(replica: &Replica) -> String {
    initial(&mut open(replica, None, JobFilter::default()).await.unwrap())
        .await
        .1
}

fn ended(id: &JobId) -> impl Fn(&FeedContent) -> bool {
    move |content| matches!(content, FeedContent::Job(job) if job.id == *id && job.is_terminal())
}

pub(super) async fn submit(world: &World, replica: &Replica, person: u32) -> JobId {
    world.kiban.replies(history());
    let id = replica.submit(submit_for(person)).await.unwrap().snapshot.job.id;
    replica.end(&id).await;
    id
}

#[tokio::test]
async fn a_feed_begins_with_the_newest_and_goes_on_with_changes_of_any_replica() {
    let world = World::new().await;
    let (worker, other) = (world.replica(|_| {}).await, world.replica(|_| {}).await);
    let mut old = Vec::new();
    for person in 0..12 {
        old.push(submit(&world, &worker, person).await);
    }
    let mut stream = open(&other, None, JobFilter::default()).await.unwrap();
    let (jobs, _) = initial(&mut stream).await;
    let newest: Vec<JobId> = old.into_iter().rev().take(10).collect();
    assert_eq!(jobs, newest);
    let id = submit(&world, &worker, 20).await;
    let message = find(&mut stream, ended(&id)).await;

    let while_away: Vec<JobId> = [
        submit(&world, &worker, 21).await,
        submit(&world, &worker, 22).await,
        submit(&world, &worker, 23).await,
    ]
    .into();
    let mut resumed = open(&worker, Some(&message.cursor), JobFilter::default())
        .await
        .unwrap();
    let (jobs, _) = initial(&mut resumed).await;
    assert!(jobs.is_empty(), "a resumed feed brings changes only");
    let mut missing = while_away;
    while !missing.is_empty() {
        let message = find(&mut resumed, |content| matches!(content, FeedContent::Job(_))).await;
        let FeedContent::Job(job) = message.content else {
            panic!("it is a job")
        };
        assert_ne!(job.id, id, "what the cursor had seen does not come again");
        missing.retain(|id| *id != job.id);
    }
}

#[tokio::test]
async fn a_feed_resumed_in_the_middle_of_a_page_misses_nothing() {
    let (world, replica) = World::with(|_| {}).await;
    let begin = first_cursor(&replica).await;
    let mut made = Vec::new();
    for person in 0..6 {
        made.push(submit(&world, &replica, person).await);
    }
    let mut stream = open(&replica, Some(&begin), JobFilter::default()).await.unwrap();
    initial(&mut stream).await;
    let mut shown: Vec<(JobId, String)> = Vec::new();
    while made.iter().any(|id| !shown.iter().any(|(seen, _)| seen == id)) {
        let message = find(&mut stream, |content| matches!(content, FeedContent::Job(_))).await;
        let FeedContent::Job(job) = message.content else {
            panic!("it is a job")
        };
        shown.push((job.id, message.cursor));
    }
    for (place, (_, cursor)) in shown.iter().enumerate() {
        let mut resumed = open(&replica, Some(cursor), JobFilter::default()).await.unwrap();
        let mut missing: Vec<&JobId> = shown[place + 1..].iter().map(|(id, _)| id).collect();
        while !missing.is_empty() {
            let message = find(&mut resumed, |content| matches!(content, FeedContent::Job(_))).await;
            missing.retain(|id| !matches!(&message.content, FeedContent::Job(job) if job.id == **id));
        }
    }
}

#[tokio::test]
async fn a_feed_shows_what_its_filter_takes() {
    let (world, replica) = World::with(|_| {}).await;
    let filter = || JobFilter {
        labels: vec![("team".to_owned(), "loans".to_owned())],
        ..JobFilter::default()
    };
    let mut stream = open(&replica, None, filter()).await.unwrap();
    initial(&mut stream).await;
    submit(&world, &replica, 1).await;
    world.kiban.replies(history());
    let mut labelled = submit_for(2);
    labelled.labels.insert("team".to_owned(), "loans".to_owned());
    let id = replica.submit(labelled).await.unwrap().snapshot.job.id;
    let message = find(&mut stream, |content| matches!(content, FeedContent::Job(_))).await;
    assert!(matches!(message.content, FeedContent::Job(job) if job.id == id));
}

#[tokio::test]
async fn a_feed_cursor_is_checked() {
    let world = World::new().await;
    let replica = world.replica(|_| {}).await;
    let cursor = first_cursor(&replica).await;
    let job = submit(&world, &replica, 1).await;
    let foreign = replica.submit(submit_for(1)).await.unwrap().watch_cursor;
    for bad in ["", "no cursor", &cursor[1..], &foreign] {
        assert_eq!(
            reason(open(&replica, Some(bad), JobFilter::default()).await),
            Reason::CursorInvalid
        );
    }
    let before = world.replica_in_epoch(|_| {}, Some(77)).await;
    let lost = first_cursor(&before).await;
    let mut stream = open(&replica, Some(&lost), JobFilter::default()).await.unwrap();
    assert!(matches!(next(&mut stream).await.content, FeedContent::Reset { .. }));
    assert_eq!(initial(&mut stream).await.0, [job]);
}

#[tokio::test]
async fn a_feed_cursor_that_fell_behind_has_expired() {
    let world = World::keeping(3).await;
    let replica = world.replica(|_| {}).await;
    let cursor = first_cursor(&replica).await;
    submit(&world, &replica, 1).await;
    world.kiban.replies(accepted("ref-1"));
    world.kiban.answers([Some(history())]);
    let mut again = submit_for(1);
    again.max_age = Some(Duration::ZERO);
    let id = replica.submit(again).await.unwrap().snapshot.job.id;
    replica.end(&id).await;
    assert_eq!(
        reason(open(&replica, Some(&cursor), JobFilter::default()).await),
        Reason::CursorExpired
    );
}

#[tokio::test]
async fn a_feed_beats_and_tells_that_it_is_stale_and_drains() {
    let (world, replica) = World::with(|_| {}).await;
    let mut stream = open(&replica, None, JobFilter::default()).await.unwrap();
    find(&mut stream, |content| matches!(content, FeedContent::Heartbeat { .. })).await;
    replica.store.goes_down();
    find(&mut stream, |content| matches!(content, FeedContent::Stale { .. })).await;
    replica.store.comes_back();
    let id = submit(&world, &replica, 1).await;
    find(&mut stream, ended(&id)).await;
    replica.stop.cancel();
    find(&mut stream, |content| matches!(content, FeedContent::Draining { .. })).await;
    assert!(timeout(PATIENCE, stream.next()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_damaged_job_ends_no_feed() {
    let (world, replica) = World::with(|_| {}).await;
    let cursor = first_cursor(&replica).await;
    let damaged = submit(&world, &replica, 1).await;
    let healthy = submit(&world, &replica, 2).await;
    world.data.damage_record(&damaged);
    let mut stream = open(&replica, Some(&cursor), JobFilter::default()).await.unwrap();
    find(&mut stream, ended(&healthy)).await;
}
