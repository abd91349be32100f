//! What this replica found to be lost, and how an operator is told.
//!
//! How it is found, and put back, stands in `reigns`.

use std::sync::atomic::{AtomicU64, Ordering};

use super::memory::Deed;
use crate::domain::ids::{JobId, Shard};

/// Job ids that a log line names.
const NAMED_MAX: usize = 20;

/// Since the start.
#[derive(Default)]
pub(super) struct Losses {
    /// Shards in which something was missing.
    pub(super) found: AtomicU64,
    pub(super) put_back: AtomicU64,
    pub(super) for_good: AtomicU64,
    pub(super) unaccounted: AtomicU64,
}

/// What one look found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) put_back: Vec<Deed>,
    /// Of which only the charge could be put back.
    pub(super) for_good: Vec<Deed>,
    /// Whose units belong to newer intents by now.
    pub(super) doubly_paid: Vec<Deed>,
}

impl Losses {
    /// One line for each shard in which something was lost, with what to do.
    pub(super) fn report(&self, shard: Shard, found: &Found) {
        if !found.is_loss() {
            return;
        }
        self.found.fetch_add(1, Ordering::Relaxed);
        self.put_back.fetch_add(count(&found.put_back), Ordering::Relaxed);
        self.for_good.fetch_add(count(&found.for_good), Ordering::Relaxed);
        tracing::error!(
            shard = %shard,
            put_back = found.put_back.len(),
            put_back_jobs = named(&found.put_back),
            lost = found.for_good.len(),
            lost_jobs = named(&found.for_good),
            perhaps_paid_twice_jobs = named(&found.doubly_paid),
            "redis forgot what it had acknowledged, and this replica has put back what it remembers of it; settle the charges of \
             lost jobs with the provider's books, and see why a replica that lagged became the master: CLUSTER FAILOVER FORCE or \
             TAKEOVER, a restored backup, or store.replicas_min"
        );
    }

    /// Of so many deeds nobody who lives remembers what they were.
    pub(super) fn report_unaccounted(&self, shard: Shard, deeds: u64) {
        self.unaccounted.fetch_add(deeds, Ordering::Relaxed);
        tracing::error!(
            shard = %shard,
            deeds,
            "redis forgot steps of jobs that nobody remembers, so that only their number is known; compare the providers' books \
             with the ledger from before the master changed"
        );
    }
}

impl Found {
    pub(super) fn is_loss(&self) -> bool {
        !self.put_back.is_empty() || !self.for_good.is_empty()
    }
}

fn count(deeds: &[Deed]) -> u64 {
    u64::try_from(deeds.len()).unwrap_or(u64::MAX)
}

fn named(deeds: &[Deed]) -> String {
    let mut jobs: Vec<&JobId> = deeds.iter().map(|deed| &deed.job).collect();
    jobs.sort_unstable();
    jobs.dedup();
    let names: Vec<&str> = jobs.iter().take(NAMED_MAX).map(|job| job.as_str()).collect();
    names.join(",")
}
