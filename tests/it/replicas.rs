//! Two replicas on one Redis are one server: each takes over what the other leaves, and between them they pay once.

use std::time::Duration;

use semanas_client::raw::v1::watch_work_history_response::Content;
use semanas_client::{JobStage, JobState};
use semanas_sandbox::Provider;

use crate::harness::*;

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
        .job;
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
        .job;
    reaches(&pair.a.client(), &job.job_id, JobStage::WaitingForProvider).await;
    pair.redis.kill();
    pair.redis.start_again().await;
    let_go(&pair.sandbox, &person);
    let ended = to_the_end(&pair.b.client(), by_kiban(&person)).await;
    assert_eq!((&ended.job_id, ended.state), (&job.job_id, JobState::Succeeded));
    assert_eq!(booked(&pair.sandbox, Provider::Kiban, &person.curp), 1);
}
