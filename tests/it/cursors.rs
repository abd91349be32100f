//! Cursors and page tokens are taken back only where they were given, and not for ever.

use semanas_client::raw::v1::{
    JobFilter, ListChargesRequest, ListWorkHistoriesRequest, WatchWorkHistoriesRequest, WatchWorkHistoryRequest,
};
use tonic::Code;

use crate::harness::*;

#[tokio::test]
async fn cursors_and_page_tokens_are_taken_only_where_they_were_given() {
    let (server, _sandbox) = embedded().await;
    let (client, mut stub) = (server.client(), server.stub());
    let one = client
        .submit_work_history(submit_request(fresh_person().with_names()))
        .await
        .unwrap();
    let other = client
        .submit_work_history(submit_request(fresh_person().with_names()))
        .await
        .unwrap();
    let mut damaged = one.watch_cursor.clone().into_bytes();
    let middle = damaged.len() / 2;
    damaged[middle] = if damaged[middle] == b'A' { b'B' } else { b'A' };
    let job_id = one.job.job_id;
    let wrong = [
        "forged".to_owned(),
        "A".repeat(10_000),
        String::from_utf8(damaged).unwrap(),
        other.watch_cursor.clone(),
    ];
    for cursor in wrong {
        let request = WatchWorkHistoryRequest {
            job_id: job_id.clone(),
            cursor,
            limit: None,
        };
        check_status(
            &stub.watch_work_history(request).await.unwrap_err(),
            Code::InvalidArgument,
            "CURSOR_INVALID",
        );
    }
    let feed = WatchWorkHistoriesRequest {
        cursor: other.watch_cursor,
        ..WatchWorkHistoriesRequest::default()
    };
    check_status(
        &stub.watch_work_histories(feed).await.unwrap_err(),
        Code::InvalidArgument,
        "CURSOR_INVALID",
    );

    let first_page = ListWorkHistoriesRequest {
        page_size: 1,
        ..ListWorkHistoriesRequest::default()
    };
    let token = stub
        .list_work_histories(first_page.clone())
        .await
        .unwrap()
        .into_inner()
        .next_page_token;
    assert!(!token.is_empty());
    let labels = JobFilter {
        labels: [("a".to_owned(), "b".to_owned())].into(),
        ..JobFilter::default()
    };
    let with_other_filter = ListWorkHistoriesRequest {
        page_token: token,
        filter: Some(labels),
        page_size: 1,
    };
    check_status(
        &stub.list_work_histories(with_other_filter).await.unwrap_err(),
        Code::InvalidArgument,
        "CURSOR_INVALID",
    );
    let forged = ListWorkHistoriesRequest {
        page_token: "forged".to_owned(),
        ..first_page
    };
    check_status(
        &stub.list_work_histories(forged).await.unwrap_err(),
        Code::InvalidArgument,
        "CURSOR_INVALID",
    );
    let forged = ListChargesRequest {
        page_token: "forged".to_owned(),
        ..ListChargesRequest::default()
    };
    let status = server.operations_stub().list_charges(forged).await.unwrap_err();
    check_status(&status, Code::InvalidArgument, "CURSOR_INVALID");
}

#[tokio::test]
async fn an_old_cursor_is_expired_and_not_just_wrong() {
    let sandbox = sandbox().await;
    let options = ServerOptions::new(&Store::sqlite(), &sandbox)
        .set("WATCH__HEARTBEAT", "100ms")
        .set("WATCH__STREAM_AGE_MIN", "200ms")
        .set("WATCH__STREAM_AGE_MAX", "300ms")
        .set("WATCH__CURSOR_TTL", "1s");
    let server = options.start().await;
    let submitted = server
        .client()
        .submit_work_history(submit_request(fresh_person().with_names()))
        .await
        .unwrap();
    let request = WatchWorkHistoryRequest {
        job_id: submitted.job.job_id,
        cursor: submitted.watch_cursor,
        limit: None,
    };
    let status = eventually("the cursor to expire", || async {
        server.stub().watch_work_history(request.clone()).await.err()
    })
    .await;
    check_status(&status, Code::OutOfRange, "CURSOR_EXPIRED");
}
