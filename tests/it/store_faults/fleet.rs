//! Redis as it is run in earnest: a master with replicas under sentinels, and a cluster.

use std::process::Command;

use tempfile::TempDir;

use crate::harness::*;

const SERVICE: &str = "jobs";
const DURABLE: [&str; 6] = [
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    "--repl-diskless-sync-delay",
    "0",
];

/// A master, two replicas and three sentinels.
pub struct Trio {
    pub servers: Vec<Redis>,
    pub url: String,
    _sentinels: Vec<Process>,
    _folder: TempDir,
}

impl Trio {
    pub async fn start() -> Trio {
        let master = Redis::start_with(&DURABLE).await;
        let port = master.port().to_string();
        let mut servers = vec![master];
        for _ in 0..2 {
            servers.push(Redis::start_with(&[&DURABLE[..], &["--replicaof", "127.0.0.1", &port]].concat()).await);
        }
        until_replicated(&servers[0], 2).await;
        let folder = tempfile::tempdir().unwrap();
        let (mut sentinels, mut named) = (Vec::new(), Vec::new());
        for number in 0..3 {
            let own = free_port();
            let file = folder.path().join(format!("sentinel{number}.conf"));
            let config = format!(
                "port {own}\nbind 127.0.0.1\ndir {}\nsentinel monitor {SERVICE} 127.0.0.1 {port} 2\n\
                 sentinel down-after-milliseconds {SERVICE} 1500\nsentinel failover-timeout {SERVICE} 5000\n\
                 sentinel parallel-syncs {SERVICE} 2\n",
                folder.path().display()
            );
            std::fs::write(&file, config).unwrap();
            let mut command = Command::new("redis-server");
            command.arg(&file).arg("--sentinel");
            sentinels.push(Process::start("sentinel", command, &folder.path().join("sentinel.log")));
            named.push(format!("127.0.0.1:{own}"));
        }
        for address in &named {
            eventually("the sentinels to know each other", || async {
                let info = ask_at(address, &["INFO", "sentinel"]).await?;
                (info.contains("slaves=2,sentinels=3") && info.contains("status=ok")).then_some(())
            })
            .await;
        }
        Trio {
            servers,
            url: format!("redis-sentinel://{}/{SERVICE}", named.join(",")),
            _sentinels: sentinels,
            _folder: folder,
        }
    }
}

/// Masters that share the slots, each with as many replicas.
pub struct Cluster {
    /// The masters first, then a replica of each.
    pub servers: Vec<Redis>,
    pub url: String,
}

pub const MASTERS: usize = 3;

impl Cluster {
    pub async fn start(replicas_each: usize) -> Cluster {
        let count = MASTERS * (1 + replicas_each);
        let mut servers = Vec::new();
        let mut buses = Vec::new();
        for _ in 0..count {
            let bus = free_port().to_string();
            let cluster = [
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                &bus,
                "--cluster-node-timeout",
                "1500",
            ];
            servers.push(Redis::start_with(&[&DURABLE[..], &cluster].concat()).await);
            buses.push(bus);
        }
        for (number, server) in servers.iter().enumerate() {
            let _: String = server
                .ask(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()])
                .await;
        }
        let ranges = [["0", "5460"], ["5461", "10922"], ["10923", "16383"]];
        for (server, [first, last]) in servers.iter().zip(ranges) {
            let _: String = server.ask(&["CLUSTER", "ADDSLOTSRANGE", first, last]).await;
        }
        for (server, bus) in servers.iter().zip(&buses).skip(1) {
            let meet = ["CLUSTER", "MEET", "127.0.0.1", &server.port().to_string(), bus];
            let _: String = servers[0].ask(&meet).await;
        }
        let known = format!("cluster_known_nodes:{count}");
        for server in &servers {
            eventually("the nodes to know each other", || async {
                let info: String = server.ask(&["CLUSTER", "INFO"]).await;
                (info.contains("cluster_state:ok") && info.contains(&known)).then_some(())
            })
            .await;
        }
        for (number, replica) in servers.iter().enumerate().skip(MASTERS) {
            let id: String = servers[number % MASTERS].ask(&["CLUSTER", "MYID"]).await;
            let _: String = replica.ask(&["CLUSTER", "REPLICATE", &id]).await;
        }
        for master in &servers[..MASTERS] {
            until_replicated(master, replicas_each).await;
        }
        let named: Vec<String> = servers
            .iter()
            .map(|server| format!("127.0.0.1:{}", server.port()))
            .collect();
        Cluster {
            url: format!("redis-cluster://{}", named.join(",")),
            servers,
        }
    }
}

pub async fn until_replicated(master: &Redis, replicas: usize) {
    eventually("the replicas to follow", || async {
        let info: String = master.ask(&["INFO", "replication"]).await;
        let online = info
            .lines()
            .filter(|line| line.starts_with("slave") && line.contains("state=online"));
        (online.count() == replicas).then_some(())
    })
    .await;
}

pub async fn is_master(redis: &Redis) -> bool {
    let info: String = redis.ask(&["INFO", "replication"]).await;
    info.contains("role:master")
}

async fn ask_at(address: &str, words: &[&str]) -> Option<String> {
    let client = redis::Client::open(format!("redis://{address}")).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.ok()?;
    redis::cmd(words[0])
        .arg(&words[1..])
        .query_async(&mut connection)
        .await
        .ok()
}
