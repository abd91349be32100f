//! Redis refuses for a while, its replies are lost, or they come when nobody waits any more.

use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use semanas_client::{Disposition, JobState};
use semanas_sandbox::Provider;
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;

use super::Crowd;
use super::link::Link;
use crate::harness::*;

/// `LOADING`, `MASTERDOWN`, `CLUSTERDOWN`, `MISCONF`, `TRYAGAIN` and `ASK` take a Redis in a state that cannot be held for a test;
/// the store's own tests let a proxy say them.
#[tokio::test]
async fn fault_15_a_redis_that_refuses_is_unavailable_with_a_time_to_come_back_and_is_then_used_again() {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let server = Server::start(&Store::redis(&redis), &sandbox).await;
    let refusals: [(&[&str], &[&str]); 3] = [
        (&["REPLICAOF", "127.0.0.1", "1"], &["REPLICAOF", "NO", "ONE"]),
        (
            &["CONFIG", "SET", "min-replicas-to-write", "1"],
            &["CONFIG", "SET", "min-replicas-to-write", "0"],
        ),
        (
            &["CONFIG", "SET", "maxmemory", "1"],
            &["CONFIG", "SET", "maxmemory", "0"],
        ),
    ];
    for (begin, end) in refusals {
        let _: String = redis.ask(begin).await;
        let status = submit_refused(&server, by_kiban(&fresh_person())).await;
        check_status(&status, Code::Unavailable, "STORE_UNAVAILABLE");
        let _: String = redis.ask(end).await;
        server.becomes(ServingStatus::Serving).await;
        let job = to_the_end(&server.client(), by_kiban(&fresh_person())).await;
        assert_eq!(job.state, JobState::Succeeded, "after {begin:?}");
    }
}

#[tokio::test]
async fn fault_18_a_lost_reply_is_made_up_for_and_nothing_is_done_twice() {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let link = Link::to(redis.port()).await;
    let server = Server::start(&Store::Redis(link.url()), &sandbox).await;
    let mut started = 0;
    for lost in 1..=20 {
        let person = fresh_person();
        link.loses_replies(lost % 4 + 1);
        let told = server.client().submit_work_history(by_kiban(&person)).await.unwrap();
        started += usize::from(told.disposition == Disposition::Started);
        let job = to_the_end(&server.client(), by_kiban(&person)).await;
        assert_eq!(job.job_id, told.job.job_id);
        assert!(booked(&sandbox, Provider::Kiban, &person.curp) <= 1);
    }
    assert!(started > 0);
}

#[tokio::test]
async fn fault_19_answers_around_the_time_limit_are_unknown_and_treated_so() {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let link = Link::to(redis.port()).await;
    let options = ServerOptions::new(&Store::Redis(link.url()), &sandbox).set("STORE__RESPONSE_TIMEOUT", "500ms");
    let server = options.start().await;
    let acknowledged = AtomicUsize::new(0);
    let mut crowds = Vec::new();
    for delay_ms in [320, 400, 450, 520] {
        link.slows_down(Duration::from_millis(delay_ms));
        crowds.push(Crowd::submits(&server, 40, &acknowledged).await);
    }
    link.slows_down(Duration::ZERO);
    server.becomes(ServingStatus::Serving).await;
    for crowd in crowds {
        crowd.all_end("row 19, slow answers", &server.client(), &sandbox).await;
    }
}
