//! A replica starts, serves, and stops; and what keeps it from starting is said in the words of the settings.

#![allow(clippy::unwrap_used)]

use std::time::Instant;

use semanas_proto::v1::work_history_service_server::SERVICE_NAME;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use crate::{
    app::{self, Running},
    config::SANDBOX_SETTINGS,
};

/// Longer than anything here takes on a busy machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// Settings for a replica on free ports with a data set of its own.
fn environment(folder: &tempfile::TempDir, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let database = format!("sqlite:{}", folder.path().join("semanas.db").display());
    let own = [
        ("SEMANAS_GRPC__LISTEN", "127.0.0.1:0"),
        ("SEMANAS_HTTP__LISTEN", "127.0.0.1:0"),
        ("SEMANAS_STORE__URL", &database),
        ("SEMANAS_PROVIDERS__KIBAN__BASE_URL", "http://127.0.0.1:9"),
        ("SEMANAS_PROVIDERS__KIBAN__API_KEY", "key"),
    ];
    let later = |name: &str| more.iter().any(|(other, _)| *other == name);
    let own = own.into_iter().filter(|(name, _)| !later(name));
    own.chain(more.iter().copied())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

async fn start(folder: &tempfile::TempDir) -> Running {
    app::start(environment(folder, &[])).await.unwrap()
}

async fn health_client(running: &Running) -> HealthClient<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{}", running.grpc)).unwrap();
    HealthClient::new(endpoint.connect().await.unwrap())
}

fn whether_jobs_are_taken() -> HealthCheckRequest {
    HealthCheckRequest {
        service: SERVICE_NAME.to_owned(),
    }
}

#[tokio::test]
async fn a_replica_serves_stops_and_finds_its_data_set_again() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let running = start(&folder).await;
        let health = health_client(&running)
            .await
            .check(whether_jobs_are_taken())
            .await
            .unwrap();
        assert_eq!(health.into_inner().status(), ServingStatus::Serving);
        let began = Instant::now();
        tokio::time::timeout(PATIENCE, running.stop()).await.unwrap().unwrap();
        assert!(
            began.elapsed() < PATIENCE / 2,
            "nothing was under way, so that the stop waits for nothing"
        );
    }
    assert!(folder.path().join("semanas.db.secret").exists());
}

#[tokio::test]
async fn an_open_watch_of_the_health_does_not_hold_up_the_stop() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(&folder).await;
    let mut client = health_client(&running).await;
    let mut watch = client.watch(whether_jobs_are_taken()).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let began = Instant::now();
    running.stop().await.unwrap();
    assert!(began.elapsed() < PATIENCE / 2);
}

#[tokio::test]
async fn a_port_in_use_is_said_with_its_setting_before_anything_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = app::start(environment(&folder, &[("SEMANAS_HTTP__LISTEN", &address)]))
        .await
        .map(|_| ())
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "http.listen: {address} is in use by another program; stop that program, or set http.listen \
             (SEMANAS_HTTP__LISTEN) to another address"
        )
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_second_replica_on_the_same_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(&folder).await;
    let refused = app::start(environment(&folder, &[]))
        .await
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert!(refused.contains("in use by another semanas process"), "{refused}");
    running.stop().await.unwrap();
}

#[test]
fn the_settings_that_lead_to_the_sandbox_are_those_of_the_sandbox() {
    use semanas_sandbox as sandbox;
    let at = |port: u16| format!("http://127.0.0.1:{port}");
    let expected = [
        ("providers.kiban.base_url", at(sandbox::KIBAN_PORT)),
        ("providers.kiban.api_key", sandbox::KIBAN_API_KEY.to_owned()),
        ("providers.tuidentidad.base_url", at(sandbox::TUIDENTIDAD_PORT)),
        ("providers.tuidentidad.api_key", sandbox::TUIDENTIDAD_API_KEY.to_owned()),
        ("providers.nubarium.base_url", at(sandbox::NUBARIUM_PORT)),
        ("providers.nubarium.username", sandbox::NUBARIUM_USERNAME.to_owned()),
        ("providers.nubarium.password", sandbox::NUBARIUM_PASSWORD.to_owned()),
    ];
    assert_eq!(SANDBOX_SETTINGS.map(|(name, value)| (name, value.to_owned())), expected);
}
