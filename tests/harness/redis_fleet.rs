//! Redis servers that belong together: a master with two replicas and three sentinels, or a cluster of three masters with a
//! replica each. Knows how to take a master away, and when all is whole again; whether anybody noticed is for the tests to say.

use std::process::Command;

use redis::FromRedisValue;
use tempfile::TempDir;

use super::ports::free_port;
use super::process::Process;
use super::wait::eventually;

/// What the sentinels call the service.
const SERVICE: &str = "jobs";
/// How soon a master that says nothing is taken for dead: long for a busy machine, short for a test.
const DOWN_AFTER_MS: &str = "1500";
/// The first and last slot of each master of the cluster.
const SLOTS: [[&str; 2]; 3] = [["0", "5460"], ["5461", "10922"], ["10923", "16383"]];

/// How a master is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Succession {
    /// `kill -9`, and a start as a replica of its successor.
    Kill,
    /// By order of an operator: `SENTINEL FAILOVER` or `CLUSTER FAILOVER`.
    Order,
    /// Stopped until it has a successor, and then let go on: for a moment there are two who take themselves for the master.
    Freeze,
}

/// The servers. Each process goes before its folder.
pub struct RedisFleet {
    servers: Vec<Member>,
    sentinels: Vec<Member>,
}

struct Member {
    process: Option<Process>,
    port: u16,
    arguments: Vec<String>,
    folder: TempDir,
}

// === impl RedisFleet ===

impl RedisFleet {
    /// A master, two replicas and three sentinels.
    pub async fn with_sentinels() -> RedisFleet {
        let mut servers = vec![Member::server(&[])];
        let master = servers[0].port.to_string();
        for _ in 0..2 {
            servers.push(Member::server(&["--replicaof", "127.0.0.1", &master]));
        }
        let mut fleet = RedisFleet {
            servers,
            sentinels: Vec::new(),
        };
        // Sentinels learn of replicas from the master, and slowly of those that come later.
        eventually("the replicas to follow", || async {
            (fleet.servers[0].replicas_online().await == Some(2)).then_some(())
        })
        .await;
        fleet.sentinels = (0..3).map(|_| Member::sentinel(&master)).collect();
        fleet.until_whole().await;
        fleet
    }

    /// Three masters with a replica each.
    pub async fn as_cluster() -> RedisFleet {
        let buses: Vec<String> = (0..6).map(|_| free_port().to_string()).collect();
        let node = |bus: &String| {
            Member::server(&[
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                bus,
                "--cluster-node-timeout",
                DOWN_AFTER_MS,
            ])
        };
        let fleet = RedisFleet {
            servers: buses.iter().map(node).collect(),
            sentinels: Vec::new(),
        };
        for (place, server) in fleet.servers.iter().enumerate() {
            eventually("a node to answer", || server.try_ask::<String>(&["PING"])).await;
            let epoch = (place + 1).to_string();
            server.ask::<String>(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]).await;
        }
        for (server, [first, last]) in fleet.servers.iter().zip(SLOTS) {
            server.ask::<String>(&["CLUSTER", "ADDSLOTSRANGE", first, last]).await;
        }
        for (server, bus) in fleet.servers.iter().zip(&buses).skip(1) {
            let port = server.port.to_string();
            let meet = ["CLUSTER", "MEET", "127.0.0.1", &port, bus];
            fleet.servers[0].ask::<String>(&meet).await;
        }
        let (masters, replicas) = fleet.servers.split_at(SLOTS.len());
        for (master, replica) in masters.iter().zip(replicas) {
            let id: String = master.ask(&["CLUSTER", "MYID"]).await;
            // It has to know the master before it can follow it.
            let follow = ["CLUSTER", "REPLICATE", &id];
            eventually("a node to follow its master", || replica.try_ask::<String>(&follow)).await;
        }
        fleet.until_whole().await;
        fleet
    }

    /// As the setting `store.url` wants it.
    pub fn url(&self) -> String {
        let named = |members: &[Member]| {
            let addresses: Vec<String> = members
                .iter()
                .map(|member| format!("127.0.0.1:{}", member.port))
                .collect();
            addresses.join(",")
        };
        if self.is_cluster() {
            format!("redis-cluster://{}", named(&self.servers))
        } else {
            format!("redis-sentinel://{}/{SERVICE}", named(&self.sentinels))
        }
    }

    /// Takes a master away (in a cluster this one of the three), and returns when it has a successor and all is whole again.
    pub async fn succeed(&mut self, how: Succession, master: usize) {
        let masters = self.masters().await;
        let old = masters[master % masters.len()];
        match how {
            Succession::Kill => {
                self.servers[old].process.take().unwrap().kill();
                self.until_succeeded(old).await;
                self.servers[old].launch();
            }
            Succession::Order => {
                self.order(old).await;
                self.until_succeeded(old).await;
            }
            Succession::Freeze => {
                self.servers[old].signal("STOP");
                self.until_succeeded(old).await;
                self.servers[old].signal("CONT");
            }
        }
        self.until_whole().await;
    }

    /// The addresses of the masters.
    pub async fn master_urls(&self) -> Vec<String> {
        let masters = self.masters().await;
        masters.into_iter().map(|place| self.servers[place].url()).collect()
    }

    /// What each process has said, by its part and port.
    pub fn logs(&self) -> Vec<(String, String)> {
        let of = |part: &str, members: &[Member]| -> Vec<(String, String)> {
            let said = |member: &Member| member.process.as_ref().map(Process::log).unwrap_or_default();
            let named = members
                .iter()
                .map(|member| (format!("{part}-{}", member.port), said(member)));
            named.collect()
        };
        let mut logs = of("redis", &self.servers);
        logs.extend(of("sentinel", &self.sentinels));
        logs
    }

    fn is_cluster(&self) -> bool {
        self.sentinels.is_empty()
    }

    async fn masters(&self) -> Vec<usize> {
        let wanted = if self.is_cluster() { SLOTS.len() } else { 1 };
        eventually("the masters to be known", || async {
            let ports = self.master_ports(&[]).await?;
            let places = ports
                .iter()
                .filter_map(|port| self.servers.iter().position(|it| it.port == *port));
            let places: Vec<usize> = places.collect();
            (places.len() == wanted).then_some(places)
        })
        .await
    }

    /// The masters' ports, as somebody says who is not one of `except`.
    async fn master_ports(&self, except: &[usize]) -> Option<Vec<u16>> {
        if let Some(sentinel) = self.sentinels.first() {
            let who = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE];
            let (_, port): (String, u16) = sentinel.try_ask(&who).await?;
            return Some(vec![port]);
        }
        let (_, witness) = self
            .servers
            .iter()
            .enumerate()
            .find(|(place, _)| !except.contains(place))?;
        let nodes: String = witness.try_ask(&["CLUSTER", "NODES"]).await?;
        let masters = nodes.lines().filter_map(|line| {
            // id host:port@bus flags master ping pong epoch link slots…
            let words: Vec<&str> = line.split(' ').collect();
            let is_master = words[2].split(',').any(|flag| flag == "master") && !words[2].contains("fail");
            let port = words[1].split([':', '@']).nth(1)?.parse().ok()?;
            (is_master && words.len() > 8).then_some(port)
        });
        Some(masters.collect())
    }

    async fn order(&self, old: usize) {
        if let Some(sentinel) = self.sentinels.first() {
            // Refused while the last failover is still fresh.
            let order = ["SENTINEL", "FAILOVER", SERVICE];
            return eventually("the sentinels to take the order", || async {
                sentinel.try_ask::<String>(&order).await.map(drop)
            })
            .await;
        }
        let id: String = self.servers[old].ask(&["CLUSTER", "MYID"]).await;
        let heir = eventually("the replica of a master", || async {
            let nodes: String = self.servers[old].try_ask(&["CLUSTER", "NODES"]).await?;
            let line = nodes.lines().find(|line| line.contains(&format!("slave {id}")))?;
            let port: u16 = line.split([':', '@']).nth(1)?.parse().ok()?;
            self.servers.iter().find(|server| server.port == port)
        })
        .await;
        heir.ask::<String>(&["CLUSTER", "FAILOVER"]).await;
    }

    async fn until_succeeded(&self, old: usize) {
        let wanted = if self.is_cluster() { SLOTS.len() } else { 1 };
        let port = self.servers[old].port;
        eventually("another master", || async {
            let ports = self.master_ports(&[old]).await?;
            (ports.len() == wanted && !ports.contains(&port)).then_some(())
        })
        .await;
    }

    /// Every master is one, and has the replicas that it had in the beginning.
    async fn until_whole(&self) {
        let replicas = if self.is_cluster() { 1 } else { 2 };
        eventually("every master to have its replicas", || async {
            for master in self.masters().await {
                if self.servers[master].replicas_online().await != Some(replicas) {
                    return None;
                }
            }
            for server in self.servers.iter().filter(|_| self.is_cluster()) {
                let info: String = server.try_ask(&["CLUSTER", "INFO"]).await?;
                if !info.contains("cluster_state:ok") {
                    return None;
                }
            }
            for sentinel in &self.sentinels {
                let info: String = sentinel.try_ask(&["INFO", "sentinel"]).await?;
                if !(info.contains("slaves=2,sentinels=3") && info.contains("status=ok")) {
                    return None;
                }
            }
            Some(())
        })
        .await;
    }
}

// === impl Member ===

impl Member {
    fn server(arguments: &[&str]) -> Member {
        let port = free_port();
        let own = ["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""].map(str::to_owned);
        let kept = ["--appendonly", "yes", "--appendfsync", "always"];
        let quick = ["--repl-diskless-sync-delay", "0"];
        let others = kept.iter().chain(&quick).chain(arguments).map(ToString::to_string);
        Member::start(port, own.into_iter().chain(others).collect())
    }

    fn sentinel(master: &str) -> Member {
        let port = free_port();
        let mut sentinel = Member::new(port, Vec::new());
        let file = sentinel.folder.path().join("sentinel.conf");
        let words = format!(
            "port {port}\nbind 127.0.0.1\nsentinel monitor {SERVICE} 127.0.0.1 {master} 2\n\
             sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\nsentinel failover-timeout {SERVICE} 5000\n\
             sentinel parallel-syncs {SERVICE} 2\n"
        );
        std::fs::write(&file, words).unwrap();
        sentinel.arguments = vec![file.display().to_string(), "--sentinel".to_owned()];
        sentinel.launch();
        sentinel
    }

    fn start(port: u16, arguments: Vec<String>) -> Member {
        let mut member = Member::new(port, arguments);
        member.launch();
        member
    }

    /// With its files in memory where the machine offers that.
    fn new(port: u16, arguments: Vec<String>) -> Member {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Member {
            process: None,
            port,
            arguments,
            folder: folder.unwrap(),
        }
    }

    fn launch(&mut self) {
        let mut command = Command::new("redis-server");
        command.current_dir(self.folder.path()).args(&self.arguments);
        let log = self.folder.path().join("redis.log");
        self.process = Some(Process::start("redis-server", command, &log));
    }

    fn signal(&self, signal: &str) {
        self.process.as_ref().unwrap().signal(signal);
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// How many replicas follow it, if it is a master.
    async fn replicas_online(&self) -> Option<usize> {
        let info: String = self.try_ask(&["INFO", "replication"]).await?;
        let online = info.lines().filter(|line| line.contains("state=online")).count();
        info.contains("role:master").then_some(online)
    }

    async fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_ask(words)
            .await
            .unwrap_or_else(|| panic!("Redis did not take {words:?}"))
    }

    /// `None` when it does not answer, or answers with an error.
    async fn try_ask<T: FromRedisValue>(&self, words: &[&str]) -> Option<T> {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.ok()?;
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut connection).await.ok()
    }
}
