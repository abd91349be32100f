//! The dispatcher and the other background duties of a replica, and how they stop.
//!
//! Wake by signal, trust the sweep: an alarm says when a job of ours comes due, and every sweep interval all due jobs are looked
//! for, whoever left them. Jobs are claimed only for workers that are free.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{sync::OwnedSemaphorePermit, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    engine::{Engine, worker::Work},
    failpoint,
    store::{Claims, StoreError},
};

/// Jobs claimed at a time: a few scripts' worth, so that one replica does not take what others could start on.
const CLAIMS_MAX: usize = 64;

/// One in so many workers is left to new jobs, which then run in the commit that creates them.
const SPARE_SHARE: usize = 4;

/// Between rounds of the purge, and jobs that it removes at a time.
const PURGE_INTERVAL: Duration = Duration::from_secs(600);
pub(super) const PURGE_MAX: usize = 250;

impl Engine {
    /// Runs the background duties until `stop`, then drains: no more claims, streams end, billed calls finish.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        let draining = self.inner.draining.clone();
        let duties = async {
            tokio::join!(
                self.inner
                    .hub
                    .run(self.inner.options.watch.resync_interval, draining.clone()),
                self.dispatch(),
                self.purge(),
                self.replay_facts(),
            )
        };
        let drain = async {
            stop.cancelled().await;
            draining.cancel();
        };
        tokio::join!(duties, drain);
        failpoint::reach(failpoint::DRAINING, "").await;
        self.inner.tasks.close();
        let limit = self.inner.options.drain_limit;
        if tokio::time::timeout(limit, self.inner.tasks.wait()).await.is_err() {
            let left = self.inner.tasks.len();
            tracing::warn!(
                jobs = left,
                "stopping with calls under way: their outcome will be settled by another replica"
            );
        }
    }

    async fn dispatch(&self) {
        while let Some(permit) = self.free_worker().await {
            self.inner.alarm.reset();
            let look_again_in = self.claim_round(permit).await;
            let latest = Instant::now() + look_again_in.min(self.inner.options.sweep_interval);
            tokio::select! {
                biased;
                () = self.inner.alarm.wait(latest) => {}
                () = self.inner.draining.cancelled() => return,
            }
        }
    }

    /// Claims what is due for the workers that are free, and says when to look again.
    async fn claim_round(&self, first: OwnedSemaphorePermit) -> Duration {
        let mut permits = vec![first];
        // While the store is asked, some workers stay free for jobs that are submitted here. A busy replica still fills all of
        // them: each round begins with one, whatever is spare.
        let spare = self.inner.options.workers_max / SPARE_SHARE;
        while permits.len() < CLAIMS_MAX && self.inner.workers.available_permits() > spare {
            let Ok(permit) = Arc::clone(&self.inner.workers).try_acquire_owned() else {
                break;
            };
            permits.push(permit);
        }
        let claims = match self
            .inner
            .store
            .claim_due(self.inner.options.lease, permits.len())
            .await
        {
            Ok(claims) => claims,
            Err(error) => {
                self.inner.metrics.store_error();
                tracing::warn!(error = %error, "due jobs could not be claimed");
                Claims::default()
            }
        };
        for id in &claims.unreadable {
            self.note_unreadable(id.as_str());
        }
        let next_due_in = claims.next_due_in;
        for (claim, permit) in claims.claims.into_iter().zip(permits) {
            self.spawn_work(Work { claim, subject: None }, permit);
        }
        next_due_in.unwrap_or(self.inner.options.sweep_interval)
    }

    /// A permit for the next job; `None` = the engine drains.
    async fn free_worker(&self) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            biased;
            () = self.inner.draining.cancelled() => None,
            permit = Arc::clone(&self.inner.workers).acquire_owned() => permit.ok(),
        }
    }

    async fn purge(&self) {
        loop {
            tokio::select! {
                biased;
                () = tokio::time::sleep(PURGE_INTERVAL) => {}
                () = self.inner.draining.cancelled() => return,
            }
            let ended_before = self.inner.clock.now() - self.inner.options.retention;
            match self.purge_all(ended_before).await {
                Ok(0) => {}
                Ok(jobs) => tracing::info!(jobs, "removed jobs that ended longer ago than they are kept"),
                Err(error) => tracing::warn!(error = %error, "old jobs could not be removed"),
            }
        }
    }

    /// In parts, so that the store serves others in between. However many jobs end in an interval, it does not fall behind.
    pub(super) async fn purge_all(&self, ended_before: Timestamp) -> Result<usize, StoreError> {
        let mut purged = 0;
        loop {
            let part = self.inner.store.purge(ended_before, PURGE_MAX).await?;
            purged += part;
            if part < PURGE_MAX || self.inner.draining.is_cancelled() {
                return Ok(purged);
            }
        }
    }
}
