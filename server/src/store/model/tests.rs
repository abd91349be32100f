//! The suite on the model store: what the simulation stands on is held to what the real stores do.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::Model;
use crate::{
    clock::Clock,
    domain::{ids::JobId, job::Job},
    store::{
        Store,
        conformance::{Harness, fixtures},
    },
};

const RETENTION: Duration = Duration::from_secs(30 * 86_400);
const FEED_KEPT: u64 = 40;

crate::store::conformance::conformance!(model, crate::store::model::tests::fresh);

pub(super) struct ModelHarness {
    store: Arc<Model>,
    clock: Clock,
}

async fn fresh() -> Option<Box<dyn Harness>> {
    Some(Box::new(harness().1))
}

/// A model, and the suite's hands on it.
pub(super) fn harness() -> (Arc<Model>, ModelHarness) {
    let clock = Clock::manual(fixtures::EPOCH);
    let store = Arc::new(Model::new(clock.clone(), RETENTION, FEED_KEPT));
    (Arc::clone(&store), ModelHarness { store, clock })
}

#[async_trait]
impl Harness for ModelHarness {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    async fn damage(&self, id: &JobId) {
        self.store.look(|data| data.damage(id));
    }

    async fn mend(&self, job: &Job) {
        self.store.look(|data| data.mend(&job.id));
    }

    async fn names(&self) -> Vec<String> {
        self.store.look(|data| {
            let dedupe = data.dedupe.keys().map(|key| format!("{key:?}"));
            let units = data.units.keys().map(|key| format!("{key:?}"));
            let jobs = data.jobs.keys().map(JobId::to_string);
            jobs.chain(dedupe)
                .chain(units)
                .chain(data.requests.keys().cloned())
                .collect()
        })
    }

    fn feed_kept_min(&self) -> u64 {
        FEED_KEPT
    }

    fn retention(&self) -> Duration {
        RETENTION
    }
}
