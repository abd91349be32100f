//! Servers that belong together: a master with replicas and sentinels, or a cluster, on ports of their own.
//!
//! Each process is minded by a shell that kills it when its input closes, that is with the fleet or with this process, however it
//! ends.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use redis::{FromRedisValue, Value};
use tempfile::TempDir;

use super::{
    guard::Guard,
    ports::free_port,
    server::{FIT, run, until},
};

/// The service that the sentinels watch.
pub(super) const SERVICE: &str = "jobs";

/// How fast a fleet notices that a server is dead.
#[derive(Clone, Copy)]
pub(super) enum Pace {
    /// For fleets that nobody kills: a busy machine must not look like a dead server.
    Patient,
    /// For fleets whose servers are killed.
    Quick,
}

pub(super) struct Fleet {
    /// The servers that hold data; in a trio the master first, in a cluster the three masters first.
    pub(super) servers: Vec<Process>,
    pub(super) sentinels: Vec<Process>,
    url: String,
}

/// One process on its port.
pub(super) struct Process {
    pub(super) port: u16,
    guard: Option<Arc<Guard>>,
    args: Vec<String>,
    dir: PathBuf,
    /// The last one runs; those before it were killed.
    runs: Mutex<Vec<Minded>>,
}

/// A process with the shell that minds it.
struct Minded {
    pid: String,
    minder: Child,
}

impl Fleet {
    /// A master, two replicas and three sentinels.
    pub(super) async fn trio(pace: Pace) -> Fleet {
        Fleet::trio_behind(None, pace).await
    }

    pub(super) async fn trio_behind(guard: Option<&Arc<Guard>>, pace: Pace) -> Fleet {
        let ports = free_ports(6);
        let master = ports[0].to_string();
        let servers: Vec<Process> = ports[..3]
            .iter()
            .map(|port| {
                let mut args = data_args(*port, guard);
                if *port != ports[0] {
                    args.extend(["--replicaof", "127.0.0.1", &master].map(str::to_owned));
                }
                Process::start(*port, args, guard)
            })
            .collect();
        until_replicated(&servers[0], 2).await;
        let down_after = match pace {
            Pace::Patient => "30000",
            Pace::Quick => "1000",
        };
        let login = guard.map(|_| Guard::of_service(SERVICE)).unwrap_or_default();
        let config = format!(
            "sentinel monitor {SERVICE} 127.0.0.1 {master} 2\nsentinel down-after-milliseconds {SERVICE} {down_after}\n\
             sentinel failover-timeout {SERVICE} 5000\nsentinel parallel-syncs {SERVICE} 2\n{login}"
        );
        let sentinels: Vec<Process> = ports[3..]
            .iter()
            .map(|port| Process::sentinel(*port, &config, guard))
            .collect();
        for sentinel in &sentinels {
            until("the sentinels know each other and the replicas", async || {
                let info = sentinel.info().await;
                info.contains("slaves=2,sentinels=3") && info.contains("status=ok")
            })
            .await;
        }
        let url = format!("{}/{SERVICE}", address("sentinel", guard, &sentinels));
        Fleet {
            servers,
            sentinels,
            url,
        }
    }

    /// Three masters with a replica each.
    pub(super) async fn cluster(pace: Pace) -> Fleet {
        Fleet::cluster_behind(None, pace).await
    }

    pub(super) async fn cluster_behind(guard: Option<&Arc<Guard>>, pace: Pace) -> Fleet {
        let ports = free_ports(12);
        let node_timeout = match pace {
            Pace::Patient => "30000",
            Pace::Quick => "1000",
        };
        let servers: Vec<Process> = (0..6)
            .map(|index| {
                let (port, bus) = (ports[index], ports[6 + index].to_string());
                let mut args = data_args(port, guard);
                let cluster = [
                    "--cluster-enabled",
                    "yes",
                    "--cluster-port",
                    &bus,
                    "--cluster-node-timeout",
                    node_timeout,
                ];
                args.extend(cluster.map(str::to_owned));
                if guard.is_some() {
                    args.extend(["--tls-cluster", "yes"].map(str::to_owned));
                }
                Process::start(port, args, guard)
            })
            .collect();
        for (index, server) in servers.iter().enumerate() {
            server.until_it_answers().await;
            let epoch = (index + 1).to_string();
            server.run(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]).await;
        }
        for (server, [first, last]) in servers
            .iter()
            .zip([["0", "5460"], ["5461", "10922"], ["10923", "16383"]])
        {
            server.run(&["CLUSTER", "ADDSLOTSRANGE", first, last]).await;
        }
        for (index, server) in servers.iter().enumerate().skip(1) {
            let (port, bus) = (server.port.to_string(), ports[6 + index].to_string());
            servers[0].run(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]).await;
        }
        for server in &servers {
            until("the nodes know each other", async || {
                let info: String = text(server.run(&["CLUSTER", "INFO"]).await);
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:6")
            })
            .await;
        }
        for (master, replica) in servers[..3].iter().zip(&servers[3..]) {
            let id: String = text(master.run(&["CLUSTER", "MYID"]).await);
            replica.run(&["CLUSTER", "REPLICATE", &id]).await;
        }
        for master in &servers[..3] {
            until_replicated(master, 1).await;
        }
        for server in &servers {
            until("all know who replicates whom", async || {
                let nodes: String = text(server.run(&["CLUSTER", "NODES"]).await);
                nodes.lines().filter(|line| line.contains("slave ")).count() == 3
            })
            .await;
        }
        Fleet {
            url: address("cluster", guard, &servers),
            servers,
            sentinels: Vec::new(),
        }
    }

    pub(super) fn url(&self) -> String {
        self.url.clone()
    }
}

impl Process {
    fn start(port: u16, args: Vec<String>, guard: Option<&Arc<Guard>>) -> Process {
        let dir = TempDir::new().unwrap().keep();
        Process {
            port,
            guard: guard.cloned(),
            runs: Mutex::new(vec![Minded::begin(&dir, &args)]),
            args,
            dir,
        }
    }

    fn sentinel(port: u16, config: &str, guard: Option<&Arc<Guard>>) -> Process {
        let dir = TempDir::new().unwrap().keep();
        let file = dir.join("sentinel.conf");
        let door = guard.map_or_else(|| vec![format!("port {port}")], |guard| guard.of_sentinel(port));
        let head = format!("{}\nbind 127.0.0.1\ndir {}\n", door.join("\n"), dir.display());
        std::fs::write(&file, head + config).unwrap();
        let args = vec![file.display().to_string(), "--sentinel".to_owned()];
        Process {
            port,
            guard: guard.cloned(),
            runs: Mutex::new(vec![Minded::begin(&dir, &args)]),
            args,
            dir,
        }
    }

    /// Kills it at once, as a crash would.
    pub(super) fn kill(&self) {
        self.signal("KILL");
    }

    /// `STOP` lets it answer nobody until `CONT`.
    pub(super) fn signal(&self, signal: &str) {
        let runs = self.runs.lock().unwrap();
        let mut kill = Command::new("kill");
        let sent = kill.args(["-s", signal, &runs.last().unwrap().pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Starts it on the data that it left behind.
    pub(super) fn start_again(&self) {
        let again = Minded::begin(&self.dir, &self.args);
        self.runs.lock().unwrap().push(again);
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(super) async fn run(&self, command: &[&str]) -> Value {
        self.try_to_run(command).await.unwrap()
    }

    /// Empty while it does not answer.
    pub(super) async fn info(&self) -> String {
        self.try_to_run(&["INFO"]).await.map_or_else(|_| String::new(), text)
    }

    async fn try_to_run(&self, command: &[&str]) -> redis::RedisResult<Value> {
        match &self.guard {
            Some(guard) => guard.run(self.port, command).await,
            None => run(&self.url(), command).await,
        }
    }

    async fn until_it_answers(&self) {
        until("redis-server answers", async || {
            self.try_to_run(&["PING"]).await.is_ok()
        })
        .await;
    }
}

impl Minded {
    fn begin(dir: &Path, args: &[String]) -> Minded {
        let script = r#"cd "$0" && { redis-server "$@" >redis.log 2>&1 & echo $!; exec >/dev/null; cat; kill -9 $!; wait; rm -rf "$0"; }"#;
        let mut command = Command::new("sh");
        command.arg("-c").arg(script).arg(dir).args(args);
        let mut minder = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut pid = String::new();
        BufReader::new(minder.stdout.take().unwrap())
            .read_line(&mut pid)
            .unwrap();
        Minded {
            pid: pid.trim().to_owned(),
            minder,
        }
    }
}

impl Drop for Minded {
    fn drop(&mut self) {
        drop(self.minder.stdin.take());
        let _ = self.minder.wait();
    }
}

pub(super) async fn until_replicated(master: &Process, replicas: usize) {
    until("the replicas follow", async || {
        let info = master.info().await;
        info.lines()
            .filter(|line| line.starts_with("slave") && line.contains("state=online"))
            .count()
            == replicas
    })
    .await;
}

fn text<T: FromRedisValue>(value: Value) -> T {
    redis::from_redis_value(value).unwrap()
}

/// The address of a fleet of whose processes these are asked.
fn address(kind: &str, guard: Option<&Arc<Guard>>, asked: &[Process]) -> String {
    let named: Vec<String> = asked.iter().map(|it| format!("127.0.0.1:{}", it.port)).collect();
    let (scheme, login) = match guard {
        Some(_) => ("rediss", format!("{}@", Guard::credentials())),
        None => ("redis", String::new()),
    };
    format!("{scheme}-{kind}://{login}{}", named.join(","))
}

fn data_args(port: u16, guard: Option<&Arc<Guard>>) -> Vec<String> {
    let door = guard.map_or_else(|| vec![format!("port {port}")], |guard| guard.of_data(port));
    let own = ["--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0"];
    let mut args: Vec<String> = own.into_iter().chain(FIT).map(str::to_owned).collect();
    for directive in door {
        args.extend(format!("--{directive}").split_whitespace().map(str::to_owned));
    }
    args
}

/// Ports that nobody listens on, all different.
fn free_ports(count: usize) -> Vec<u16> {
    (0..count).map(|_| free_port()).collect()
}
