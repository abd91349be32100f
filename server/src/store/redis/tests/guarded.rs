//! Redis as it is run where others are on the same wire: TLS between all, and no more leave than each must have.

use std::{sync::Arc, time::Duration};

use super::{
    failover::{Stream, ring_is_heard},
    fleet::{Fleet, Pace, SERVICE, until_replicated},
    guard::{Guard, RULES, RULES_AT_SENTINELS, certificate},
    losses::{answered, create, happens, intends, state},
    server::{options, until},
};
use crate::{
    domain::job::StateName,
    store::{
        Committed, OpenError, Store,
        conformance::fixtures,
        redis::{Login, RedisOptions, RedisStore, diagnose, keys::PREFIX_DEFAULT, open},
    },
};

const LEASE: Duration = Duration::from_secs(60);

fn asked(fleet: &Fleet, guard: &Guard) -> RedisOptions {
    RedisOptions {
        tls_ca: Some(guard.ca.clone()),
        prefix: PREFIX_DEFAULT.to_owned(),
        ..options(&fleet.url())
    }
}

async fn store_in(fleet: &Fleet, guard: &Guard) -> Arc<RedisStore> {
    let store = open(asked(fleet, guard)).await.unwrap();
    let findings = diagnose(asked(fleet, guard)).await;
    let durable = findings.iter().filter(|finding| finding.check == "appendfsync");
    assert!(
        durable.clone().count() > 0 && findings.iter().all(|finding| finding.result.is_ok()),
        "{findings:?}"
    );
    Arc::new(store)
}

/// Who has the wrong password, or trusts another authority, is told so and let in nowhere.
async fn check_strangers(fleet: &Fleet, guard: &Guard) {
    let wrong = RedisOptions {
        url: fleet.url().replace("semanas:", "semanas:wr0ng").into(),
        ..asked(fleet, guard)
    };
    let dir = tempfile::TempDir::new().unwrap();
    let stranger = RedisOptions {
        tls_ca: Some(certificate(dir.path())),
        ..asked(fleet, guard)
    };
    for (asked, expected) in [(wrong, "refuses the user name or password"), (stranger, "ertificate")] {
        let error = open(asked).await.err().expect("it is not opened");
        assert!(matches!(error, OpenError::Unreachable { .. }), "{error}");
        let said = error.to_string();
        assert!(said.contains(expected) && !said.contains("wr0ng"), "{said}");
    }
}

/// Sentinels may know Semanas under another name than the servers do.
async fn check_another_name_at_sentinels(fleet: &Fleet, guard: &Guard) {
    for sentinel in &fleet.sentinels {
        for rules in ["semanas off", "asker on >another"] {
            let rules = format!("ACL SETUSER {rules} {RULES_AT_SENTINELS}");
            let words: Vec<&str> = rules.split(' ').collect();
            guard.run(sentinel.port, &words).await.unwrap();
        }
    }
    let login = |password: &str| RedisOptions {
        sentinel_login: Some(Login {
            user: Some("asker".to_owned()),
            password: password.into(),
        }),
        ..asked(fleet, guard)
    };
    for refused in [asked(fleet, guard), login("wr0ng")] {
        let said = open(refused).await.err().expect("it is not opened").to_string();
        assert!(
            said.contains("a sentinel") && said.contains("refuses the user name or password"),
            "{said}"
        );
        assert!(!said.contains("wr0ng"), "{said}");
    }
    open(login("another")).await.unwrap();
}

/// A job's whole way: born, claimed, paid for, answered; and another one is claimed as it comes due.
async fn check_work(store: &RedisStore, person: u8) {
    let (job, fence) = create(store, person).await;
    let (intent, committed) = intends(store, &job, fence).await;
    assert!(matches!(committed, Committed::Done { .. }), "{committed:?}");
    happens(store, &job, answered(&intent), None).await;
    assert_eq!(state(store, &job).await, Some(StateName::Succeeded));
    let due = fixtures::work_history(person + 1, fixtures::EPOCH);
    let id = due.id.clone();
    store.create(fixtures::creation(due)).await.unwrap();
    until("it is claimed", async || {
        let claims = store.claim_due(LEASE, 500).await.unwrap_or_default();
        claims.claims.iter().any(|claim| claim.stored.job.id == id)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trio_behind_tls_and_users_outlives_its_master() {
    let guard = Arc::new(Guard::new());
    let fleet = Fleet::trio_behind(Some(&guard), Pace::Quick).await;
    check_strangers(&fleet, &guard).await;
    let store = store_in(&fleet, &guard).await;
    check_work(&store, 101).await;
    let stream = Stream::begin(&store);
    stream.until_more().await;
    fleet.servers[0].kill();
    stream.until_more().await;
    stream.until_all_shards_create().await;
    stream.end("sentinel behind tls, master killed").await;
    ring_is_heard(&store).await;
    check_work(&store, 111).await;
    fleet.servers[0].start_again();
    until("the old master follows", async || {
        fleet.servers[0].info().await.contains("master_link_status:up")
    })
    .await;
    fleet.sentinels[0].run(&["SENTINEL", "CKQUORUM", SERVICE]).await;
    check_another_name_at_sentinels(&fleet, &guard).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_behind_tls_and_users_outlives_a_master() {
    let guard = Arc::new(Guard::new());
    let fleet = Fleet::cluster_behind(Some(&guard), Pace::Quick).await;
    check_strangers(&fleet, &guard).await;
    let store = store_in(&fleet, &guard).await;
    check_work(&store, 101).await;
    let stream = Stream::begin(&store);
    stream.until_more().await;
    fleet.servers[0].kill();
    until("its replica takes over", async || {
        fleet.servers[3].info().await.contains("role:master")
    })
    .await;
    fleet.servers[0].start_again();
    until_replicated(&fleet.servers[3], 1).await;
    stream.until_all_shards_create().await;
    stream.end("cluster behind tls, master killed").await;
    ring_is_heard(&store).await;
    check_work(&store, 111).await;
}

#[test]
fn the_runbook_grants_what_is_needed_and_no_more() {
    let runbook = include_str!("../../../../../docs/operations.md");
    for rules in [RULES, RULES_AT_SENTINELS] {
        assert!(runbook.contains(rules), "docs/operations.md lacks: {rules}");
    }
}
