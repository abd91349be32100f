//! What is measured: release builds of Semanas, its sandbox and the floors, each a process of its own on this machine.
//!
//! It knows how they are started and what settings a measure may change; what is measured is for the measures to say.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use semanas_proto::v1::work_history_service_client::WorkHistoryServiceClient;
use serde_json::Value;
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::process::{Process, free_port, sibling};
use crate::redis_server::Redis;

/// Callers come over so many connections, as through a proxy; a single one would be the bottleneck of all.
pub const CONNECTIONS: usize = 8;

const SECRET: &str = "a secret of the benchmarks, long enough to be one";
const SERVING_PATIENCE: Duration = Duration::from_secs(30);

/// Settings of every replica: no limit of a provider may be what is measured, and what is logged is what goes wrong.
const SETTINGS: &[(&str, &str)] = &[
    ("LOG__FORMAT", "json"),
    ("LOG__FILTER", "warn"),
    ("ENGINE__WORKERS_MAX", "1000"),
    ("PROVIDERS__KIBAN__IN_FLIGHT_MAX", "0"),
    ("PROVIDERS__TUIDENTIDAD__IN_FLIGHT_MAX", "0"),
    ("PROVIDERS__NUBARIUM__IN_FLIGHT_MAX", "0"),
];

/// The folder of a run, its Redis and its sandbox.
pub struct World {
    pub redis: Redis,
    pub sandbox: Sandbox,
    pub folder: TempDir,
}

impl World {
    pub async fn start() -> anyhow::Result<World> {
        let folder = tempfile::Builder::new().prefix("semanas-bench-").tempdir()?;
        Ok(World {
            redis: Redis::start(folder.path()).await?,
            sandbox: Sandbox::start(folder.path()).await?,
            folder,
        })
    }

    /// A replica on this world's Redis, with other values for some settings.
    pub async fn replica(&self, settings: &[(&str, &str)]) -> anyhow::Result<Replica> {
        let url = self.redis.url();
        let store = [
            ("STORE__URL", url.as_str()),
            ("STORE__SECRET", SECRET),
            ("STORE__CREATE", "true"),
        ];
        Replica::start(self.folder.path(), &self.sandbox, &[&store, settings].concat()).await
    }

    /// A floor by its name and arguments.
    pub async fn floor(&self, words: &[&str]) -> anyhow::Result<Floor> {
        Floor::start(self.folder.path(), words).await
    }

    /// F2.
    pub async fn one_script(&self) -> anyhow::Result<Floor> {
        self.floor(&["script", "--redis", &self.redis.url()]).await
    }

    /// F5.
    pub async fn life(&self) -> anyhow::Result<Floor> {
        let (redis, upstream) = (self.redis.url(), self.sandbox.setting("TUIDENTIDAD__BASE_URL")?);
        let key = self.sandbox.setting("TUIDENTIDAD__API_KEY")?;
        let words = ["life", "--redis", &redis, "--upstream", upstream, "--api-key", key];
        self.floor(&words).await
    }
}

/// `semanas sandbox`, answering at once.
pub struct Sandbox {
    _process: Process,
    control: String,
    environment: Vec<(String, String)>,
    http: reqwest::Client,
}

impl Sandbox {
    async fn start(folder: &Path) -> anyhow::Result<Sandbox> {
        let mut command = program(folder)?;
        command.args(["sandbox", "--latency", "0", "--output", "json", "--port", "0"]);
        let mut process = Process::start("sandbox", &mut command, folder)?;
        let until = Instant::now() + SERVING_PATIENCE;
        let description: Value = loop {
            if let Ok(description) = serde_json::from_str(&process.log()) {
                break description;
            }
            process.must_run()?;
            if Instant::now() > until {
                bail!("the sandbox does not say how to use it:\n{}", process.log());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let environment = description["environment"]
            .as_object()
            .context("the sandbox names settings")?;
        let environment = environment.iter();
        Ok(Sandbox {
            environment: environment
                .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
                .collect(),
            control: description["control_url"].as_str().unwrap_or_default().to_owned(),
            http: reqwest::Client::new(),
            _process: process,
        })
    }

    /// A setting that it gives to replicas, by its name after `SEMANAS_PROVIDERS__`.
    pub fn setting(&self, name: &str) -> anyhow::Result<&str> {
        let name = format!("SEMANAS_PROVIDERS__{name}");
        let found = self.environment.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, value)| value.as_str())
            .with_context(|| format!("the sandbox does not tell {name}"))
    }

    /// How a provider behaves from now on, in the words of the sandbox's control API.
    pub async fn set_provider(&self, provider: &str, settings: &Value) -> anyhow::Result<()> {
        let url = format!("{}/providers/{provider}/faults", self.control);
        let answer = self.http.put(url).body(settings.to_string()).send().await?;
        expect_success(answer).await
    }

    /// HTTP calls that came to a provider.
    pub async fn calls(&self, provider: &str) -> anyhow::Result<u64> {
        let answer = self.http.get(format!("{}/requests", self.control)).send().await?;
        let report: Value = serde_json::from_str(&answer.text().await?)?;
        let endpoints = report["providers"][provider]["endpoints"].as_object();
        Ok(endpoints
            .into_iter()
            .flat_map(|all| all.values())
            .filter_map(Value::as_u64)
            .sum())
    }
}

async fn expect_success(answer: reqwest::Response) -> anyhow::Result<()> {
    let status = answer.status();
    if !status.is_success() {
        bail!("the sandbox refuses its settings ({status}): {}", answer.text().await?);
    }
    Ok(())
}

/// `semanas serve`.
pub struct Replica {
    pub process: Process,
    pub stubs: Stubs,
    /// From its start until it said that it serves.
    pub started_in: Duration,
}

impl Replica {
    pub async fn start(folder: &Path, sandbox: &Sandbox, settings: &[(&str, &str)]) -> anyhow::Result<Replica> {
        let (grpc, http) = (free_port(), free_port());
        let mut command = program(folder)?;
        command.arg("serve").envs(sandbox.environment.iter().cloned());
        for (name, value) in SETTINGS.iter().chain(settings) {
            command.env(format!("SEMANAS_{name}"), value);
        }
        command.env("SEMANAS_GRPC__LISTEN", format!("127.0.0.1:{grpc}"));
        command.env("SEMANAS_HTTP__LISTEN", format!("127.0.0.1:{http}"));
        let began = Instant::now();
        let mut process = Process::start("semanas", &mut command, folder)?;
        process.listens(grpc).await?;
        let stubs = Stubs::new(grpc)?;
        while !serves(stubs.channel(0)).await {
            process.must_run()?;
            if began.elapsed() > SERVING_PATIENCE {
                bail!("the replica does not serve:\n{}", process.log());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(Replica {
            process,
            stubs,
            started_in: began.elapsed(),
        })
    }
}

async fn serves(channel: Channel) -> bool {
    let request = HealthCheckRequest {
        service: "semanas.v1.WorkHistoryService".to_owned(),
    };
    let answer = HealthClient::new(channel).check(request).await;
    answer.is_ok_and(|answer| answer.into_inner().status() == ServingStatus::Serving)
}

/// One of the floors.
pub struct Floor {
    pub process: Process,
    pub stubs: Stubs,
}

impl Floor {
    async fn start(folder: &Path, words: &[&str]) -> anyhow::Result<Floor> {
        let port = free_port();
        let mut command = Command::new(sibling("floors")?);
        command.arg(format!("--listen=127.0.0.1:{port}")).args(words);
        let mut process = Process::start("floors", &mut command, folder)?;
        process.listens(port).await?;
        Ok(Floor {
            process,
            stubs: Stubs::new(port)?,
        })
    }
}

/// Bare stubs of the contract over some connections to one port.
#[derive(Clone)]
pub struct Stubs {
    port: u16,
    channels: Vec<Channel>,
}

impl Stubs {
    fn new(port: u16) -> anyhow::Result<Stubs> {
        let stubs = Stubs {
            port,
            channels: Vec::new(),
        };
        stubs.over(CONNECTIONS)
    }

    /// The same port over so many connections of their own.
    pub fn over(&self, connections: usize) -> anyhow::Result<Stubs> {
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{}", self.port))?;
        Ok(Stubs {
            port: self.port,
            channels: (0..connections).map(|_| endpoint.connect_lazy()).collect(),
        })
    }

    /// Calls with the same number go over the same connection.
    pub fn of(&self, number: u64) -> WorkHistoryServiceClient<Channel> {
        WorkHistoryServiceClient::new(self.channel(number as usize))
    }

    fn channel(&self, number: usize) -> Channel {
        self.channels[number % self.channels.len()].clone()
    }
}

pub fn program_path() -> anyhow::Result<PathBuf> {
    sibling("semanas")
}

/// With nothing of our own environment but the path.
fn program(folder: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(program_path()?);
    command.env_clear().current_dir(folder);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    Ok(command)
}
