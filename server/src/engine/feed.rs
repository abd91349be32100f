//! WatchWorkHistories: the feed of all jobs, for dashboards.
//!
//! The store keeps a numbered list of changed jobs per shard; a feed's cursor is one number per shard. What is sent is the job as
//! it stands when the change is read: a job that changed twice meanwhile is sent once, which a dashboard wants.

use std::{collections::HashSet, time::Duration};

use async_stream::try_stream;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    domain::{ids::JobId, ids::Tenant, job::Job, reason::Reason},
    engine::{
        Engine, EngineError,
        cursor::FeedCursor,
        request::{FeedContent, FeedMessage, JobFilter, SnapshotCause, WatchAll},
        watch::{Pace, Watching},
    },
    store::{FeedPage, FeedPosition, ListQuery, StoreError},
};

/// Entries read at a time.
const PAGE_MAX: usize = 256;

/// Jobs read at a time for one feed.
const READS_MAX: usize = 16;

/// Rings that come closer together than this are read together: a feed shows jobs, it does not have to show each one's every
/// millisecond.
const GATHER: Duration = Duration::from_millis(25);

/// Between two tries to read the feed while the store does not answer.
const STALE_RETRY: Duration = Duration::from_millis(500);

impl Engine {
    /// The stream ends after a draining message, or with one error.
    pub(crate) async fn watch_all(&self, watch: WatchAll) -> Result<Watching<FeedMessage>, EngineError> {
        self.refuse_while_draining()?;
        let lost_at = self.inner.store.condition().lost_at;
        let cursor = watch
            .cursor
            .as_deref()
            .map(|text| self.read_cursor::<FeedCursor>(text))
            .transpose()?;
        let permit = self.take_stream()?;
        let start = match cursor {
            None => Start::Fresh(None),
            Some(cursor) if !cursor.is_of_this_data_set => Start::Fresh(Some(SnapshotCause::Reset)),
            Some(cursor) if cursor.at.is_listing => Start::Fresh(None),
            Some(cursor) => {
                if self.inner.store.feed_after(&cursor.at.position, 1).await?.expired {
                    return Err(EngineError::new(Reason::CursorExpired));
                }
                Start::After(cursor.at.position)
            }
        };
        Ok(self.clone().stream_feed(watch, start, lost_at, permit).boxed())
    }

    fn stream_feed(
        self,
        watch: WatchAll,
        start: Start,
        lost_at: u64,
        permit: OwnedSemaphorePermit,
    ) -> impl futures::Stream<Item = Result<FeedMessage, EngineError>> {
        try_stream! {
            let _permit = permit;
            let _gauge = self.inner.metrics.stream_opened();
            let options = self.inner.options.watch.clone();
            let mut pace = Pace::new(&options, self.inner.dice.fraction());
            let mut is_stale = false;
            let mut rings = self.inner.hub.rings();
            let mut losses = self.inner.hub.losses();
            let (mut start, mut lost_at) = (start, lost_at);
            loop {
                let mut position = match start {
                    Start::After(position) => position,
                    Start::Fresh(cause) => {
                        // The position is taken before the list, so that what changes in between is sent again, not missed.
                        lost_at = self.inner.store.condition().lost_at;
                        let position = self.inner.store.feed_end().await?;
                        if let Some(cause) = cause {
                            yield self.listing_message(lost_at, position, FeedContent::Reset { cause });
                        }
                        for job in self.newest(&watch).await? {
                            yield self.listing_message(lost_at, position, FeedContent::Job(Box::new(job)));
                        }
                        position
                    }
                };
                yield self.feed_message(lost_at, position, FeedContent::Synced { heartbeat_interval: options.heartbeat_interval });
                pace.spoke();
                start = loop {
                    rings.mark_unchanged();
                    let changes = self.changes(&position, &watch).await?;
                    let was_stale = std::mem::replace(&mut is_stale, changes.is_none());
                    if is_stale && !was_stale {
                        yield self.feed_message(lost_at, position, FeedContent::Stale { since: self.inner.clock.now() });
                        pace.spoke();
                    }
                    if let Some((page, jobs)) = changes {
                        if page.expired {
                            break Start::Fresh(Some(SnapshotCause::SlowReader));
                        }
                        let is_more = page.position != position;
                        let count = jobs.len();
                        for (index, job) in jobs.into_iter().enumerate() {
                            // Only the last message of a page moves the cursor: the entries of a page are in no order across shards.
                            let at = if index + 1 == count { page.position } else { position };
                            yield self.feed_message(lost_at, at, FeedContent::Job(Box::new(job)));
                            pace.spoke();
                        }
                        position = page.position;
                        if is_more && !self.inner.draining.is_cancelled() {
                            continue;
                        }
                    }
                    if losses.has_changed().unwrap_or_default() {
                        losses.mark_unchanged();
                        break Start::Fresh(Some(SnapshotCause::Reset));
                    }
                    let content = tokio::select! {
                        biased;
                        () = self.inner.draining.cancelled() => Some(FeedContent::Draining { resume_delay: self.resume_delay() }),
                        () = pace.age_reached() => Some(FeedContent::Draining { resume_delay: self.resume_delay() }),
                        () = tokio::time::sleep(STALE_RETRY), if is_stale => None,
                        Ok(()) = rings.changed() => {
                            tokio::time::sleep(GATHER).await;
                            None
                        }
                        () = pace.silence_reached() => Some(FeedContent::Heartbeat { now: self.inner.clock.now() }),
                    };
                    let Some(content) = content else { continue };
                    let is_last = matches!(content, FeedContent::Draining { .. });
                    yield self.feed_message(lost_at, position, content);
                    pace.spoke();
                    if is_last {
                        return;
                    }
                };
            }
        }
    }

    async fn newest(&self, watch: &WatchAll) -> Result<Vec<Job>, EngineError> {
        let mut jobs = Vec::new();
        let mut before = None;
        while jobs.len() < watch.initial_count {
            let query = ListQuery {
                tenant: watch.tenant.clone(),
                filter: watch.filter.clone(),
                before,
                page_size: watch.initial_count - jobs.len(),
            };
            let page = self.inner.store.list(query).await?;
            page.unreadable.iter().for_each(|name| self.note_unreadable(name));
            jobs.extend(page.jobs);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        Ok(jobs)
    }

    /// What has changed after a position; `None` = the store cannot be asked now.
    async fn changes(
        &self,
        position: &FeedPosition,
        watch: &WatchAll,
    ) -> Result<Option<(FeedPage, Vec<Job>)>, EngineError> {
        let read = async {
            let page = self.inner.store.feed_after(position, PAGE_MAX).await?;
            let jobs = self.read_jobs(&page.jobs, watch).await?;
            Ok((page, jobs))
        };
        match read.await {
            Ok(changes) => Ok(Some(changes)),
            Err(StoreError::Unavailable { .. }) => Ok(None),
            Err(error @ (StoreError::DataSetLost { .. } | StoreError::Unreadable { .. })) => Err(error.into()),
        }
    }

    async fn read_jobs(&self, ids: &[JobId], watch: &WatchAll) -> Result<Vec<Job>, StoreError> {
        let mut known = HashSet::new();
        let distinct: Vec<JobId> = ids.iter().filter(|id| known.insert((*id).clone())).cloned().collect();
        let reads = distinct.into_iter().map(|id| async move {
            match self.inner.store.read(&id).await {
                // One damaged record must not end every feed that comes past it.
                Err(StoreError::Unreadable { .. }) => {
                    self.note_unreadable(id.as_str());
                    Ok(None)
                }
                read @ (Ok(_) | Err(StoreError::Unavailable { .. } | StoreError::DataSetLost { .. })) => read,
            }
        });
        let stored: Vec<_> = stream::iter(reads).buffered(READS_MAX).try_collect().await?;
        let jobs = stored.into_iter().flatten().map(|stored| stored.job);
        Ok(jobs.filter(|job| is_meant(job, &watch.tenant, &watch.filter)).collect())
    }

    fn feed_message(&self, lost_at: u64, position: FeedPosition, content: FeedContent) -> FeedMessage {
        let is_listing = false;
        let cursor = self.write_cursor_since(lost_at, FeedCursor { position, is_listing });
        FeedMessage { cursor, content }
    }

    /// A message before `Synced`. Its position is where the changes will begin; who resumes there would miss the rest of the list.
    fn listing_message(&self, lost_at: u64, position: FeedPosition, content: FeedContent) -> FeedMessage {
        let is_listing = true;
        let cursor = self.write_cursor_since(lost_at, FeedCursor { position, is_listing });
        FeedMessage { cursor, content }
    }
}

enum Start {
    After(FeedPosition),
    Fresh(Option<SnapshotCause>),
}

fn is_meant(job: &Job, tenant: &Tenant, filter: &JobFilter) -> bool {
    job.tenant == *tenant && filter.takes(job)
}
