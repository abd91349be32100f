//! A slot on its way to another node of a cluster: a script that finds only some of its keys writes nothing at all.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use super::{
    fleet::{Fleet, Pace, Process},
    server::{options, until},
};
use crate::{
    domain::{
        ids::JobId,
        job::{Event, StateName},
    },
    store::{
        Commit, Committed, Creation, Store, StoreError,
        conformance::fixtures,
        redis::{
            RedisStore,
            keys::{Keys, dedupe_name},
            open, versions,
        },
    },
};

const LEASE: Duration = Duration::from_secs(60);

async fn start(store: &RedisStore, product: &str) -> JobId {
    let job = fixtures::work_history(1, store.probe().await.unwrap().now);
    let creation = Creation {
        product: product.to_owned(),
        ..fixtures::creation(job)
    };
    store.create(creation).await.unwrap().stored.job.id
}

async fn cancel(store: &RedisStore, id: &JobId) -> Commit {
    let stored = store.read(id).await.unwrap().unwrap();
    Commit {
        op: fixtures::next_uuid(),
        expected_version: stored.version,
        fence: None,
        transition: stored.job.apply(Event::CancelAsked, stored.job.updated_at).unwrap(),
        hold: LEASE,
        answer: Some(b"sealed answer".to_vec()),
        person_day: None,
    }
}

async fn text<T: redis::FromRedisValue>(server: &Process, words: &[&str]) -> T {
    redis::from_redis_value(server.run(words).await).unwrap()
}

/// The master that has the slot, and another one.
async fn masters_of<'a>(fleet: &'a Fleet, key: &str) -> (&'a Process, &'a Process) {
    let mut others = Vec::new();
    let mut holder = None;
    for server in &fleet.servers[..3] {
        let held = super::server::run(&server.url(), &["EXISTS", key]).await;
        match held {
            Ok(_) => holder = Some(server),
            Err(_) => others.push(server),
        }
    }
    (holder.unwrap(), others[0])
}

async fn move_key(from: &Process, to: &Process, key: &str) {
    let port = to.port.to_string();
    from.run(&["MIGRATE", "127.0.0.1", &port, key, "0", "5000"]).await;
}

#[tokio::test]
async fn a_commit_that_meets_a_moving_slot_is_whole_or_not_at_all() {
    let fleet = Fleet::cluster(Pace::Patient).await;
    let asked = options(&fleet.url());
    let store = open(asked.clone()).await.unwrap();
    // One has ended, so that every key that a commit must name is there.
    let ended = start(&store, "ended").await;
    let ending = cancel(&store, &ended).await;
    store.commit(ending).await.unwrap();
    let job = start(&store, "running").await;
    let commit = cancel(&store, &job).await;
    // The commit names no ledger row, and the list of the job's rows is named: let there be one.
    let keys = Keys::new(&asked.prefix).shard(job.shard());
    let (from, to) = masters_of(&fleet, &keys.epoch()).await;
    from.run(&["SET", &keys.job_charges(&job), "none "]).await;
    let raw = async |server: &Process| -> Vec<String> { text(server, &["HGETALL", &keys.job(&job)]).await };
    let before = raw(from).await;

    let slot: u16 = text(from, &["CLUSTER", "KEYSLOT", &keys.epoch()]).await;
    let slot = slot.to_string();
    let (from_id, to_id): (String, String) = (
        text(from, &["CLUSTER", "MYID"]).await,
        text(to, &["CLUSTER", "MYID"]).await,
    );
    to.run(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]).await;
    from.run(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]).await;
    // The key that the script finds out about only while it runs goes first.
    let dedupe = keys.dedupe(&dedupe_name(
        &commit.transition.job.tenant,
        &commit.transition.job.person,
        "running",
    ));
    move_key(from, to, &dedupe).await;

    let error = store.commit(commit.clone()).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Unavailable { why, .. } if why.contains("is moving the slot")),
        "{error}"
    );
    assert_eq!(raw(from).await, before, "nothing was written");
    let due: Option<String> = text(from, &["ZSCORE", &keys.due(), job.as_str()]).await;
    assert!(due.is_some(), "it is still due");
    let new = start_refused(&store).await;
    assert!(matches!(new, StoreError::Unavailable { .. }), "{new}");

    let left: Vec<String> = text(from, &["CLUSTER", "GETKEYSINSLOT", &slot, "1000"]).await;
    for key in left {
        move_key(from, to, &key).await;
    }
    for server in [to, from] {
        server.run(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]).await;
    }
    // Another master: what was computed before has to be read again.
    until("the slot has arrived", async || {
        matches!(store.commit(commit.clone()).await, Ok(Committed::Conflict))
    })
    .await;
    let commit = cancel(&store, &job).await;
    let committed = store.commit(commit).await.unwrap();
    assert!(matches!(committed, Committed::Done { .. }), "{committed:?}");
    let stored = store.read(&job).await.unwrap().unwrap();
    let (_, number) = versions::split(stored.version);
    assert_eq!((number, stored.job.view().state), (2, StateName::Cancelled));
    let live: Option<String> = text(to, &["HGET", &dedupe, "live"]).await;
    assert_eq!(live, None);
}

async fn start_refused(store: &RedisStore) -> StoreError {
    let job = fixtures::work_history(1, fixtures::EPOCH);
    let creation = Creation {
        product: "new".to_owned(),
        ..fixtures::creation(job)
    };
    store.create(creation).await.unwrap_err()
}
