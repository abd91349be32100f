//! Two replicas on one Redis are one server: each takes over what the other leaves, and between them they pay once.

use std::time::Duration;

use futures::StreamExt as _;
use semanas_client::raw::v1::watch_work_history_response::Content;
use semanas_client::{Disposition, ErrorReason, JobStage, JobState};
use semanas_sandbox::Provider;

use crate::harness::*;

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
        .filter(|it| it.disposition == Disposition::Started)
        .count();
    assert_eq!(started, 1);
    let job_id = &answers[0].job.job_id;
    assert!(answers.iter().all(|it| it.job.job_id == *job_id));
    let job = to_the_end(&pair.a.client(), by_kiban(&person)).await;
    assert_eq!((&job.job_id, job.state), (job_id, JobState::Succeeded));
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
        .job;
    reaches(&pair.a.client(), &job.job_id, JobStage::WaitingForProvider).await;
    pair.a.kill();
    let_go(&pair.sandbox, &person);
    let ended = to_the_end(&pair.b.client(), by_kiban(&person)).await;
    assert_eq!((&ended.job_id, ended.state), (&job.job_id, JobState::Succeeded));
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
        .job;
    eventually("the charge to be booked", || async {
        (booked(&pair.sandbox, Provider::Kiban, &person.curp) == 1).then_some(())
    })
    .await;
    pair.a.kill();
    let ended = to_the_end(&pair.b.client(), by_kiban(&person)).await;
    assert_eq!(
        (ended.job_id.as_str(), ended.state),
        (job.job_id.as_str(), JobState::OutcomeUnknown)
    );
    assert_eq!(failure_of(&ended).0, ErrorReason::OutcomeUnknown);
    let again = pair.b.client().submit_work_history(by_kiban(&person)).await.unwrap();
    assert_eq!(again.job.job_id, job.job_id);
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
        .job;
    eventually("the charge to be booked", || async {
        (booked(&pair.sandbox, Provider::Kiban, &person.curp) == 1).then_some(())
    })
    .await;
    pair.a.signal("STOP");
    let ended = to_the_end(&pair.b.client(), by_kiban(&person)).await;
    assert_eq!(ended.state, JobState::OutcomeUnknown);
    pair.a.signal("CONT");
    // The late fact is written to the ledger; it never revives the job.
    let request = semanas_client::raw::v1::ListChargesRequest {
        job_id: job.job_id.clone(),
        ..Default::default()
    };
    pair.a
        .becomes(tonic_health::pb::health_check_response::ServingStatus::Serving)
        .await;
    let charges = pair.a.client().list_charges(request).count().await;
    assert_eq!(charges, 1);
    let later = pair.b.client().get_work_history(job.job_id, None).await.unwrap();
    assert_eq!(later.state, JobState::OutcomeUnknown);
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
