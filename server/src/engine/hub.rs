//! The hub: one per replica, between the store's doorbell and everybody who follows a job.
//!
//! A followed job is read once per ring and handed to all its followers; rings may be lost, so it is also found out from time to
//! time which followed jobs changed: see `resync`. Interest is registered before the first read, so nothing falls in between. What
//! this replica commits itself it need not read back: see `own`.

mod own;
mod resync;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use jiff::Timestamp;
use tokio::{
    sync::{broadcast, watch},
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

use self::{
    own::Own,
    resync::{Doubted, QUESTIONS_MAX},
};
use crate::{
    clock::Clock,
    domain::ids::{JobId, JobKind},
    store::{Bell, Change, Store, StoreError, Stored},
};

/// Reads of followed jobs at a time: enough to keep a store busy, few enough to leave it room for the work itself.
const READS_MAX: usize = 32;

/// Who follows which job.
type Followed = Arc<Mutex<HashMap<JobId, Sender>>>;

/// Of `None` until a job was read for the first time: interest comes before knowledge.
type Sender = watch::Sender<Option<Latest>>;

pub(super) struct Hub {
    store: Arc<dyn Store>,
    clock: Clock,
    followed: Followed,
    own: Own,
    /// Since when followed jobs could not be read.
    stale: watch::Sender<Option<Timestamp>>,
    /// Counts rings of work-history jobs, for the feed.
    rings: watch::Sender<u64>,
    /// Counts losses of what was read before.
    losses: watch::Sender<u64>,
}

/// One follower's view of a job. Dropping the last one ends the hub's interest.
pub(super) struct Follow {
    id: JobId,
    /// Taken only by drop.
    seen: Option<watch::Receiver<Option<Latest>>>,
    followed: Followed,
}

/// What is known of a followed job.
#[derive(Clone)]
pub(super) struct Latest {
    pub stored: Arc<Stored>,
    /// The sealed answer that this version brought, when this replica has committed it itself.
    pub answer: Option<Arc<[u8]>>,
    /// Since when its record cannot be read by this version, so that what is known may be old.
    pub unreadable_since: Option<Timestamp>,
    pub known: Losses,
    pub is_gone: bool,
}

/// What was known of the store's losses when a read began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Losses {
    /// When there are more than before, what is read may be an older version than was seen.
    pub count: u64,
    /// When the last one was declared; see `Condition`. It may be ahead of the count: the bell comes later.
    pub lost_at: u64,
}

// === impl Hub ===

impl Hub {
    pub(super) fn new(store: Arc<dyn Store>, clock: Clock) -> Hub {
        Hub {
            store,
            clock,
            followed: Arc::default(),
            own: Own::default(),
            stale: watch::Sender::new(None),
            rings: watch::Sender::new(0),
            losses: watch::Sender::new(0),
        }
    }

    /// Starts to follow a job; `None` = there is no such job.
    ///
    /// It is read also where others follow it already: what they were told last may be older than what this follower has seen on
    /// another replica.
    pub(super) async fn follow(&self, id: &JobId) -> Result<Option<Follow>, StoreError> {
        let follow = self.register(id);
        let known = self.losses_until_now();
        let current = self.store.read(id).await?;
        Ok(current.map(|current| {
            self.publish(id, current, None, known);
            follow
        }))
    }

    pub(super) fn stale(&self) -> watch::Receiver<Option<Timestamp>> {
        self.stale.subscribe()
    }

    pub(super) fn rings(&self) -> watch::Receiver<u64> {
        self.rings.subscribe()
    }

    /// Rings when the store lost something that may have been shown.
    pub(super) fn losses(&self) -> watch::Receiver<u64> {
        self.losses.subscribe()
    }

    /// Listens to the doorbell until `stop`.
    pub(super) async fn run(&self, resync_interval: Duration, stop: CancellationToken) {
        let mut bells = self.store.bells();
        let mut resync = tokio::time::interval(resync_interval);
        resync.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut dirty: BTreeSet<JobId> = BTreeSet::new();
        let mut doubted = Doubted::default();
        let (mut reads, mut questions) = (FuturesUnordered::new(), FuturesUnordered::new());
        loop {
            while reads.len() < READS_MAX {
                let Some(id) = dirty.pop_first() else { break };
                let store = Arc::clone(&self.store);
                let known = self.losses_until_now();
                reads.push(async move { (store.read(&id).await, id, known) });
            }
            while questions.len() < QUESTIONS_MAX {
                let Some(ids) = doubted.next() else { break };
                questions.push(self.ask(ids));
            }
            tokio::select! {
                // Bells go before reads: to hear one costs next to nothing, and their queue is short.
                biased;
                () = stop.cancelled() => return,
                bell = bells.recv() => match bell {
                    Ok(Bell::Job { id, by }) => dirty.extend(self.changed(id, by)),
                    Ok(Bell::Lost) => {
                        self.losses.send_modify(|losses| *losses += 1);
                        self.mark_all(&mut dirty);
                    }
                    Ok(Bell::Resync) | Err(broadcast::error::RecvError::Lagged(_)) => self.mark_all(&mut dirty),
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                () = self.own.something_missed() => dirty.append(&mut self.own.take_missed()),
                _ = resync.tick() => self.doubt_all(&mut doubted),
                Some(told) = questions.next() => dirty.extend(self.hear(told)),
                Some((read, id, known)) = reads.next() => self.take(&id, read, known),
            }
        }
    }

    #[cfg(test)]
    pub(super) fn followed_count(&self) -> usize {
        self.lock().len()
    }

    /// The job of a ring, when it must be read.
    fn changed(&self, id: JobId, by: Change) -> Option<JobId> {
        if id.kind() == JobKind::WorkHistory {
            self.rings.send_modify(|rings| *rings += 1);
        }
        let is_known = match by {
            Change::Creation => true,
            Change::Commit(op) => self.own.take(op),
            Change::Untold => false,
        };
        (!is_known && self.is_followed(&id)).then_some(id)
    }

    /// What a read brought.
    fn take(&self, id: &JobId, read: Result<Option<Stored>, StoreError>, known: Losses) {
        match read {
            Ok(stored) => {
                self.note_answer();
                match stored {
                    Some(stored) => self.publish(id, stored, None, known),
                    None => self.publish_end(id),
                }
            }
            // One damaged record says nothing about the others.
            Err(error @ StoreError::Unreadable { .. }) => self.note_unreadable(id, &error),
            // The next resync reads it again; followers hear that what they see may be old.
            Err(error @ (StoreError::Unavailable { .. } | StoreError::DataSetLost { .. })) => self.note_stale(&error),
        }
    }

    fn mark_all(&self, dirty: &mut BTreeSet<JobId>) {
        dirty.extend(self.lock().keys().cloned());
        self.rings.send_modify(|rings| *rings += 1);
    }

    fn note_answer(&self) {
        self.stale.send_if_modified(|since| since.take().is_some());
    }

    fn note_stale(&self, error: &StoreError) {
        let now = self.clock.now();
        let is_new = self.stale.send_if_modified(|since| {
            let is_new = since.is_none();
            since.get_or_insert(now);
            is_new
        });
        if is_new {
            tracing::warn!(error = %error, "followed jobs cannot be read");
        }
    }

    /// A newer version may have written it, of which another replica can tell; those who follow it here must not take silence
    /// for news.
    fn note_unreadable(&self, id: &JobId, error: &StoreError) {
        let now = self.clock.now();
        let is_new = self.lock().get(id).is_some_and(|sender| {
            sender.send_if_modified(|latest| {
                // Who has not read it yet hears the error from their own read.
                let Some(latest) = latest else { return false };
                let is_new = latest.unreadable_since.is_none();
                latest.unreadable_since.get_or_insert(now);
                is_new
            })
        });
        if is_new {
            tracing::error!(job.id = %id, error = %error, "a followed job cannot be read");
        }
    }

    fn register(&self, id: &JobId) -> Follow {
        let mut followed = self.lock();
        let sender = followed.entry(id.clone()).or_insert_with(|| Sender::new(None));
        Follow {
            id: id.clone(),
            seen: Some(sender.subscribe()),
            followed: Arc::clone(&self.followed),
        }
    }

    /// Reads may overtake each other: only a newer version is news. A read that began after a loss is news in any case, and its
    /// version may be an older one.
    fn publish(&self, id: &JobId, stored: Stored, answer: Option<Arc<[u8]>>, known: Losses) {
        if let Some(sender) = self.lock().get(id) {
            sender.send_if_modified(|latest| {
                let is_news = latest.as_ref().is_none_or(|latest| {
                    let (before, now) = (latest.known.count, known.count);
                    now > before || (now == before && stored.version > latest.stored.version)
                });
                let is_readable_again = latest
                    .as_mut()
                    .is_some_and(|latest| latest.unreadable_since.take().is_some());
                if is_news {
                    *latest = Some(Latest {
                        stored: Arc::new(stored),
                        answer,
                        unreadable_since: None,
                        known,
                        is_gone: false,
                    });
                }
                is_news || is_readable_again
            });
        }
    }

    /// A job that is followed was lost, or purged long after its end.
    fn publish_end(&self, id: &JobId) {
        if let Some(sender) = self.lock().get(id) {
            sender.send_if_modified(|latest| {
                let seen = latest.as_mut();
                seen.is_some_and(|seen| !std::mem::replace(&mut seen.is_gone, true))
            });
        }
    }

    fn losses_until_now(&self) -> Losses {
        Losses {
            count: *self.losses.borrow(),
            lost_at: self.store.condition().lost_at,
        }
    }

    fn is_followed(&self, id: &JobId) -> bool {
        self.lock().contains_key(id)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, Sender>> {
        self.followed.lock().expect("no panic happens under this lock")
    }
}

// === impl Follow ===

impl Follow {
    /// The newest version, and marks it as seen.
    pub(super) fn latest(&mut self) -> Latest {
        let latest = self.receiver().borrow_and_update().clone();
        latest.expect("a follower is given away only after the first read, and none takes it back")
    }

    fn receiver(&mut self) -> &mut watch::Receiver<Option<Latest>> {
        self.seen.as_mut().expect("taken only by drop")
    }

    /// Returns when there is a version that `latest` has not given yet.
    pub(super) async fn changed(&mut self) {
        if self.receiver().changed().await.is_err() {
            // The hub keeps the sender while anybody follows; without a sender there will be no news.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        let mut followed = self.followed.lock().expect("no panic happens under this lock");
        // Under the lock, so that of two that leave at once the second sees that the first is gone.
        drop(self.seen.take());
        if followed
            .get(&self.id)
            .is_some_and(|sender| sender.receiver_count() == 0)
        {
            followed.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests;
