//! Callers that come at once, come again, or come with the wrong words: one living job per person and product.

use futures::future::join_all;
use semanas_client::{Disposition, ErrorReason, JobStage, JobState};
use semanas_sandbox::Provider;

use super::*;

/// Three replicas on one Redis.
async fn trio() -> (Redis, Sandbox, [Server; 3]) {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let store = Store::redis(&redis);
    let start = || ServerOptions::new(&store, &sandbox).start();
    let servers = [start().await, start().await, start().await];
    (redis, sandbox, servers)
}

/// I1, I9: a hundred requests for one person over three replicas start one job, which pays once.
#[tokio::test]
async fn fault_36_a_hundred_submits_for_one_person_on_three_replicas() {
    let (_redis, sandbox, servers) = trio().await;
    let person = fresh_person();
    let submits = (0..100).map(|number: usize| {
        let (client, request) = (servers[number % 3].client(), by_kiban(&person));
        async move { client.submit_work_history(request).await.unwrap() }
    });
    let answers = join_all(submits).await;
    let started = answers.iter().filter(|it| it.disposition == Disposition::Started);
    assert_eq!(started.count(), 1);
    let job_id = &answers[0].job.job_id;
    assert!(answers.iter().all(|it| it.job.job_id == *job_id));
    let job = to_the_end(&servers[0].client(), by_kiban(&person)).await;
    assert_eq!((&job.job_id, job.state), (job_id, JobState::Succeeded));
    assert_eq!(sandbox.books().charges().len(), 1);
    assert_eq!(ledger(&servers[0].client(), job_id).await.len(), 1);
}

/// I9: a request id stands for one body on all replicas, and for one job however often and wherever it comes at once.
#[tokio::test]
async fn fault_37_a_request_id_with_the_same_body_and_with_another() {
    let (_redis, sandbox, servers) = trio().await;
    let (person, other) = (fresh_person(), fresh_person());
    let with_id = |person: &Human| {
        let request_id = "one and the same".to_owned();
        SubmitWorkHistoryRequest {
            request_id,
            ..by_kiban(person)
        }
    };
    let submits = (0..60).map(|number: usize| {
        let (client, request) = (servers[number % 3].client(), with_id(&person));
        async move { client.submit_work_history(request).await.unwrap().job.job_id }
    });
    let jobs = join_all(submits).await;
    assert!(jobs.iter().all(|job_id| *job_id == jobs[0]));
    for server in &servers {
        let refused = server
            .blunt_client()
            .submit_work_history(with_id(&other))
            .await
            .unwrap_err();
        assert_eq!(refused.known_reason(), ErrorReason::RequestIdReused);
    }
    to_the_end(&servers[1].client(), by_kiban(&person)).await;
    assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 1);
    assert_eq!(booked(&sandbox, Provider::Kiban, &other.curp), 0);
}

/// I1, I9: no answer is young enough for this caller, but the job that lives is not an answer yet: it is joined.
#[tokio::test]
async fn fault_38_a_submit_past_the_window_while_the_job_lives() {
    let pair = pair().await;
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
    let fresh = SubmitWorkHistoryRequest {
        max_age: Some(prost_types::Duration::default()),
        ..by_kiban(&person)
    };
    let joined = pair.b.client().submit_work_history(fresh.clone()).await.unwrap();
    assert_eq!(joined.disposition, Disposition::Attached);
    assert_eq!(joined.job.job_id, job.job_id);
    let_go(&pair.sandbox, &person);
    to_the_end(&pair.b.client(), by_kiban(&person)).await;
    assert_eq!(booked(&pair.sandbox, Provider::Kiban, &person.curp), 1);
    // Once it has ended it is an answer, and too old for such a caller.
    let anew = pair.b.client().submit_work_history(fresh).await.unwrap();
    assert_eq!(anew.disposition, Disposition::Started);
}
