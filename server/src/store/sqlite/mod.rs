//! The embedded store: one SQLite file, one process, nothing to operate.
//!
//! This file maps each verb of [`Store`] to a piece of work on a connection. Writes go through one thread that commits all that
//! wait in one transaction (`writer`); reads have connections of their own (`readers`), or the writer's when the data set lives in
//! memory. Gates are kept in memory alone: with one process they guard, they last as long as the calls that pass them.

mod claiming;
mod committing;
mod creating;
mod examining;
mod fault;
mod feed;
mod keeping;
mod listing;
mod money;
mod open;
mod readers;
mod rows;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::Connection;
use tokio::{sync::broadcast, time::Instant};

pub(crate) use self::open::SqliteOptions;
use self::{fault::Fault, open::FileIdentity, readers::Readers, writer::Writer};
use crate::{
    clock::Clock,
    domain::{
        gate::{Called, Entrant, Gate, GateLimits, GateReport, GateStatus, Passage},
        ids::{IntentId, JobId},
        provider_id::ProviderId,
    },
    store::{
        Bell, Change, ChargePage, ChargeQuery, Claims, Commit, Committed, Created, Creation, DataSet, FeedPage,
        FeedPosition, How, ListPage, ListQuery, OpenError, Reservation, Reserved, SealedRecord, Store, StoreError,
        Stored,
    },
};

/// Rings that a slow listener may leave unheard before it is told that it missed some. A listener reads a ring in microseconds;
/// this covers a pause of a second at full load.
const BELLS_KEPT: usize = 4096;

/// The embedded store.
pub(crate) struct SqliteStore {
    /// Before the writer, so that no reader stands in the way of the writer's last checkpoint.
    readers: Option<Readers>,
    writer: Writer,
    gates: Mutex<HashMap<ProviderId, Gate>>,
    bells: broadcast::Sender<Bell>,
    clock: Clock,
    retention: Duration,
    feed_kept_min: u64,
    epoch: u64,
    file: Option<FileIdentity>,
}

impl SqliteStore {
    /// Opens the data set, or creates it where there is none. Does file work: call it before serving.
    pub(crate) fn open(options: SqliteOptions) -> Result<SqliteStore, OpenError> {
        open::open(options)
    }

    /// Runs work in a transaction that is durable before this returns; `after` runs then, also when nobody waits any more.
    async fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
        after: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.run(doing, work, after).await
    }

    async fn read_with<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.readers {
            Some(readers) => readers.run(doing, work).await,
            None => self.writer.run(doing, work, |_| ()).await,
        }
    }

    fn gates(&self) -> MutexGuard<'_, HashMap<ProviderId, Gate>> {
        self.gates.lock().expect("a gate does not panic")
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn probe(&self) -> Result<DataSet, StoreError> {
        if let Some(file) = &self.file {
            file.check()?;
        }
        let epoch = self.write("probe the data set", keeping::probe, |_| ()).await?;
        if epoch != Some(self.epoch) {
            return Err(StoreError::DataSetLost {
                why: "the epoch in the file is another one".into(),
            });
        }
        Ok(DataSet {
            epoch: self.epoch,
            now: self.clock.now(),
        })
    }

    async fn create(&self, creation: Creation) -> Result<Created, StoreError> {
        let sent_at = Instant::now();
        let (clock, bells) = (self.clock.clone(), self.bells.clone());
        let (retention, feed_kept_min) = (self.retention, self.feed_kept_min);
        let proposed = creation.job.id.clone();
        let work = move |db: &Connection| {
            let turn = Turn {
                db,
                now: clock.now(),
                sent_at,
                retention,
                feed_kept_min,
            };
            creating::create(&turn, &creation)
        };
        let ring = move |created: &Created| {
            if matches!(created.how, How::Started(_)) {
                ring(&bells, proposed, Change::Creation);
            }
        };
        self.write("create a job", work, ring).await
    }

    async fn read(&self, id: &JobId) -> Result<Option<Stored>, StoreError> {
        let id = id.clone();
        self.read_with("read a job", move |db| rows::read(db, &id)).await
    }

    async fn versions(&self, ids: &[JobId]) -> Result<Vec<Option<u64>>, StoreError> {
        let ids = ids.to_vec();
        self.read_with("look at versions of jobs", move |db| rows::versions(db, &ids))
            .await
    }

    async fn read_sealed(&self, id: &JobId) -> Result<Option<SealedRecord>, StoreError> {
        let id = id.clone();
        self.read_with("read a sealed record", move |db| rows::read_sealed(db, &id))
            .await
    }

    async fn claim_due(&self, lease: Duration, max: usize) -> Result<Claims, StoreError> {
        let sent_at = Instant::now();
        let clock = self.clock.clone();
        let work = move |db: &Connection| claiming::claim_due(db, clock.now(), sent_at, lease, max);
        self.write("claim due jobs", work, |_| ()).await
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        let sent_at = Instant::now();
        let (clock, bells) = (self.clock.clone(), self.bells.clone());
        let (retention, feed_kept_min) = (self.retention, self.feed_kept_min);
        let (id, by) = (commit.transition.job.id.clone(), commit.op);
        let work = move |db: &Connection| {
            let turn = Turn {
                db,
                now: clock.now(),
                sent_at,
                retention,
                feed_kept_min,
            };
            committing::commit(&turn, &commit)
        };
        let ring = move |committed: &Committed| {
            if matches!(committed, Committed::Done { .. }) {
                ring(&bells, id, Change::Commit(by));
            }
        };
        self.write("commit a transition", work, ring).await
    }

    async fn release(&self, id: &JobId, fence: u64) -> Result<(), StoreError> {
        let (id, clock) = (id.clone(), self.clock.clone());
        let work = move |db: &Connection| claiming::release(db, clock.now(), &id, fence);
        self.write("release a lease", work, |_| ()).await
    }

    async fn hasten(&self, id: &JobId, within: Duration) -> Result<(), StoreError> {
        let (id, clock) = (id.clone(), self.clock.clone());
        let work = move |db: &Connection| {
            let now = clock.now();
            claiming::hasten(db, now, &id, now + within)
        };
        self.write("hasten a job", work, |_| ()).await
    }

    async fn reserve_request(&self, reservation: Reservation) -> Result<Reserved, StoreError> {
        let clock = self.clock.clone();
        let work = move |db: &Connection| keeping::reserve(db, clock.now(), &reservation);
        self.write("reserve a request id", work, |_| ()).await
    }

    async fn settle_request(&self, key: &str, job: &JobId) -> Result<JobId, StoreError> {
        let (key, job) = (key.to_owned(), job.clone());
        let work = move |db: &Connection| keeping::settle(db, &key, &job);
        self.write("settle a request id", work, |_| ()).await
    }

    async fn list(&self, query: ListQuery) -> Result<ListPage, StoreError> {
        self.read_with("list jobs", move |db| listing::list(db, &query)).await
    }

    async fn feed_end(&self) -> Result<FeedPosition, StoreError> {
        self.read_with("read the feed's end", feed::end).await
    }

    async fn feed_after(&self, position: &FeedPosition, max: usize) -> Result<FeedPage, StoreError> {
        let position = *position;
        self.read_with("read the feed", move |db| feed::after(db, &position, max))
            .await
    }

    async fn charges(&self, query: ChargeQuery) -> Result<ChargePage, StoreError> {
        self.read_with("read the ledger", move |db| money::page(db, &query))
            .await
    }

    async fn enter_gate(
        &self,
        provider: ProviderId,
        entrant: &Entrant,
        limits: &GateLimits,
        hold: Duration,
    ) -> Result<Passage, StoreError> {
        let now = self.clock.now();
        Ok(self
            .gates()
            .entry(provider)
            .or_default()
            .enter(entrant, limits, hold, now))
    }

    async fn leave_gate(
        &self,
        provider: ProviderId,
        intent: &IntentId,
        limits: &GateLimits,
        report: GateReport,
    ) -> Result<Vec<Called>, StoreError> {
        let now = self.clock.now();
        Ok(self
            .gates()
            .entry(provider)
            .or_default()
            .leave(intent, limits, report, now))
    }

    async fn gate_status(&self, provider: ProviderId) -> Result<GateStatus, StoreError> {
        let now = self.clock.now();
        Ok(self.gates().entry(provider).or_default().status(now))
    }

    async fn purge(&self, ended_before: Timestamp, max: usize) -> Result<usize, StoreError> {
        let clock = self.clock.clone();
        let work = move |db: &Connection| keeping::purge(db, clock.now(), ended_before, max);
        self.write("purge ended jobs", work, |_| ()).await
    }

    fn bells(&self) -> broadcast::Receiver<Bell> {
        self.bells.subscribe()
    }
}

/// What a write needs besides what it writes.
struct Turn<'a> {
    db: &'a Connection,
    now: Timestamp,
    /// When the caller asked: a lease counts from here, so that waiting in the queue cannot stretch it.
    sent_at: Instant,
    retention: Duration,
    feed_kept_min: u64,
}

/// Nobody listening is no error.
fn ring(bells: &broadcast::Sender<Bell>, id: JobId, by: Change) {
    drop(bells.send(Bell::Job { id, by }));
}
