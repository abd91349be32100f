//! The router without the engine's part, over a real socket.
#![allow(clippy::unwrap_used)]
#![expect(clippy::disallowed_methods, reason = "the tests call as anybody's HTTP client would")]

use std::net::Ipv4Addr;

use axum::routing::{get, post};
use prometheus_client::metrics::counter::Counter;
use reqwest::header::CONTENT_TYPE;
use tokio::{sync::Notify, task::JoinHandle};

use super::*;

/// Far longer than any step takes; a test that reaches it has failed.
const DEADLINE: Duration = Duration::from_secs(20);
const OPTIONS: Options = Options {
    request_time_limit: DEADLINE,
    drain_limit: DEADLINE,
};

struct TestServer {
    base: String,
    ready: watch::Sender<bool>,
    stop: CancellationToken,
    /// Told when a request that never ends has begun.
    stuck: Arc<Notify>,
    task: JoinHandle<Result<(), ServeError>>,
}

async fn start(options: Options) -> TestServer {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let mut registry = Registry::default();
    let jobs = Counter::<u64>::default();
    registry.register("jobs", "Jobs", jobs.clone());
    jobs.inc_by(3);
    let (ready, ready_seen) = watch::channel(false);
    let stop = CancellationToken::new();
    let stuck = Arc::new(Notify::new());
    let routes = observability::routes(Arc::new(registry), ready_seen)
        .route("/never", get(never).with_state(Arc::clone(&stuck)))
        .route("/posted", post(|| async {}));
    let task = tokio::spawn(serve_routes(listener, routes, options, stop.clone()));
    TestServer {
        base,
        ready,
        stop,
        stuck,
        task,
    }
}

async fn never(State(stuck): State<Arc<Notify>>) {
    stuck.notify_one();
    std::future::pending().await
}

async fn get_path(server: &TestServer, path: &str) -> (u16, String) {
    let response = reqwest::get(format!("{}{path}", server.base)).await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn probes_tell_alive_from_ready() {
    let server = start(OPTIONS).await;
    assert_eq!(get_path(&server, "/healthz").await.0, 200);
    assert_eq!(get_path(&server, "/readyz").await.0, 503);
    server.ready.send(true).unwrap();
    assert_eq!(get_path(&server, "/readyz").await.0, 200);
}

#[tokio::test]
async fn metrics_are_in_the_openmetrics_format() {
    let server = start(OPTIONS).await;
    let response = reqwest::get(format!("{}/metrics", server.base)).await.unwrap();
    assert!(
        response.headers()[CONTENT_TYPE]
            .to_str()
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    let text = response.text().await.unwrap();
    assert!(text.contains("jobs_total 3") && text.ends_with("# EOF\n"), "{text}");
}

#[tokio::test]
async fn what_does_not_exist_is_a_plain_json_error() {
    let server = start(OPTIONS).await;
    let (status, body) = get_path(&server, "/callbacks/kiban/secret").await;
    assert_eq!(
        (status, body.as_str()),
        (404, r#"{"error":"there is nothing at this path"}"#)
    );
    let (status, body) = get_path(&server, "/posted").await;
    assert_eq!((status, body.contains("error")), (405, true));
}

#[tokio::test]
async fn a_request_has_a_time_limit() {
    let server = start(Options {
        request_time_limit: Duration::from_millis(20),
        ..OPTIONS
    })
    .await;
    assert_eq!(get_path(&server, "/never").await.0, 408);
}

#[tokio::test]
async fn a_stop_waits_for_open_requests_no_longer_than_the_drain_limit() {
    let server = start(Options {
        drain_limit: Duration::from_millis(50),
        ..OPTIONS
    })
    .await;
    let stuck = tokio::spawn(reqwest::get(format!("{}/never", server.base)));
    timeout(DEADLINE, server.stuck.notified()).await.unwrap();
    server.stop.cancel();
    timeout(DEADLINE, server.task).await.unwrap().unwrap().unwrap();
    stuck.abort();
}
