//! The feed: reading on from a position, over all shards.

use futures::future::try_join_all;

use super::{
    RedisStore,
    scripts::{self, Call},
};
use crate::{
    domain::ids::{JobId, Shard},
    store::{FeedPage, FeedPosition, StoreError},
};

/// Most entries that one script call reads.
const FEED_READ_MAX: usize = 1000;

/// Entries of one shard after a position.
struct ShardFeed {
    shard: Shard,
    /// Numbers of the oldest and of the newest entry kept; 0 when there is none.
    oldest: u64,
    newest: u64,
    jobs: std::vec::IntoIter<JobId>,
}

impl RedisStore {
    pub(super) async fn end_of_feed(&self) -> Result<FeedPosition, StoreError> {
        let shards = try_join_all(Shard::all().map(|shard| self.feed_of(shard, 0, 0))).await?;
        let mut position = FeedPosition::default();
        for feed in shards {
            position.0[feed.shard.index()] = feed.newest;
        }
        Ok(position)
    }

    /// Takes from the shards in turn, so that a busy one does not hold back the others.
    pub(super) async fn read_feed(&self, position: &FeedPosition, max: usize) -> Result<FeedPage, StoreError> {
        let reads = Shard::all().map(|shard| self.feed_of(shard, position.0[shard.index()], max));
        let mut feeds = try_join_all(reads).await?;
        let mut page = FeedPage {
            position: *position,
            ..FeedPage::default()
        };
        for feed in &feeds {
            let seen = &mut page.position.0[feed.shard.index()];
            if feed.oldest > *seen + 1 {
                page.expired = true;
                *seen = feed.oldest - 1;
            }
        }
        loop {
            let before = page.jobs.len();
            for feed in &mut feeds {
                if page.jobs.len() < max
                    && let Some(job) = feed.jobs.next()
                {
                    page.jobs.push(job);
                    page.position.0[feed.shard.index()] += 1;
                }
            }
            if page.jobs.len() == before {
                return Ok(page);
            }
        }
    }

    async fn feed_of(&self, shard: Shard, after: u64, max: usize) -> Result<ShardFeed, StoreError> {
        let slot = self.keys.shard(shard);
        let call = Call::new("read the feed", &scripts::FEED)
            .key(slot.epoch())
            .key(slot.feed())
            .arg(self.epoch())
            .number(after)
            .number(max.min(FEED_READ_MAX) as u64);
        let (_, mut reply) = self.link.run(call).await?;
        let (oldest, newest) = (reply.number()?, reply.number()?);
        let mut jobs = Vec::new();
        while !reply.is_over() {
            jobs.push(reply.job_id()?);
        }
        Ok(ShardFeed {
            shard,
            oldest,
            newest,
            jobs: jobs.into_iter(),
        })
    }
}
