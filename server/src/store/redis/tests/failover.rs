//! A master is lost or replaced while jobs are created: what was acknowledged is there afterwards, and calls recover by themselves.
#![allow(clippy::unwrap_used)]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{
    fleet::{Fleet, Pace, SERVICE, until_replicated},
    server::{options, until},
};
use crate::{
    domain::{ids::JobId, job::State},
    store::{
        Bell, Creation, Store, StoreError,
        conformance::fixtures,
        redis::{RedisOptions, RedisStore, open},
    },
};

const CREATORS: u8 = 16;
/// Enough for a failover to fall into the middle of them.
const JOBS_MIN: usize = 300;
const PATIENCE: Duration = Duration::from_secs(20);

/// Jobs that are created one after the other, by many at once.
pub(super) struct Stream {
    store: Arc<RedisStore>,
    acknowledged: Arc<Mutex<Vec<(JobId, Instant)>>>,
    refused: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
    creators: JoinSet<()>,
}

impl Stream {
    pub(super) fn begin(store: &Arc<RedisStore>) -> Stream {
        let mut stream = Stream {
            store: Arc::clone(store),
            acknowledged: Arc::default(),
            refused: Arc::default(),
            is_over: Arc::default(),
            creators: JoinSet::new(),
        };
        for person in 0..CREATORS {
            let store = Arc::clone(store);
            let (acknowledged, refused) = (Arc::clone(&stream.acknowledged), Arc::clone(&stream.refused));
            let is_over = Arc::clone(&stream.is_over);
            stream.creators.spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let job = fixtures::work_history(person, fixtures::EPOCH);
                    let id = job.id.clone();
                    let product = id.to_string();
                    let creation = Creation {
                        product,
                        ..fixtures::creation(job)
                    };
                    match store.create(creation).await {
                        Ok(_) => acknowledged.lock().unwrap().push((id, Instant::now())),
                        Err(StoreError::Unavailable { .. }) => drop(refused.fetch_add(1, Ordering::Relaxed)),
                        Err(other) => panic!("{other}"),
                    }
                }
            });
        }
        stream
    }

    fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    pub(super) async fn until_more(&self) {
        let count = self.count();
        until("jobs are created", async || self.count() > count + JOBS_MIN).await;
    }

    /// Until every shard has taken a job after this moment.
    pub(super) async fn until_all_shards_create(&self) {
        let from = Instant::now();
        until("all shards create", async || {
            let acknowledged = self.acknowledged.lock().unwrap();
            let since = acknowledged.iter().filter(|(_, at)| *at > from);
            let shards: std::collections::HashSet<_> = since.map(|(id, _)| id.shard()).collect();
            shards.len() == 16
        })
        .await;
    }

    /// Ends it, and demands every acknowledged job.
    pub(super) async fn end(mut self, what: &str) {
        self.is_over.store(true, Ordering::Relaxed);
        while let Some(ended) = self.creators.join_next().await {
            ended.unwrap();
        }
        let acknowledged = std::mem::take(&mut *self.acknowledged.lock().unwrap());
        let gap = acknowledged
            .windows(2)
            .map(|pair| pair[1].1.saturating_duration_since(pair[0].1))
            .max();
        let mut lost = Vec::new();
        for (id, _) in &acknowledged {
            if self.store.read(id).await.unwrap().is_none() {
                lost.push(id.clone());
            }
        }
        println!(
            "{what}: {} acknowledged, {} refused, {} lost, longest pause {:?}",
            acknowledged.len(),
            self.refused.load(Ordering::Relaxed),
            lost.len(),
            gap.unwrap_or_default()
        );
        assert_eq!(lost, [], "acknowledged jobs are lost");
    }
}

async fn store_in(fleet: &Fleet, replicas_min: u32) -> Arc<RedisStore> {
    let asked = RedisOptions {
        replicas_min,
        ..options(&fleet.url())
    };
    Arc::new(open(asked).await.unwrap())
}

/// Creates until a ring comes through: the listener may still be on its way.
pub(super) async fn ring_is_heard(store: &RedisStore) {
    let mut bells = store.bells();
    let heard = async {
        loop {
            let job = fixtures::work_history(1, fixtures::EPOCH);
            let id = job.id.clone();
            let creation = Creation {
                product: id.to_string(),
                ..fixtures::creation(job)
            };
            if store.create(creation).await.is_err() {
                continue;
            }
            let ring =
                async { while !matches!(bells.recv().await.unwrap(), Bell::Job { id: job, .. } if job == id) {} };
            if tokio::time::timeout(Duration::from_millis(300), ring).await.is_ok() {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, heard)
        .await
        .expect("the bell rings again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_crash_of_a_master_under_sentinels_loses_nothing_that_was_acknowledged() {
    let fleet = Fleet::trio(Pace::Quick).await;
    let store = store_in(&fleet, 1).await;
    let stream = Stream::begin(&store);
    stream.until_more().await;
    fleet.servers[0].kill();
    stream.until_more().await;
    stream.until_all_shards_create().await;
    stream.end("sentinel, master killed").await;
    ring_is_heard(&store).await;
}

/// The old master goes on taking writes until it is told, and the other replica goes on copying them; none of them may count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordered_failover_under_sentinels_loses_nothing_that_was_acknowledged() {
    let fleet = Fleet::trio(Pace::Quick).await;
    let store = store_in(&fleet, 1).await;
    let stream = Stream::begin(&store);
    stream.until_more().await;
    fleet.sentinels[0].run(&["SENTINEL", "FAILOVER", SERVICE]).await;
    until("the old master is a replica", async || {
        fleet.servers[0].info().await.contains("role:slave")
    })
    .await;
    stream.until_all_shards_create().await;
    stream.end("sentinel, ordered failover").await;
    ring_is_heard(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_crash_of_a_master_of_a_cluster_loses_nothing_that_was_acknowledged() {
    let fleet = Fleet::cluster(Pace::Quick).await;
    let store = store_in(&fleet, 1).await;
    let stream = Stream::begin(&store);
    stream.until_more().await;
    fleet.servers[0].kill();
    until("its replica takes over", async || {
        fleet.servers[3].info().await.contains("role:master")
    })
    .await;
    // The new master has no replica until the old one is back as one, and acknowledges nothing before.
    fleet.servers[0].start_again();
    until_replicated(&fleet.servers[3], 1).await;
    stream.until_all_shards_create().await;
    stream.end("cluster, master killed").await;
    ring_is_heard(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordered_failover_in_a_cluster_loses_nothing_that_was_acknowledged() {
    let fleet = Fleet::cluster(Pace::Quick).await;
    let store = store_in(&fleet, 1).await;
    let stream = Stream::begin(&store);
    stream.until_more().await;
    fleet.servers[3].run(&["CLUSTER", "FAILOVER"]).await;
    until("the replica takes over", async || {
        fleet.servers[3].info().await.contains("role:master")
    })
    .await;
    stream.until_all_shards_create().await;
    stream.end("cluster, ordered failover").await;
}

#[tokio::test]
async fn a_write_that_too_few_replicas_hold_is_not_acknowledged() {
    let fleet = Fleet::trio(Pace::Patient).await;
    let store = store_in(&fleet, 2).await;
    fleet.servers[2].kill();
    let creation = fixtures::creation(fixtures::work_history(1, fixtures::EPOCH));
    let error = store.create(creation.clone()).await.unwrap_err();
    assert!(error.to_string().contains("on 1 replicas instead of 2"), "{error}");
    fleet.servers[2].start_again();
    until_replicated(&fleet.servers[0], 2).await;
    store.create(creation).await.unwrap();
}

/// So is one that another has replaced while it was away, until somebody tells it.
#[tokio::test]
async fn a_master_that_nobody_follows_says_nothing_that_it_might_have_to_take_back() {
    let fleet = Fleet::trio(Pace::Patient).await;
    let store = store_in(&fleet, 1).await;
    let now = store.probe().await.unwrap().now;
    let ended = |number, at| {
        let mut job = fixtures::work_history(number, at);
        job.state = State::Cancelled { at };
        job
    };
    let living = fixtures::work_history(1, now);
    let (just_ended, long_ended) = (ended(2, now), ended(3, fixtures::EPOCH));
    for job in [&living, &just_ended, &long_ended] {
        store.create(fixtures::creation(job.clone())).await.unwrap();
        assert_eq!(store.read(&job.id).await.unwrap().unwrap().job, *job);
    }
    let nobodys = fixtures::work_history(4, now).id;
    assert_eq!(store.read(&nobodys).await.unwrap(), None);

    for replica in &fleet.servers[1..] {
        replica.run(&["REPLICAOF", "NO", "ONE"]).await;
    }
    for id in [&nobodys, &just_ended.id] {
        let error = store.read(id).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    }
    for id in [&living.id, &long_ended.id] {
        assert!(store.read(id).await.unwrap().is_some());
    }
}
