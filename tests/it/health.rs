//! What load balancers, dashboards and debuggers ask: health, reflection, metrics, and an end on SIGTERM.

use std::time::Duration;

use semanas_client::{Client, Health, Options};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::harness::*;

const SERVICES: [&str; 2] = ["semanas.v1.WorkHistoryService", "semanas.v1.OperationsService"];

#[tokio::test]
async fn health_is_told_for_the_server_and_for_each_service() {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    assert_eq!(server.health("").await, Some(ServingStatus::Serving));
    for service in SERVICES {
        assert_eq!(server.health(service).await, Some(ServingStatus::Serving));
    }
    let mut stub = HealthClient::new(server.channel());
    let nobody = HealthCheckRequest {
        service: "nobody".to_owned(),
    };
    assert_eq!(stub.check(nobody.clone()).await.unwrap_err().code(), Code::NotFound);
    let mut watch = stub.watch(nobody).await.unwrap().into_inner();
    let first = watch.message().await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::ServiceUnknown);
    let client = Client::new(&server.grpc(), Options::default()).unwrap();
    assert_eq!(client.health().await.unwrap(), Health::Serving);
}

#[tokio::test]
async fn health_follows_redis_down_and_up_and_a_watch_of_it_sees_both() {
    let (mut redis, sandbox) = (Redis::start().await, sandbox().await);
    let server = Server::start(&Store::redis(&redis), &sandbox).await;
    let service = HealthCheckRequest {
        service: SERVICES[0].to_owned(),
    };
    let mut watch = HealthClient::new(server.channel())
        .watch(service)
        .await
        .unwrap()
        .into_inner();
    let mut next = async || {
        let message = within("a change of health", PATIENCE, watch.message()).await;
        message.unwrap().unwrap().status()
    };
    assert_eq!(next().await, ServingStatus::Serving);
    redis.kill();
    assert_eq!(next().await, ServingStatus::NotServing);
    assert_eq!(
        server.health("").await,
        Some(ServingStatus::Serving),
        "the process itself is alive"
    );
    assert_eq!(server.page("/readyz").await.0, 503);
    assert_eq!(server.page("/healthz").await.0, 200);
    redis.start_again().await;
    assert_eq!(next().await, ServingStatus::Serving);
    eventually("readiness over HTTP", || async {
        (server.page("/readyz").await.0 == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_hangs_is_noticed_as_one_that_is_gone() {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let server = Server::start(&Store::redis(&redis), &sandbox).await;
    redis.signal("STOP");
    server.becomes(ServingStatus::NotServing).await;
    redis.signal("CONT");
    server.becomes(ServingStatus::Serving).await;
}

#[tokio::test]
async fn reflection_lists_the_services_in_both_of_its_versions() {
    use tonic_reflection::pb::{v1, v1alpha};
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;

    let ask = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(
            String::new(),
        )),
    };
    let mut stub = v1::server_reflection_client::ServerReflectionClient::new(server.channel());
    let answers = stub.server_reflection_info(futures::stream::iter([ask])).await.unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    let Some(v1::server_reflection_response::MessageResponse::ListServicesResponse(list)) = answer.message_response
    else {
        panic!("reflection v1 gave no list")
    };
    let names: Vec<String> = list.service.into_iter().map(|it| it.name).collect();
    assert!(
        SERVICES.iter().all(|service| names.iter().any(|name| name == service)),
        "{names:?}"
    );

    let ask = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(
            v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(SERVICES[0].to_owned()),
        ),
    };
    let mut stub = v1alpha::server_reflection_client::ServerReflectionClient::new(server.channel());
    let answers = stub.server_reflection_info(futures::stream::iter([ask])).await.unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    let Some(v1alpha::server_reflection_response::MessageResponse::FileDescriptorResponse(files)) =
        answer.message_response
    else {
        panic!("reflection v1alpha gave no file")
    };
    assert!(!files.file_descriptor_proto.is_empty());
}

#[tokio::test]
async fn metrics_and_liveness_are_served_over_plain_http() {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    to_the_end(&server.client(), submit_request(fresh_person().with_names())).await;
    assert_eq!(server.page("/healthz").await.0, 200);
    assert_eq!(server.page("/readyz").await.0, 200);
    let (status, metrics) = server.page("/metrics").await;
    assert_eq!(status, 200);
    for name in ["semanas_build_info", "semanas_grpc_calls_total", "kiban", "# EOF"] {
        assert!(metrics.contains(name), "{name} is not in:\n{metrics}");
    }
    assert_eq!(server.page("/nothing/here").await.0, 404);
}

#[tokio::test]
async fn sigterm_ends_an_idle_replica_at_once_and_cleanly_also_under_open_watches_of_health() {
    let sandbox = sandbox().await;
    for signal in ["TERM", "INT"] {
        let mut server = Server::start(&Store::sqlite(), &sandbox).await;
        let mut watch = HealthClient::new(server.channel())
            .watch(HealthCheckRequest::default())
            .await
            .unwrap()
            .into_inner();
        watch.message().await.unwrap();
        server.signal(signal);
        let status = within("the end of an idle replica", Duration::from_secs(4), server.end()).await;
        assert_eq!(status.code(), Some(0), "{signal}: {}", server.log());
    }
}

#[tokio::test]
async fn a_second_signal_ends_a_drain_at_once() {
    let sandbox = sandbox().await;
    let mut server = ServerOptions::new(&Store::sqlite(), &sandbox)
        .set("SHUTDOWN__DRAIN_LIMIT", "60s")
        .set("PROVIDERS__NUBARIUM__CALL_TIMEOUT", "50s")
        .start()
        .await;
    let person = fresh_person();
    let settings = semanas_sandbox::Settings::default().fault(rule(semanas_sandbox::Fault::Hang { billed: true }));
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
    server
        .client()
        .submit_work_history(submit_request(person.by_curp()))
        .await
        .unwrap();
    eventually("the call that hangs", || async {
        (!sandbox.books().charges().is_empty()).then_some(())
    })
    .await;
    server.signal("TERM");
    eventually("the drain to begin", || async {
        server.log().contains("\"stopping\"").then_some(())
    })
    .await;
    server.signal("TERM");
    let status = within("the end", Duration::from_secs(10), server.end()).await;
    assert_eq!(status.code(), Some(0), "{}", server.log());
}

#[tokio::test]
async fn healthcheck_tells_a_container_whether_its_server_takes_work() {
    let (mut redis, sandbox) = (Redis::start().await, sandbox().await);
    let address = format!("127.0.0.1:{}", free_port());
    let options = || ServerOptions::new(&Store::redis(&redis), &sandbox).set("GRPC__LISTEN", &address);
    let settings = options();
    let folder = tempfile::tempdir().unwrap();
    semanas(folder.path(), &["healthcheck"], &settings.environment())
        .await
        .expect_code(1)
        .expect_complaint(&["grpc.listen", &address]);
    let server = options().start().await;
    semanas(folder.path(), &["healthcheck"], &settings.environment())
        .await
        .expect_code(0);
    redis.kill();
    server.becomes(ServingStatus::NotServing).await;
    semanas(folder.path(), &["healthcheck"], &settings.environment())
        .await
        .expect_code(1);
}
