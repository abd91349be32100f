//! A data set that two processes want, and one that was torn apart behind the service's back.

use semanas_client::{JobStage, JobState};

use super::*;

/// I9: the second process on an embedded store is refused at once, and the first goes on.
#[tokio::test]
async fn fault_42_a_second_process_opens_the_embedded_store() {
    let (sandbox, store) = (sandbox().await, Store::sqlite());
    let server = Server::start(&store, &sandbox).await;
    let folder = tempfile::tempdir().unwrap();
    let second = ServerOptions::new(&store, &sandbox);
    let ended = semanas(folder.path(), &["serve"], &second.environment()).await;
    ended
        .expect_code(1)
        .expect_complaint(&["in use by another semanas process"]);
    let job = to_the_end(&server.client(), submit_request(fresh_person().with_names())).await;
    assert_eq!(job.state, JobState::Succeeded);
}

/// I4, I6: what a script would leave that breaks off in its last line, made by hand. `semanas doctor` finds each tear, and names the
/// job.
#[tokio::test]
async fn fault_43_a_half_written_transition_in_redis() {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let store = Store::redis(&redis);
    let server = Server::start(&store, &sandbox).await;
    let (client, person) = (server.client(), fresh_person());
    hold_document(&sandbox, &person);
    let job = client.submit_work_history(by_kiban(&person)).await.unwrap().job;
    reaches(&client, &job.job_id, JobStage::WaitingForProvider).await;
    let ended = to_the_end(&client, by_kiban(&fresh_person())).await;
    check_whole(&store, &sandbox).await;
    server.signal("STOP");

    let key_of = async |job_id: &str| {
        let [key]: [String; 1] = redis
            .ask::<Vec<String>>(&["KEYS", &format!("*:job:{job_id}")])
            .await
            .try_into()
            .unwrap();
        key
    };
    let key = key_of(&job.job_id).await;
    let due = format!("{}:due", key.split(":job:").next().unwrap());
    let score: String = redis.ask(&["ZSCORE", &due, &job.job_id]).await;
    let state: String = redis.ask(&["HGET", &key, "state"]).await;
    let torn = async |what: &str| {
        let told = doctor(&store, &sandbox).await;
        assert_eq!(told.code, Some(1), "{}", told.stdout);
        assert!(told.stdout.contains(what), "{what:?} is not in {}", told.stdout);
    };

    // The record was written, and the due set was not.
    let _: i64 = redis.ask(&["ZREM", &due, &job.job_id]).await;
    torn(&format!("{} has not ended and is never due", job.job_id)).await;
    let _: i64 = redis.ask(&["ZADD", &due, &score, &job.job_id]).await;
    check_whole(&store, &sandbox).await;
    // The record was written, and what stands beside it was not.
    let other = with_word(&state, SEQUENCE, "99");
    let _: i64 = redis.ask(&["HSET", &key, "state", &other]).await;
    torn("has another number of events than stands beside it").await;
    let _: i64 = redis.ask(&["HSET", &key, "state", &state]).await;
    // The end was written, and the due set was not.
    let key = key_of(&ended.job_id).await;
    let due = format!("{}:due", key.split(":job:").next().unwrap());
    let _: i64 = redis.ask(&["ZADD", &due, "1", &ended.job_id]).await;
    torn(&format!("{} has ended and is due", ended.job_id)).await;
    let _: i64 = redis.ask(&["ZREM", &due, &ended.job_id]).await;
    // The due set was written, and nothing else.
    let _: i64 = redis.ask(&["ZADD", &due, "1", "wh_nobody"]).await;
    torn("wh_nobody is due, but is not there").await;
    let _: i64 = redis.ask(&["ZREM", &due, "wh_nobody"]).await;
    check_whole(&store, &sandbox).await;
}

/// I6: the embedded store is examined too, while no server has it. (That a tear in it is found is a test of the store's own.)
#[tokio::test]
async fn fault_43_the_embedded_store_is_examined_while_nobody_has_it() {
    let (sandbox, store) = (sandbox().await, Store::sqlite());
    let mut server = Server::start(&store, &sandbox).await;
    to_the_end(&server.client(), by_kiban(&fresh_person())).await;
    let in_use = doctor(&store, &sandbox).await;
    assert!(
        in_use.stdout.contains("stop it to have the jobs examined"),
        "{}",
        in_use.stdout
    );
    server.kill();
    check_whole(&store, &sandbox).await;
}
