//! Limits that a caller meets: of size, of number, of time, of money. Each says when to come back.

use std::time::Duration;

use semanas_client::raw::v1::{LookupNssRequest, SubmitWorkHistoryRequest, WatchWorkHistoriesRequest};
use semanas_sandbox::{MsRange, Provider, Settings};
use tonic::Code;

use crate::harness::*;

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_with_its_own_reason() {
    let (server, _sandbox) = embedded().await;
    let request = SubmitWorkHistoryRequest {
        purpose: "x".repeat(200_000),
        ..submit_request(fresh_person().by_curp())
    };
    check_status(
        &submit_refused(&server, request).await,
        Code::ResourceExhausted,
        "REQUEST_TOO_LARGE",
    );
    let fine = server
        .client()
        .submit_work_history(submit_request(fresh_person().with_names()))
        .await;
    assert!(fine.is_ok(), "the connection is none the worse for it");
}

#[tokio::test]
async fn one_watch_too_many_is_told_to_come_back() {
    let sandbox = sandbox().await;
    let server = ServerOptions::new(&Store::sqlite(), &sandbox)
        .set("WATCH__STREAMS_MAX", "1")
        .start()
        .await;
    let _feed = server
        .stub()
        .watch_work_histories(WatchWorkHistoriesRequest::default())
        .await
        .unwrap();
    let second = server
        .stub()
        .watch_work_histories(WatchWorkHistoriesRequest::default())
        .await;
    check_status(
        &second.map(|_| ()).unwrap_err(),
        Code::ResourceExhausted,
        "TOO_MANY_WATCHES",
    );
}

#[tokio::test]
async fn a_lookup_that_outlasts_its_caller_goes_on_and_is_paid_once() {
    let (server, sandbox) = embedded().await;
    let person = fresh_person();
    let settings = Settings {
        latency: Some(MsRange::fixed(1_500)),
        ..Settings::default()
    };
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
    let lookup = LookupNssRequest {
        curp: person.curp.clone(),
        ..LookupNssRequest::default()
    };
    let mut hasty = tonic::Request::new(lookup.clone());
    hasty.set_timeout(Duration::from_millis(700));
    check_status(
        &server.stub().lookup_nss(hasty).await.unwrap_err(),
        Code::DeadlineExceeded,
        "LOOKUP_IN_PROGRESS",
    );
    server.client().lookup_nss(lookup).await.unwrap();
    assert_eq!(booked(&sandbox, Provider::Nubarium, &person.curp), 1);
}

#[tokio::test]
async fn a_person_has_a_limit_of_charges_for_a_day() {
    let sandbox = sandbox().await;
    let server = ServerOptions::new(&Store::sqlite(), &sandbox)
        .set("ENGINE__PERSON_DAILY_MAX", "1")
        .start()
        .await;
    let person = fresh_person();
    let lookup = LookupNssRequest {
        curp: person.curp.clone(),
        ..LookupNssRequest::default()
    };
    server.client().lookup_nss(lookup.clone()).await.unwrap();
    let fresh = LookupNssRequest {
        max_age: Some(prost_types::Duration::default()),
        ..lookup
    };
    let status = server.stub().lookup_nss(fresh).await.unwrap_err();
    check_status(&status, Code::ResourceExhausted, "PERSON_DAILY_LIMIT");
    assert_eq!(booked(&sandbox, Provider::Nubarium, &person.curp), 1);
}
