//! Following one job through everything that can happen to its stream.

use std::sync::Arc;
use std::time::Duration;

use semanas_client::raw::v1::watch_work_history_response::Content;
use semanas_client::raw::v1::{
    Draining, Heartbeat, JobEvent, JobSnapshot, JobState, SnapshotCause, Stale, WatchWorkHistoryResponse,
};
use semanas_client::{Error, JobChange, JobUpdate, Options, Watch};
use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::script::{Act, Call, Script, client, job};

type Message = WatchWorkHistoryResponse;

fn message(cursor: &str, content: Content) -> Message {
    Message {
        cursor: cursor.into(),
        terminal: false,
        content: Some(content),
    }
}

fn snapshot_because(sequence: i64, cause: SnapshotCause) -> Message {
    let snapshot = JobSnapshot {
        job: Some(job(sequence, JobState::Running)),
        heartbeat_interval: Some(prost_types::Duration { seconds: 15, nanos: 0 }),
        cause: cause.into(),
    };
    message(&format!("c{sequence}"), Content::Snapshot(snapshot))
}

fn snapshot(sequence: i64) -> Message {
    snapshot_because(sequence, SnapshotCause::Start)
}

fn event(sequence: i64) -> Message {
    let event = JobEvent {
        sequence,
        state: JobState::Running.into(),
        ..JobEvent::default()
    };
    message(&format!("c{sequence}"), Content::Event(event))
}

fn last(sequence: i64) -> Message {
    Message {
        terminal: true,
        ..event(sequence)
    }
}

fn heartbeat(cursor: &str) -> Message {
    message(cursor, Content::Heartbeat(Heartbeat::default()))
}

fn say(messages: Vec<Message>) -> Vec<Act<Message>> {
    messages.into_iter().map(Act::Say).collect()
}

fn play(messages: Vec<Message>) -> Call<Message> {
    Call::Play(say(messages))
}

fn play_then(messages: Vec<Message>, end: Act<Message>) -> Call<Message> {
    let mut acts = say(messages);
    acts.push(end);
    Call::Play(acts)
}

fn script(calls: Vec<Call<Message>>) -> Arc<Script> {
    let script = Script::default();
    script.job_watches.lock().unwrap().extend(calls);
    Arc::new(script)
}

fn open(script: &Arc<Script>, options: Options) -> Watch<JobUpdate> {
    client(script, options).watch_work_history("wh_1", None, None)
}

/// One word per update: the sequence of an event, `s` before that of a snapshot, `stale`, or the error.
async fn words(mut watch: Watch<JobUpdate>) -> String {
    let mut words = Vec::new();
    while let Some(update) = watch.next().await {
        words.push(match update.map(|update| update.change) {
            Ok(JobChange::Snapshot { job, .. }) => format!("s{}", job.event_sequence),
            Ok(JobChange::Event(event)) => event.sequence.to_string(),
            Ok(JobChange::Stale { .. }) => "stale".to_owned(),
            Err(error) => error.to_string(),
        });
    }
    words.join(" ")
}

async fn check(calls: Vec<Call<Message>>, expected: &str, expected_cursors: &[&str]) -> Duration {
    let script = script(calls);
    let start = Instant::now();
    assert_eq!(words(open(&script, Options::default())).await, expected);
    assert_eq!(*script.cursors.lock().unwrap(), expected_cursors);
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_job_is_followed_to_its_end_and_heartbeats_are_not_seen() {
    let calls = vec![play(vec![snapshot(1), event(2), heartbeat("c2"), last(3)])];
    check(calls, "s1 2 3", &[""]).await;
}

#[tokio::test(start_paused = true)]
async fn a_finished_job_is_one_terminal_snapshot() {
    let finished = Message {
        terminal: true,
        ..snapshot(4)
    };
    check(vec![play(vec![finished])], "s4", &[""]).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_without_a_terminal_message_is_resumed_with_its_last_cursor() {
    let calls = vec![play(vec![snapshot(1), event(2)]), play(vec![event(3), last(4)])];
    check(calls, "s1 2 3 4", &["", "c2"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_serve_is_asked_again_also_in_the_middle() {
    let calls = vec![
        Call::Refuse(Status::unavailable("starting")),
        play_then(vec![snapshot(1)], Act::Fail(Status::unavailable("gone"))),
        play_then(vec![event(2)], Act::Fail(Status::unknown("h2 reset"))),
        play(vec![last(3)]),
    ];
    check(calls, "s1 2 3", &["", "", "c1", "c2"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_draining_server_is_left_alone_for_as_long_as_it_asks() {
    let draining = Draining {
        resume_delay: Some(prost_types::Duration { seconds: 7, nanos: 0 }),
    };
    let goodbye = message("c1", Content::Draining(draining));
    let calls = vec![play(vec![snapshot(1), goodbye]), play(vec![last(2)])];
    let waited = check(calls, "s1 2", &["", "c1"]).await;
    assert!(
        waited >= Duration::from_secs(7) && waited < Duration::from_secs(11),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_twice_is_given_once() {
    let calls = vec![
        play(vec![snapshot(2), event(2), event(3), event(3)]),
        play(vec![event(2), event(3), last(4)]),
    ];
    check(calls, "s2 3 4", &["", "c3"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_never_shown_but_read_again_from_the_last_cursor() {
    let calls = vec![play(vec![snapshot(1), event(3)]), play(vec![event(2), last(3)])];
    check(calls, "s1 2 3", &["", "c1"]).await;
}

#[tokio::test(start_paused = true)]
async fn silence_of_three_heartbeats_means_a_dead_connection() {
    let calls = vec![play_then(vec![snapshot(1)], Act::Silence), play(vec![last(2)])];
    let waited = check(calls, "s1 2", &["", "c1"]).await;
    assert!(
        waited >= Duration::from_secs(45) && waited < Duration::from_secs(47),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_after_a_lost_data_set_starts_the_count_anew() {
    let reset = snapshot_because(1, SnapshotCause::Reset);
    let calls = vec![play(vec![snapshot(5), event(6)]), play(vec![reset, last(2)])];
    check(calls, "s5 6 s1 2", &["", "c6"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_watch_gives_up_in_the_end_and_says_why() {
    let calls = (0..11).map(|_| play(vec![snapshot(1)])).collect();
    let script = script(calls);
    let words = words(open(&script, Options::default())).await;
    assert!(
        words.ends_with("the stream ended without a terminal message"),
        "{words}"
    );
    assert_eq!(script.cursors.lock().unwrap().len(), 11);
}

#[tokio::test(start_paused = true)]
async fn a_healthy_spell_gives_the_whole_patience_back() {
    let mut calls = Vec::new();
    for _ in 0..3 {
        calls.extend((0..9).map(|_| Call::Refuse(Status::unavailable("later"))));
        calls.push(play(vec![heartbeat("c1")]));
    }
    calls.push(play(vec![last(2)]));
    let script = script(calls);
    assert_eq!(words(open(&script, Options::default())).await, "2");
}

#[tokio::test(start_paused = true)]
async fn what_resuming_cannot_mend_ends_the_watch_at_once() {
    let details = ErrorDetails::with_error_info("JOB_NOT_FOUND", "semanas", std::collections::HashMap::new());
    let status = Status::with_error_details(Code::NotFound, "no such job", details);
    let script = script(vec![Call::Refuse(status)]);
    let mut watch = open(&script, Options::default());
    assert!(matches!(watch.next().await, Some(Err(Error::NotFound { .. }))));
    assert!(watch.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn staleness_is_told_to_those_who_ask() {
    let stale = || message("c1", Content::Stale(Stale::default()));
    check(vec![play(vec![snapshot(1), stale(), last(2)])], "s1 2", &[""]).await;

    let script = script(vec![play(vec![snapshot(1), stale(), last(2)])]);
    let mut options = Options::default();
    options.watch.reports_stale = true;
    assert_eq!(words(open(&script, options)).await, "s1 stale 2");
}

#[tokio::test(start_paused = true)]
async fn dropping_a_watch_releases_the_servers_stream() {
    let script = script(vec![play_then(vec![snapshot(1)], Act::Silence)]);
    let mut released = script.released.subscribe();
    let client = client(&script, Options::default());
    let mut watch = client.watch_work_history("wh_1", None, None);
    watch.next().await.unwrap().unwrap();
    // A second read lets the server come to its silence.
    let more = tokio::time::timeout(Duration::from_secs(1), watch.next()).await;
    assert!(more.is_err());
    drop(watch);
    let waited = tokio::time::timeout(Duration::from_secs(5), released.wait_for(|released| *released)).await;
    assert!(waited.is_ok(), "the server still holds the stream");
}

#[tokio::test(start_paused = true)]
async fn a_callers_own_cursor_is_where_it_begins() {
    let script = script(vec![play(vec![event(7), last(8)])]);
    let watch = client(&script, Options::default()).watch_work_history("wh_1", Some("c6".into()), None);
    assert_eq!(words(watch).await, "7 8");
    assert_eq!(*script.cursors.lock().unwrap(), ["c6"]);
}
