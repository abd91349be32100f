//! Redis dies and comes back, with its data or without.

use std::sync::atomic::{AtomicUsize, Ordering};

use semanas_client::JobStage;
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;

use super::{Crowd, metric};
use crate::harness::*;

#[tokio::test]
async fn fault_09_after_a_kill_of_redis_scripts_and_subscriptions_are_back_and_a_watch_sees_the_end() {
    let mut pair = pair().await;
    let person = fresh_person();
    hold_document(&pair.sandbox, &person);
    let told = pair.a.client().submit_work_history(by_kiban(&person)).await.unwrap();
    let job = told.job;
    reaches(&pair.a.client(), &job.job_id, JobStage::WaitingForProvider).await;
    let mut watch = RawWatch::open(pair.b.stub(), &job.job_id, None).await;
    watch.read_until(|_| true).await;
    pair.redis.kill();
    pair.b.becomes(ServingStatus::NotServing).await;
    pair.redis.start_again().await;
    let_go(&pair.sandbox, &person);
    let seen = watch.read_until(|message| message.terminal).await;
    assert_eq!(seen.last(), Some(&Seen::End), "{seen:?}");
    assert_eq!(pair.sandbox.books().charges().len(), 1);
    to_the_end(&pair.b.client(), by_kiban(&fresh_person())).await;
}

/// The kernel keeps over a kill what Redis wrote and did not sync, so this loses nothing. It shows that nothing is
/// acknowledged before Redis has answered; that Redis answers after the sync is what `appendfsync always` means, and a server
/// without it is refused (`startup.rs`) and no longer used when it is switched off (row 17).
#[tokio::test]
async fn fault_10_a_kill_of_redis_under_load_loses_nothing_that_was_acknowledged() {
    let (mut redis, sandbox) = (Redis::start().await, sandbox().await);
    let server = Server::start(&Store::redis(&redis), &sandbox).await;
    let acknowledged = AtomicUsize::new(0);
    let kill = async {
        eventually("some to be acknowledged", || async {
            (acknowledged.load(Ordering::Relaxed) > 50).then_some(())
        })
        .await;
        redis.kill();
        redis.start_again().await;
    };
    let (crowd, ()) = tokio::join!(Crowd::submits(&server, 400, &acknowledged), kill);
    server.becomes(ServingStatus::Serving).await;
    crowd.all_end("row 10, redis killed", &server.client(), &sandbox).await;
}

/// I1, I3, I8: a disk that has lied about what it keeps. What it lost was acknowledged and paid for; the replicas notice, put it back
/// and say so, and nobody is paid for again.
#[tokio::test]
async fn fault_10_what_a_disk_lied_about_is_put_back_by_the_replicas_and_told() {
    let (mut redis, sandbox) = (Redis::start().await, sandbox().await);
    let store = Store::redis(&redis);
    let (a, b) = (
        Server::start(&store, &sandbox).await,
        Server::start(&store, &sandbox).await,
    );
    let acknowledged = AtomicUsize::new(0);
    let lie = async {
        let until = async |count| {
            eventually("some to be acknowledged", || async {
                (acknowledged.load(Ordering::Relaxed) > count).then_some(())
            })
            .await;
        };
        until(50).await;
        let kept_bytes = redis.written_bytes();
        until(150).await;
        redis.kill();
        assert!(redis.written_bytes() > kept_bytes);
        redis.forget_from(kept_bytes);
        redis.start_again().await;
    };
    let (crowd, ()) = tokio::join!(Crowd::submits(&a, 400, &acknowledged), lie);
    for server in [&a, &b] {
        server.becomes(ServingStatus::Serving).await;
    }
    crowd.all_end("row 10, a disk that lied", &a.client(), &sandbox).await;
    let put_back = metric(&a, "semanas_store_losses{what=\"put_back\"}").await;
    assert!(put_back >= 100, "{put_back} steps of jobs were put back");
    assert_eq!(metric(&a, "semanas_store_losses{what=\"lost_for_good\"}").await, 0);
    assert!(a.log().contains("redis forgot what it had acknowledged"));
    // Whom it was paid for, it is known.
    for (number, job) in crowd.acknowledged.iter().take(10) {
        let again = b
            .client()
            .submit_work_history(by_kiban(&crowd.people[*number]))
            .await
            .unwrap();
        assert_eq!(again.job.job_id, *job);
    }
}

#[tokio::test]
async fn fault_11_a_redis_that_starts_empty_gets_no_calls_and_is_not_begun_anew() {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let server = Server::start(&Store::redis(&redis), &sandbox).await;
    let person = fresh_person();
    hold_document(&sandbox, &person);
    server.client().submit_work_history(by_kiban(&person)).await.unwrap();
    eventually("the call", || async {
        (sandbox.books().charges().len() == 1).then_some(())
    })
    .await;
    let _: String = redis.ask(&["FLUSHALL"]).await;
    server.becomes(ServingStatus::NotServing).await;
    for _ in 0..3 {
        let status = submit_refused(&server, by_kiban(&person)).await;
        check_status(&status, Code::Unavailable, "STORE_UNAVAILABLE");
    }
    let_go(&sandbox, &person);
    assert_eq!(sandbox.books().charges().len(), 1, "nothing is bought again");
    let keys: Vec<String> = redis.ask(&["KEYS", "*"]).await;
    assert!(keys.is_empty(), "{keys:?}");
}
