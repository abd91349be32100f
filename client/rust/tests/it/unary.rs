//! Unary calls: what is tried again, under which name, and until when.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use semanas_client::raw::v1::JobState;
use semanas_client::{Error, JobFilter, LookupNssRequest, Options, RetryPolicy, SubmitWorkHistoryRequest};
use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::script::{Script, client, job};

fn failing(failures: Vec<Status>) -> Arc<Script> {
    let script = Script::default();
    script.unary_failures.lock().unwrap().extend(failures);
    Arc::new(script)
}

fn told(code: Code, retry_after_s: u64) -> Status {
    let mut details = ErrorDetails::with_error_info("PROVIDER_UNAVAILABLE", "semanas", HashMap::new());
    details.set_retry_info(Some(Duration::from_secs(retry_after_s)));
    Status::with_error_details(code, "later", details)
}

fn calls(script: &Script) -> u32 {
    *script.unary_calls.lock().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_submit_is_retried_under_one_request_id() {
    let script = failing(vec![Status::unavailable("gone"), Status::unavailable("gone")]);
    let client = client(&script, Options::default());
    client
        .submit_work_history(SubmitWorkHistoryRequest::default())
        .await
        .unwrap();
    let ids = script.request_ids.lock().unwrap();
    assert_eq!(ids.len(), 3);
    assert!(!ids[0].is_empty() && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test(start_paused = true)]
async fn a_callers_request_id_is_kept_and_two_submits_get_two() {
    let script = failing(vec![]);
    let client = client(&script, Options::default());
    let named = SubmitWorkHistoryRequest {
        request_id: "mine".into(),
        ..SubmitWorkHistoryRequest::default()
    };
    client.submit_work_history(named).await.unwrap();
    client
        .submit_work_history(SubmitWorkHistoryRequest::default())
        .await
        .unwrap();
    client
        .submit_work_history(SubmitWorkHistoryRequest::default())
        .await
        .unwrap();
    let ids = script.request_ids.lock().unwrap();
    assert_eq!(ids[0], "mine");
    assert_ne!(ids[1], ids[2]);
}

#[tokio::test(start_paused = true)]
async fn the_servers_word_on_when_to_come_back_is_kept() {
    let script = failing(vec![told(Code::ResourceExhausted, 8)]);
    let start = Instant::now();
    client(&script, Options::default())
        .get_work_history("wh_1", None)
        .await
        .unwrap();
    assert!(start.elapsed() >= Duration::from_secs(8));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_would_pass_the_deadline_is_not_begun() {
    let script = failing(vec![told(Code::Unavailable, 15)]);
    let client = client(&script, Options::default()).with_unary_deadline(Some(Duration::from_secs(10)));
    let start = Instant::now();
    let error = client.get_work_history("wh_1", None).await.unwrap_err();
    assert_eq!(error.retry_delay(), Some(Duration::from_secs(15)));
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn retrying_switched_off_means_one_try() {
    let script = failing(vec![Status::unavailable("gone")]);
    let options = Options {
        retry: RetryPolicy::OFF,
        ..Options::default()
    };
    client(&script, options)
        .get_work_history("wh_1", None)
        .await
        .unwrap_err();
    assert_eq!(calls(&script), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lookup_that_could_pay_twice_is_retried_only_on_the_servers_own_word() {
    let anew = LookupNssRequest {
        max_age: Some(Duration::ZERO),
        ..LookupNssRequest::default()
    };
    let script = failing(vec![Status::unavailable("connection reset")]);
    client(&script, Options::default())
        .lookup_nss(anew.clone())
        .await
        .unwrap_err();
    assert_eq!(calls(&script), 1);

    let script = failing(vec![told(Code::Unavailable, 1)]);
    client(&script, Options::default()).lookup_nss(anew).await.unwrap();
    assert_eq!(calls(&script), 2);

    let script = failing(vec![Status::unavailable("connection reset")]);
    client(&script, Options::default())
        .lookup_nss(LookupNssRequest::default())
        .await
        .unwrap();
    assert_eq!(calls(&script), 2);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_told_to_the_server_and_kept_by_the_client() {
    let script = Arc::new(Script {
        unary_is_silent: true,
        ..Script::default()
    });
    let start = Instant::now();
    let client = client(&script, Options::default());
    let error = client.get_work_history("wh_1", None).await.unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error:?}");
    let waited = start.elapsed();
    assert!(
        waited >= Duration::from_secs(30) && waited < Duration::from_secs(31),
        "{waited:?}"
    );
    assert!(script.timeouts.lock().unwrap()[0].is_some());
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_its_job_is_an_error_and_no_empty_job() {
    let script = failing(vec![]);
    let error = client(&script, Options::default())
        .cancel_work_history("wh_1")
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Internal { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_list_fetches_a_page_when_its_first_job_is_read() {
    let page = |sequence, next: &str| (vec![job(sequence, JobState::Succeeded)], next.to_owned());
    let script = Arc::new(Script {
        pages: vec![page(1, "1"), page(2, "")],
        ..Script::default()
    });
    let mut jobs = client(&script, Options::default()).list_work_histories(JobFilter::default());
    assert_eq!(jobs.next().await.unwrap().unwrap().event_sequence, 1);
    assert_eq!(calls(&script), 1);
    assert_eq!(jobs.next().await.unwrap().unwrap().event_sequence, 2);
    assert!(jobs.next().await.is_none());
    assert_eq!(calls(&script), 2);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let options = Options {
        retry: RetryPolicy::OFF,
        ..Options::default()
    };
    let free_port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let client = semanas_client::Client::new(&format!("http://127.0.0.1:{free_port}"), options).unwrap();
    let error = client.get_work_history("wh_1", None).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(matches!(client.health().await, Err(Error::Unavailable { .. })));
}
