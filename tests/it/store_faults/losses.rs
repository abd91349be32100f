//! A replica of Redis that lags becomes the master: what it lacks is put back, told, and never paid for again.

use semanas_client::raw::v1::watch_work_history_response::Content;
use semanas_client::{JobState, SnapshotCause};
use semanas_sandbox::Provider;

use super::fleet::until_replicated;
use super::link::Link;
use super::{metric, metric_becomes};
use crate::harness::*;

#[tokio::test]
async fn fault_12_a_promoted_replica_that_lags_is_given_back_the_intent_and_watchers_start_over() {
    let (mut master, sandbox) = (Redis::start().await, sandbox().await);
    let port = master.port().to_string();
    let of_master = [
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
        "--replicaof",
        "127.0.0.1",
        &port,
    ];
    let heir = Redis::start_with(&of_master).await;
    let link = Link::to(master.port()).await;
    let store = Store::Redis(link.url());
    let a = Server::start(&store, &sandbox).await;
    let b = Server::start(&store, &sandbox).await;
    until_replicated(&master, 1).await;

    let (watched, person) = (fresh_person(), fresh_person());
    hold_document(&sandbox, &watched);
    let held = a.client().submit_work_history(by_kiban(&watched)).await.unwrap().job;
    let mut watch = RawWatch::open(b.stub(), &held.job_id, None).await;
    watch.read_until(|_| true).await;
    // From here on the heir copies nothing, and a call is begun and paid for.
    let _: String = heir.ask(&["REPLICAOF", "127.0.0.1", "1"]).await;
    slow_down(&sandbox, &person, 6_000);
    let job = a.client().submit_work_history(by_kiban(&person)).await.unwrap().job;
    eventually("the charge", || async {
        (booked(&sandbox, Provider::Kiban, &person.curp) == 1).then_some(())
    })
    .await;
    let _: String = heir.ask(&["REPLICAOF", "NO", "ONE"]).await;
    link.leads_to(heir.port());
    master.kill();
    let_go(&sandbox, &person);

    // Asked again at the other replica, which never heard of it: once the new master answers, it is the same job.
    let ended = to_the_end(&b.client(), by_kiban(&person)).await;
    assert_eq!((&ended.job_id, ended.state), (&job.job_id, JobState::Succeeded));
    assert_eq!(
        booked(&sandbox, Provider::Kiban, &person.curp),
        1,
        "nothing is paid for twice"
    );
    metric_becomes(&a, "semanas_store_losses{what=\"found\"}", |value| value > 0).await;
    assert!(metric(&a, "semanas_store_losses{what=\"put_back\"}").await >= 2);
    assert_eq!(metric(&a, "semanas_store_losses{what=\"lost_for_good\"}").await, 0);
    assert!(a.log().contains("redis forgot what it had acknowledged") && a.log().contains(&job.job_id));

    let reset = async {
        loop {
            let message = watch.message().await.unwrap().expect("the stream goes on");
            if let Some(Content::Snapshot(snapshot)) = message.content {
                return SnapshotCause::from(snapshot.cause);
            }
        }
    };
    assert_eq!(within("a reset", PATIENCE, reset).await, SnapshotCause::Reset);
    let_go(&sandbox, &watched);
    let seen = watch.read_until(|message| message.terminal).await;
    assert_eq!(seen.last(), Some(&Seen::End));
}
