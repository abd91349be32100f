//! What the conformance suite needs of Redis.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::time::sleep;

use super::server::{options, run, shared_url};
use crate::{
    domain::ids::JobId,
    store::{
        Store,
        conformance::Harness,
        redis::{RedisOptions, RedisStore, keys::Keys, open},
    },
};

struct RedisHarness {
    url: String,
    options: RedisOptions,
    store: Arc<RedisStore>,
}

pub(super) async fn harness() -> Option<Box<dyn Harness>> {
    let url = shared_url().await;
    let options = RedisOptions {
        feed_kept_max: 40,
        ..options(&url)
    };
    let store = Arc::new(open(options.clone()).await.unwrap());
    Some(Box::new(RedisHarness { url, options, store }))
}

#[async_trait]
impl Harness for RedisHarness {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    /// Redis' clock is the machine's: it is waited for.
    async fn advance(&self, by: Duration) {
        let until = self.store.probe().await.unwrap().now + by;
        while self.store.probe().await.unwrap().now < until {
            sleep(Duration::from_millis(1)).await;
        }
    }

    async fn damage(&self, id: &JobId) {
        let key = Keys::new(&self.options.prefix).shard(id.shard()).job(id);
        run(&self.url, &["HSET", &key, "record", "{damaged"]).await.unwrap();
    }

    async fn names(&self) -> Vec<String> {
        let keys = run(&self.url, &["KEYS", &format!("{}:*", self.options.prefix)]).await;
        redis::from_redis_value(keys.unwrap()).unwrap()
    }

    fn feed_kept_max(&self) -> u64 {
        self.options.feed_kept_max
    }

    fn retention(&self) -> Duration {
        self.options.retention
    }
}
