//! A `redis-server` of the test's own, in a directory of its own, reached by a socket file: no port to be raced for.

use std::{
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tempfile::TempDir;
use tokio::time::{interval, timeout};

use super::ports::free_port;
use crate::{
    clock::Clock,
    store::{
        FEED_KEPT_MIN,
        redis::{Durability, RedisOptions},
    },
};

/// Sentinels that find that they were kept from running do nothing for 30 s.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a server is run that may hold a data set.
pub(super) const FIT: [&str; 6] = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];

/// A server that ends with the test.
pub(super) struct Server {
    dir: TempDir,
    settings: Vec<String>,
    process: Option<Child>,
}

impl Server {
    pub(super) async fn start(settings: &[&str]) -> Server {
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut server = Server {
            dir: TempDir::new().unwrap(),
            settings,
            process: None,
        };
        server.start_again().await;
        server
    }

    /// Starts it on the data that it left behind.
    pub(super) async fn start_again(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--dir"]).arg(self.dir.path());
        command.arg("--unixsocket").arg(self.socket()).args(&self.settings);
        self.process = Some(spawn(command.stdin(Stdio::null())));
        self.until_it_answers().await;
    }

    /// What a replica would have now.
    pub(super) fn copy(&self) -> TempDir {
        let copy = TempDir::new().unwrap();
        let source = format!("{}/.", self.dir.path().display());
        let copied = Command::new("cp")
            .args(["-r", &source])
            .arg(copy.path())
            .status()
            .unwrap();
        assert!(copied.success());
        copy
    }

    /// Another server takes its place, with such data.
    pub(super) async fn starts_on(&mut self, copy: TempDir) {
        self.kill();
        let data = self.dir.path().join("appendonlydir");
        std::fs::remove_dir_all(&data).unwrap();
        std::fs::rename(copy.path().join("appendonlydir"), data).unwrap();
        self.start_again().await;
    }

    /// Kills it at once, as a crash would.
    pub(super) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.dir.path().join("redis.sock")
    }

    pub(super) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    pub(super) async fn run(&self, command: &[&str]) -> redis::Value {
        run(&self.url(), command).await.unwrap()
    }

    async fn until_it_answers(&self) {
        until_it_answers(&self.url()).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A server for all tests of this process that need nothing but a key prefix of their own.
pub(super) struct Shared {
    is_cluster: bool,
    /// Where it is, and the input of the shell that minds it.
    running: OnceLock<(String, ChildStdin)>,
}

pub(super) static SHARED: Shared = Shared {
    is_cluster: false,
    running: OnceLock::new(),
};

/// A cluster of one node, which refuses every script that reaches beyond its slot.
pub(super) static SHARED_CLUSTER: Shared = Shared {
    is_cluster: true,
    running: OnceLock::new(),
};

impl Shared {
    pub(super) async fn url(&self) -> String {
        let (url, _) = self.running.get_or_init(|| self.start());
        until_it_answers(url).await;
        url.clone()
    }

    fn start(&self) -> (String, ChildStdin) {
        // The shell would say only to itself that there is no server.
        spawn(Command::new("redis-server").arg("--version")).wait().unwrap();
        let dir = TempDir::new().unwrap().keep();
        // The shell ends the server and tidies up when its input closes, that is with this process, however it ends.
        let script =
            r#"redis-server --port 0 --dir "$0" --unixsocket "$0/redis.sock" "$@" & cat; kill $!; wait; rm -r "$0""#;
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(script)
            .arg(&dir)
            .args(FIT)
            .args(["--bind", "127.0.0.1"])
            .stdin(Stdio::piped());
        if self.is_cluster {
            // Nodes speak to each other by TCP, also when there is only one.
            command.args(["--cluster-enabled", "yes", "--cluster-port", &free_port().to_string()]);
        }
        let stdin = spawn(&mut command).stdin.take().unwrap();
        (format!("redis+unix://{}/redis.sock", dir.display()), stdin)
    }
}

fn spawn(command: &mut Command) -> Child {
    match command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
        Ok(child) => child,
        Err(error) => panic!("redis-server cannot be run ({error}): `make test` installs it"),
    }
}

async fn until_it_answers(url: &str) {
    until("redis-server answers", async || run(url, &["PING"]).await.is_ok()).await;
}

/// Looks again and again until it is so.
pub(super) async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let mut looks = interval(Duration::from_millis(5));
    let looking = async {
        loop {
            looks.tick().await;
            if is_so().await {
                return;
            }
        }
    };
    let waited = timeout(PATIENCE, looking).await;
    assert!(waited.is_ok(), "waited in vain: {what}");
}

/// One command on a connection of its own.
pub(super) async fn run(url: &str, command: &[&str]) -> redis::RedisResult<redis::Value> {
    let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    let mut cmd = redis::cmd(command[0]);
    cmd.arg(&command[1..]);
    cmd.query_async(&mut connection).await
}

/// Options for a data set of its own.
pub(super) fn options(url: &str) -> RedisOptions {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    RedisOptions {
        url: url.to_owned().into(),
        sentinel_login: None,
        tls_ca: None,
        prefix: format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        secret_fingerprint: "fingerprint".to_owned(),
        create: true,
        durability: Durability::Demand,
        replicas_min: 1,
        clock: Clock::system(),
        feed_kept_min: FEED_KEPT_MIN,
        retention: Duration::from_secs(30 * 24 * 3600),
        failover_pause: Duration::ZERO,
        connect_timeout: Duration::from_secs(2),
        response_timeout: Duration::from_secs(2),
    }
}
