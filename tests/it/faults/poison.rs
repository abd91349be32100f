//! A job that brings down whoever works on it.

use semanas_client::{ErrorReason, JobState};

use super::*;

/// I1, I6, I7: each replica that takes the job up dies of it. After a few of them it ends for an operator to look at, and all other
/// jobs end as if it were not there.
#[tokio::test]
async fn fault_39_a_job_kills_every_replica_that_takes_it_up() {
    const CLAIMS_MAX: usize = 3;
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let store = Store::redis(&redis);
    let points = [Failpoints::new(), Failpoints::new()];
    let start = async |points: &Failpoints| {
        let options = ServerOptions::new(&store, &sandbox)
            .set("ENGINE__LEASE", "2s")
            .set("ENGINE__STALLED_CLAIMS_MAX", &CLAIMS_MAX.to_string());
        options.held_by(points).start().await
    };
    let mut servers = [start(&points[0]).await, start(&points[1]).await];
    points[0].arm("claimed");
    let poison = servers[0]
        .client()
        .submit_work_history(by_kiban(&fresh_person()))
        .await
        .unwrap();
    let poison = poison.job.job_id;
    points.iter().for_each(|points| points.arm_for("claimed", &poison));

    let healthy: Vec<Human> = (0..6).map(|_| fresh_person()).collect();
    for person in &healthy[..CLAIMS_MAX] {
        let victim = eventually("the next victim", || async {
            points.iter().position(|points| points.take("claimed").is_some())
        })
        .await;
        let other = servers[1 - victim].client();
        assert_eq!(to_the_end(&other, by_kiban(person)).await.state, JobState::Succeeded);
        servers[victim].kill();
        servers[victim].start_again().await;
    }
    // The next one reads how often it happened before it does anything.
    let parked = eventually("the job to be taken up once more", || async {
        points.iter().position(|points| points.take("claimed").is_some())
    })
    .await;
    points[parked].release("claimed");
    let client = servers[parked].client();
    let ended = eventually("the end of the poison", || async {
        let job = client.get_work_history(poison.as_str(), None).await.unwrap();
        job.end_time.is_some().then_some(job)
    })
    .await;
    assert_eq!(ended.state, JobState::Failed);
    assert_eq!(failure_of(&ended).0, ErrorReason::Internal);
    assert!(ended.attempts.is_empty() && ledger(&client, &poison).await.is_empty());
    for person in &healthy {
        assert_eq!(to_the_end(&client, by_kiban(person)).await.state, JobState::Succeeded);
    }
    assert_eq!(sandbox.books().charges().len(), healthy.len());
    check_whole(&store, &sandbox).await;
}
