//! Crowds of jobs before a provider's limits, in virtual time: how long they take, and how often they trouble the store.
//!
//! Time is tokio's and stands still while anybody works, so that what is measured is what the replicas decide to wait.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use futures::future;
use tokio::time::{Instant, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::{requests::submit, scripted::history, settings::options};
use crate::{
    clock::Clock,
    domain::{curp::Curp, gate::GateLimits, provider_id::ProviderId},
    engine::{Dice, Engine, Metrics, Parts, Route, Vault},
    providers::{CallRequest, Check, PollRequest, Provider, Reply},
    store::{FEED_KEPT_MIN, Store, conformance::fixtures, model::Model},
};

const REPLICAS: usize = 3;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A provider that takes its time, and remembers when it was called.
struct Slow {
    call: Duration,
    calls: Mutex<Vec<Instant>>,
}

#[async_trait]
impl Provider for Slow {
    fn id(&self) -> ProviderId {
        ProviderId::Kiban
    }

    async fn call(&self, _request: &CallRequest, _time_limit: Duration) -> Reply {
        self.calls.lock().unwrap().push(Instant::now());
        let never = future::pending::<()>();
        assert!(timeout(self.call, never).await.is_err());
        history()
    }

    async fn poll(&self, _request: &PollRequest, _time_limit: Duration) -> Option<Reply> {
        None
    }

    async fn check(&self, _now: jiff::Timestamp, _time_limit: Duration) -> Check {
        Check::Reachable
    }
}

/// What a crowd did.
struct Seen {
    /// After the first one's, in order.
    calls_ms: Vec<u128>,
    /// Until the last job ended.
    end_ms: u128,
    /// Claims of each job: the one that it was created with, and one for each further try.
    claims: Vec<u64>,
}

async fn crowd(jobs: u32, call: Duration, limits: GateLimits) -> Seen {
    let clock = Clock::of_runtime(fixtures::EPOCH);
    let model = Arc::new(Model::new(clock.clone(), DAY, FEED_KEPT_MIN));
    let kiban = Arc::new(Slow {
        call,
        calls: Mutex::default(),
    });
    let mut replicas = Vec::new();
    for seed in 0..REPLICAS {
        replicas.push(replica(seed as u64, &clock, &model, &kiban, &limits).await);
    }
    let stop = CancellationToken::new();
    let runs = replicas.iter().map(|engine| {
        tokio::spawn({
            let (engine, stop) = (engine.clone(), stop.clone());
            async move { engine.run(stop).await }
        })
    });
    let runs: Vec<_> = runs.collect();

    let began = Instant::now();
    let submits = (0..jobs).map(|person| {
        let mut submit = submit();
        let curp = format!("XEXX{:02}{:02}01HNEXXXA8", person % 100, person / 100 + 1);
        submit.subject.curp = Curp::parse_lenient(&curp).unwrap();
        replicas[person as usize % REPLICAS].submit(submit)
    });
    future::try_join_all(submits).await.unwrap();
    let mut looks = interval(Duration::from_millis(1));
    let has_ended = || model.look(|data| data.jobs.values().all(|entry| entry.job.is_terminal()));
    while !has_ended() {
        looks.tick().await;
        assert!(began.elapsed() < DAY, "some never end");
    }
    let end_ms = began.elapsed().as_millis();
    stop.cancel();
    future::join_all(runs).await;
    let calls = kiban.calls.lock().unwrap();
    assert_eq!(calls.len(), jobs as usize);
    Seen {
        calls_ms: calls.iter().map(|at| at.duration_since(calls[0]).as_millis()).collect(),
        end_ms,
        claims: model.look(|data| data.jobs.values().map(|entry| entry.fence).collect()),
    }
}

async fn replica(seed: u64, clock: &Clock, model: &Arc<Model>, kiban: &Arc<Slow>, limits: &GateLimits) -> Engine {
    let mut options = options();
    options.workers_max = 200;
    options.sweep_interval = Duration::from_secs(1);
    options.job_deadline = Duration::from_secs(900);
    options.lease = Duration::from_secs(10);
    options.routes = vec![Route::Kiban];
    options.providers.retain(|id, _| *id == ProviderId::Kiban);
    for provider in options.providers.values_mut() {
        provider.gate = limits.clone();
    }
    let parts = Parts {
        store: Arc::clone(model) as Arc<dyn Store>,
        journal: None,
        providers: BTreeMap::from([(ProviderId::Kiban, Arc::clone(kiban) as Arc<dyn Provider>)]),
        vault: Vault::new(b"a secret of thirty-two characters"),
        clock: clock.clone(),
        dice: Dice::loaded(seed),
        metrics: Metrics::default(),
        options,
    };
    Engine::new(parts).await.unwrap()
}

impl Seen {
    fn report(&self, what: &str) {
        let claims: u64 = self.claims.iter().sum();
        println!(
            "{what}: last call after {} ms, the end after {} ms, {claims} claims, at most {} of a job",
            self.calls_ms.last().unwrap(),
            self.end_ms,
            self.claims.iter().max().unwrap()
        );
    }

    /// No two calls are nearer to each other than the rate allows.
    fn keeps_apart(&self, interval_ms: u128) {
        // A millisecond is what the clocks round away.
        let near = self
            .calls_ms
            .windows(2)
            .find(|pair| pair[1] + 1 < pair[0] + interval_ms);
        assert_eq!(near, None);
    }
}

fn rate(rate_max: u32) -> GateLimits {
    GateLimits {
        rate_max,
        rate_window: Duration::from_secs(1),
        rate_burst: 1,
        // As it is by default.
        in_flight_max: 50,
        ..GateLimits::NONE
    }
}

#[tokio::test(start_paused = true)]
async fn eighteen_jobs_at_five_a_second_end_within_four_seconds() {
    let seen = crowd(18, Duration::from_millis(50), rate(5)).await;
    seen.report("18 jobs at 5 a second");
    seen.keeps_apart(200);
    assert!(seen.calls_ms.last() <= Some(&3_500), "{:?}", seen.calls_ms);
    assert!(seen.claims.iter().all(|claims| *claims <= 2), "{:?}", seen.claims);
}

#[tokio::test(start_paused = true)]
async fn five_hundred_jobs_at_fifty_a_second_end_within_eleven_seconds() {
    let seen = crowd(500, Duration::from_millis(50), rate(50)).await;
    seen.report("500 jobs at 50 a second");
    seen.keeps_apart(20);
    assert!(seen.calls_ms.last() <= Some(&10_500), "{:?}", seen.calls_ms);
    assert!(seen.claims.iter().all(|claims| *claims <= 3), "{:?}", seen.claims);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_jobs_of_a_second_in_four_places_keep_them_full() {
    let limits = GateLimits {
        in_flight_max: 4,
        ..GateLimits::NONE
    };
    let seen = crowd(100, Duration::from_secs(1), limits).await;
    seen.report("100 jobs of a second in 4 places");
    let too_many = seen.calls_ms.windows(5).find(|calls| calls[4] < calls[0] + 1_000);
    assert_eq!(too_many, None, "five at a time");
    assert!(seen.end_ms <= 25_500, "{}", seen.end_ms);
    assert!(seen.claims.iter().all(|claims| *claims <= 3), "{:?}", seen.claims);
}
