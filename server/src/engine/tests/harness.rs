//! What a story is told with: a data set, providers that play a script, and as many replicas as it takes.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use tokio::{
    task::JoinHandle,
    time::{Instant, interval},
};
use tokio_util::sync::CancellationToken;

use super::settings::options;
use super::{data_set::DataSet, faulty::Faulty, scripted::Scripted};
pub(super) use super::{requests::*, settings::short_leases};
use crate::{
    clock::Clock,
    domain::{
        ids::{JobId, Tenant},
        job::{Job, StateName},
        provider_id::ProviderId,
        reason::Reason,
    },
    engine::{Dice, Engine, EngineError, Metrics, Options, Parts, Snapshot, Submitted, Vault},
    store::{ChargeQuery, ChargeRow, Journal, Store},
};

/// How long a state is waited for, and how often it is looked at.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_INTERVAL: Duration = Duration::from_millis(2);

/// A data set and the providers before it.
pub(super) struct World {
    pub data: DataSet,
    /// Of all replicas.
    pub journal: tempfile::TempDir,
    pub kiban: Arc<Scripted>,
    pub tuidentidad: Arc<Scripted>,
    pub nubarium: Arc<Scripted>,
}

/// One replica that runs.
pub(super) struct Replica {
    pub engine: Engine,
    pub store: Arc<Faulty>,
    pub metrics: Metrics,
    pub stop: CancellationToken,
    pub run: JoinHandle<()>,
}

impl std::ops::Deref for Replica {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl World {
    pub(super) async fn new() -> World {
        World {
            data: DataSet::new(),
            journal: tempfile::tempdir().unwrap(),
            kiban: Scripted::new(ProviderId::Kiban),
            tuidentidad: Scripted::new(ProviderId::TuIdentidad),
            nubarium: Scripted::new(ProviderId::Nubarium),
        }
    }

    /// A data set that keeps so many feed entries in each shard.
    pub(super) async fn keeping(feed_kept_min: u64) -> World {
        let mut world = World::new().await;
        world.data = DataSet::keeping(feed_kept_min);
        world
    }

    /// A story with one replica.
    pub(super) async fn with(change: impl FnOnce(&mut Options)) -> (World, Replica) {
        let world = World::new().await;
        let replica = world.replica(change).await;
        (world, replica)
    }

    pub(super) async fn replica(&self, change: impl FnOnce(&mut Options)) -> Replica {
        self.replica_in_epoch(change, None).await
    }

    /// A replica whose store is made unwell before it runs.
    pub(super) async fn replica_that(
        &self,
        change: impl FnOnce(&mut Options),
        prepare: impl FnOnce(&Faulty) + Send + 'static,
    ) -> Replica {
        let mut options = options();
        change(&mut options);
        self.starter(options, None, prepare).await
    }

    /// A replica that takes the data set for one with this epoch.
    pub(super) async fn replica_in_epoch(&self, change: impl FnOnce(&mut Options), epoch: Option<u64>) -> Replica {
        let mut options = options();
        change(&mut options);
        self.starter(options, epoch, |_| ()).await
    }

    /// A replica in a runtime of its own, that can be killed.
    pub(super) async fn doomed(&self, change: impl FnOnce(&mut Options)) -> (Replica, tokio::runtime::Runtime) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let mut options = options();
        change(&mut options);
        let replica = runtime.spawn(self.starter(options, None, |_| ())).await.unwrap();
        (replica, runtime)
    }

    fn starter(
        &self,
        options: Options,
        epoch: Option<u64>,
        prepare: impl FnOnce(&Faulty) + Send + 'static,
    ) -> impl Future<Output = Replica> + Send + 'static {
        let data = Arc::clone(&self.data.store);
        let providers = self.providers();
        let journal = Journal::open(self.journal.path()).unwrap();
        async move {
            let store = Faulty::new(data, epoch);
            prepare(&store);
            let metrics = Metrics::default();
            let engine = Engine::new(Parts {
                store: Arc::clone(&store) as Arc<dyn Store>,
                journal: Some(journal),
                providers,
                vault: Vault::new(b"a secret of thirty-two characters"),
                clock: Clock::system(),
                dice: Dice::system(),
                metrics: metrics.clone(),
                options,
            })
            .await
            .unwrap();
            let stop = CancellationToken::new();
            let run = tokio::spawn({
                let (engine, stop) = (engine.clone(), stop.clone());
                async move { engine.run(stop).await }
            });
            Replica {
                engine,
                store,
                metrics,
                stop,
                run,
            }
        }
    }

    fn providers(&self) -> BTreeMap<ProviderId, Arc<dyn crate::providers::Provider>> {
        BTreeMap::from([
            (ProviderId::Kiban, Arc::clone(&self.kiban) as Arc<_>),
            (ProviderId::TuIdentidad, Arc::clone(&self.tuidentidad) as Arc<_>),
            (ProviderId::Nubarium, Arc::clone(&self.nubarium) as Arc<_>),
        ])
    }
}

impl Replica {
    pub(super) async fn start(&self) -> Submitted {
        self.submit(submit()).await.unwrap()
    }

    pub(super) async fn job(&self, id: &JobId) -> Job {
        self.store.read(id).await.unwrap().unwrap().job
    }

    /// Waits until the job is as wanted.
    pub(super) async fn when(&self, id: &JobId, wanted: impl Fn(&Job) -> bool) -> Job {
        let deadline = Instant::now() + PATIENCE;
        let mut looks = interval(LOOK_INTERVAL);
        loop {
            let job = self.job(id).await;
            if wanted(&job) {
                return job;
            }
            assert!(
                Instant::now() < deadline,
                "{id} stays {:?} {:#?}",
                job.state,
                job.attempts
            );
            looks.tick().await;
        }
    }

    pub(super) async fn end(&self, id: &JobId) -> Job {
        self.when(id, Job::is_terminal).await
    }

    /// Waits for the end and says what it is.
    pub(super) async fn ends(&self, id: &JobId) -> (StateName, Option<Reason>) {
        let job = self.end(id).await;
        (job.view().state, job.failure().map(|failure| failure.reason))
    }

    pub(super) async fn rows(&self) -> Vec<ChargeRow> {
        self.engine.charges(all_charges(), "").await.unwrap().0.rows
    }

    pub(super) async fn snapshot_of(&self, id: &JobId, limit: Option<u32>) -> Snapshot {
        self.engine.get(&Tenant::sole(), id.as_str(), limit).await.unwrap()
    }
}

pub(super) fn all_charges() -> ChargeQuery {
    ChargeQuery {
        tenant: Tenant::sole(),
        job: None,
        provider: None,
        charges: Vec::new(),
        opened_from: None,
        opened_until: None,
        before: None,
        page_size: 100,
    }
}

/// Waits for a state, with a deadline.
pub(super) async fn until<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let deadline = Instant::now() + PATIENCE;
    let mut looks = interval(LOOK_INTERVAL);
    while !condition().await {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        looks.tick().await;
    }
}

#[track_caller]
pub(super) fn reason<T>(result: Result<T, EngineError>) -> Reason {
    match result {
        Ok(_) => panic!("an error was expected"),
        Err(error) => error.reason,
    }
}
