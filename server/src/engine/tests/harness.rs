//! What a story is told with: a data set, providers that play a script, and as many replicas as it takes.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{faulty::Faulty, scripted::Scripted, server};
use crate::{
    clock::Clock,
    domain::{
        curp::Curp,
        gate::GateLimits,
        ids::{JobId, Tenant},
        job::{Job, StateName},
        person::{NameParts, PersonName, Subject},
        provider_id::ProviderId,
        reason::Reason,
        retry::Backoff,
    },
    engine::{
        Engine, EngineError, Lookup, Metrics, Options, Parts, ProviderOptions, RequestId, Route, Snapshot, Submit,
        Submitted, Vault, WatchOptions,
    },
    store::{
        ChargeQuery, ChargeRow, Store,
        redis::{RedisOptions, open},
    },
};

pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// All people here are made up.
pub(super) const CURP: &str = "XEXX010101HNEXXXA8";
pub(super) const GIVEN_NAME: &str = "PERSONA";

/// A data set and the providers before it.
pub(super) struct World {
    data: RedisOptions,
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
            data: server::data_set().await,
            kiban: Scripted::new(ProviderId::Kiban),
            tuidentidad: Scripted::new(ProviderId::TuIdentidad),
            nubarium: Scripted::new(ProviderId::Nubarium),
        }
    }

    /// A data set that keeps so many feed entries in each shard.
    pub(super) async fn keeping(feed_kept_max: u64) -> World {
        let mut world = World::new().await;
        world.data.feed_kept_max = feed_kept_max;
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

    /// A replica that takes the data set for one with this epoch.
    pub(super) async fn replica_in_epoch(&self, change: impl FnOnce(&mut Options), epoch: Option<u64>) -> Replica {
        let mut options = options();
        change(&mut options);
        self.starter(options, epoch).await
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
        let replica = runtime.spawn(self.starter(options, None)).await.unwrap();
        (replica, runtime)
    }

    fn starter(&self, options: Options, epoch: Option<u64>) -> impl Future<Output = Replica> + Send + 'static {
        let data = self.data.clone();
        let providers = self.providers();
        async move {
            let store = Faulty::new(Arc::new(open(data).await.unwrap()), epoch);
            let metrics = Metrics::default();
            let engine = Engine::new(Parts {
                store: Arc::clone(&store) as Arc<dyn Store>,
                providers,
                vault: Vault::new(b"a secret of thirty-two characters"),
                clock: Clock::system(),
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

    /// Everything that stands in the data set, as an operator of the back end would see it.
    pub(super) async fn raw(&self) -> String {
        let pattern = format!("{}:*", self.data.prefix);
        let keys: Vec<String> = redis::from_redis_value(server::run(&["KEYS", &pattern]).await).unwrap();
        let mut raw = String::new();
        for key in keys {
            let kind: String = redis::from_redis_value(server::run(&["TYPE", &key]).await).unwrap();
            let value = match kind.as_str() {
                "hash" => server::run(&["HGETALL", &key]).await,
                "stream" => server::run(&["XRANGE", &key, "-", "+"]).await,
                "zset" => server::run(&["ZRANGE", &key, "0", "-1"]).await,
                "set" => server::run(&["SMEMBERS", &key]).await,
                _ => server::run(&["GET", &key]).await,
            };
            raw += &format!("{key} {value:?}\n");
        }
        raw
    }

    /// Replaces a job's sealed person by bytes that open with no secret.
    pub(super) async fn damage_subject(&self, job: &JobId) {
        self.damage(&format!("sealed:{job}"), "subject").await;
    }

    /// Replaces a job's record by bytes that no version reads.
    pub(super) async fn damage_record(&self, job: &JobId) {
        self.damage(&format!("job:{job}"), "record").await;
    }

    async fn damage(&self, key: &str, field: &str) {
        let pattern = format!("{}:*:{key}", self.data.prefix);
        let keys: Vec<String> = redis::from_redis_value(server::run(&["KEYS", &pattern]).await).unwrap();
        assert_eq!(keys.len(), 1);
        server::run(&["HSET", &keys[0], field, "damaged"]).await;
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
            tokio::time::sleep(Duration::from_millis(2)).await;
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
    while !condition().await {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A person for each number.
pub(super) fn curp(number: u32) -> Curp {
    let text = format!("XEXX{:02}0101HNEXXXA8", number % 100);
    Curp::parse_lenient(&text).unwrap()
}

pub(super) fn submit() -> Submit {
    submit_for(1)
}

pub(super) fn submit_for(person: u32) -> Submit {
    let name = PersonName::parse(NameParts {
        given_names: GIVEN_NAME,
        paternal_surname: "INVENTADA",
        maternal_surname: None,
    })
    .unwrap();
    Submit {
        tenant: Tenant::sole(),
        subject: Subject {
            curp: curp(person),
            name: Some(name),
            nss: None,
        },
        limit: 0,
        request_id: None,
        max_age: None,
        allow_repeat_charge: false,
        provider: None,
        test_case_id: None,
        purpose: "test".to_owned(),
        consent_reference: String::new(),
        labels: BTreeMap::new(),
        trace_parent: None,
    }
}

/// A request that only the route by NSS can serve.
pub(super) fn submit_nameless() -> Submit {
    let mut submit = submit();
    submit.subject.name = None;
    submit
}

pub(super) fn request_id(id: &str, body: &str) -> Option<RequestId> {
    Some(RequestId {
        id: id.to_owned(),
        body: body.as_bytes().to_vec(),
    })
}

pub(super) fn lookup() -> Lookup {
    Lookup {
        tenant: Tenant::sole(),
        curp: curp(1),
        max_age: None,
        allow_repeat_charge: false,
        purpose: "test".to_owned(),
        consent_reference: String::new(),
        trace_parent: None,
    }
}

pub(super) fn soon() -> Instant {
    Instant::now() + PATIENCE
}

#[track_caller]
pub(super) fn reason<T>(result: Result<T, EngineError>) -> Reason {
    match result {
        Ok(_) => panic!("an error was expected"),
        Err(error) => error.reason,
    }
}

fn backoff(tries_max: u32) -> Backoff {
    Backoff {
        first: Duration::from_millis(5),
        factor: 1.0,
        max: Duration::from_millis(5),
        tries_max,
    }
}

/// Leases here outlast a busy machine; stories about their end make them short.
fn options() -> Options {
    let provider = ProviderOptions {
        call_time_limit: Duration::from_secs(5),
        poll_time_limit: Duration::from_secs(1),
        poll: backoff(0),
        gate: GateLimits {
            rate_max: 0,
            rate_window: Duration::from_secs(1),
            rate_burst: 1,
            in_flight_max: 0,
            breaker_failures: 0,
            breaker_open: Duration::from_millis(100),
        },
    };
    Options {
        workers_max: 16,
        lease: Duration::from_secs(5),
        sweep_interval: Duration::from_millis(20),
        job_deadline: Duration::from_secs(60),
        max_age_default: Duration::from_secs(24 * 3600),
        stalled_claims_max: 3,
        ambiguous_grace: Duration::from_millis(60),
        ambiguous_failover: false,
        person_daily_max: 0,
        retry: backoff(2),
        routes: vec![Route::Kiban, Route::Nss],
        lookup_wait_max: PATIENCE,
        retention: Duration::from_secs(30 * 24 * 3600),
        test_cases_allowed: true,
        public_url: None,
        drain_limit: Duration::from_secs(5),
        watch: WatchOptions {
            heartbeat_interval: Duration::from_millis(50),
            stream_age_min: Duration::from_secs(60),
            stream_age_max: Duration::from_secs(60),
            resync_interval: Duration::from_millis(100),
            streams_max: 100,
            cursor_ttl: Duration::from_secs(3600),
            slow_reader_limit: Duration::from_secs(1),
        },
        providers: ProviderId::ALL.map(|id| (id, provider.clone())).into(),
    }
}

/// Leases that end within a story.
pub(super) fn short_leases(options: &mut Options) {
    options.lease = Duration::from_millis(300);
    for provider in options.providers.values_mut() {
        provider.call_time_limit = Duration::from_millis(300);
        provider.poll_time_limit = Duration::from_millis(100);
    }
}
