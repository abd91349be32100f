//! Connections to Redis that are open and dead, and the one that listens cut again and again.

use semanas_client::{JobStage, JobState};
use semanas_sandbox::Provider;

use super::link::Link;
use crate::harness::*;

#[tokio::test]
async fn fault_20_a_connection_that_went_silent_is_noticed_and_the_watch_goes_on() {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let link = Link::to(redis.port()).await;
    let a = Server::start(&Store::Redis(link.url()), &sandbox).await;
    let b = Server::start(&Store::redis(&redis), &sandbox).await;
    let person = fresh_person();
    hold_document(&sandbox, &person);
    let job = b.client().submit_work_history(by_kiban(&person)).await.unwrap().job;
    reaches(&b.client(), &job.job_id, JobStage::WaitingForProvider).await;
    let mut watch = RawWatch::open(a.stub(), &job.job_id, None).await;
    watch.read_until(|_| true).await;
    link.is_silent(true);
    let_go(&sandbox, &person);
    reached_end(&b, &job.job_id).await;
    link.is_silent(false);
    let seen = watch.read_until(|message| message.terminal).await;
    assert_eq!(seen.last(), Some(&Seen::End));
    assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 1);
    to_the_end(&a.client(), by_kiban(&fresh_person())).await;
}

#[tokio::test]
async fn fault_21_a_watch_sees_the_end_though_every_ring_is_lost() {
    let pair = pair_with(|options| options.set("WATCH__RESYNC", "1s")).await;
    let person = fresh_person();
    hold_document(&pair.sandbox, &person);
    let job = pair
        .b
        .client()
        .submit_work_history(by_kiban(&person))
        .await
        .unwrap()
        .job;
    reaches(&pair.b.client(), &job.job_id, JobStage::WaitingForProvider).await;
    let mut watch = RawWatch::open(pair.a.stub(), &job.job_id, None).await;
    watch.read_until(|_| true).await;
    let deaf = async {
        loop {
            let _: i64 = pair.redis.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
        }
    };
    let_go(&pair.sandbox, &person);
    let seen = tokio::select! {
        seen = watch.read_until(|message| message.terminal) => seen,
        () = deaf => unreachable!(),
    };
    assert_eq!(seen.last(), Some(&Seen::End));
}

async fn reached_end(server: &Server, job_id: &str) {
    eventually("the job to end", || async {
        let job = server.client().get_work_history(job_id, None).await.ok()?;
        (job.state == JobState::Succeeded).then_some(())
    })
    .await;
}
