//! Masters that fail over under load, and one that is cut off from its replicas.

use std::sync::atomic::{AtomicUsize, Ordering};

use semanas_client::JobState;
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;

use super::Crowd;
use super::fleet::{Cluster, MASTERS, Trio, is_master, until_replicated};
use crate::harness::*;

const SUBMITS: usize = 1_000;
/// So many were acknowledged when the master goes.
const BEFORE: usize = 150;

async fn until_acknowledged(acknowledged: &AtomicUsize) {
    eventually("some to be acknowledged", || async {
        (acknowledged.load(Ordering::Relaxed) > BEFORE).then_some(())
    })
    .await;
}

#[tokio::test]
async fn fault_13_a_master_without_its_replicas_promises_nothing_and_nothing_is_called() {
    let (trio, sandbox) = (Trio::start().await, sandbox().await);
    let server = Server::start(&Store::Redis(trio.url.clone()), &sandbox).await;
    for replica in &trio.servers[1..] {
        replica.signal("STOP");
    }
    let status = submit_refused(&server, by_kiban(&fresh_person())).await;
    check_status(&status, Code::Unavailable, "STORE_UNAVAILABLE");
    assert_eq!(
        sandbox.books().charges().len(),
        0,
        "what a failover could undo is not bought"
    );
    for replica in &trio.servers[1..] {
        replica.signal("CONT");
    }
    let person = fresh_person();
    let job = to_the_end(&server.client(), by_kiban(&person)).await;
    assert_eq!(job.state, JobState::Succeeded);
}

#[tokio::test]
async fn fault_14_sentinels_replace_a_killed_master_during_a_thousand_submits() {
    let (mut trio, sandbox) = (Trio::start().await, sandbox().await);
    let server = Server::start(&Store::Redis(trio.url.clone()), &sandbox).await;
    let acknowledged = AtomicUsize::new(0);
    let kill = async {
        until_acknowledged(&acknowledged).await;
        trio.servers[0].kill();
    };
    let (crowd, ()) = tokio::join!(Crowd::submits(&server, SUBMITS, &acknowledged), kill);
    eventually("a new master", || async {
        (is_master(&trio.servers[1]).await || is_master(&trio.servers[2]).await).then_some(())
    })
    .await;
    server.becomes(ServingStatus::Serving).await;
    to_the_end(&server.client(), by_kiban(&fresh_person())).await;
    crowd.all_end("row 14, sentinel", &server.client(), &sandbox).await;
}

#[tokio::test]
async fn fault_14_a_cluster_replaces_a_killed_master_during_a_thousand_submits() {
    let (mut cluster, sandbox) = (Cluster::start(1).await, sandbox().await);
    let server = Server::start(&Store::Redis(cluster.url.clone()), &sandbox).await;
    let acknowledged = AtomicUsize::new(0);
    let fail_over = async {
        until_acknowledged(&acknowledged).await;
        cluster.servers[0].kill();
        eventually("its replica to take over", || async {
            is_master(&cluster.servers[MASTERS]).await.then_some(())
        })
        .await;
        // Only with a replica of its own does the new master acknowledge anything.
        cluster.servers[0].start_again().await;
        until_replicated(&cluster.servers[MASTERS], 1).await;
    };
    let (crowd, ()) = tokio::join!(Crowd::submits(&server, SUBMITS, &acknowledged), fail_over);
    server.becomes(ServingStatus::Serving).await;
    to_the_end(&server.client(), by_kiban(&fresh_person())).await;
    crowd.all_end("row 14, cluster", &server.client(), &sandbox).await;
}

/// Every slot of one master moves to another while jobs are submitted and run. A shard whose slot is on its way is refused, and
/// served again when it has arrived; no script is cut in two.
#[tokio::test]
async fn fault_26_slots_that_move_under_load_leave_every_job_whole() {
    let (cluster, sandbox) = (Cluster::start(0).await, sandbox().await);
    let options = ServerOptions::new(&Store::Redis(cluster.url.clone()), &sandbox).set("STORE__REPLICAS_MIN", "0");
    let server = options.start().await;
    let acknowledged = AtomicUsize::new(0);
    let (from, to) = (&cluster.servers[0], &cluster.servers[1]);
    let move_all = async {
        until_acknowledged(&acknowledged).await;
        let keys: Vec<String> = from.ask(&["KEYS", "*"]).await;
        let mut slots = std::collections::BTreeSet::new();
        for key in &keys {
            let slot: u16 = from.ask(&["CLUSTER", "KEYSLOT", key]).await;
            slots.insert(slot.to_string());
        }
        assert!(slots.len() > 2, "shards are spread over the cluster");
        for slot in &slots {
            move_slot(&cluster, from, to, slot).await;
        }
    };
    let (crowd, ()) = tokio::join!(Crowd::submits(&server, SUBMITS, &acknowledged), move_all);
    crowd.all_end("row 26, moving slots", &server.client(), &sandbox).await;
    let job = to_the_end(&server.client(), by_kiban(&fresh_person())).await;
    assert_eq!(job.state, JobState::Succeeded);
}

async fn move_slot(cluster: &Cluster, from: &Redis, to: &Redis, slot: &str) {
    let mut line = redis::Client::open(from.url())
        .unwrap()
        .get_multiplexed_async_connection()
        .await
        .unwrap();
    line.set_response_timeout(PATIENCE);
    let (from_id, to_id): (String, String) = (from.ask(&["CLUSTER", "MYID"]).await, to.ask(&["CLUSTER", "MYID"]).await);
    let _: String = to.ask(&["CLUSTER", "SETSLOT", slot, "IMPORTING", &from_id]).await;
    let _: String = from.ask(&["CLUSTER", "SETSLOT", slot, "MIGRATING", &to_id]).await;
    let port = to.port().to_string();
    loop {
        // One at a time, so that scripts come in between.
        let next = redis::cmd("CLUSTER").arg(&["GETKEYSINSLOT", slot, "1"]).to_owned();
        let keys: Vec<String> = next.query_async(&mut line).await.unwrap();
        let Some(key) = keys.first() else { break };
        let go = redis::cmd("MIGRATE")
            .arg(&["127.0.0.1", &port, key, "0", "5000"])
            .to_owned();
        let _: String = go.query_async(&mut line).await.unwrap();
    }
    for server in [to, from, &cluster.servers[2]] {
        let _: String = server.ask(&["CLUSTER", "SETSLOT", slot, "NODE", &to_id]).await;
    }
}
