//! The health protocol over a real socket.

use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use super::*;

fn about(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

const SERVICES: [&str; 2] = ["semanas.v1.WorkHistoryService", "semanas.v1.OperationsService"];

#[tokio::test]
async fn the_server_is_alive_at_once_and_its_services_when_the_engine_is_ready() {
    let server = start(OPTIONS).await;
    let mut client = HealthClient::new(server.channel.clone());
    assert_eq!(
        client.check(about("")).await.unwrap().into_inner().status(),
        ServingStatus::Serving
    );
    for (ready, expected) in [
        (false, ServingStatus::NotServing),
        (true, ServingStatus::Serving),
        (false, ServingStatus::NotServing),
    ] {
        server.ready.send(ready).unwrap();
        for service in SERVICES {
            assert_eq!(
                client.check(about(service)).await.unwrap().into_inner().status(),
                expected,
                "{service}"
            );
        }
        assert_eq!(
            client.check(about("")).await.unwrap().into_inner().status(),
            ServingStatus::Serving
        );
    }
    let unknown = client.check(about("semanas.v1.Nothing")).await.unwrap_err();
    check_error(&unknown, Code::NotFound, "INVALID_REQUEST");
}

#[tokio::test]
async fn a_health_watch_follows_and_ends_with_the_server() {
    let server = start(OPTIONS).await;
    let mut client = HealthClient::new(server.channel.clone());
    let mut service = client.watch(about(SERVICES[0])).await.unwrap().into_inner();
    let mut unknown = client.watch(about("semanas.v1.Nothing")).await.unwrap().into_inner();
    let mut whole = client.watch(about("")).await.unwrap().into_inner();
    assert_eq!(
        service.message().await.unwrap().unwrap().status(),
        ServingStatus::NotServing
    );
    server.ready.send(true).unwrap();
    assert_eq!(
        service.message().await.unwrap().unwrap().status(),
        ServingStatus::Serving
    );
    assert_eq!(
        unknown.message().await.unwrap().unwrap().status(),
        ServingStatus::ServiceUnknown
    );
    assert_eq!(whole.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    server.stop.cancel();
    assert_eq!(
        service.message().await.unwrap().unwrap().status(),
        ServingStatus::NotServing
    );
    for mut stream in [service, unknown, whole] {
        assert!(stream.message().await.unwrap().is_none(), "it ends, and with OK");
    }
    timeout(DEADLINE, server.task).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_health_watch_outlives_whoever_told_of_readiness() {
    let server = start(OPTIONS).await;
    let mut client = HealthClient::new(server.channel.clone());
    let mut service = client.watch(about(SERVICES[0])).await.unwrap().into_inner();
    assert_eq!(
        service.message().await.unwrap().unwrap().status(),
        ServingStatus::NotServing
    );
    drop(server.ready);
    server.stop.cancel();
    assert!(service.message().await.unwrap().is_none());
}
