//! `semanas serve` as a process: its settings, its addresses, its end.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;

use semanas_client::raw::v1::operations_service_client::OperationsServiceClient;
use semanas_client::raw::v1::work_history_service_client::WorkHistoryServiceClient;
use semanas_client::{Client, Options, RetryPolicy};
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::command::command;
use super::failpoints::Failpoints;
use super::ports::free_port;
use super::process::Process;
use super::redis_server::Redis;
use super::upstreams::{Sandbox, sandbox, sandbox_settings};
use super::wait::eventually;

/// The secret of every data set of the tests.
pub const SECRET: &str = "a secret of the tests, long enough to be one";

/// Where a server keeps its data.
#[derive(Clone)]
pub enum Store {
    /// A file in a folder that goes when the last holder goes.
    Sqlite(Arc<TempDir>),
    Redis(String),
}

impl Store {
    pub fn sqlite() -> Store {
        Store::Sqlite(Arc::new(tempfile::tempdir().unwrap()))
    }

    pub fn redis(redis: &Redis) -> Store {
        Store::Redis(redis.url())
    }

    pub fn settings(&self) -> Vec<(String, String)> {
        let pairs = match self {
            Store::Sqlite(folder) => vec![("URL", format!("sqlite:{}", folder.path().join("semanas.db").display()))],
            Store::Redis(url) => vec![
                ("URL", url.clone()),
                ("SECRET", SECRET.to_owned()),
                ("CREATE", "true".to_owned()),
            ],
        };
        let named = |(name, value)| (format!("SEMANAS_STORE__{name}"), value);
        pairs.into_iter().map(named).collect()
    }
}

/// For a server that ends before anybody calls it. One that stays gets ports that it finds again after a restart.
const ANY_PORT: &str = "127.0.0.1:0";

/// Settings that let a test end soon: what waits for seconds in the field waits for milliseconds here.
const QUICK: &[(&str, &str)] = &[
    ("GRPC__LISTEN", ANY_PORT),
    ("HTTP__LISTEN", ANY_PORT),
    ("ENGINE__SWEEP_INTERVAL", "100ms"),
    ("ENGINE__LEASE", "3s"),
    ("ENGINE__AMBIGUOUS_GRACE", "400ms"),
    ("ENGINE__RETRY_FIRST", "20ms"),
    ("ENGINE__RETRY_MAX", "50ms"),
    ("STORE__RESPONSE_TIMEOUT", "1s"),
    ("STORE__CONNECT_TIMEOUT", "1s"),
    ("STORE__FAILOVER_PAUSE", "4s"),
    ("PROVIDERS__CONNECT_TIMEOUT", "1s"),
    ("PROVIDERS__KIBAN__CALL_TIMEOUT", "10s"),
    ("PROVIDERS__KIBAN__POLL_FIRST", "50ms"),
    ("PROVIDERS__KIBAN__POLL_MAX", "200ms"),
    ("PROVIDERS__KIBAN__BREAKER_FAILURES", "0"),
    ("PROVIDERS__TUIDENTIDAD__CALL_TIMEOUT", "10s"),
    ("PROVIDERS__TUIDENTIDAD__POLL_FIRST", "50ms"),
    ("PROVIDERS__TUIDENTIDAD__POLL_MAX", "200ms"),
    ("PROVIDERS__TUIDENTIDAD__BREAKER_FAILURES", "0"),
    ("PROVIDERS__NUBARIUM__CALL_TIMEOUT", "10s"),
    ("PROVIDERS__NUBARIUM__BREAKER_FAILURES", "0"),
    ("SHUTDOWN__DRAIN_LIMIT", "5s"),
    ("LOG__FORMAT", "json"),
];

/// What a server is started with.
pub struct ServerOptions {
    store: Store,
    environment: Vec<(String, String)>,
}

impl ServerOptions {
    pub fn new(store: &Store, sandbox: &Sandbox) -> ServerOptions {
        let quick = QUICK
            .iter()
            .map(|(name, value)| (format!("SEMANAS_{name}"), (*value).to_owned()));
        let environment = quick.chain(store.settings()).chain(sandbox_settings(sandbox)).collect();
        let store = store.clone();
        ServerOptions { store, environment }
    }

    /// Another value for a setting, by the name of its variable without `SEMANAS_`.
    pub fn set(mut self, name: &str, value: &str) -> ServerOptions {
        let name = format!("SEMANAS_{name}");
        self.environment.retain(|(known, _)| *known != name);
        self.environment.push((name, value.to_owned()));
        self
    }

    /// Without the settings whose variable begins so.
    pub fn without(mut self, prefix: &str) -> ServerOptions {
        let prefix = format!("SEMANAS_{prefix}");
        self.environment.retain(|(known, _)| !known.starts_with(&prefix));
        self
    }

    /// Lets a test hold it at fail points.
    pub fn held_by(mut self, points: &Failpoints) -> ServerOptions {
        self.environment.push(points.variable());
        self
    }

    /// Lets providers call back.
    pub fn with_callbacks(self) -> ServerOptions {
        let port = free_port();
        self.set("HTTP__LISTEN", &format!("127.0.0.1:{port}"))
            .set("HTTP__PUBLIC_URL", &format!("http://127.0.0.1:{port}"))
    }

    pub fn environment(&self) -> Vec<(&str, &str)> {
        let pairs = self.environment.iter();
        pairs.map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// Starts it and waits until it takes work.
    pub async fn start(self) -> Server {
        let server = self.start_unready().await;
        server.becomes(ServingStatus::Serving).await;
        server
    }

    /// Starts it and waits until it listens.
    pub async fn start_unready(mut self) -> Server {
        for (_, value) in &mut self.environment {
            if value == ANY_PORT {
                *value = format!("127.0.0.1:{}", free_port());
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let mut server = Server {
            environment: self.environment,
            log_path: folder.path().join("semanas.log"),
            folder,
            process: None,
            _store: self.store,
        };
        server.start_again().await;
        server
    }
}

/// A server on a fresh embedded store, and its sandbox.
pub async fn embedded() -> (Server, Sandbox) {
    let sandbox = sandbox().await;
    let server = Server::start(&Store::sqlite(), &sandbox).await;
    (server, sandbox)
}

/// A replica. The process goes before its folder, so that the log can still be shown.
pub struct Server {
    process: Option<Process>,
    environment: Vec<(String, String)>,
    log_path: PathBuf,
    folder: TempDir,
    /// Held, so that the data is there for as long as the server is.
    _store: Store,
}

impl Server {
    /// With quick settings on this store and sandbox.
    pub async fn start(store: &Store, sandbox: &Sandbox) -> Server {
        ServerOptions::new(store, sandbox).start().await
    }

    /// After an end, with the same settings and addresses; does not wait for anything.
    pub fn launch(&mut self) {
        let mut command = command(self.folder.path());
        command.arg("serve").envs(self.environment.iter().cloned());
        self.process = Some(Process::start("semanas serve", command, &self.log_path));
    }

    /// How it ended, if it was started and has ended by itself.
    pub fn has_ended(&self) -> Option<ExitStatus> {
        self.process.as_ref().and_then(Process::has_ended)
    }

    /// After an end, with the same settings and addresses; waits until it listens.
    pub async fn start_again(&mut self) {
        self.launch();
        let process = self.process.take().unwrap();
        let address = self.grpc().trim_start_matches("http://").to_owned();
        eventually("the server to listen", || {
            process.must_run();
            let address = address.clone();
            async move { tokio::net::TcpStream::connect(address).await.ok() }
        })
        .await;
        self.process = Some(process);
    }

    /// `http://address` of the gRPC API.
    pub fn grpc(&self) -> String {
        format!("http://{}", self.setting("SEMANAS_GRPC__LISTEN"))
    }

    /// `http://address` of plain HTTP.
    pub fn http(&self) -> String {
        format!("http://{}", self.setting("SEMANAS_HTTP__LISTEN"))
    }

    pub fn channel(&self) -> Channel {
        Endpoint::from_shared(self.grpc()).unwrap().connect_lazy()
    }

    /// The client as callers use it.
    pub fn client(&self) -> Client {
        let options = Options {
            unary_deadline: Some(super::wait::PATIENCE),
            ..Options::default()
        };
        Client::new(&self.grpc(), options).unwrap()
    }

    /// The client without retries of its own, for the statuses as the server sends them.
    pub fn blunt_client(&self) -> Client {
        let options = Options {
            unary_deadline: Some(super::wait::PATIENCE),
            retry: RetryPolicy::OFF,
            ..Options::default()
        };
        Client::new(&self.grpc(), options).unwrap()
    }

    /// The bare stub, where statuses and messages matter.
    pub fn stub(&self) -> WorkHistoryServiceClient<Channel> {
        WorkHistoryServiceClient::new(self.channel())
    }

    pub fn operations_stub(&self) -> OperationsServiceClient<Channel> {
        OperationsServiceClient::new(self.channel())
    }

    /// What the health protocol says of a service; `None` when nothing answers.
    pub async fn health(&self, service: &str) -> Option<ServingStatus> {
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let answer = HealthClient::new(self.channel()).check(request).await.ok()?;
        Some(answer.into_inner().status())
    }

    /// Waits until the service of work histories is in this state.
    pub async fn becomes(&self, wanted: ServingStatus) {
        eventually(&format!("the server to be {wanted:?}"), || async {
            self.process.as_ref().unwrap().must_run();
            let status = self.health("semanas.v1.WorkHistoryService").await;
            (status == Some(wanted)).then_some(())
        })
        .await;
    }

    /// What stands at a path of plain HTTP.
    pub async fn page(&self, path: &str) -> (u16, String) {
        let answer = reqwest::get(format!("{}{path}", self.http())).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log_path).unwrap()).into_owned()
    }

    pub fn signal(&self, signal: &str) {
        self.process.as_ref().unwrap().signal(signal);
    }

    /// Memory that it holds now.
    pub fn resident_kib(&self) -> u64 {
        self.process.as_ref().unwrap().resident_kib()
    }

    /// Of the process, when there is one.
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.take().unwrap().kill();
    }

    /// Waits for the end that a signal brings.
    pub async fn end(&mut self) -> ExitStatus {
        let status = self.process.as_ref().unwrap().end().await;
        self.process = None;
        status
    }

    fn setting(&self, name: &str) -> &str {
        let found = self.environment.iter().find(|(known, _)| known == name);
        &found.unwrap().1
    }
}
