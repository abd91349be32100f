//! What a caller is told when a call does not succeed: one reason of the catalogue, the gRPC code that belongs to it, every wrong
//! field at once, and when to come back.

use std::collections::BTreeSet;
use std::time::Duration;

use semanas_client::v1::work_history_service_client::WorkHistoryServiceClient;
use semanas_client::v1::{
    CancelWorkHistoryRequest, ChargeState, ErrorReason, GetWorkHistoryRequest, JobFilter, ListChargesRequest,
    ListWorkHistoriesRequest, LookupNssRequest, Provider as Route, ResolveWorkHistoryRequest, Subject,
    SubmitWorkHistoryRequest, TimeRange, WatchWorkHistoriesRequest, WatchWorkHistoryRequest,
};
use semanas_sandbox::{Fault, FaultRule, KibanScenario, KibanShape, MsRange, Provider, Settings, Step};
use tonic::{Code, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_types::StatusExt as _;

use crate::harness::*;

/// Fails unless the status is whole: this code, exactly one ErrorInfo of ours with this reason, RetryInfo where waiting helps.
#[track_caller]
fn check(status: &Status, code: Code, reason: &str) {
    let details = status.get_error_details();
    let info = details
        .error_info()
        .unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
    assert_eq!((status.code(), info.reason.as_str()), (code, reason), "{status:?}");
    assert_eq!(info.domain, "semanas");
    assert!(!status.message().is_empty());
    let infos = status.get_error_details_vec();
    let infos = infos
        .iter()
        .filter(|it| matches!(it, tonic_types::ErrorDetail::ErrorInfo(_)));
    assert_eq!(infos.count(), 1);
    let tells_when = details.retry_info().is_some_and(|info| info.retry_delay.is_some());
    if matches!(code, Code::Unavailable | Code::ResourceExhausted) {
        assert!(tells_when, "no RetryInfo: {status:?}");
    }
}

/// The wrong fields that the status names.
fn wrong_fields(status: &Status) -> BTreeSet<String> {
    let details = status.get_error_details();
    let violations = details
        .bad_request()
        .map(|it| it.field_violations.clone())
        .unwrap_or_default();
    assert!(violations.iter().all(|it| !it.description.is_empty()));
    violations.into_iter().map(|it| it.field).collect()
}

async fn server() -> (Server, Sandbox) {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    (server, sandbox)
}

async fn refusal_of(server: &Server, request: SubmitWorkHistoryRequest) -> Status {
    server.stub().submit_work_history(request).await.unwrap_err()
}

fn by_curp(curp: &str) -> SubmitWorkHistoryRequest {
    submit_request(Subject {
        curp: curp.to_owned(),
        ..Subject::default()
    })
}

#[tokio::test]
async fn a_wrong_curp_is_refused_for_its_shape_its_date_and_its_digit() {
    let (server, sandbox) = server().await;
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
        let status = refusal_of(&server, by_curp(curp)).await;
        check(&status, Code::InvalidArgument, "INVALID_CURP");
        assert_eq!(wrong_fields(&status), BTreeSet::from(["subject.curp".to_owned()]));
        let lookup = LookupNssRequest {
            curp: curp.to_owned(),
            ..LookupNssRequest::default()
        };
        let status = server.stub().lookup_nss(lookup).await.unwrap_err();
        check(&status, Code::InvalidArgument, "INVALID_CURP");
        assert_eq!(wrong_fields(&status), BTreeSet::from(["curp".to_owned()]));
    }
    assert!(sandbox.books().charges().is_empty());
}

#[tokio::test]
async fn a_wrong_nss_is_refused() {
    let (server, _sandbox) = server().await;
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
        let status = refusal_of(&server, submit_request(subject)).await;
        check(&status, Code::InvalidArgument, "INVALID_NSS");
        assert_eq!(wrong_fields(&status), BTreeSet::from(["subject.nss".to_owned()]));
    }
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let (server, _sandbox) = server().await;
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
    let status = refusal_of(&server, request).await;
    check(&status, Code::InvalidArgument, "INVALID_REQUEST");
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
    let (server, _sandbox) = server().await;
    let (mut stub, mut operations) = (server.stub(), server.operations_stub());
    let field = |status: Status, field: &str| {
        check(&status, Code::InvalidArgument, "INVALID_REQUEST");
        assert_eq!(wrong_fields(&status), BTreeSet::from([field.to_owned()]));
    };
    let limit = SubmitWorkHistoryRequest {
        limit: 10_001,
        ..submit_request(fresh_person().by_curp())
    };
    field(refusal_of(&server, limit).await, "limit");
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
    check(&status, Code::InvalidArgument, "INVALID_REQUEST");
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
    let status = refusal_of(&server, chosen).await;
    check(&status, Code::InvalidArgument, "INVALID_REQUEST");
    let expected = ["subject.given_names", "subject.paternal_surname"].map(str::to_owned);
    assert_eq!(wrong_fields(&status), BTreeSet::from(expected));

    let status = refusal_of(&server, submit_request(fresh_person().by_curp())).await;
    check(&status, Code::FailedPrecondition, "NO_ROUTE");
    let lookup = LookupNssRequest {
        curp: fresh_person().curp,
        ..LookupNssRequest::default()
    };
    check(
        &server.stub().lookup_nss(lookup).await.unwrap_err(),
        Code::FailedPrecondition,
        "NO_ROUTE",
    );
}

#[tokio::test]
async fn an_unknown_job_is_not_found_whatever_its_name_looks_like() {
    let (server, _sandbox) = server().await;
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
            check(&status, Code::NotFound, "JOB_NOT_FOUND");
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
    check(&status, Code::InvalidArgument, "INVALID_REQUEST");
    assert_eq!(wrong_fields(&status), BTreeSet::from(["job_id".to_owned()]));
}

#[tokio::test]
async fn a_request_id_stands_for_one_request() {
    let (server, sandbox) = server().await;
    let person = fresh_person();
    let request = SubmitWorkHistoryRequest {
        request_id: "order-1".to_owned(),
        ..submit_request(person.with_names())
    };
    let first = server
        .client()
        .submit_work_history(request.clone())
        .await
        .unwrap()
        .job
        .unwrap();
    let again = server
        .client()
        .submit_work_history(request.clone())
        .await
        .unwrap()
        .job
        .unwrap();
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
        check(
            &refusal_of(&server, other).await,
            Code::InvalidArgument,
            "REQUEST_ID_REUSED",
        );
    }
    to_the_end(&server.client(), request).await;
    assert_eq!(sandbox.books().charges().len(), 1);
}

#[tokio::test]
async fn cursors_and_page_tokens_are_taken_only_where_they_were_given() {
    let (server, _sandbox) = server().await;
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
    let job_id = one.job.unwrap().job_id;
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
        check(
            &stub.watch_work_history(request).await.unwrap_err(),
            Code::InvalidArgument,
            "CURSOR_INVALID",
        );
    }
    let feed = WatchWorkHistoriesRequest {
        cursor: other.watch_cursor,
        ..WatchWorkHistoriesRequest::default()
    };
    check(
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
    check(
        &stub.list_work_histories(with_other_filter).await.unwrap_err(),
        Code::InvalidArgument,
        "CURSOR_INVALID",
    );
    let forged = ListWorkHistoriesRequest {
        page_token: "forged".to_owned(),
        ..first_page
    };
    check(
        &stub.list_work_histories(forged).await.unwrap_err(),
        Code::InvalidArgument,
        "CURSOR_INVALID",
    );
    let forged = ListChargesRequest {
        page_token: "forged".to_owned(),
        ..ListChargesRequest::default()
    };
    let status = server.operations_stub().list_charges(forged).await.unwrap_err();
    check(&status, Code::InvalidArgument, "CURSOR_INVALID");
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
        job_id: submitted.job.unwrap().job_id,
        cursor: submitted.watch_cursor,
        limit: None,
    };
    let status = eventually("the cursor to expire", || async {
        server.stub().watch_work_history(request.clone()).await.err()
    })
    .await;
    check(&status, Code::OutOfRange, "CURSOR_EXPIRED");
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_with_its_own_reason() {
    let (server, _sandbox) = server().await;
    let request = SubmitWorkHistoryRequest {
        purpose: "x".repeat(200_000),
        ..submit_request(fresh_person().by_curp())
    };
    check(
        &refusal_of(&server, request).await,
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
async fn an_unknown_method_or_service_is_said_to_be_unknown() {
    let (server, _sandbox) = server().await;
    for path in ["/semanas.v1.WorkHistoryService/Forget", "/semanas.v9.Nobody/Nothing"] {
        let mut grpc = tonic::client::Grpc::new(server.channel());
        grpc.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::<GetWorkHistoryRequest, GetWorkHistoryRequest>::default();
        let path = tonic::codegen::http::uri::PathAndQuery::from_static(path);
        let request = tonic::Request::new(GetWorkHistoryRequest::default());
        let status = grpc.unary(request, path, codec).await.map(|_| ()).unwrap_err();
        check(&status, Code::Unimplemented, "METHOD_UNKNOWN");
    }
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
    check(
        &second.map(|_| ()).unwrap_err(),
        Code::ResourceExhausted,
        "TOO_MANY_WATCHES",
    );
}

#[tokio::test]
async fn a_lookup_that_outlasts_its_caller_goes_on_and_is_paid_once() {
    let (server, sandbox) = server().await;
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
    check(
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
    check(&status, Code::ResourceExhausted, "PERSON_DAILY_LIMIT");
    assert_eq!(booked(&sandbox, Provider::Nubarium, &person.curp), 1);
}

/// What a lookup is refused with while Nubarium misbehaves like this.
async fn lookup_under(fault: Fault) -> Status {
    let (server, sandbox) = server().await;
    let person = fresh_person();
    let settings = Settings::default().fault(rule(fault).at(Provider::Nubarium));
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
    let lookup = LookupNssRequest {
        curp: person.curp,
        ..LookupNssRequest::default()
    };
    server.stub().lookup_nss(lookup).await.unwrap_err()
}

#[tokio::test]
async fn a_quota_of_the_provider_that_is_used_up_says_when_to_come_back() {
    let status = lookup_under(Fault::TooManyRequests {
        retry_after_s: None,
        billed: false,
    })
    .await;
    check(&status, Code::ResourceExhausted, "QUOTA_EXCEEDED");
}

#[tokio::test]
async fn credentials_that_a_provider_refuses_are_the_operators_affair() {
    let status = lookup_under(Fault::CredentialsRefused { status: 401 }).await;
    check(&status, Code::Internal, "PROVIDER_CREDENTIALS");
    assert_ne!(status.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_provider_that_changes_its_contract_is_said_to_have_and_is_not_asked_again() {
    let (server, sandbox) = server().await;
    let person = fresh_person();
    let kiban = KibanScenario {
        shape: Some(KibanShape::Unknown),
        ..KibanScenario::default()
    };
    sandbox
        .set_person(
            &person.curp,
            Some(Settings {
                kiban,
                ..Settings::default()
            }),
        )
        .unwrap();
    let request = SubmitWorkHistoryRequest {
        provider: Route::Kiban.into(),
        ..submit_request(person.with_names())
    };
    let job = to_the_end(&server.client(), request).await;
    assert_eq!(failure_of(&job).0, ErrorReason::ProviderContractChanged);
    assert_eq!(job.attempts.len(), 1);
    assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 1);
    let alarms = server
        .log()
        .lines()
        .filter(|line| line.contains("\"ERROR\"") && line.contains("not its contract"))
        .count();
    assert_eq!(alarms, 1, "an operator must hear of it");
}

#[tokio::test]
async fn only_an_unknown_outcome_can_be_settled() {
    let (server, _sandbox) = server().await;
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
    check(&status, Code::FailedPrecondition, "JOB_NOT_RESOLVABLE");
    let status = server
        .operations_stub()
        .resolve_work_history(settle(ChargeState::Open))
        .await
        .unwrap_err();
    check(&status, Code::InvalidArgument, "INVALID_REQUEST");
}

#[tokio::test]
async fn a_replica_that_drains_sends_its_callers_elsewhere() {
    let (mut server, sandbox) = server().await;
    let person = fresh_person();
    let settings = Settings {
        latency: Some(MsRange::fixed(3_000)),
        ..Settings::default()
    };
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
    // A connection from before the stop, with a call on it that lasts as long as the drain.
    let channel = server.channel();
    let mut stub = WorkHistoryServiceClient::new(channel.clone());
    let lookup = LookupNssRequest {
        curp: person.curp.clone(),
        ..LookupNssRequest::default()
    };
    let waiting = tokio::spawn({
        let mut stub = stub.clone();
        async move { stub.lookup_nss(lookup).await }
    });
    eventually("the lookup to be under way", || async {
        (booked(&sandbox, Provider::Nubarium, &person.curp) == 1).then_some(())
    })
    .await;
    server.signal("TERM");
    let status = within("the lookup", PATIENCE, waiting).await.unwrap().unwrap_err();
    check(&status, Code::Unavailable, "SERVER_DRAINING");
    // Nobody has to answer any more, but who does says the same.
    if let Err(status) = stub
        .submit_work_history(submit_request(fresh_person().with_names()))
        .await
        && status.get_error_details().error_info().is_some()
    {
        check(&status, Code::Unavailable, "SERVER_DRAINING");
    }
    assert_eq!(server.end().await.code(), Some(0));
    assert_eq!(booked(&sandbox, Provider::Nubarium, &person.curp), 1);
}

#[tokio::test]
async fn a_lost_redis_is_unavailable_and_never_not_found_and_everything_is_back_with_it() {
    let (mut redis, sandbox) = (Redis::start().await, sandbox().await);
    let server = Server::start(&Store::redis(&redis), &sandbox).await;
    let job = to_the_end(&server.client(), submit_request(fresh_person().with_names())).await;
    redis.kill();
    let mut stub = server.stub();
    let get = GetWorkHistoryRequest {
        job_id: job.job_id.clone(),
        limit: None,
    };
    let watch = WatchWorkHistoryRequest {
        job_id: job.job_id.clone(),
        ..WatchWorkHistoryRequest::default()
    };
    let lookup = LookupNssRequest {
        curp: fresh_person().curp,
        ..LookupNssRequest::default()
    };
    let told = [
        stub.get_work_history(get).await.unwrap_err(),
        stub.watch_work_history(watch).await.unwrap_err(),
        stub.cancel_work_history(CancelWorkHistoryRequest {
            job_id: job.job_id.clone(),
        })
        .await
        .unwrap_err(),
        stub.list_work_histories(ListWorkHistoriesRequest::default())
            .await
            .unwrap_err(),
        stub.lookup_nss(lookup).await.unwrap_err(),
        refusal_of(&server, submit_request(fresh_person().with_names())).await,
        server
            .operations_stub()
            .list_charges(ListChargesRequest::default())
            .await
            .unwrap_err(),
    ];
    for status in told {
        check(&status, Code::Unavailable, "STORE_UNAVAILABLE");
    }
    server.becomes(ServingStatus::NotServing).await;
    let charges = sandbox.books().charges().len();
    assert_eq!(charges, 1, "what cannot be recorded is not bought");
    redis.start_again().await;
    server.becomes(ServingStatus::Serving).await;
    assert_eq!(
        server
            .client()
            .get_work_history(job.job_id.as_str(), None)
            .await
            .unwrap(),
        job
    );
    to_the_end(&server.client(), submit_request(fresh_person().with_names())).await;
}

#[tokio::test]
async fn a_job_can_be_cancelled_before_it_costs_and_ends_with_what_was_paid_for_after() {
    let (server, sandbox) = server().await;
    let client = server.client();
    // Not sent yet: the provider does not listen and the job waits for its next try.
    sandbox
        .set_provider(Provider::Kiban, Some(Settings::default().fault(Fault::Refuse)))
        .await
        .unwrap();
    let cancelled = ServerOptions::new(&Store::sqlite(), &sandbox)
        .set("ENGINE__RETRY_FIRST", "1m")
        .set("ENGINE__RETRY_MAX", "1m")
        .start()
        .await;
    let request = |person: &Human| SubmitWorkHistoryRequest {
        provider: Route::Kiban.into(),
        ..submit_request(person.with_names())
    };
    let person = fresh_person();
    let job = cancelled
        .client()
        .submit_work_history(request(&person))
        .await
        .unwrap()
        .job
        .unwrap();
    eventually("the first try", || async {
        let job = cancelled
            .client()
            .get_work_history(job.job_id.as_str(), None)
            .await
            .unwrap();
        job.attempts.first().and_then(|attempt| attempt.end_time)
    })
    .await;
    let ended = cancelled.client().cancel_work_history(job.job_id).await.unwrap();
    assert_eq!(ended.state(), semanas_client::v1::JobState::Cancelled);
    sandbox.set_provider(Provider::Kiban, None).await.unwrap();
    assert!(sandbox.books().charges().is_empty());

    // Paid for: the answer is collected.
    let person = fresh_person();
    let hold = FaultRule::from(Fault::ServerError {
        status: 503,
        billed: false,
    });
    let settings = Settings::default().fault(hold.at(Provider::Kiban).on(Step::Status));
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
    let job = client.submit_work_history(request(&person)).await.unwrap().job.unwrap();
    eventually("the charge", || async {
        (booked(&sandbox, Provider::Kiban, &person.curp) == 1).then_some(())
    })
    .await;
    let asked = client.cancel_work_history(job.job_id).await.unwrap();
    assert!(asked.cancel_requested && asked.end_time.is_none());
    sandbox.set_person(&person.curp, None).unwrap();
    let ended = to_the_end(&client, request(&person)).await;
    assert_eq!(ended.state(), semanas_client::v1::JobState::Succeeded);
}
