//! Requests that are wrong: one reason of the catalogue, and every wrong field named at once.

use std::collections::BTreeSet;

use semanas_client::raw::v1::{
    CancelWorkHistoryRequest, GetWorkHistoryRequest, JobFilter, ListChargesRequest, ListWorkHistoriesRequest,
    LookupNssRequest, ResolveWorkHistoryRequest, Subject, SubmitWorkHistoryRequest, TimeRange,
    WatchWorkHistoriesRequest, WatchWorkHistoryRequest,
};
use semanas_client::{ChargeState, Provider as Route};
use tonic::{Code, Status};

use crate::harness::*;

fn by_curp(curp: &str) -> SubmitWorkHistoryRequest {
    submit_request(Subject {
        curp: curp.to_owned(),
        ..Subject::default()
    })
}

#[tokio::test]
async fn a_wrong_curp_is_refused_for_its_shape_its_date_and_its_digit() {
    let (server, sandbox) = embedded().await;
    let wrong = [
        "",
        " ",
        "GOAA970724HYNNNL0",
        "GOAA970724HYNNNL088",
        "1OAA970724HYNNNL08",
        "GOAA971324HYNNNL08",
        "GOAA970230HYNNNL08",
        "GOAA970724QYNNNL08",
        "GOAA970724HQQNNL08",
        "GOAA970724HYNNNL09",
        "ÑOAA970724HYNNNL08",
    ];
    for curp in wrong {
        let status = submit_refused(&server, by_curp(curp)).await;
        check_status(&status, Code::InvalidArgument, "INVALID_CURP");
        assert_eq!(wrong_fields(&status), BTreeSet::from(["subject.curp".to_owned()]));
        let lookup = LookupNssRequest {
            curp: curp.to_owned(),
            ..LookupNssRequest::default()
        };
        let status = server.stub().lookup_nss(lookup).await.unwrap_err();
        check_status(&status, Code::InvalidArgument, "INVALID_CURP");
        assert_eq!(wrong_fields(&status), BTreeSet::from(["curp".to_owned()]));
    }
    assert!(sandbox.books().charges().is_empty());
}

#[tokio::test]
async fn a_wrong_nss_is_refused() {
    let (server, _sandbox) = embedded().await;
    for nss in [
        "1234567890",
        "12345678904",
        "abcdefghijk",
        "00000000000",
        "123456789012",
    ] {
        let subject = Subject {
            nss: nss.to_owned(),
            ..fresh_person().by_curp()
        };
        let status = submit_refused(&server, submit_request(subject)).await;
        check_status(&status, Code::InvalidArgument, "INVALID_NSS");
        assert_eq!(wrong_fields(&status), BTreeSet::from(["subject.nss".to_owned()]));
    }
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let (server, _sandbox) = embedded().await;
    let request = SubmitWorkHistoryRequest {
        subject: Some(Subject {
            curp: "NOT A CURP".to_owned(),
            given_names: "X\u{7}".to_owned(),
            nss: "1".to_owned(),
            ..Subject::default()
        }),
        limit: -1,
        request_id: "ñ".to_owned(),
        max_age: Some(prost_types::Duration { seconds: -5, nanos: 0 }),
        provider: Route::Nubarium.into(),
        test_case_id: "one two".to_owned(),
        purpose: "p".repeat(201),
        consent_reference: "line\nbreak".to_owned(),
        labels: [("a key with blanks".to_owned(), String::new())].into(),
        ..SubmitWorkHistoryRequest::default()
    };
    let status = submit_refused(&server, request).await;
    check_status(&status, Code::InvalidArgument, "INVALID_REQUEST");
    let named = wrong_fields(&status);
    for field in [
        "subject.curp",
        "subject.nss",
        "subject.given_names",
        "subject.paternal_surname",
        "limit",
        "request_id",
        "max_age",
        "provider",
        "test_case_id",
        "purpose",
        "consent_reference",
        "labels",
    ] {
        assert!(named.contains(field), "{field} is not among {named:?}");
    }
}

#[tokio::test]
async fn absurd_numbers_are_refused_by_every_method() {
    let (server, _sandbox) = embedded().await;
    let (mut stub, mut operations) = (server.stub(), server.operations_stub());
    let field = |status: Status, field: &str| {
        check_status(&status, Code::InvalidArgument, "INVALID_REQUEST");
        assert_eq!(wrong_fields(&status), BTreeSet::from([field.to_owned()]));
    };
    let limit = SubmitWorkHistoryRequest {
        limit: 10_001,
        ..submit_request(fresh_person().by_curp())
    };
    field(submit_refused(&server, limit).await, "limit");
    for page_size in [-1, 1_001, i32::MAX] {
        let request = ListWorkHistoriesRequest {
            page_size,
            ..ListWorkHistoriesRequest::default()
        };
        field(stub.list_work_histories(request).await.unwrap_err(), "page_size");
        let request = ListChargesRequest {
            page_size,
            ..ListChargesRequest::default()
        };
        field(operations.list_charges(request).await.unwrap_err(), "page_size");
        let request = WatchWorkHistoriesRequest {
            initial_count: page_size,
            ..WatchWorkHistoriesRequest::default()
        };
        field(stub.watch_work_histories(request).await.unwrap_err(), "initial_count");
    }
    let request = GetWorkHistoryRequest {
        job_id: "wh_x".to_owned(),
        limit: Some(-3),
    };
    field(stub.get_work_history(request).await.unwrap_err(), "limit");
    let states = JobFilter {
        states: vec![99],
        ..JobFilter::default()
    };
    let request = ListWorkHistoriesRequest {
        filter: Some(states),
        ..ListWorkHistoriesRequest::default()
    };
    let status = stub.list_work_histories(request).await.unwrap_err();
    check_status(&status, Code::InvalidArgument, "INVALID_REQUEST");
    let spans = JobFilter {
        create_time: Some(TimeRange::default()),
        ..JobFilter::default()
    };
    let request = WatchWorkHistoriesRequest {
        filter: Some(spans),
        ..WatchWorkHistoriesRequest::default()
    };
    field(
        stub.watch_work_histories(request).await.unwrap_err(),
        "filter.create_time",
    );
}

#[tokio::test]
async fn kiban_cannot_be_chosen_without_names_and_no_route_is_said_where_there_is_none() {
    let sandbox = sandbox().await;
    let only_kiban = ServerOptions::new(&Store::sqlite(), &sandbox)
        .without("PROVIDERS__TUIDENTIDAD__BASE")
        .without("PROVIDERS__TUIDENTIDAD__API")
        .without("PROVIDERS__NUBARIUM__BASE")
        .without("PROVIDERS__NUBARIUM__USER")
        .without("PROVIDERS__NUBARIUM__PASS");
    let server = only_kiban.start().await;
    let chosen = SubmitWorkHistoryRequest {
        provider: Route::Kiban.into(),
        ..submit_request(fresh_person().by_curp())
    };
    let status = submit_refused(&server, chosen).await;
    check_status(&status, Code::InvalidArgument, "INVALID_REQUEST");
    let expected = ["subject.given_names", "subject.paternal_surname"].map(str::to_owned);
    assert_eq!(wrong_fields(&status), BTreeSet::from(expected));

    let status = submit_refused(&server, submit_request(fresh_person().by_curp())).await;
    check_status(&status, Code::FailedPrecondition, "NO_ROUTE");
    let lookup = LookupNssRequest {
        curp: fresh_person().curp,
        ..LookupNssRequest::default()
    };
    check_status(
        &server.stub().lookup_nss(lookup).await.unwrap_err(),
        Code::FailedPrecondition,
        "NO_ROUTE",
    );
}

#[tokio::test]
async fn an_unknown_job_is_not_found_whatever_its_name_looks_like() {
    let (server, _sandbox) = embedded().await;
    let (mut stub, mut operations) = (server.stub(), server.operations_stub());
    let long = "x".repeat(5_000);
    let names = [
        "wh_01a2029dcaea73f8a3b505b03b1535510c",
        "nss_01a2029dcaea73f8a3b505b03b1535510c",
        "x",
        "GOAA970724HYNNNL08",
        &long,
    ];
    for name in names {
        let job_id = name.to_owned();
        let get = GetWorkHistoryRequest {
            job_id: job_id.clone(),
            limit: None,
        };
        let watch = WatchWorkHistoryRequest {
            job_id: job_id.clone(),
            ..WatchWorkHistoryRequest::default()
        };
        let settle = ResolveWorkHistoryRequest {
            job_id: job_id.clone(),
            charge: ChargeState::No.into(),
            note: String::new(),
        };
        let told = [
            stub.get_work_history(get).await.unwrap_err(),
            stub.watch_work_history(watch).await.unwrap_err(),
            stub.cancel_work_history(CancelWorkHistoryRequest { job_id })
                .await
                .unwrap_err(),
            operations.resolve_work_history(settle).await.unwrap_err(),
        ];
        for status in told {
            check_status(&status, Code::NotFound, "JOB_NOT_FOUND");
            assert!(
                !format!("{status:?}").contains("GOAA970724HYNNNL08"),
                "what may be a CURP is not repeated"
            );
        }
    }
    let status = stub
        .get_work_history(GetWorkHistoryRequest::default())
        .await
        .unwrap_err();
    check_status(&status, Code::InvalidArgument, "INVALID_REQUEST");
    assert_eq!(wrong_fields(&status), BTreeSet::from(["job_id".to_owned()]));
}

#[tokio::test]
async fn a_request_id_stands_for_one_request() {
    let (server, sandbox) = embedded().await;
    let person = fresh_person();
    let request = SubmitWorkHistoryRequest {
        request_id: "order-1".to_owned(),
        ..submit_request(person.with_names())
    };
    let first = server.client().submit_work_history(request.clone()).await.unwrap().job;
    let again = server.client().submit_work_history(request.clone()).await.unwrap().job;
    assert_eq!(first.job_id, again.job_id);
    for other in [
        SubmitWorkHistoryRequest {
            limit: 3,
            ..request.clone()
        },
        SubmitWorkHistoryRequest {
            subject: Some(fresh_person().with_names()),
            ..request.clone()
        },
    ] {
        check_status(
            &submit_refused(&server, other).await,
            Code::InvalidArgument,
            "REQUEST_ID_REUSED",
        );
    }
    to_the_end(&server.client(), request).await;
    assert_eq!(sandbox.books().charges().len(), 1);
}

#[tokio::test]
async fn only_an_unknown_outcome_can_be_settled() {
    let (server, _sandbox) = embedded().await;
    let job = to_the_end(&server.client(), submit_request(fresh_person().with_names())).await;
    let settle = |charge: ChargeState| ResolveWorkHistoryRequest {
        job_id: job.job_id.clone(),
        charge: charge.into(),
        note: String::new(),
    };
    let status = server
        .operations_stub()
        .resolve_work_history(settle(ChargeState::No))
        .await
        .unwrap_err();
    check_status(&status, Code::FailedPrecondition, "JOB_NOT_RESOLVABLE");
    let status = server
        .operations_stub()
        .resolve_work_history(settle(ChargeState::Open))
        .await
        .unwrap_err();
    check_status(&status, Code::InvalidArgument, "INVALID_REQUEST");
}

#[tokio::test]
async fn an_unknown_method_or_service_is_said_to_be_unknown() {
    let (server, _sandbox) = embedded().await;
    for path in ["/semanas.v1.WorkHistoryService/Forget", "/semanas.v9.Nobody/Nothing"] {
        let mut grpc = tonic::client::Grpc::new(server.channel());
        grpc.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::<GetWorkHistoryRequest, GetWorkHistoryRequest>::default();
        let path = http::uri::PathAndQuery::from_static(path);
        let request = tonic::Request::new(GetWorkHistoryRequest::default());
        let status = grpc.unary(request, path, codec).await.map(|_| ()).unwrap_err();
        check_status(&status, Code::Unimplemented, "METHOD_UNKNOWN");
    }
}
