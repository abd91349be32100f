//! A Redis of this run's own, with every command on disk before it is answered.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, IntoConnectionInfo as _};

use crate::process::{Process, free_port};

/// A busy disk may keep it waiting.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);

pub struct Redis {
    process: Process,
    port: u16,
    folder: PathBuf,
}

impl Redis {
    pub async fn start(folder: &Path) -> anyhow::Result<Redis> {
        let port = free_port();
        let folder = folder.join(format!("redis-{port}"));
        std::fs::create_dir_all(&folder)?;
        let mut command = Command::new("redis-server");
        command
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "always"])
            // A rewrite in the middle of a measure would be measured with it.
            .args(["--auto-aof-rewrite-percentage", "0"])
            .arg("--dir")
            .arg(&folder);
        let mut process = Process::start("redis-server", &mut command, &folder)?;
        process.listens(port).await?;
        Ok(Redis { process, port, folder })
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn process(&self) -> &Process {
        &self.process
    }

    pub async fn connect(&self) -> anyhow::Result<MultiplexedConnection> {
        // Each call is sent at once, as Semanas and the floors do.
        let settings = TcpSettings::default().set_nodelay(true);
        let client = redis::Client::open(self.url().into_connection_info()?.set_tcp_settings(settings))?;
        let patient = AsyncConnectionConfig::new().set_response_timeout(Some(ANSWER_PATIENCE));
        Ok(client.get_multiplexed_async_connection_with_config(&patient).await?)
    }

    /// Scripts that were called since it was started: each is a round trip of a replica.
    pub async fn scripts_called(&self) -> anyhow::Result<u64> {
        Ok(self.script_time().await?.0 as u64)
    }

    /// Calls of scripts since it was started, and the time that it spent on them, in microseconds.
    pub async fn script_time(&self) -> anyhow::Result<(f64, f64)> {
        let info = self.info("commandstats").await?;
        let figure = |name: &str, field: &str| {
            let line = info.get(&format!("cmdstat_{name}"))?;
            let value = line
                .split(',')
                .find_map(|pair| pair.strip_prefix(field)?.strip_prefix('='));
            value?.parse::<f64>().ok()
        };
        let sum = |field: &str| ["evalsha", "eval"].iter().filter_map(|name| figure(name, field)).sum();
        Ok((sum("calls"), sum("usec")))
    }

    /// Memory that its data takes.
    pub async fn used_bytes(&self) -> anyhow::Result<u64> {
        let info = self.info("memory").await?;
        let used = info.get("used_memory").and_then(|bytes| bytes.parse().ok());
        used.context("redis tells its memory")
    }

    async fn info(&self, section: &str) -> anyhow::Result<HashMap<String, String>> {
        let mut connection = self.connect().await?;
        let text: String = redis::cmd("INFO").arg(section).query_async(&mut connection).await?;
        let pairs = text.lines().filter_map(|line| line.split_once(':'));
        Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// Times of a smallest durable write, one after the other for so long, in milliseconds.
    pub async fn round_trips_ms(&self, time: Duration) -> anyhow::Result<Vec<f64>> {
        let mut connection = self.connect().await?;
        let until = Instant::now() + time;
        let mut times = Vec::new();
        while Instant::now() < until {
            let began = Instant::now();
            let mut set = redis::cmd("SET");
            set.arg("bench:round-trip").arg(times.len());
            set.query_async::<()>(&mut connection).await?;
            times.push(began.elapsed().as_secs_f64() * 1000.0);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(times)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // A million jobs leave gigabytes behind. What is still being written goes with the run's folder.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
