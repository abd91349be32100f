//! Following all jobs.

use std::sync::Arc;

use semanas_client::raw::v1::watch_work_histories_response::Content;
use semanas_client::raw::v1::{FeedReset, FeedSynced, Heartbeat, JobState, WatchWorkHistoriesResponse};
use semanas_client::{FeedChange, Options, WatchWorkHistoriesRequest};
use tonic::Status;

use crate::script::{Act, Call, Script, client, job};

fn message(cursor: &str, content: Content) -> Act<WatchWorkHistoriesResponse> {
    Act::Say(WatchWorkHistoriesResponse {
        cursor: cursor.into(),
        content: Some(content),
    })
}

fn changed(cursor: &str, sequence: i64) -> Act<WatchWorkHistoriesResponse> {
    message(cursor, Content::Job(job(sequence, JobState::Running)))
}

#[tokio::test(start_paused = true)]
async fn the_feed_goes_on_after_every_end_and_ends_only_with_an_error() {
    let script = Script::default();
    script.feeds.lock().unwrap().extend([
        Call::Play(vec![
            changed("f1", 1),
            message("f1", Content::Synced(FeedSynced::default())),
            message("f2", Content::Heartbeat(Heartbeat::default())),
        ]),
        Call::Play(vec![
            changed("f3", 2),
            message("f0", Content::Reset(FeedReset::default())),
        ]),
        Call::Play(vec![changed("f4", 3), Act::Fail(Status::permission_denied("no more"))]),
    ]);
    let script = Arc::new(script);
    let request = WatchWorkHistoriesRequest {
        cursor: "start".into(),
        ..WatchWorkHistoriesRequest::default()
    };
    let mut feed = client(&script, Options::default()).watch_work_histories(request);
    let mut words = Vec::new();
    while let Some(update) = feed.next().await {
        words.push(match update.map(|update| update.change) {
            Ok(FeedChange::Job(job)) => job.event_sequence.to_string(),
            Ok(FeedChange::Synced) => "synced".into(),
            Ok(FeedChange::Reset { .. }) => "reset".into(),
            Ok(FeedChange::Stale { .. }) => "stale".into(),
            Err(error) => error.to_string(),
        });
    }
    assert_eq!(words.join(" "), "1 synced 2 reset 3 no more");
    assert_eq!(*script.cursors.lock().unwrap(), ["start", "f2", "f0"]);
}
