//! What Redis says when it cannot serve for the moment: each is tried again inside a bound, then told as `Unavailable`.
#![allow(clippy::unwrap_used)]

use futures::future::join_all;

use super::{
    proxy::Proxy,
    server::{FIT, Server, options},
};
use crate::store::{Store, StoreError, conformance::fixtures, redis::open};

/// What is said, and what an operator is told.
const REFUSALS: [(&str, &str); 11] = [
    ("READONLY You can't write against a read only replica.", "is read-only"),
    ("LOADING Redis is loading the dataset in memory", "is still loading"),
    ("MASTERDOWN Link with MASTER is down", "has lost its master"),
    ("CLUSTERDOWN Hash slot not served", "the cluster is down"),
    ("NOREPLICAS Not enough good replicas to write.", "too few replicas"),
    (
        "OOM command not allowed when used memory > 'maxmemory'.",
        "raise maxmemory",
    ),
    (
        "MISCONF Errors writing to the AOF file: No space left on device",
        "cannot write to its disk",
    ),
    (
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "is moving the slot",
    ),
    ("ASK 1 127.0.0.1:1", "is moving the slot"),
    (
        "ERR Script attempted to access a non local key in a cluster node script: 0f, on @user_script:1.",
        "is moving the slot",
    ),
    ("BUSY Redis is busy running a script.", "is busy"),
];

#[tokio::test]
async fn each_is_tried_again_and_goes_through_when_it_was_for_a_moment() {
    let server = Server::start(&FIT).await;
    join_all(REFUSALS.map(async |(said, _)| {
        let proxy = Proxy::to(server.socket()).await;
        let store = open(options(proxy.url())).await.unwrap();
        proxy.complain(said, 2);
        let creation = fixtures::creation(fixtures::work_history(1, fixtures::EPOCH));
        let created = store.create(creation).await;
        assert!(created.is_ok(), "{said}: {created:?}");
    }))
    .await;
}

#[tokio::test]
async fn each_is_unavailable_in_plain_words_when_it_stays() {
    let server = Server::start(&FIT).await;
    join_all(REFUSALS.map(async |(said, told)| {
        let proxy = Proxy::to(server.socket()).await;
        let store = open(options(proxy.url())).await.unwrap();
        proxy.complain(said, usize::MAX);
        let creation = fixtures::creation(fixtures::work_history(1, fixtures::EPOCH));
        let error = store.create(creation).await.unwrap_err();
        let is_plain = matches!(&error, StoreError::Unavailable { why, .. } if why.contains(told));
        assert!(is_plain, "{said}: {error}");
    }))
    .await;
}
