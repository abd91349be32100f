//! The engine: the only writer of job state.
//!
//! It decides when a job is created, which provider is asked, when to look again, and what watchers are told. It does not know
//! gRPC, HTTP statuses or storage formats: `api` and `http` call it, `store` and `providers` serve it. Each file below is one of
//! its verbs; `worker` is the one that moves jobs.

mod alarm;
mod answer;
mod awaiting;
mod callback;
mod caller;
mod commit;
mod cursor;
mod dice;
mod dispatch;
mod error;
mod facts;
mod feed;
mod first_call;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod gate;
mod hub;
mod lookup;
mod metrics;
mod operate;
mod options;
mod request;
mod route;
#[cfg(test)]
mod simulation;
mod submit;
#[cfg(test)]
mod tests;
mod trace;
mod vault;
mod watch;
mod worker;

use std::{collections::BTreeMap, sync::Arc};

use tokio::{sync::Semaphore, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{alarm::Alarm, facts::Facts, gate::Glances, hub::Hub};
pub(crate) use self::{
    dice::Dice,
    metrics::Metrics,
    options::{Options, ProviderOptions, Route, WatchOptions},
    request::*,
    vault::Vault,
};
use crate::{
    clock::Clock,
    domain::{provider_id::ProviderId, reason::Reason},
    providers::Provider,
    store::{Journal, Store, StoreError},
};

/// Handle on the engine; cheap to clone.
#[derive(Clone)]
pub(crate) struct Engine {
    inner: Arc<Inner>,
}

/// What an engine is made of. `app` gives it; nothing is read from the environment here.
pub(crate) struct Parts {
    pub store: Arc<dyn Store>,
    /// For outcomes that the store does not take; without it they are kept in memory alone.
    pub journal: Option<Journal>,
    pub providers: BTreeMap<ProviderId, Arc<dyn Provider>>,
    pub vault: Vault,
    pub clock: Clock,
    pub dice: Dice,
    pub metrics: Metrics,
    pub options: Options,
}

struct Inner {
    store: Arc<dyn Store>,
    providers: BTreeMap<ProviderId, Arc<dyn Provider>>,
    vault: Vault,
    clock: Clock,
    dice: Dice,
    metrics: Metrics,
    options: Options,
    /// Identity of the data set that was opened; cursors of another one are answered with a reset.
    epoch: u64,
    /// One permit per job that this replica works on: the only limit of its concurrency.
    workers: Arc<Semaphore>,
    /// One permit per watch stream.
    streams: Arc<Semaphore>,
    hub: Hub,
    /// Wakes the dispatcher when a job that this replica rescheduled comes due.
    alarm: Alarm,
    facts: Facts,
    glances: Glances,
    /// Cancelled when the engine drains: no new work is accepted or claimed, and streams end.
    draining: CancellationToken,
    /// Everything that runs for a job; the drain waits for it.
    tasks: TaskTracker,
}

// === impl Engine ===

impl Engine {
    /// An engine on the data set that the store holds now. It accepts calls at once; background duties start with `run`.
    pub(crate) async fn new(parts: Parts) -> Result<Engine, StoreError> {
        let asked_at = Instant::now();
        let data_set = parts.store.probe().await?;
        let Parts {
            store,
            journal,
            providers,
            vault,
            clock,
            dice,
            metrics,
            options,
        } = parts;
        clock.follow(data_set.now, asked_at.elapsed());
        let inner = Inner {
            hub: Hub::new(Arc::clone(&store), clock.clone()),
            workers: Arc::new(Semaphore::new(options.workers_max)),
            streams: Arc::new(Semaphore::new(options.watch.streams_max)),
            alarm: Alarm::default(),
            facts: Facts::new(journal),
            glances: Glances::default(),
            draining: CancellationToken::new(),
            tasks: TaskTracker::new(),
            epoch: data_set.epoch,
            store,
            providers,
            vault,
            clock,
            dice,
            metrics,
            options,
        };
        Ok(Engine { inner: Arc::new(inner) })
    }

    /// Whether the store answers with the data set that was opened, and the engine is not draining.
    pub(crate) async fn ready(&self) -> bool {
        if self.inner.draining.is_cancelled() {
            return false;
        }
        let asked_at = Instant::now();
        self.inner.metrics.store_condition(&self.inner.store.condition());
        match self.inner.store.probe().await {
            Ok(data_set) => {
                self.inner.clock.follow(data_set.now, asked_at.elapsed());
                data_set.epoch == self.inner.epoch
            }
            Err(error) => {
                tracing::warn!(error = %error, "the store does not answer as it should");
                false
            }
        }
    }

    fn refuse_while_draining(&self) -> Result<(), EngineError> {
        if self.inner.draining.is_cancelled() {
            Err(EngineError::new(Reason::ServerDraining))
        } else {
            Ok(())
        }
    }
}
