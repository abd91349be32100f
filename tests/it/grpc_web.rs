//! A browser's way in: gRPC-Web on the gRPC port, over HTTP/1.1 and HTTP/2, for the pages whose origins are named.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bytes::{Bytes, BytesMut};
use prost::Message;
use reqwest::header::HeaderMap;
use semanas_proto::v1::watch_work_history_response::Content;
use semanas_proto::v1::{
    JobState, LookupNssRequest, LookupNssResponse, SubmitWorkHistoryRequest, SubmitWorkHistoryResponse,
    WatchWorkHistoryRequest, WatchWorkHistoryResponse,
};
use tonic_types::{StatusExt as _, pb};

use crate::harness::*;

const PAGE: &str = "https://app.example.com";
const CURP: &str = "GOAA970724HYNNNL08";
/// The flag of the frame that holds the trailers.
const IS_TRAILERS: u8 = 0x80;

async fn server_for_pages(sandbox: &Sandbox) -> Server {
    ServerOptions::new(&Store::sqlite(), sandbox)
        .set("GRPC__WEB_ORIGINS", &format!("{PAGE},http://localhost:5173"))
        .set("WATCH__HEARTBEAT", "50ms")
        .start()
        .await
}

/// A call as a page makes it.
fn call(server: &Server, method: &str, message: &impl Message) -> reqwest::RequestBuilder {
    let url = format!("{}/semanas.v1.WorkHistoryService/{method}", server.grpc());
    let request = reqwest::Client::new().post(url).body(framed(message));
    request
        .header("content-type", "application/grpc-web+proto")
        .header("x-grpc-web", "1")
        .header("origin", PAGE)
}

fn framed(message: &impl Message) -> Vec<u8> {
    let body = message.encode_to_vec();
    let mut frame = vec![0];
    frame.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
    frame.extend(body);
    frame
}

/// Takes the next whole frame out of what was read.
fn next_frame(read: &mut BytesMut) -> Option<(u8, Bytes)> {
    let length = u32::from_be_bytes(read.get(1..5)?.try_into().unwrap()) as usize;
    (read.len() >= 5 + length).then(|| {
        let frame = read.split_to(5 + length).freeze();
        (frame[0], frame.slice(5..))
    })
}

fn frames(body: &[u8]) -> Vec<(u8, Bytes)> {
    let mut read = BytesMut::from(body);
    std::iter::from_fn(|| next_frame(&mut read)).collect()
}

/// A message and then trailers that say OK.
#[track_caller]
fn answer<M: Message + Default>(body: &[u8]) -> M {
    let frames = frames(body);
    assert_eq!(
        frames.iter().map(|(flag, _)| *flag).collect::<Vec<_>>(),
        [0, IS_TRAILERS]
    );
    assert!(
        String::from_utf8_lossy(&frames[1].1).contains("grpc-status:0"),
        "{:?}",
        frames[1].1
    );
    M::decode(frames[0].1.clone()).unwrap()
}

fn lookup(curp: &str) -> LookupNssRequest {
    LookupNssRequest {
        curp: curp.to_owned(),
        ..LookupNssRequest::default()
    }
}

#[track_caller]
fn check_shown_to_page(headers: &HeaderMap) {
    assert_eq!(headers["access-control-allow-origin"], PAGE);
    let shown = headers["access-control-expose-headers"].to_str().unwrap();
    for name in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
        assert!(shown.contains(name), "{name} is not in {shown}");
    }
}

#[tokio::test]
async fn a_page_calls_over_http_1() {
    let sandbox = sandbox().await;
    let server = server_for_pages(&sandbox).await;
    let response = call(&server, "LookupNss", &lookup(CURP)).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.version()),
        (200, reqwest::Version::HTTP_11)
    );
    check_shown_to_page(response.headers());
    let found: LookupNssResponse = answer(&response.bytes().await.unwrap());
    assert_eq!(found.nss, "12345678903");

    let as_text = reqwest::Client::new()
        .post(format!("{}/semanas.v1.WorkHistoryService/LookupNss", server.grpc()))
        .header("content-type", "application/grpc-web-text")
        .header("accept", "application/grpc-web-text")
        .body(STANDARD.encode(framed(&lookup(CURP))));
    let body = as_text.send().await.unwrap().bytes().await.unwrap();
    // Frames are encoded piece by piece, each padded at its end.
    let first = body.split_inclusive(|byte| *byte == b'=').next().unwrap();
    let plain = STANDARD.decode(&first[..first.len() - first.len() % 4]).unwrap();
    assert_eq!(
        LookupNssResponse::decode(frames(&plain)[0].1.clone()).unwrap().nss,
        "12345678903"
    );
}

#[tokio::test]
async fn a_page_calls_over_http_2() {
    let sandbox = sandbox().await;
    let server = server_for_pages(&sandbox).await;
    let address = server.grpc().strip_prefix("http://").unwrap().to_owned();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
    let driving = tokio::spawn(connection);
    let request = http::Request::post(format!("{}/semanas.v1.WorkHistoryService/LookupNss", server.grpc()))
        .header("content-type", "application/grpc-web+proto")
        .header("origin", PAGE)
        .body(())
        .unwrap();
    let (response, mut body) = sender.send_request(request, false).unwrap();
    body.send_data(framed(&lookup(CURP)).into(), true).unwrap();
    let response = within("the answer", PATIENCE, response).await.unwrap();
    assert_eq!(response.headers()["access-control-allow-origin"], PAGE);
    let (mut body, mut read) = (response.into_body(), Vec::new());
    while let Some(chunk) = body.data().await {
        read.extend_from_slice(&chunk.unwrap());
    }
    assert_eq!(answer::<LookupNssResponse>(&read).nss, "12345678903");
    driving.abort();
}

#[tokio::test]
async fn a_browser_is_told_which_pages_may_call() {
    let sandbox = sandbox().await;
    let named = server_for_pages(&sandbox).await;
    let nobody = Server::start(&Store::sqlite(), &sandbox).await;
    let preflight = async |server: &Server, origin: &str| {
        let url = format!("{}/semanas.v1.WorkHistoryService/LookupNss", server.grpc());
        let request = reqwest::Client::new().request(reqwest::Method::OPTIONS, url);
        let asked = "content-type,x-grpc-web,x-user-agent,grpc-timeout,authorization";
        let request = request
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", asked);
        request.send().await.unwrap().headers().clone()
    };
    for origin in [PAGE, "http://localhost:5173"] {
        let headers = preflight(&named, origin).await;
        assert_eq!(headers["access-control-allow-origin"], origin);
        assert_eq!(headers["access-control-allow-methods"], "POST");
        let accepted = headers["access-control-allow-headers"].to_str().unwrap();
        for name in [
            "content-type",
            "x-grpc-web",
            "x-user-agent",
            "grpc-timeout",
            "authorization",
            "traceparent",
        ] {
            assert!(accepted.contains(name), "{name} is not in {accepted}");
        }
    }
    for (server, origin) in [
        (&named, "https://evil.example"),
        (&named, "https://app.example.com.evil.example"),
        (&nobody, PAGE),
    ] {
        let headers = preflight(server, origin).await;
        assert!(
            !headers.contains_key("access-control-allow-origin"),
            "{origin}: {headers:?}"
        );
    }
}

#[tokio::test]
async fn a_watch_streams_to_a_page_with_heartbeats_until_the_end() {
    let sandbox = sandbox().await;
    let server = server_for_pages(&sandbox).await;
    let person = fresh_person();
    hold_document(&sandbox, &person);
    let submit = SubmitWorkHistoryRequest {
        subject: Some(semanas_proto::v1::Subject {
            curp: person.curp.clone(),
            given_names: person.given_names.clone(),
            paternal_surname: person.paternal_surname.clone(),
            ..semanas_proto::v1::Subject::default()
        }),
        provider: semanas_proto::v1::Provider::Kiban.into(),
        ..SubmitWorkHistoryRequest::default()
    };
    let submitted = call(&server, "SubmitWorkHistory", &submit)
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    let job_id = answer::<SubmitWorkHistoryResponse>(&submitted).job.unwrap().job_id;

    let watch = WatchWorkHistoryRequest {
        job_id,
        ..WatchWorkHistoryRequest::default()
    };
    let mut response = call(&server, "WatchWorkHistory", &watch).send().await.unwrap();
    check_shown_to_page(response.headers());
    let (mut read, mut heartbeats, mut last) = (BytesMut::new(), 0, None);
    let trailers = within("the end of the watch", PATIENCE, async {
        loop {
            while let Some((flag, frame)) = next_frame(&mut read) {
                if flag == IS_TRAILERS {
                    return frame;
                }
                let message = WatchWorkHistoryResponse::decode(frame).unwrap();
                if matches!(message.content, Some(Content::Heartbeat(_))) {
                    heartbeats += 1;
                    if heartbeats == 2 {
                        let_go(&sandbox, &person);
                    }
                }
                last = Some(message);
            }
            read.extend_from_slice(&response.chunk().await.unwrap().expect("trailers come before the end"));
        }
    })
    .await;
    assert!(String::from_utf8_lossy(&trailers).contains("grpc-status:0"));
    assert!(heartbeats >= 2);
    let last = last.unwrap();
    assert!(last.terminal);
    match last.content {
        Some(Content::Event(event)) => assert_eq!(event.state(), JobState::Succeeded),
        other => panic!("the last message is {other:?}"),
    }
}

#[tokio::test]
async fn a_page_that_leaves_ends_its_watch() {
    let sandbox = sandbox().await;
    let server = server_for_pages(&sandbox).await;
    let request = semanas_proto::v1::WatchWorkHistoriesRequest::default();
    let streams = async |wanted: &str| {
        eventually(&format!("{wanted} open streams"), || async {
            let (_, metrics) = server.page("/metrics").await;
            metrics
                .contains(&format!("semanas_watch_streams {wanted}\n"))
                .then_some(())
        })
        .await;
    };
    let response = call(&server, "WatchWorkHistories", &request).send().await.unwrap();
    streams("1").await;
    drop(response);
    streams("0").await;
}

#[tokio::test]
async fn an_error_reaches_a_page_with_its_details() {
    let sandbox = sandbox().await;
    let server = server_for_pages(&sandbox).await;
    let response = call(&server, "LookupNss", &lookup("GOAA970724HYNNNL09"))
        .send()
        .await
        .unwrap();
    let headers = response.headers().clone();
    check_shown_to_page(&headers);
    assert_eq!(
        (response.status().as_u16(), &headers["grpc-status"]),
        (200, &"3".parse().unwrap())
    );
    let details = headers["grpc-status-details-bin"]
        .to_str()
        .unwrap()
        .trim_end_matches('=');
    let status = pb::Status::decode(STANDARD_NO_PAD.decode(details).unwrap().as_slice()).unwrap();
    let status = tonic::Status::with_details(
        tonic::Code::InvalidArgument,
        status.message.clone(),
        status.encode_to_vec().into(),
    );
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "INVALID_CURP");
    assert_eq!(details.bad_request().unwrap().field_violations[0].field, "curp");
}

#[tokio::test]
async fn what_is_no_call_is_refused_and_does_not_disturb_those_that_are() {
    let sandbox = sandbox().await;
    let server = server_for_pages(&sandbox).await;
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap();
    assert_eq!(client.get(server.grpc()).send().await.unwrap().status(), 400);
    let get = client.get(format!("{}/semanas.v1.WorkHistoryService/LookupNss", server.grpc()));
    assert_eq!(
        get.header("content-type", "application/grpc-web")
            .send()
            .await
            .unwrap()
            .status(),
        405
    );
    let job = to_the_end(&server.client(), submit_request(listed_person(CURP).with_names())).await;
    assert_eq!(job.state, semanas_client::JobState::Succeeded);
}
