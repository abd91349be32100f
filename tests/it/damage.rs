//! A data set that was damaged behind our back: what can still be had, and what is said of the rest.

use semanas_client::JobState;
use semanas_client::raw::v1::GetWorkHistoryRequest;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::harness::*;

#[tokio::test]
async fn a_record_that_cannot_be_read_is_an_internal_error_of_that_job_alone() {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let server = Server::start(&Store::redis(&redis), &sandbox).await;
    let damaged = to_the_end(&server.client(), submit_request(fresh_person().with_names())).await;
    let sound = to_the_end(&server.client(), submit_request(fresh_person().with_names())).await;
    let keys: Vec<String> = redis.ask(&["KEYS", &format!("*job:{}", damaged.job_id)]).await;
    let added: i64 = redis.ask(&["HSET", &keys[0], "record", "{ garbage"]).await;
    assert_eq!(
        (keys.len(), added),
        (1, 0),
        "the record of the job is where it was thought to be"
    );
    let request = GetWorkHistoryRequest {
        job_id: damaged.job_id,
        limit: None,
    };
    let status = server.stub().get_work_history(request).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "INTERNAL");
    let read = server
        .client()
        .get_work_history(sound.job_id.as_str(), None)
        .await
        .unwrap();
    assert_eq!(read.state, JobState::Succeeded);
}
