//! What stays in Redis when a job is purged: the ledger and nothing of the job.

use super::server::{SHARED, options, run};
use crate::{
    domain::{
        job::{Event, Job},
        outcome::{Outcome, Verdict},
    },
    store::{Commit, Committed, Store, conformance::fixtures, redis::RedisStore, redis::open},
};

async fn happens(store: &RedisStore, job: &Job, event: Event) {
    let stored = store.read(&job.id).await.unwrap().unwrap();
    let commit = Commit {
        op: fixtures::next_uuid(),
        expected_version: stored.version,
        fence: None,
        transition: stored.job.apply(event, job.created_at).unwrap(),
        hold: std::time::Duration::from_secs(60),
        answer: Some(b"sealed answer".to_vec()),
        person_day: None,
    };
    assert!(matches!(store.commit(commit).await.unwrap(), Committed::Done { .. }));
}

#[tokio::test]
async fn a_purged_job_leaves_only_the_ledger() {
    let url = SHARED.url().await;
    let asked = options(&url);
    let store = open(asked.clone()).await.unwrap();
    let job = fixtures::work_history(1, fixtures::EPOCH);
    store.create(fixtures::creation(job.clone())).await.unwrap();
    let intent = fixtures::history_intent();
    let outcome = Outcome::Answered {
        verdict: Verdict::Found,
        reference: None,
    };
    happens(&store, &job, Event::IntentRecorded { intent: intent.clone() }).await;
    let known = Event::OutcomeKnown {
        from: crate::domain::job::Source::Poll,
        intent: intent.id,
        outcome,
        next_at: job.created_at,
    };
    happens(&store, &job, known).await;
    assert_eq!(store.purge(store.probe().await.unwrap().now, 10).await.unwrap(), 1);

    let keys = run(&url, &["KEYS", &format!("{}:{{p01}}:*", asked.prefix)]).await;
    let keys: Vec<String> = redis::from_redis_value(keys.unwrap()).unwrap();
    let base = format!("{}:{{p01}}:", asked.prefix);
    let mut kinds: Vec<&str> = keys
        .iter()
        .map(|key| key[base.len()..].split(':').next().unwrap())
        .collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["charge", "charges", "epoch", "feed", "reign", "unit"]);
}
