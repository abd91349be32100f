//! Two replicas on one Redis are one server: either shows what the other does, takes over what the other leaves, and between them
//! they pay once.

use std::time::Duration;

use semanas_client::v1::watch_work_history_response::Content;
use semanas_client::v1::{
    Disposition, ErrorReason, JobStage, JobState, Provider as Route, SubmitWorkHistoryRequest, WatchWorkHistoryRequest,
};
use semanas_client::{Client, FeedChange};
use semanas_sandbox::{Fault, FaultRule, MsRange, Provider, Settings, Step};

use crate::harness::*;

struct Pair {
    redis: Redis,
    sandbox: Sandbox,
    a: Server,
    b: Server,
}

async fn pair() -> Pair {
    pair_with(|options| options).await
}

/// Two replicas with the same settings.
async fn pair_with(change: impl Fn(ServerOptions) -> ServerOptions) -> Pair {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let store = Store::redis(&redis);
    let a = change(ServerOptions::new(&store, &sandbox)).start().await;
    let b = change(ServerOptions::new(&store, &sandbox)).start().await;
    Pair { redis, sandbox, a, b }
}

fn by_kiban(person: &Human) -> SubmitWorkHistoryRequest {
    SubmitWorkHistoryRequest {
        provider: Route::Kiban.into(),
        ..submit_request(person.with_names())
    }
}

/// Kiban does not show this person's document until `let_go`.
fn hold_document(sandbox: &Sandbox, person: &Human) {
    let no_look_up = FaultRule::from(Fault::ServerError {
        status: 503,
        billed: false,
    });
    let settings = Settings::default().fault(no_look_up.at(Provider::Kiban).on(Step::Status));
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
}

fn let_go(sandbox: &Sandbox, person: &Human) {
    sandbox.set_person(&person.curp, None).unwrap();
}

/// Every provider answers this person after so long.
fn slow_down(sandbox: &Sandbox, person: &Human, ms: u64) {
    let settings = Settings {
        latency: Some(MsRange::fixed(ms)),
        ..Settings::default()
    };
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
}

async fn reaches(client: &Client, job_id: &str, stage: JobStage) {
    eventually(&format!("the job to be {stage:?}"), || async {
        let job = client.get_work_history(job_id, None).await.unwrap();
        (job.stage() == stage).then_some(())
    })
    .await;
}

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
        .job
        .unwrap();
    let mut watch = RawWatch::open(pair.b.stub(), &job.job_id, None).await;
    let seen = watch.read_until(|message| message.terminal).await;
    assert_eq!(seen.last(), Some(&Seen::End));
    let (on_a, on_b) = (pair.a.client(), pair.b.client());
    let ended = on_a.get_work_history(job.job_id.as_str(), None).await.unwrap();
    assert_eq!(ended.state(), JobState::Succeeded);
    assert_eq!(ended, on_b.get_work_history(job.job_id, None).await.unwrap());
}

#[tokio::test]
async fn a_hundred_submits_for_one_person_over_both_replicas_start_one_job_and_pay_once() {
    let pair = pair().await;
    let person = fresh_person();
    let submits = (0..100).map(|number| {
        let server = if number % 2 == 0 { &pair.a } else { &pair.b };
        let (client, request) = (server.client(), by_kiban(&person));
        async move { client.submit_work_history(request).await.unwrap() }
    });
    let answers = futures::future::join_all(submits).await;
    let started = answers
        .iter()
        .filter(|it| it.disposition() == Disposition::Started)
        .count();
    assert_eq!(started, 1);
    let job_id = &answers[0].job.as_ref().unwrap().job_id;
    assert!(answers.iter().all(|it| it.job.as_ref().unwrap().job_id == *job_id));
    let job = to_the_end(&pair.a.client(), by_kiban(&person)).await;
    assert_eq!((&job.job_id, job.state()), (job_id, JobState::Succeeded));
    assert_eq!(pair.sandbox.books().charges().len(), 1);
}

#[tokio::test]
async fn a_job_that_waits_for_kiban_is_polled_to_its_end_by_the_other_when_its_replica_is_killed() {
    let mut pair = pair().await;
    let person = fresh_person();
    hold_document(&pair.sandbox, &person);
    let job = pair
        .a
        .client()
        .submit_work_history(by_kiban(&person))
        .await
        .unwrap()
        .job
        .unwrap();
    reaches(&pair.a.client(), &job.job_id, JobStage::WaitingForProvider).await;
    pair.a.kill();
    let_go(&pair.sandbox, &person);
    let ended = to_the_end(&pair.b.client(), by_kiban(&person)).await;
    assert_eq!((&ended.job_id, ended.state()), (&job.job_id, JobState::Succeeded));
    assert_eq!(booked(&pair.sandbox, Provider::Kiban, &person.curp), 1);
}

#[tokio::test]
async fn a_replica_killed_during_a_billed_call_leaves_an_unknown_outcome_and_no_second_charge() {
    let mut pair = pair_with(|options| {
        options
            .set("PROVIDERS__KIBAN__CALL_TIMEOUT", "3s")
            .set("ENGINE__AMBIGUOUS_GRACE", "200ms")
    })
    .await;
    let person = fresh_person();
    slow_down(&pair.sandbox, &person, 2_500);
    let job = pair
        .a
        .client()
        .submit_work_history(by_kiban(&person))
        .await
        .unwrap()
        .job
        .unwrap();
    eventually("the charge to be booked", || async {
        (booked(&pair.sandbox, Provider::Kiban, &person.curp) == 1).then_some(())
    })
    .await;
    pair.a.kill();
    let ended = to_the_end(&pair.b.client(), by_kiban(&person)).await;
    assert_eq!(
        (ended.job_id.as_str(), ended.state()),
        (job.job_id.as_str(), JobState::OutcomeUnknown)
    );
    assert_eq!(failure_of(&ended).0, ErrorReason::OutcomeUnknown);
    let again = pair.b.client().submit_work_history(by_kiban(&person)).await.unwrap();
    assert_eq!(again.job.unwrap().job_id, job.job_id);
    assert_eq!(booked(&pair.sandbox, Provider::Kiban, &person.curp), 1);
}

#[tokio::test]
async fn a_replica_frozen_during_a_billed_call_does_no_harm_when_it_wakes() {
    let pair = pair_with(|options| {
        options
            .set("PROVIDERS__KIBAN__CALL_TIMEOUT", "3s")
            .set("ENGINE__AMBIGUOUS_GRACE", "200ms")
    })
    .await;
    let person = fresh_person();
    slow_down(&pair.sandbox, &person, 1_000);
    let job = pair
        .a
        .client()
        .submit_work_history(by_kiban(&person))
        .await
        .unwrap()
        .job
        .unwrap();
    eventually("the charge to be booked", || async {
        (booked(&pair.sandbox, Provider::Kiban, &person.curp) == 1).then_some(())
    })
    .await;
    pair.a.signal("STOP");
    let ended = to_the_end(&pair.b.client(), by_kiban(&person)).await;
    assert_eq!(ended.state(), JobState::OutcomeUnknown);
    pair.a.signal("CONT");
    // The late fact is written to the ledger; it never revives the job.
    let request = semanas_client::v1::ListChargesRequest {
        job_id: job.job_id.clone(),
        ..Default::default()
    };
    pair.a
        .becomes(tonic_health::pb::health_check_response::ServingStatus::Serving)
        .await;
    let page = pair.a.client().list_charges_page(request).await.unwrap();
    assert_eq!(page.charges.len(), 1);
    let later = pair.b.client().get_work_history(job.job_id, None).await.unwrap();
    assert_eq!(later.state(), JobState::OutcomeUnknown);
    assert_eq!(booked(&pair.sandbox, Provider::Kiban, &person.curp), 1);
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
        .job
        .unwrap();
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
    assert_eq!(ended.state(), JobState::Succeeded);
    assert_eq!(booked(&pair.sandbox, Provider::Kiban, &person.curp), 1);
}

#[tokio::test]
async fn a_replica_that_is_told_to_stop_drains_its_watches_and_exits_in_time() {
    let mut pair = pair().await;
    let person = fresh_person();
    hold_document(&pair.sandbox, &person);
    let job = pair
        .a
        .client()
        .submit_work_history(by_kiban(&person))
        .await
        .unwrap()
        .job
        .unwrap();
    reaches(&pair.a.client(), &job.job_id, JobStage::WaitingForProvider).await;
    let mut watch = RawWatch::open(pair.a.stub(), &job.job_id, None).await;
    assert!(matches!(watch.read_until(|_| true).await[..], [Seen::Snapshot { .. }]));

    pair.a.signal("TERM");
    let seen = watch
        .read_until(|message| matches!(message.content, Some(Content::Draining(_))))
        .await;
    assert_eq!(seen.last(), Some(&Seen::Draining));
    // drain_limit is 5 s, and the slack of the process 3 s more.
    let status = within("the drain", Duration::from_secs(10), pair.a.end()).await;
    assert_eq!(status.code(), Some(0), "{}", pair.a.log());

    let mut resumed = RawWatch::open(pair.b.stub(), &job.job_id, Some(watch.cursor)).await;
    let_go(&pair.sandbox, &person);
    let seen = resumed.read_until(|message| message.terminal).await;
    assert_eq!(seen.last(), Some(&Seen::End));
    assert!(
        matches!(seen[0], Seen::Event { .. }),
        "it resumes with events: {seen:?}"
    );
    assert_eq!(booked(&pair.sandbox, Provider::Kiban, &person.curp), 1);
}

#[tokio::test]
async fn the_feed_of_one_replica_shows_the_jobs_of_the_other() {
    let pair = pair().await;
    let mut feed = pair
        .b
        .client()
        .watch_work_histories(semanas_client::v1::WatchWorkHistoriesRequest::default());
    within("the feed's beginning", PATIENCE, async {
        while !matches!(feed.next().await.unwrap().unwrap().change, FeedChange::Synced) {}
    })
    .await;
    let job = to_the_end(&pair.a.client(), by_kiban(&fresh_person())).await;
    within("the job in the feed", PATIENCE, async {
        loop {
            if let FeedChange::Job(seen) = feed.next().await.unwrap().unwrap().change
                && seen.job_id == job.job_id
                && seen.state() == JobState::Succeeded
            {
                assert!(seen.work_history.is_none(), "a feed holds no personal data");
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_power_cut_of_redis() {
    let mut pair = pair().await;
    let person = fresh_person();
    hold_document(&pair.sandbox, &person);
    let job = pair
        .a
        .client()
        .submit_work_history(by_kiban(&person))
        .await
        .unwrap()
        .job
        .unwrap();
    reaches(&pair.a.client(), &job.job_id, JobStage::WaitingForProvider).await;
    pair.redis.kill();
    pair.redis.start_again().await;
    let_go(&pair.sandbox, &person);
    let ended = to_the_end(&pair.b.client(), by_kiban(&person)).await;
    assert_eq!((&ended.job_id, ended.state()), (&job.job_id, JobState::Succeeded));
    assert_eq!(booked(&pair.sandbox, Provider::Kiban, &person.curp), 1);
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
        .job
        .unwrap();
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
