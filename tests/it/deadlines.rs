//! The deadline that a call names, kept by the server also for a caller who does not mind it: frames by hand, and no clock in them.

use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use semanas_client::raw::v1::{SubmitWorkHistoryRequest, WatchWorkHistoriesRequest, WatchWorkHistoryRequest};
use tonic::{Code, Status};

use crate::harness::*;

/// Long enough to be served in, and short of what a store is waited for.
const TIMEOUT: Duration = Duration::from_millis(500);

/// What a caller was answered who waits for as long as it takes.
struct Answered {
    /// Bytes of messages.
    body_bytes: usize,
    status: Status,
}

async fn call(server: &Server, method: &str, message: &impl Message) -> Answered {
    let address = server.grpc().strip_prefix("http://").unwrap().to_owned();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
    let driving = tokio::spawn(connection);
    let request = http::Request::post(format!("{}/semanas.v1.WorkHistoryService/{method}", server.grpc()))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", format!("{}m", TIMEOUT.as_millis()))
        .body(())
        .unwrap();
    let (response, mut body) = sender.send_request(request, false).unwrap();
    body.send_data(framed(message), true).unwrap();
    let response = within("the response", PATIENCE, response).await.unwrap();
    let headers = response.headers().clone();
    let (mut body, mut body_bytes) = (response.into_body(), 0);
    while let Some(data) = within("the end of the stream", PATIENCE, body.data()).await {
        body_bytes += data.unwrap().len();
    }
    let trailers = body.trailers().await.unwrap().unwrap_or_default();
    driving.abort();
    let status = Status::from_header_map(&headers).or_else(|| Status::from_header_map(&trailers));
    Answered {
        body_bytes,
        status: status.unwrap(),
    }
}

fn framed(message: &impl Message) -> Bytes {
    let body = message.encode_to_vec();
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[0], length.as_slice(), &body].concat().into()
}

#[tokio::test]
async fn a_submit_that_outlasts_its_deadline_says_so_and_is_repeated_with_its_request_id() {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let server = Server::start(&Store::redis(&redis), &sandbox).await;
    let person = fresh_person();
    let submit = SubmitWorkHistoryRequest {
        request_id: "of the one who comes back".to_owned(),
        ..submit_request(person.with_names())
    };
    redis.signal("STOP");
    let answered = call(&server, "SubmitWorkHistory", &submit).await;
    redis.signal("CONT");
    check_status(&answered.status, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    let message = answered.status.message();
    assert!(
        message.contains("repeat") && message.contains("request_id"),
        "{message}"
    );
    eventually("the same submit to be taken", || async {
        server.stub().submit_work_history(submit.clone()).await.ok()
    })
    .await;
}

#[tokio::test]
async fn the_streams_of_a_caller_end_at_its_deadline_and_say_so() {
    let (server, sandbox) = embedded().await;
    let person = fresh_person();
    hold_document(&sandbox, &person);
    let submitted = server
        .stub()
        .submit_work_history(submit_request(person.with_names()))
        .await
        .unwrap()
        .into_inner();
    let watch = WatchWorkHistoryRequest {
        job_id: submitted.job.unwrap().job_id,
        ..WatchWorkHistoryRequest::default()
    };
    let feed = WatchWorkHistoriesRequest::default();
    for answered in [
        call(&server, "WatchWorkHistory", &watch).await,
        call(&server, "WatchWorkHistories", &feed).await,
    ] {
        assert!(answered.body_bytes > 0, "the stream had begun");
        check_status(&answered.status, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    }
}
