//! Redis runs out of memory, or is set to forget, while jobs run.

use semanas_client::{JobStage, JobState};
use semanas_sandbox::Provider;
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;

use super::metric_becomes;
use crate::harness::*;

#[tokio::test]
async fn fault_16_an_almost_full_redis_takes_no_new_job_and_ends_those_that_run() {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let server = Server::start(&Store::redis(&redis), &sandbox).await;
    let person = fresh_person();
    hold_document(&sandbox, &person);
    let job = server
        .client()
        .submit_work_history(by_kiban(&person))
        .await
        .unwrap()
        .job;
    reaches(&server.client(), &job.job_id, JobStage::WaitingForProvider).await;
    let ballast = "x".repeat(4 * 1024 * 1024);
    let _: String = redis.ask(&["SET", "ballast", &ballast]).await;
    let memory: String = redis.ask(&["INFO", "memory"]).await;
    let used = memory
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"))
        .unwrap();
    let used: u64 = used.trim().parse().unwrap();
    let _: String = redis
        .ask(&["CONFIG", "SET", "maxmemory", &(used / 9 * 10).to_string()])
        .await;
    metric_becomes(&server, "semanas_store_alarms{alarm=\"full\"}", |value| value == 1).await;

    let status = submit_refused(&server, by_kiban(&fresh_person())).await;
    check_status(&status, Code::Unavailable, "STORE_UNAVAILABLE");
    assert!(server.log().contains("raise maxmemory"));
    let_go(&sandbox, &person);
    let ended = to_the_end(&server.client(), by_kiban(&person)).await;
    assert_eq!((&ended.job_id, ended.state), (&job.job_id, JobState::Succeeded));
    let _: i64 = redis.ask(&["DEL", "ballast"]).await;
    metric_becomes(&server, "semanas_store_alarms{alarm=\"full\"}", |value| value == 0).await;
    to_the_end(&server.client(), by_kiban(&fresh_person())).await;
}

#[tokio::test]
async fn fault_17_a_redis_that_is_told_to_evict_gets_no_calls_until_it_is_mended() {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let server = Server::start(&Store::redis(&redis), &sandbox).await;
    for (setting, bad, good) in [
        ("maxmemory-policy", "allkeys-lru", "noeviction"),
        ("appendfsync", "no", "always"),
    ] {
        let _: String = redis.ask(&["CONFIG", "SET", setting, bad]).await;
        server.becomes(ServingStatus::NotServing).await;
        metric_becomes(&server, "semanas_store_alarms{alarm=\"unfit\"}", |value| value == 1).await;
        let person = fresh_person();
        let job = server
            .client()
            .submit_work_history(by_kiban(&person))
            .await
            .unwrap()
            .job;
        reaches(&server.client(), &job.job_id, JobStage::WaitingToRetry).await;
        assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 0);
        let _: String = redis.ask(&["CONFIG", "SET", setting, good]).await;
        server.becomes(ServingStatus::Serving).await;
        let ended = to_the_end(&server.client(), by_kiban(&person)).await;
        assert_eq!(ended.state, JobState::Succeeded);
        assert!(
            server.log().contains(&format!("set {setting} {good}")),
            "the log says what to do"
        );
    }
}
