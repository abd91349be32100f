//! What the conformance suite needs of Redis.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use redis::cmd;
use tokio::{sync::OnceCell, time::interval};

use super::{
    fleet::{Fleet, Pace},
    server::{SHARED, SHARED_CLUSTER, options, run, until},
};
use crate::{
    domain::{ids::JobId, job::Job},
    store::{
        Store, codec,
        conformance::Harness,
        redis::{RedisOptions, RedisStore, keys::Keys, open},
    },
};

struct RedisHarness {
    options: RedisOptions,
    store: Arc<RedisStore>,
}

pub(super) async fn standalone() -> Option<Box<dyn Harness>> {
    Some(Box::new(fresh(SHARED.url().await).await))
}

/// A cluster of one node is spoken to like any single Redis; all it adds is that it minds the slots.
pub(super) async fn cluster_slots() -> Option<Box<dyn Harness>> {
    let url = SHARED_CLUSTER.url().await;
    // Refused when another test was faster; the node serves a moment after it was told.
    let _ = run(&url, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await;
    until("the cluster of one is up", async || {
        run(&url, &["GET", "any"]).await.is_ok()
    })
    .await;
    Some(Box::new(fresh(url).await))
}

pub(super) async fn sentinel() -> Option<Box<dyn Harness>> {
    static TRIO: OnceCell<Fleet> = OnceCell::const_new();
    let fleet = TRIO.get_or_init(|| Fleet::trio(Pace::Patient)).await;
    Some(Box::new(fresh(fleet.url()).await))
}

/// Three masters with a replica each.
pub(super) async fn cluster() -> Option<Box<dyn Harness>> {
    static CLUSTER: OnceCell<Fleet> = OnceCell::const_new();
    let fleet = CLUSTER.get_or_init(|| Fleet::cluster(Pace::Patient)).await;
    Some(Box::new(fresh(fleet.url()).await))
}

async fn fresh(url: String) -> RedisHarness {
    let options = RedisOptions {
        feed_kept_min: 40,
        ..options(&url)
    };
    let store = Arc::new(open(options.clone()).await.unwrap());
    RedisHarness { options, store }
}

#[async_trait]
impl Harness for RedisHarness {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    /// Redis' clock is the machine's: it is waited for.
    async fn advance(&self, by: Duration) {
        let until = self.store.probe().await.unwrap().now + by;
        let mut looks = interval(Duration::from_millis(1));
        while self.store.probe().await.unwrap().now < until {
            looks.tick().await;
        }
    }

    async fn damage(&self, id: &JobId) {
        let key = Keys::new(&self.options.prefix).shard(id.shard()).job(id);
        let topology = self.store.link.masters().now();
        let mut damage = cmd("HSET");
        damage.arg(&key).arg("record").arg("{damaged");
        let _: i64 = topology.node_of(&key).unwrap().ask(damage).await.unwrap();
    }

    async fn mend(&self, job: &Job) {
        let key = Keys::new(&self.options.prefix).shard(job.id.shard()).job(&job.id);
        let topology = self.store.link.masters().now();
        let mut mend = cmd("HSET");
        mend.arg(&key).arg("record").arg(codec::encode_job(job));
        let _: i64 = topology.node_of(&key).unwrap().ask(mend).await.unwrap();
    }

    async fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for node in &self.store.link.masters().now().masters {
            let mut keys = cmd("KEYS");
            keys.arg(format!("{}:*", self.options.prefix));
            names.extend(node.ask::<Vec<String>>(keys).await.unwrap());
        }
        names
    }

    fn feed_kept_min(&self) -> u64 {
        self.options.feed_kept_min
    }

    fn retention(&self) -> Duration {
        self.options.retention
    }
}
