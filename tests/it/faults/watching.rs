//! Watchers that are slow, many, far behind, or come back with a cursor of another time: whatever they get, it is whole.

use futures::future::join_all;
use futures::{StreamExt as _, stream};
use semanas_client::raw::v1::watch_work_histories_response::Content as FeedContent;
use semanas_client::raw::v1::watch_work_history_response::Content;
use semanas_client::raw::v1::work_history_service_client::WorkHistoryServiceClient;
use semanas_client::raw::v1::{WatchWorkHistoriesRequest, WatchWorkHistoryRequest};
use semanas_client::{JobStage, JobState, SnapshotCause};
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_types::StatusExt as _;

use super::*;

/// Waits until the server counts so many open streams.
async fn streams(server: &Server, wanted: usize) {
    let line = format!("semanas_watch_streams {wanted}\n");
    eventually(&format!("{wanted} open streams"), || async {
        let (_, metrics) = server.page("/metrics").await;
        metrics.contains(&line).then_some(())
    })
    .await;
}

/// I14: a thousand readers that stop reading are sent away, take no memory with them, and cost nobody else anything.
#[tokio::test]
async fn fault_22_a_thousand_readers_stop_reading() {
    const READERS: usize = 1_000;
    /// Far more than a stream and its few unread messages take, far less than what is sent to it in the time.
    const GROWTH_KIB_MAX: u64 = READERS as u64 * 96;
    let sandbox = sandbox().await;
    let server = ServerOptions::new(&Store::sqlite(), &sandbox)
        .set("WATCH__SLOW_READER", "2s")
        .set("WATCH__HEARTBEAT", "50ms")
        .start()
        .await;
    // The smallest windows that HTTP/2 knows, so that few unread messages fill them.
    let endpoint = Endpoint::from_shared(server.grpc()).unwrap();
    let endpoint = endpoint
        .initial_stream_window_size(1_024)
        .initial_connection_window_size(1_024);
    let channels: Vec<_> = (0..READERS / 20).map(|_| endpoint.connect_lazy()).collect();
    let before_kib = server.resident_kib();
    let opened = (0..READERS).map(|number| {
        let mut stub = WorkHistoryServiceClient::new(channels[number % channels.len()].clone());
        async move {
            stub.watch_work_histories(WatchWorkHistoriesRequest::default())
                .await
                .unwrap()
                .into_inner()
        }
    });
    let feeds = join_all(opened).await;
    // Nothing is read until the server has given up on all.
    streams(&server, 0).await;
    let growth_kib = server.resident_kib().saturating_sub(before_kib);
    assert!(
        growth_kib < GROWTH_KIB_MAX,
        "{READERS} slow readers hold {growth_kib} KiB"
    );
    let read = feeds.into_iter().map(|mut feed| async move {
        loop {
            match feed.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the stream ended without a status"),
                Err(status) => return status,
            }
        }
    });
    for status in within("the ends of the streams", PATIENCE, join_all(read)).await {
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(status.get_error_details().error_info().unwrap().reason, "SLOW_CONSUMER");
    }
    let job = to_the_end(&server.client(), submit_request(fresh_person().with_names())).await;
    assert_eq!(job.state, JobState::Succeeded);
}

/// I14: a watch whose reader stops reading ends within the limit, and is counted; one that waits for news beside it, on the same
/// job and longer than any limit, goes on.
#[tokio::test]
async fn fault_22_a_reader_that_stops_is_ended_and_one_that_waits_is_not() {
    let sandbox = sandbox().await;
    // Nothing is said to a quiet watch while this runs.
    let server = ServerOptions::new(&Store::sqlite(), &sandbox)
        .set("WATCH__SLOW_READER", "500ms")
        .set("WATCH__HEARTBEAT", "9m")
        .start()
        .await;
    let person = fresh_person();
    hold_document(&sandbox, &person);
    let job_id = server
        .client()
        .submit_work_history(by_kiban(&person))
        .await
        .unwrap()
        .job
        .job_id;
    reaches(&server.client(), &job_id, JobStage::WaitingForProvider).await;
    let mut waiting = RawWatch::open(server.stub(), &job_id, None).await;
    waiting.read_until(|_| true).await;
    let mut feed = server
        .stub()
        .watch_work_histories(WatchWorkHistoriesRequest::default())
        .await
        .unwrap()
        .into_inner();
    while !matches!(
        feed.message().await.unwrap().unwrap().content,
        Some(FeedContent::Synced(_))
    ) {}
    streams(&server, 2).await;
    // What a stuck feed is told is all that happens meanwhile: four limits, one after the other.
    for turn in 1..=4 {
        let endpoint = Endpoint::from_shared(server.grpc())
            .unwrap()
            .initial_stream_window_size(1);
        let mut stub = WorkHistoryServiceClient::new(endpoint.connect_lazy());
        let mut stuck = stub
            .watch_work_histories(WatchWorkHistoriesRequest::default())
            .await
            .unwrap()
            .into_inner();
        // Its window is one byte: the first message is still under way and the second one waits. An opened stream is counted before
        // its caller hears of it.
        streams(&server, 2).await;
        let status = loop {
            match stuck.message().await {
                Ok(message) => assert!(message.is_some(), "the stream ended without a status"),
                Err(status) => break status,
            }
        };
        check_status(&status, Code::ResourceExhausted, "SLOW_CONSUMER");
        let counted = format!(
            r#"grpc_calls_total{{method="semanas.v1.WorkHistoryService/WatchWorkHistories",code="RESOURCE_EXHAUSTED"}} {turn}"#
        );
        eventually("the slow reader is counted", || async {
            server.page("/metrics").await.1.contains(&counted).then_some(())
        })
        .await;
    }
    let_go(&sandbox, &person);
    waiting.read_until(|message| message.terminal).await;
    assert!(feed.message().await.unwrap().is_some());
}

/// I8: a replica dies under a thousand watchers. Each resumes on the other one from its cursor and sees the rest, in order, once.
#[tokio::test]
async fn fault_23_a_replica_dies_under_a_thousand_watchers() {
    const WATCHERS: usize = 1_000;
    const JOBS: usize = 5;
    // A debug build takes seconds for so many at once.
    let mut pair = pair_with(|options| options.set("STORE__RESPONSE_TIMEOUT", "5s").set("ENGINE__LEASE", "12s")).await;
    let people: Vec<Human> = (0..JOBS).map(|_| fresh_person()).collect();
    let mut jobs = Vec::new();
    for person in &people {
        hold_document(&pair.sandbox, person);
        let job = pair.a.client().submit_work_history(by_kiban(person)).await.unwrap().job;
        reaches(&pair.a.client(), &job.job_id, JobStage::WaitingForProvider).await;
        jobs.push(job.job_id);
    }
    // Callers come by more than one connection, and not all at once.
    let connections: Vec<_> = (0..25).map(|_| (pair.a.stub(), pair.b.client())).collect();
    let by = |number: usize| &connections[number % connections.len()];
    let open = |number: usize| RawWatch::open(by(number).0.clone(), &jobs[number % JOBS], None);
    let opened: Vec<RawWatch> = stream::iter((0..WATCHERS).map(open)).buffered(100).collect().await;
    let mut watches = Vec::new();
    for mut watch in opened {
        let Ok(Some(message)) = watch.message().await else {
            panic!("a watch begins with a snapshot")
        };
        let Some(Content::Snapshot(snapshot)) = message.content else {
            panic!("a watch begins with a snapshot")
        };
        watches.push((watch, snapshot.job.unwrap().event_sequence));
    }
    streams(&pair.a, WATCHERS).await;
    pair.a.kill();
    people.iter().for_each(|person| let_go(&pair.sandbox, person));
    // All at once now. Who is told to come back does, as every client does.
    let (by, jobs) = (&by, &jobs);
    let resumed = watches
        .into_iter()
        .enumerate()
        .map(|(number, (mut watch, last))| async move {
            let before = watch.read_until(|_| false).await;
            let seen = last + i64::try_from(before.len()).unwrap();
            let mut watch = by(number)
                .1
                .watch_work_history(&jobs[number % JOBS], Some(watch.cursor), None);
            let mut last = seen;
            while let Some(update) = watch.next().await {
                match update.unwrap().change {
                    JobChange::Event(event) => {
                        assert_eq!(event.sequence, last + 1, "a gap or a repetition");
                        last = event.sequence;
                    }
                    JobChange::Snapshot { .. } => panic!("a cursor is resumed with events"),
                    JobChange::Stale { .. } => {}
                }
            }
            last
        });
    let lasts = within("all watches", PATIENCE * 2, join_all(resumed)).await;
    for (number, job_id) in jobs.iter().enumerate() {
        let job = pair.b.client().get_work_history(job_id.as_str(), None).await.unwrap();
        assert_eq!(job.state, JobState::Succeeded);
        let of_job = lasts.iter().skip(number).step_by(JOBS);
        assert!(
            of_job.clone().all(|last| *last == job.event_sequence),
            "all see the end"
        );
    }
}

/// What a watch of the job with this cursor begins with.
async fn begins_with(server: &Server, job_id: &str, cursor: &str) -> (i64, SnapshotCause) {
    let mut watch = RawWatch::open(server.stub(), job_id, Some(cursor.to_owned())).await;
    match watch.message().await.unwrap().unwrap().content {
        Some(Content::Snapshot(snapshot)) => (snapshot.job.as_ref().unwrap().event_sequence, snapshot.cause.into()),
        other => panic!("{other:?}"),
    }
}

/// I8: a cursor from before the data set was replaced, and one ahead of a data set that was wound back, get a snapshot that says so.
#[tokio::test]
async fn fault_24_a_cursor_of_another_data_set_and_one_from_the_future() {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let mut server = Server::start(&Store::redis(&redis), &sandbox).await;
    let person = fresh_person();
    hold_document(&sandbox, &person);
    let submitted = server.client().submit_work_history(by_kiban(&person)).await.unwrap();
    let (job, first) = (submitted.job, submitted.watch_cursor);
    reaches(&server.client(), &job.job_id, JobStage::WaitingForProvider).await;
    let keys: Vec<String> = redis.ask(&["KEYS", &format!("*job:{}", job.job_id)]).await;
    let key = &keys[0];
    let [record, state]: [String; 2] = redis.ask(&["HMGET", key, "record", "state"]).await;
    let sequence = state.split(' ').nth(SEQUENCE).unwrap();
    let_go(&sandbox, &person);
    let mut watch = RawWatch::open(server.stub(), &job.job_id, None).await;
    watch.read_until(|message| message.terminal).await;

    let state: String = redis.ask(&["HGET", key, "state"]).await;
    let state = with_word(&state, SEQUENCE, sequence);
    let _: i64 = redis.ask(&["HSET", key, "record", &record, "state", &state]).await;
    server.kill();
    server.start_again().await;
    server.becomes(ServingStatus::Serving).await;
    let rewound = begins_with(&server, &job.job_id, &watch.cursor).await;
    assert_eq!(rewound, (sequence.parse().unwrap(), SnapshotCause::Reset));

    // A failover took back the last event, and another one has its number by now.
    let mut watch = RawWatch::open(server.stub(), &job.job_id, None).await;
    watch.read_until(|_| true).await;
    let cursor = watch.cursor.clone();
    server.kill();
    let mut other: serde_json::Value = serde_json::from_str(&record).unwrap();
    let last = other["job"]["events"].as_array_mut().unwrap().last_mut().unwrap();
    last["at"] = 1.into();
    let other = other.to_string();
    let _: i64 = redis.ask(&["HSET", key, "record", &other, "state", &state]).await;
    server.start_again().await;
    server.becomes(ServingStatus::Serving).await;
    let replaced = begins_with(&server, &job.job_id, &cursor).await;
    assert_eq!(replaced, (sequence.parse().unwrap(), SnapshotCause::Reset));

    let epochs: Vec<String> = redis.ask(&["KEYS", "*:epoch"]).await;
    server.kill();
    for epoch in &epochs {
        let _: String = redis.ask(&["SET", epoch, "77"]).await;
    }
    let _: i64 = redis.ask(&["HSET", "semanas:meta", "epoch", "77"]).await;
    server.start_again().await;
    server.becomes(ServingStatus::Serving).await;
    // Of a sequence that this one has, too.
    let other = begins_with(&server, &job.job_id, &first).await;
    assert_eq!(other, (sequence.parse().unwrap(), SnapshotCause::Reset));
}

/// I8, I12: a cursor of another job, and one that another secret signed, are refused in the words for any wrong cursor; a job that
/// this data set does not hold is not found.
#[tokio::test]
async fn fault_24_a_cursor_of_another_job_and_a_job_of_another_data_set() {
    let (here, sandbox) = embedded().await;
    let there = Server::start(&Store::sqlite(), &sandbox).await;
    let submit = async |server: &Server| {
        let submitted = server
            .client()
            .submit_work_history(by_kiban(&fresh_person()))
            .await
            .unwrap();
        (submitted.job.job_id, submitted.watch_cursor)
    };
    let (one, other, foreign) = (submit(&here).await, submit(&here).await, submit(&there).await);
    let refused = async |job_id: &str, cursor: &str| {
        let request = WatchWorkHistoryRequest {
            job_id: job_id.to_owned(),
            cursor: cursor.to_owned(),
            limit: None,
        };
        here.stub().watch_work_history(request).await.unwrap_err()
    };
    for cursor in [&other.1, &foreign.1] {
        check_status(&refused(&one.0, cursor).await, Code::InvalidArgument, "CURSOR_INVALID");
    }
    check_status(
        &refused(&foreign.0, &foreign.1).await,
        Code::InvalidArgument,
        "CURSOR_INVALID",
    );
    check_status(&refused(&foreign.0, "").await, Code::NotFound, "JOB_NOT_FOUND");
}
