//! Providers, replicas and stores that are not what they should be: the caller learns what to do, the operator what is broken.

use semanas_client::raw::v1::work_history_service_client::WorkHistoryServiceClient;
use semanas_client::raw::v1::{
    CancelWorkHistoryRequest, GetWorkHistoryRequest, ListChargesRequest, ListWorkHistoriesRequest, LookupNssRequest,
    SubmitWorkHistoryRequest, WatchWorkHistoryRequest,
};
use semanas_client::{ErrorReason, Provider as Route};
use semanas_sandbox::{Fault, KibanScenario, KibanShape, MsRange, Provider, Settings};
use tonic::{Code, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_types::StatusExt as _;

use crate::harness::*;

/// What a lookup is refused with while Nubarium misbehaves like this.
async fn lookup_under(fault: Fault) -> Status {
    let (server, sandbox) = embedded().await;
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
    check_status(&status, Code::ResourceExhausted, "QUOTA_EXCEEDED");
}

#[tokio::test]
async fn credentials_that_a_provider_refuses_are_the_operators_affair() {
    let status = lookup_under(Fault::CredentialsRefused { status: 401 }).await;
    check_status(&status, Code::Internal, "PROVIDER_CREDENTIALS");
    assert_ne!(status.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_provider_that_changes_its_contract_is_said_to_have_and_is_not_asked_again() {
    let (server, sandbox) = embedded().await;
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
async fn a_replica_that_drains_sends_its_callers_elsewhere() {
    let (mut server, sandbox) = embedded().await;
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
    check_status(&status, Code::Unavailable, "SERVER_DRAINING");
    // Nobody has to answer any more, but who does says the same.
    if let Err(status) = stub
        .submit_work_history(submit_request(fresh_person().with_names()))
        .await
        && status.get_error_details().error_info().is_some()
    {
        check_status(&status, Code::Unavailable, "SERVER_DRAINING");
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
        submit_refused(&server, submit_request(fresh_person().with_names())).await,
        server
            .operations_stub()
            .list_charges(ListChargesRequest::default())
            .await
            .unwrap_err(),
    ];
    for status in told {
        check_status(&status, Code::Unavailable, "STORE_UNAVAILABLE");
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
