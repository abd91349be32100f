//! What the store sees of Redis while it runs: that it fills up, or that its settings are changed.
#![allow(clippy::unwrap_used)]

use super::{
    losses::{answered, create, happens, intends, state},
    server::{FIT, Server, options, until},
};
use crate::{
    domain::job::{Job, StateName},
    store::{Committed, Creation, Store, StoreError, conformance::fixtures, redis::open},
};

#[tokio::test]
async fn an_almost_full_redis_begins_nothing_new_and_ends_what_runs() {
    let server = Server::start(&FIT).await;
    let asked = options(&server.url());
    let store = open(asked.clone()).await.unwrap();
    let (running, fence) = create(&store, 1).await;
    let ballast = "x".repeat(4 * 1024 * 1024);
    server.run(&["SET", "ballast", &ballast]).await;
    let memory: String = redis::from_redis_value(server.run(&["INFO", "memory"]).await).unwrap();
    let used = memory
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"))
        .unwrap();
    let used: u64 = used.trim().parse().unwrap();
    server
        .run(&["CONFIG", "SET", "maxmemory", &(used / 9 * 10).to_string()])
        .await;
    until("it is seen to be full", async || store.condition().is_full).await;

    let job = fixtures::work_history(2, store.probe().await.unwrap().now);
    let error = store.create(fixtures::creation(job.clone())).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("raise maxmemory"), "{error}");
    let same = fixtures::work_history(1, store.probe().await.unwrap().now);
    let joined = store.create(fixtures::creation(same)).await.unwrap();
    assert_eq!(joined.stored.job.id, running, "what is there serves");
    let mut needed = job;
    needed.dependents.push(running.clone());
    store.create(fixtures::creation(needed)).await.unwrap();
    let (intent, _) = intends(&store, &running, fence).await;
    happens(&store, &running, answered(&intent), None).await;
    assert_eq!(state(&store, &running).await, Some(StateName::Succeeded));

    server.run(&["DEL", "ballast"]).await;
    until("it has room again", async || !store.condition().is_full).await;
}

#[tokio::test]
async fn settings_that_are_changed_while_it_runs_stop_intents_and_readiness_until_they_are_mended() {
    let server = Server::start(&FIT).await;
    let store = open(options(&server.url())).await.unwrap();
    let (job, fence) = create(&store, 1).await;
    let began_at = store.probe().await.unwrap().now;
    let beside = |job: Job| Creation {
        product: job.id.to_string(),
        ..super::first_intents::creation(job, &fixtures::history_intent())
    };
    for (setting, bad, good) in [
        ("maxmemory-policy", "allkeys-lru", "noeviction"),
        ("appendfsync", "everysec", "always"),
        ("appendonly", "no", "yes"),
    ] {
        server.run(&["CONFIG", "SET", setting, bad]).await;
        until("it is seen", async || store.condition().is_unfit).await;
        let error = store.probe().await.unwrap_err().to_string();
        assert!(error.contains(setting), "{setting}: {error}");
        let (_, committed) = intends(&store, &job, fence).await;
        assert!(
            matches!(committed, Committed::Postponed { .. }),
            "{setting}: {committed:?}"
        );
        let alone = beside(fixtures::work_history(2, began_at));
        let created = store.create(alone).await.unwrap().stored.job;
        assert!(created.live_intent().is_none(), "{setting}: {created:?}");
        server.run(&["CONFIG", "SET", setting, good]).await;
        until("it is mended", async || !store.condition().is_unfit).await;
    }
    assert!(matches!(intends(&store, &job, fence).await.1, Committed::Done { .. }));
    let begun = store.create(beside(fixtures::work_history(2, began_at))).await.unwrap();
    assert!(begun.stored.job.live_intent().is_some());
}
