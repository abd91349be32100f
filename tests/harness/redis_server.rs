//! A Redis of one's own, as the store wants it: every command on disk before it is answered.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::ports::free_port;
use super::process::Process;
use super::wait::{PATIENCE, eventually};

/// Every command on disk before it is answered.
const DURABLE: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];

/// A Redis. The process goes before its folder, so that the log can still be shown.
pub struct Redis {
    process: Option<Process>,
    port: u16,
    arguments: Vec<String>,
    folder: TempDir,
}

/// Places of words in the field `state` of a job's hash, counted from 0; `scripts/state.lua` of the server names all of them.
pub const SEQUENCE: usize = 3;
pub const FORMAT: usize = 6;

/// The same with another word in this place.
pub fn with_word(state: &str, place: usize, word: &str) -> String {
    let mut words: Vec<&str> = state.split(' ').collect();
    words[place] = word;
    words.join(" ")
}

impl Redis {
    pub async fn start() -> Redis {
        Redis::start_with(DURABLE).await
    }

    /// With other words about how it keeps what it is told.
    pub async fn start_with(arguments: &[&str]) -> Redis {
        Redis::start_in(tempfile::tempdir().unwrap(), arguments).await
    }

    /// With its files in memory where the machine offers that, so that no other program's disk slows it down. They outlast its
    /// process all the same.
    pub async fn start_in_memory() -> Redis {
        let memory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Redis::start_in(memory.unwrap(), DURABLE).await
    }

    async fn start_in(folder: TempDir, arguments: &[&str]) -> Redis {
        let mut redis = Redis {
            port: free_port(),
            folder,
            arguments: arguments.iter().map(ToString::to_string).collect(),
            process: None,
        };
        redis.start_again().await;
        redis
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.process.take().unwrap().kill();
    }

    pub fn signal(&self, signal: &str) {
        self.process.as_ref().unwrap().signal(signal);
    }

    /// On the same port, with the data that it had.
    pub async fn start_again(&mut self) {
        let mut command = Command::new("redis-server");
        command
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .arg("--dir")
            .arg(self.folder.path())
            .args(&self.arguments);
        self.process = Some(Process::start("redis-server", command, &self.log()));
        eventually("Redis to answer", || async {
            let mut connection = self.connect().await?;
            redis::cmd("PING").query_async::<String>(&mut connection).await.ok()
        })
        .await;
    }

    /// Runs a command and gives its answer.
    pub async fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut connection = self.connect().await.expect("Redis runs");
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut connection).await.unwrap()
    }

    async fn connect(&self) -> Option<redis::aio::MultiplexedConnection> {
        let client = redis::Client::open(self.url()).unwrap();
        // A disk that others use too may keep it waiting.
        let patient = redis::AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
        client.get_multiplexed_async_connection_with_config(&patient).await.ok()
    }

    /// How long the append-only file is by now.
    pub fn written_bytes(&self) -> u64 {
        std::fs::metadata(self.append_only_file()).unwrap().len()
    }

    /// What a disk leaves that lied about all it was told after this: for a server that does not run.
    pub fn forget_from(&self, bytes: u64) {
        assert!(self.process.is_none(), "a server that runs would not notice");
        let file = std::fs::OpenOptions::new()
            .write(true)
            .open(self.append_only_file())
            .unwrap();
        file.set_len(bytes).unwrap();
    }

    fn append_only_file(&self) -> PathBuf {
        self.folder.path().join("appendonlydir/appendonly.aof.1.incr.aof")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("redis.log")
    }
}
