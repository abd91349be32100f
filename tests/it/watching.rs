//! A watch has no gaps and no repetitions, whichever replica it is on, whatever breaks in between.

use semanas_client::FeedChange;
use semanas_client::raw::v1::WatchWorkHistoryRequest;
use semanas_client::raw::v1::watch_work_history_response::Content;
use semanas_client::{JobStage, JobState};
use semanas_sandbox::{Fault, MsRange, Provider, Settings};

use crate::harness::*;

#[tokio::test]
async fn a_job_submitted_to_one_replica_is_watched_to_its_end_on_the_other() {
    let pair = pair().await;
    let person = fresh_person();
    let job = pair
        .a
        .client()
        .submit_work_history(submit_request(person.with_names()))
        .await
        .unwrap()
        .job;
    let mut watch = RawWatch::open(pair.b.stub(), &job.job_id, None).await;
    let seen = watch.read_until(|message| message.terminal).await;
    assert_eq!(seen.last(), Some(&Seen::End));
    let (on_a, on_b) = (pair.a.client(), pair.b.client());
    let ended = on_a.get_work_history(job.job_id.as_str(), None).await.unwrap();
    assert_eq!(ended.state, JobState::Succeeded);
    assert_eq!(ended, on_b.get_work_history(job.job_id, None).await.unwrap());
}

#[tokio::test]
async fn a_watcher_that_resumes_on_either_replica_misses_and_repeats_nothing() {
    let pair = pair().await;
    let person = fresh_person();
    // Two tries that cost nothing, a wait and an end: enough events to be interrupted between each two.
    let refused = Fault::TooManyRequests {
        retry_after_s: None,
        billed: false,
    };
    let settings = Settings {
        latency: Some(MsRange::fixed(150)),
        ..Settings::default()
    };
    let settings = settings.fault(rule(refused).at(Provider::Kiban).times(2));
    pair.sandbox.set_person(&person.curp, Some(settings)).unwrap();

    let job = pair
        .a
        .client()
        .submit_work_history(by_kiban(&person))
        .await
        .unwrap()
        .job;
    let mut whole = RawWatch::open(pair.a.stub(), &job.job_id, None).await;
    let reader = tokio::spawn(async move { whole.read_until(|message| message.terminal).await });

    let mut pieces: Vec<Seen> = Vec::new();
    let mut cursor = None;
    for turn in 0.. {
        let server = if turn % 2 == 0 { &pair.b } else { &pair.a };
        let mut watch = RawWatch::open(server.stub(), &job.job_id, cursor).await;
        // One message from each connection, then away.
        pieces.extend(watch.read_until(|_| true).await);
        cursor = Some(watch.cursor.clone());
        if pieces.last() == Some(&Seen::End) {
            break;
        }
    }
    let whole = reader.await.unwrap();
    let last_of = |seen: &[Seen]| seen[seen.len() - 2].clone();
    assert_eq!(last_of(&whole), last_of(&pieces));
    for seen in [&whole, &pieces] {
        let numbers: Vec<i64> = seen
            .iter()
            .filter_map(|it| match it {
                Seen::Snapshot { sequence } | Seen::Event { sequence } => Some(*sequence),
                Seen::Draining | Seen::End => None,
            })
            .collect();
        assert!(numbers.windows(2).all(|two| two[1] == two[0] + 1), "{seen:?}");
        let snapshots = seen.iter().filter(|it| matches!(it, Seen::Snapshot { .. })).count();
        assert_eq!(snapshots, 1, "only the first message is a snapshot: {seen:?}");
    }
}

#[tokio::test]
async fn the_client_follows_a_job_across_the_death_and_return_of_its_server() {
    let mut pair = pair().await;
    let person = fresh_person();
    hold_document(&pair.sandbox, &person);
    let client = pair.b.client();
    let mut watch = client.submit_and_watch(by_kiban(&person)).await.unwrap();
    let job_id = watch.next().await.unwrap().unwrap().job().unwrap().job_id.clone();
    reaches(&client, &job_id, JobStage::WaitingForProvider).await;
    pair.b.kill();
    pair.b.start_again().await;
    let_go(&pair.sandbox, &person);
    let mut last = 0;
    let ended = within("the watch", PATIENCE, async {
        loop {
            let update = watch.next().await.unwrap().unwrap();
            if let semanas_client::JobChange::Event(event) = &update.change {
                assert!(last == 0 || event.sequence == last + 1);
                last = event.sequence;
            }
            if update.is_terminal {
                return update.job().unwrap().clone();
            }
        }
    })
    .await;
    assert_eq!(ended.state, JobState::Succeeded);
    assert_eq!(booked(&pair.sandbox, Provider::Kiban, &person.curp), 1);
}

#[tokio::test]
async fn the_feed_of_one_replica_shows_the_jobs_of_the_other() {
    let pair = pair().await;
    let mut feed = pair
        .b
        .client()
        .watch_work_histories(semanas_client::raw::v1::WatchWorkHistoriesRequest::default());
    within("the feed's beginning", PATIENCE, async {
        while !matches!(feed.next().await.unwrap().unwrap().change, FeedChange::Synced) {}
    })
    .await;
    let job = to_the_end(&pair.a.client(), by_kiban(&fresh_person())).await;
    within("the job in the feed", PATIENCE, async {
        loop {
            if let FeedChange::Job(seen) = feed.next().await.unwrap().unwrap().change
                && seen.job_id == job.job_id
                && seen.state == JobState::Succeeded
            {
                assert!(seen.work_history.is_none(), "a feed holds no personal data");
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_watch_outlives_a_lost_redis_and_says_meanwhile_that_it_may_be_late() {
    let mut pair = pair().await;
    let person = fresh_person();
    hold_document(&pair.sandbox, &person);
    let job = pair
        .a
        .client()
        .submit_work_history(by_kiban(&person))
        .await
        .unwrap()
        .job;
    reaches(&pair.a.client(), &job.job_id, JobStage::WaitingForProvider).await;
    let watch = WatchWorkHistoryRequest {
        job_id: job.job_id,
        ..WatchWorkHistoryRequest::default()
    };
    let mut stream = pair.b.stub().watch_work_history(watch).await.unwrap().into_inner();
    let mut next = async || {
        let message = within("the next message", PATIENCE, stream.message()).await;
        message.unwrap().expect("the stream goes on")
    };
    let Some(Content::Snapshot(snapshot)) = next().await.content else {
        panic!("the first message is a snapshot")
    };
    let mut last = snapshot.job.unwrap().event_sequence;
    pair.redis.kill();
    while !matches!(next().await.content, Some(Content::Stale(_))) {}
    pair.redis.start_again().await;
    let_go(&pair.sandbox, &person);
    loop {
        let message = next().await;
        if let Some(Content::Event(event)) = &message.content {
            assert_eq!(event.sequence, last + 1, "no gap, no repetition");
            last = event.sequence;
        }
        if message.terminal {
            break;
        }
    }
    assert_eq!(booked(&pair.sandbox, Provider::Kiban, &person.curp), 1);
}
