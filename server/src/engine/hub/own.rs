//! Commits of this replica itself: shown to followers when the store has acknowledged them, without being read back.
//!
//! A ring names the commit that caused it, and the ring of one that is known here causes no read: whoever sends it tells the
//! followers, or has the job read when it does not hear what became of it. A job of which something was lost meanwhile is read in
//! any case. So all of this may be forgotten at any time, at the price of a read.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::Notify;
use uuid::Uuid;

use super::{Hub, Losses};
use crate::{
    domain::{ids::JobId, job::Job},
    store::Stored,
};

/// Commits whose rings are waited for. Rings come within milliseconds or are lost; beyond this all are forgotten.
const AWAITED_MAX: usize = 4096;

#[derive(Default)]
pub(super) struct Own {
    /// Sent by this replica and not heard of by a ring yet.
    awaited: Mutex<HashSet<Uuid>>,
    /// Followed jobs whose ring may have been passed over though nobody told of it.
    missed: Mutex<BTreeSet<JobId>>,
    missing: Notify,
}

/// A commit that is under way. Dropped before it is done, it has the job read.
pub(in crate::engine) struct OwnCommit<'a> {
    hub: &'a Hub,
    id: &'a JobId,
    op: Uuid,
    known: Losses,
    is_done: bool,
}

// === impl Hub ===

impl Hub {
    /// To be called before a commit is sent, and again before it is repeated.
    pub(in crate::engine) fn commits<'a>(&'a self, id: &'a JobId, op: Uuid) -> OwnCommit<'a> {
        let mut awaited = self.own.awaited();
        if awaited.len() >= AWAITED_MAX {
            awaited.clear();
        }
        awaited.insert(op);
        OwnCommit {
            hub: self,
            id,
            op,
            known: self.losses_until_now(),
            is_done: false,
        }
    }
}

// === impl OwnCommit ===

impl OwnCommit<'_> {
    /// The store has acknowledged it: followers are shown the job as it is since then, with the sealed answer if it brought one.
    pub(in crate::engine) fn done(mut self, job: &Job, version: u64, answer: Option<&[u8]>) {
        // After a loss it may be one of those that were lost.
        self.is_done = self.hub.losses_until_now().count == self.known.count;
        if self.is_done && self.hub.is_followed(self.id) {
            let stored = Stored {
                job: job.clone(),
                version,
            };
            self.hub.publish(self.id, stored, answer.map(Arc::from), self.known);
        }
    }
}

impl Drop for OwnCommit<'_> {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let own = &self.hub.own;
        own.awaited().remove(&self.op);
        if self.hub.is_followed(self.id) {
            own.missed().insert(self.id.clone());
            own.missing.notify_one();
        }
    }
}

// === impl Own ===

impl Own {
    /// Whether a ring stands for a commit of which somebody here tells the followers.
    pub(super) fn take(&self, op: Uuid) -> bool {
        self.awaited().remove(&op)
    }

    pub(super) async fn something_missed(&self) {
        self.missing.notified().await;
    }

    pub(super) fn take_missed(&self) -> BTreeSet<JobId> {
        std::mem::take(&mut *self.missed())
    }

    fn awaited(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.awaited.lock().expect("no panic happens under this lock")
    }

    fn missed(&self) -> MutexGuard<'_, BTreeSet<JobId>> {
        self.missed.lock().expect("no panic happens under this lock")
    }
}

#[cfg(test)]
mod tests;
