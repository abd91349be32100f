//! What is refused at the door, and how it is said.

use std::time::Duration;

use super::server::{FIT, SHARED, Server, options, run};
use crate::store::{
    OpenError, Store,
    redis::{Durability, RedisOptions, open},
};

#[track_caller]
fn check(result: Result<impl Sized, OpenError>, expected: &[&str]) -> OpenError {
    let error = result.err().expect("it is not opened");
    for words in expected {
        assert!(error.to_string().contains(words), "{words} in: {error}");
    }
    error
}

#[tokio::test]
async fn a_data_set_is_not_made_by_just_starting() {
    let asked = RedisOptions {
        create: false,
        ..options(&SHARED.url().await)
    };
    let error = check(
        open(asked.clone()).await,
        &["semanas init", "store.create = true", "held data"],
    );
    assert!(matches!(error, OpenError::NoDataSet { .. }));
    let created = open(RedisOptions {
        create: true,
        ..asked.clone()
    })
    .await
    .unwrap();
    let opened = open(asked).await.unwrap();
    assert_eq!(
        created.probe().await.unwrap().epoch,
        opened.probe().await.unwrap().epoch
    );
}

#[tokio::test]
async fn replicas_that_create_at_once_share_one_data_set() {
    let asked = options(&SHARED.url().await);
    let stores = futures::future::join_all((0..8).map(|_| open(asked.clone()))).await;
    let mut epochs = std::collections::HashSet::new();
    for store in stores {
        epochs.insert(store.unwrap().probe().await.unwrap().epoch);
    }
    assert_eq!(epochs.len(), 1);
}

#[tokio::test]
async fn another_secret_is_refused() {
    let asked = options(&SHARED.url().await);
    open(asked.clone()).await.unwrap();
    let other = RedisOptions {
        secret_fingerprint: "other".to_owned(),
        ..asked
    };
    assert!(matches!(open(other).await, Err(OpenError::WrongSecret { .. })));
}

#[tokio::test]
async fn a_newer_format_is_refused() {
    let url = SHARED.url().await;
    let asked = options(&url);
    open(asked.clone()).await.unwrap();
    run(&url, &["HSET", &format!("{}:meta", asked.prefix), "format", "3"])
        .await
        .unwrap();
    assert!(matches!(
        open(asked).await,
        Err(OpenError::NewerFormat { found: 3, known: 2, .. })
    ));
}

#[tokio::test]
async fn an_older_format_is_refused_and_left_alone() {
    let url = SHARED.url().await;
    let asked = options(&url);
    open(asked.clone()).await.unwrap();
    let meta = format!("{}:meta", asked.prefix);
    run(&url, &["HSET", &meta, "format", "1"]).await.unwrap();
    check(
        open(asked).await,
        &[
            "its data set has format 1",
            "reads format 2 only",
            "start a new data set",
        ],
    );
    let left: String = redis::from_redis_value(run(&url, &["HGET", &meta, "format"]).await.unwrap()).unwrap();
    assert_eq!(left, "1");
}

#[tokio::test]
async fn what_is_left_of_a_lost_data_set_is_not_taken_for_a_new_one() {
    let url = SHARED.url().await;
    let asked = options(&url);
    open(asked.clone()).await.unwrap();
    run(&url, &["DEL", &format!("{}:meta", asked.prefix)]).await.unwrap();
    check(open(asked).await, &["not its meta key", "restore"]);

    let asked = options(&url);
    open(asked.clone()).await.unwrap();
    run(&url, &["DEL", &format!("{}:{{p07}}:epoch", asked.prefix)])
        .await
        .unwrap();
    check(open(asked).await, &["a part of its data is gone", "restore"]);
}

#[tokio::test]
async fn a_creation_that_was_cut_off_is_completed() {
    let url = SHARED.url().await;
    let asked = options(&url);
    open(asked.clone()).await.unwrap();
    run(&url, &["HSET", &format!("{}:meta", asked.prefix), "complete", "0"])
        .await
        .unwrap();
    run(&url, &["DEL", &format!("{}:{{p07}}:epoch", asked.prefix)])
        .await
        .unwrap();
    open(asked).await.unwrap();
}

#[tokio::test]
async fn a_redis_that_evicts_is_refused() {
    let server =
        Server::start(&[&FIT[..], &["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]].concat()).await;
    let asked = RedisOptions {
        durability: Durability::AcceptRisk,
        ..options(&server.url())
    };
    check(open(asked).await, &["allkeys-lru", "set maxmemory-policy noeviction"]);
}

#[tokio::test]
async fn a_redis_that_forgets_is_refused_unless_the_risk_is_accepted() {
    let server = Server::start(&["--appendonly", "no", "--save", ""]).await;
    let asked = options(&server.url());
    check(
        open(asked.clone()).await,
        &["appendonly is off", "store.durability = \"accept-risk\""],
    );
    let accepting = RedisOptions {
        durability: Durability::AcceptRisk,
        ..asked
    };
    open(accepting).await.unwrap();

    let server = Server::start(&["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]).await;
    check(
        open(options(&server.url())).await,
        &["appendfsync is everysec", "set appendfsync always"],
    );
}

#[tokio::test]
async fn a_redis_that_does_not_tell_its_settings_is_refused_unless_the_risk_is_accepted() {
    let server = Server::start(&FIT).await;
    server.run(&["ACL", "SETUSER", "default", "-config"]).await;
    let asked = options(&server.url());
    check(
        open(asked.clone()).await,
        &["does not permit CONFIG GET", "store.durability = \"accept-risk\""],
    );
    let accepting = RedisOptions {
        durability: Durability::AcceptRisk,
        ..asked
    };
    open(accepting).await.unwrap();
}

#[tokio::test]
async fn a_replica_is_refused() {
    let server = Server::start(&FIT).await;
    server.run(&["REPLICAOF", "127.0.0.1", "1"]).await;
    check(
        open(options(&server.url())).await,
        &["it is a slave", "point store.url at the master"],
    );
}

#[tokio::test]
async fn a_redis_that_is_down_is_named_without_its_password() {
    let asked = RedisOptions {
        connect_timeout: Duration::from_millis(500),
        ..options("redis://user:s3cret@127.0.0.1:1/0")
    };
    let shown = format!("{asked:?}");
    let error = check(open(asked).await, &["cannot reach the store at 127.0.0.1:1"]);
    assert!(matches!(error, OpenError::Unreachable { .. }));
    assert!(
        !error.to_string().contains("s3cret") && !shown.contains("s3cret"),
        "{error}, {shown}"
    );
}

#[tokio::test]
async fn a_wrong_password_is_said_to_be_one() {
    let server = Server::start(&FIT).await;
    server.run(&["ACL", "SETUSER", "default", "resetpass", ">right"]).await;
    let url = format!("redis+unix://{}?pass=wr0ng", server.socket().display());
    let error = check(open(options(&url)).await, &["refuses the user name or password"]);
    assert!(!error.to_string().contains("wr0ng"), "{error}");
}

#[tokio::test]
async fn a_redis_without_tls_is_not_reached_by_tls() {
    let server = Server::start(&FIT).await;
    let proxy = super::proxy::Proxy::to(server.socket()).await;
    let asked = RedisOptions {
        connect_timeout: Duration::from_millis(500),
        ..options(&proxy.url().replace("redis://", "rediss://"))
    };
    check(open(asked).await, &["cannot reach the store at 127.0.0.1:"]);
}

#[tokio::test]
async fn an_address_of_another_kind_is_refused_without_being_quoted() {
    let error = check(
        open(options("http://user:s3cret@host")).await,
        &["store.url", "redis://"],
    );
    assert!(!error.to_string().contains("s3cret"), "{error}");
}
