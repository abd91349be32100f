//! What happens to a running store when Redis goes away, comes back, forgets, or loses a reply.

use std::{sync::Arc, time::Duration};

use futures::future::{BoxFuture, join_all};
use tokio::time::timeout;

use super::{
    proxy::Proxy,
    server::{FIT, Server, options, until},
};
use crate::{
    domain::{
        gate::{GateLimits, GateReport},
        ids::JobId,
        job::{Due, Event, Job, Transition},
        provider_id::ProviderId,
    },
    store::{
        Bell, ChargeQuery, Commit, Committed, Created, FeedPosition, How, JobFilter, ListQuery, Reservation, Store,
        StoreError,
        conformance::fixtures,
        redis::{RedisOptions, RedisStore, keys::Keys, node::LINES, open},
    },
};

const LEASE: Duration = Duration::from_secs(3600);
const PATIENCE: Duration = Duration::from_secs(20);
const LIMITS: GateLimits = GateLimits {
    rate_max: 0,
    rate_window: Duration::from_secs(1),
    rate_burst: 1,
    in_flight_max: 0,
    breaker_failures: 0,
    breaker_open: Duration::from_secs(1),
};

async fn job(store: &RedisStore) -> Job {
    fixtures::work_history(1, store.probe().await.unwrap().now)
}

async fn start(store: &RedisStore) -> Created {
    let creation = fixtures::creation(job(store).await);
    store
        .create(crate::store::Creation {
            claim: Some(LEASE),
            ..creation
        })
        .await
        .unwrap()
}

async fn cancel(store: &RedisStore, id: &JobId) -> Commit {
    let stored = store.read(id).await.unwrap().unwrap();
    let transition = stored.job.apply(Event::CancelAsked, stored.job.created_at).unwrap();
    commit(stored.version, transition)
}

fn commit(version: u64, transition: Transition) -> Commit {
    Commit {
        op: fixtures::next_uuid(),
        expected_version: version,
        fence: None,
        transition,
        hold: LEASE,
        answer: None,
        person_day: None,
    }
}

fn charge_query() -> ChargeQuery {
    ChargeQuery {
        tenant: crate::domain::ids::Tenant::sole(),
        job: None,
        provider: None,
        charges: Vec::new(),
        opened_from: None,
        opened_until: None,
        before: None,
        page_size: 10,
    }
}

/// The error of every verb of the store.
async fn errors_of_all_verbs(store: &RedisStore, job: &Job) -> Vec<Option<StoreError>> {
    let id = &job.id;
    let transition = Transition {
        job: job.clone(),
        due: Due::Unchanged,
        ledger: None,
        ending: None,
    };
    let reservation = Reservation {
        key: "0f".to_owned(),
        fingerprint: "f".to_owned(),
        job: id.clone(),
        keep: LEASE,
    };
    let (kiban, entrant) = (ProviderId::Kiban, fixtures::entrant());
    let list = ListQuery {
        tenant: job.tenant.clone(),
        filter: JobFilter::default(),
        before: None,
        page_size: 10,
    };
    let start = FeedPosition::default();
    let verbs: Vec<BoxFuture<'_, Option<StoreError>>> = vec![
        Box::pin(async { store.probe().await.err() }),
        Box::pin(async { store.create(fixtures::creation(job.clone())).await.err() }),
        Box::pin(async { store.read(id).await.err() }),
        Box::pin(async { store.versions(std::slice::from_ref(id)).await.err() }),
        Box::pin(async { store.read_sealed(id).await.err() }),
        Box::pin(async { store.claim_due(LEASE, 10).await.err() }),
        Box::pin(async { store.commit(commit(1, transition)).await.err() }),
        Box::pin(async { store.release(id, 1).await.err() }),
        Box::pin(async { store.hasten(id, LEASE).await.err() }),
        Box::pin(async { store.reserve_request(reservation).await.err() }),
        Box::pin(async { store.settle_request("0f", id).await.err() }),
        Box::pin(async { store.list(list).await.err() }),
        Box::pin(async { store.feed_end().await.err() }),
        Box::pin(async { store.feed_after(&start, 10).await.err() }),
        Box::pin(async { store.charges(charge_query()).await.err() }),
        Box::pin(async { store.enter_gate(kiban, &entrant, &LIMITS, LEASE).await.err() }),
        Box::pin(async {
            store
                .leave_gate(kiban, &entrant.intent, &LIMITS, GateReport::Good)
                .await
                .err()
        }),
        Box::pin(async { store.gate_status(kiban).await.err() }),
        Box::pin(async { store.purge(job.created_at, 10).await.err() }),
    ];
    join_all(verbs).await
}

#[tokio::test]
async fn a_flushed_redis_is_a_lost_data_set_to_every_verb() {
    let server = Server::start(&FIT).await;
    let store = open(options(&server.url())).await.unwrap();
    let job = start(&store).await.stored.job;
    server.run(&["FLUSHALL"]).await;
    for (verb, error) in errors_of_all_verbs(&store, &job).await.into_iter().enumerate() {
        assert!(
            matches!(error, Some(StoreError::DataSetLost { .. })),
            "verb {verb}: {error:?}"
        );
    }
    assert_eq!(
        server.run(&["DBSIZE"]).await,
        redis::Value::Int(0),
        "and nothing was written"
    );
}

#[tokio::test]
async fn a_data_set_made_anew_is_not_the_one_that_was_opened() {
    let server = Server::start(&FIT).await;
    let asked = options(&server.url());
    let store = open(asked.clone()).await.unwrap();
    let job = start(&store).await.stored.job;
    server.run(&["FLUSHALL"]).await;
    open(asked).await.unwrap();
    for (verb, error) in errors_of_all_verbs(&store, &job).await.into_iter().enumerate() {
        assert!(
            matches!(error, Some(StoreError::DataSetLost { .. })),
            "verb {verb}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_master_that_became_a_replica_is_unavailable_to_every_verb() {
    let server = Server::start(&FIT).await;
    let store = open(options(&server.url())).await.unwrap();
    let job = start(&store).await.stored.job;
    server.run(&["REPLICAOF", "127.0.0.1", "1"]).await;
    for (verb, error) in errors_of_all_verbs(&store, &job).await.into_iter().enumerate() {
        let Some(StoreError::Unavailable { why, .. }) = &error else {
            panic!("verb {verb}: {error:?}")
        };
        assert!(
            why.contains("is read-only") || why.contains("lost its master"),
            "verb {verb}: {why}"
        );
    }
    server.run(&["REPLICAOF", "NO", "ONE"]).await;
    assert_eq!(store.read(&job.id).await.unwrap().unwrap().job, job);
}

#[tokio::test]
async fn a_policy_that_evicts_is_noticed_while_running() {
    let server = Server::start(&FIT).await;
    let store = open(options(&server.url())).await.unwrap();
    server.run(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
    until("it is told", async || {
        let told = store.probe().await.err().map(|error| error.to_string());
        told.is_some_and(|told| told.contains("allkeys-lru"))
    })
    .await;
    server.run(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await;
    until("it is mended", async || store.probe().await.is_ok()).await;
}

#[tokio::test]
async fn without_memory_new_jobs_are_refused_and_running_ones_finish() {
    let server = Server::start(&FIT).await;
    let store = open(options(&server.url())).await.unwrap();
    let id = start(&store).await.stored.job.id;
    let other = fixtures::creation(fixtures::work_history(2, fixtures::EPOCH));
    server.run(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let error = store.create(other.clone()).await.unwrap_err();
    assert!(error.to_string().contains("has used up its memory"), "{error}");
    let cancel = cancel(&store, &id).await;
    assert!(matches!(store.commit(cancel).await.unwrap(), Committed::Done { .. }));
    server.run(&["CONFIG", "SET", "maxmemory", "0"]).await;
    store.create(other).await.unwrap();
}

#[tokio::test]
async fn a_record_of_a_newer_replica_is_left_to_it_and_does_not_stall() {
    let server = Server::start(&FIT).await;
    let asked = options(&server.url());
    let store = open(asked.clone()).await.unwrap();
    let job = job(&store).await;
    store.create(fixtures::creation(job.clone())).await.unwrap();
    let key = Keys::new(&asked.prefix).shard(job.id.shard()).job(&job.id);
    let state: String = redis::from_redis_value(server.run(&["HGET", &key, "state"]).await).unwrap();
    let mut words: Vec<&str> = state.split(' ').collect();
    words[6] = "99";
    server.run(&["HSET", &key, "state", &words.join(" ")]).await;
    for _ in 0..3 {
        let claims = store.claim_due(Duration::ZERO, 10).await.unwrap();
        assert_eq!((claims.claims.len(), claims.unreadable), (0, vec![job.id.clone()]));
    }
    server.run(&["HSET", &key, "state", &state]).await;
    let claim = store.claim_due(LEASE, 10).await.unwrap().claims.remove(0);
    assert_eq!((claim.lease.fence, claim.lease.stalled_claims), (1, 1));
}

#[tokio::test]
async fn a_crashed_redis_is_unavailable_and_taken_up_again_with_all_its_data() {
    let mut server = Server::start(&FIT).await;
    let store = open(options(&server.url())).await.unwrap();
    let mut bells = store.bells();
    let started = start(&store).await.stored;
    server.kill();
    let error = store.read(&started.job.id).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");

    server.start_again().await;
    until("the store reads again", async || {
        store.read(&started.job.id).await.is_ok()
    })
    .await;
    let read = store.read(&started.job.id).await.unwrap().unwrap();
    assert_eq!(read.job, started.job, "what was acknowledged is there");
    // Its scripts are gone with the process, and come back by themselves. What was read before the restart is read again.
    until("a commit goes through", async || {
        let cancel = cancel(&store, &started.job.id).await;
        matches!(store.commit(cancel).await, Ok(Committed::Done { .. }))
    })
    .await;

    let resync = async { while bells.recv().await.unwrap() != Bell::Resync {} };
    timeout(PATIENCE, resync).await.expect("lost rings are announced");
    ring_is_heard(&store, &mut bells).await;
}

/// Commits until a ring comes through: the listener may still be on its way back.
async fn ring_is_heard(store: &RedisStore, bells: &mut tokio::sync::broadcast::Receiver<Bell>) {
    let heard = async {
        loop {
            let id = start(store).await.stored.job.id;
            let cancel = cancel(store, &id).await;
            store.commit(cancel).await.unwrap();
            let ring =
                async { while !matches!(bells.recv().await.unwrap(), Bell::Job { id: job, .. } if job == id) {} };
            if timeout(Duration::from_millis(300), ring).await.is_ok() {
                return;
            }
        }
    };
    timeout(PATIENCE, heard).await.expect("the bell rings again");
}

#[tokio::test]
async fn a_commit_whose_reply_is_lost_is_applied_once() {
    let server = Server::start(&FIT).await;
    let proxy = Proxy::to(server.socket()).await;
    let store = open(options(proxy.url())).await.unwrap();
    let id = start(&store).await.stored.job.id;
    let cancel = cancel(&store, &id).await;

    proxy.cut_next_reply();
    let first = store.commit(cancel.clone()).await;
    let again = store.commit(cancel).await.unwrap();
    let done = Committed::Done {
        version: 2,
        lease: None,
    };
    assert!(matches!(&first, Ok(committed) if *committed == done), "{first:?}");
    assert_eq!(again, done);
    assert_eq!(store.read(&id).await.unwrap().unwrap().version, 2);
    assert_eq!(
        store.feed_end().await.unwrap().0[id.shard().index()],
        2,
        "one entry per event"
    );
}

#[tokio::test]
async fn a_creation_whose_reply_is_lost_starts_one_job() {
    let server = Server::start(&FIT).await;
    let proxy = Proxy::to(server.socket()).await;
    let store = open(options(proxy.url())).await.unwrap();
    let job = job(&store).await;
    proxy.cut_next_reply();
    let created = store.create(fixtures::creation(job.clone())).await.unwrap();
    assert!(matches!(created.how, How::Started(None)));
    assert_eq!(created.stored.job, job);
}

#[tokio::test]
async fn a_connection_that_went_silent_is_replaced() {
    let server = Server::start(&FIT).await;
    let proxy = Proxy::to(server.socket()).await;
    let asked = RedisOptions {
        response_timeout: Duration::from_millis(300),
        ..options(proxy.url())
    };
    let store = Arc::new(open(asked).await.unwrap());
    let mut bells = store.bells();
    let id = start(&store).await.stored.job.id;

    proxy.swallow_replies(true);
    let error = store.read(&id).await.unwrap_err();
    assert!(error.to_string().contains("did not answer in time"), "{error}");
    proxy.swallow_replies(false);

    // Over each of its connections: they have their turns one after the other, and others call as well.
    until("the store reads again", async || {
        let reads = (0..4 * LINES).map(|_| store.read(&id));
        join_all(reads).await.iter().all(Result::is_ok)
    })
    .await;
    ring_is_heard(&store, &mut bells).await;
}
