//! Watching one job: nothing is missed, nothing comes twice, and every stream says how it ends.

use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::timeout;

use super::{
    harness::{PATIENCE, Replica, World, reason, until},
    scripted::{down, history, nss},
};
use crate::{
    domain::{
        ids::{JobId, Tenant},
        job::{EVENTS_MAX, State},
        provider_id::ProviderId,
        reason::Reason,
    },
    engine::{EngineError, SnapshotCause, Watch, WatchContent, WatchMessage, watch::Watching},
};

pub(super) type Stream = Watching<WatchMessage>;

fn watch(id: &JobId, cursor: Option<&str>) -> Watch {
    Watch {
        tenant: Tenant::sole(),
        job_id: id.to_string(),
        cursor: cursor.map(str::to_owned),
        limit: None,
    }
}

pub(super) async fn open(replica: &Replica, id: &JobId, cursor: Option<&str>) -> Result<Stream, EngineError> {
    replica.watch(watch(id, cursor)).await
}

pub(super) async fn next(stream: &mut Stream) -> Option<WatchMessage> {
    let message = timeout(PATIENCE, stream.next())
        .await
        .expect("a stream is never silent");
    message.map(Result::unwrap)
}

/// The next message of a kind; heartbeats and other states of the stream are passed over.
pub(super) async fn find(stream: &mut Stream, wanted: impl Fn(&WatchContent) -> bool) -> WatchMessage {
    let search = async {
        loop {
            let message = next(stream).await.expect("the stream goes on");
            if wanted(&message.content) {
                return message;
            }
        }
    };
    timeout(PATIENCE, search).await.expect("a stream brings it in time")
}

pub(super) fn is_news(content: &WatchContent) -> bool {
    matches!(content, WatchContent::Snapshot { .. } | WatchContent::Event { .. })
}

/// Snapshots and events until the stream ends, which must be right after its one terminal message.
pub(super) async fn to_the_end(mut stream: Stream) -> Vec<WatchMessage> {
    let mut news = Vec::new();
    while let Some(message) = next(&mut stream).await {
        assert!(
            !news.last().is_some_and(|last: &WatchMessage| last.terminal),
            "nothing follows the end"
        );
        if is_news(&message.content) {
            news.push(message);
        }
    }
    assert!(news.last().is_some_and(|last| last.terminal), "the end is told");
    news
}

pub(super) fn sequence(message: &WatchMessage) -> u64 {
    match &message.content {
        WatchContent::Snapshot { snapshot, .. } => snapshot.job.sequence,
        WatchContent::Event { event, .. } => event.sequence,
        WatchContent::Heartbeat { .. } | WatchContent::Stale { .. } | WatchContent::Draining { .. } => {
            panic!("no news")
        }
    }
}

pub(super) fn sequences(news: &[WatchMessage]) -> Vec<u64> {
    news.iter().map(sequence).collect()
}

pub(super) fn cause(message: &WatchMessage) -> Option<SnapshotCause> {
    match &message.content {
        WatchContent::Snapshot { cause, .. } => Some(*cause),
        WatchContent::Event { .. }
        | WatchContent::Heartbeat { .. }
        | WatchContent::Stale { .. }
        | WatchContent::Draining { .. } => None,
    }
}

/// A job with eight events: two tries at Kiban, then the other route.
pub(super) async fn eventful(world: &World, replica: &Replica) -> (JobId, super::scripted::Release) {
    let release = world.kiban.hangs();
    world.kiban.replies(down(ProviderId::Kiban));
    world.nubarium.replies(nss());
    world.tuidentidad.replies(history());
    (replica.start().await.snapshot.job.id, release)
}

#[tokio::test]
async fn a_watch_on_another_replica_tells_every_event_once_and_in_order() {
    let world = World::new().await;
    let (worker, other) = (world.replica(|_| {}).await, world.replica(|_| {}).await);
    let (id, release) = eventful(&world, &worker).await;
    let mut stream = open(&other, &id, None).await.unwrap();
    let first = next(&mut stream).await.unwrap();
    assert_eq!(cause(&first), Some(SnapshotCause::Start));
    assert!(!first.terminal);
    assert!(release.send(down(ProviderId::Kiban)).is_ok());
    let news = to_the_end(stream).await;
    let last = worker.end(&id).await.sequence;
    assert_eq!(sequences(&news), (sequence(&first) + 1..=last).collect::<Vec<_>>());
    let WatchContent::Event { job, .. } = &news.last().unwrap().content else {
        panic!("the end of a job that was watched is an event")
    };
    assert_eq!(job.as_ref().unwrap().answer.as_ref().unwrap().employment_count, 3);
}

#[tokio::test]
async fn every_cursor_resumes_with_exactly_what_is_later() {
    let world = World::new().await;
    let (worker, other) = (world.replica(|_| {}).await, world.replica(|_| {}).await);
    let (id, release) = eventful(&world, &worker).await;
    let stream = open(&worker, &id, None).await.unwrap();
    assert!(release.send(down(ProviderId::Kiban)).is_ok());
    let news = to_the_end(stream).await;
    let last = worker.end(&id).await.sequence;
    assert!(news.len() > 4);
    for message in &news {
        let again = to_the_end(open(&other, &id, Some(&message.cursor)).await.unwrap()).await;
        if message.terminal {
            assert_eq!((again.len(), sequence(&again[0])), (1, last), "the end is told again");
        } else {
            assert_eq!(sequences(&again), (sequence(message) + 1..=last).collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn a_finished_job_is_told_at_once() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(history());
    let submitted = replica.start().await;
    let id = submitted.snapshot.job.id;
    replica.end(&id).await;
    let news = to_the_end(open(&replica, &id, None).await.unwrap()).await;
    assert_eq!((news.len(), cause(&news[0])), (1, Some(SnapshotCause::Start)));
    let later = to_the_end(open(&replica, &id, Some(&submitted.watch_cursor)).await.unwrap()).await;
    assert_eq!(
        cause(&later[0]),
        None,
        "the cursor of a Submit resumes after what it told"
    );
}

#[tokio::test]
async fn a_cursor_keeps_its_own_callers_limit() {
    let (world, replica) = World::with(|_| {}).await;
    world.kiban.replies(history());
    let mut narrow = super::harness::submit();
    narrow.limit = 1;
    let narrow = replica.submit(narrow).await.unwrap();
    let id = narrow.snapshot.job.id;
    replica.end(&id).await;
    assert_eq!(
        replica.start().await.snapshot.job.ask.limit,
        0,
        "another caller wants all"
    );
    let shown = async |cursor: Option<&str>| {
        let news = to_the_end(open(&replica, &id, cursor).await.unwrap()).await;
        let answer = match news.into_iter().last().unwrap().content {
            WatchContent::Snapshot { snapshot, .. } => snapshot.answer,
            WatchContent::Event { job, .. } => job.unwrap().answer,
            WatchContent::Heartbeat { .. } | WatchContent::Stale { .. } | WatchContent::Draining { .. } => None,
        };
        answer.unwrap().history.employments().len()
    };
    assert_eq!((shown(Some(&narrow.watch_cursor)).await, shown(None).await), (1, 3));
}

#[tokio::test]
async fn a_cursor_that_is_not_of_this_job_is_invalid() {
    let (world, replica) = World::with(|_| {}).await;
    let (_one, _two) = (world.kiban.hangs(), world.kiban.hangs());
    let first = replica.start().await;
    let second = replica.submit(super::harness::submit_for(2)).await.unwrap();
    let (id, cursor) = (&first.snapshot.job.id, first.watch_cursor.as_str());
    let mut forged = cursor.to_owned();
    let middle = forged.len() / 2;
    let swapped = if forged.remove(middle) == 'A' { 'B' } else { 'A' };
    forged.insert(middle, swapped);
    let feed = super::feeding::first_cursor(&replica).await;
    let long = "A".repeat(5000);
    for bad in [
        &second.watch_cursor,
        &forged,
        &cursor[..cursor.len() - 4],
        "",
        "no cursor",
        &feed,
        &long,
    ] {
        assert_eq!(
            reason(open(&replica, id, Some(bad)).await),
            Reason::CursorInvalid,
            "{bad}"
        );
    }
    assert!(open(&replica, id, Some(cursor)).await.is_ok());
}

#[tokio::test]
async fn an_old_cursor_has_expired() {
    let (world, replica) = World::with(|_| {}).await;
    let _release = world.kiban.hangs();
    let started = replica.start().await;
    let id = started.snapshot.job.id;
    let strict = world.replica(|options| options.watch.cursor_ttl = Duration::ZERO).await;
    until("a second begins", || async {
        reason_of(open(&strict, &id, Some(&started.watch_cursor)).await) == Some(Reason::CursorExpired)
    })
    .await;
}

fn reason_of<T>(result: Result<T, EngineError>) -> Option<Reason> {
    result.err().map(|error| error.reason)
}

#[tokio::test]
async fn a_cursor_from_before_the_kept_events_has_expired() {
    let (world, replica) = World::with(|options| {
        options.retry.tries_max = 0;
        options.routes = vec![crate::engine::Route::Kiban];
    })
    .await;
    for _ in 0..EVENTS_MAX {
        world.kiban.replies(down(ProviderId::Kiban));
    }
    world.kiban.replies(history());
    let started = replica.start().await;
    let id = started.snapshot.job.id;
    let watched = to_the_end(open(&replica, &id, None).await.unwrap()).await;
    let job = replica.end(&id).await;
    assert!(job.sequence > EVENTS_MAX as u64 + 1);
    let expired = open(&replica, &id, Some(&started.watch_cursor)).await;
    assert_eq!(reason(expired), Reason::CursorExpired);
    let numbers = sequences(&watched);
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
}

#[tokio::test]
async fn a_cursor_of_another_data_set_resets() {
    let world = World::new().await;
    let replica = world.replica(|_| {}).await;
    let before = world.replica_in_epoch(|_| {}, Some(77)).await;
    let _release = world.kiban.hangs();
    let lost = before.start().await;
    let id = lost.snapshot.job.id;
    let mut stream = open(&replica, &id, Some(&lost.watch_cursor)).await.unwrap();
    assert_eq!(cause(&next(&mut stream).await.unwrap()), Some(SnapshotCause::Reset));
}

#[tokio::test]
async fn what_a_caller_may_not_see_is_not_there() {
    let (world, replica) = World::with(|_| {}).await;
    let _release = world.nubarium.hangs();
    let id = replica
        .submit(super::harness::submit_nameless())
        .await
        .unwrap()
        .snapshot
        .job
        .id;
    let job = replica
        .when(&id, |job| matches!(job.state, State::AwaitingNss { .. }))
        .await;
    let State::AwaitingNss { lookup } = job.state else {
        panic!("it awaits")
    };
    assert_eq!(reason(open(&replica, &lookup, None).await), Reason::JobNotFound);
    let unknown = JobId::parse("wh_0193e5a0c2d17f9ab3c4a5d6e7f8091201").unwrap();
    assert_eq!(reason(open(&replica, &unknown, None).await), Reason::JobNotFound);
    let stranger = Watch {
        tenant: serde_json::from_value("another".into()).unwrap(),
        ..watch(&id, None)
    };
    assert_eq!(reason(replica.watch(stranger).await), Reason::JobNotFound);
}
