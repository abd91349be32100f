//! Two releases at once: replicas with other settings, and records that the other release wrote.
//!
//! There is one release so far. What a newer one of the same format would write is made here by hand; that two programs built from
//! different sources agree cannot be shown yet.

use semanas_client::{JobStage, JobState};
use semanas_sandbox::Provider;
use serde_json::{Value, json};

use super::*;

struct Record {
    key: String,
}

impl Record {
    async fn of(redis: &Redis, job_id: &str) -> Record {
        let keys: Vec<String> = redis.ask(&["KEYS", &format!("*job:{job_id}")]).await;
        let [key] = keys.try_into().unwrap();
        Record { key }
    }

    async fn read(&self, redis: &Redis) -> Value {
        let text: String = redis.ask(&["HGET", &self.key, "record"]).await;
        serde_json::from_str(&text).unwrap()
    }

    async fn write(&self, redis: &Redis, record: &Value, format: &str) {
        let state: String = redis.ask(&["HGET", &self.key, "state"]).await;
        let state = with_word(&state, FORMAT, format);
        let _: i64 = redis
            .ask(&["HSET", &self.key, "record", &record.to_string(), "state", &state])
            .await;
    }
}

/// I3, I4: both replicas are restarted, one after the other, with other settings, in the middle of jobs. Nothing that was
/// acknowledged is lost, and watchers see no gap.
#[tokio::test]
async fn fault_08_a_rolling_restart_with_mixed_settings() {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let store = Store::redis(&redis);
    let old = || ServerOptions::new(&store, &sandbox);
    let new = || {
        old()
            .set("ENGINE__LEASE", "5s")
            .set("ENGINE__WORKERS_MAX", "3")
            .set("WATCH__HEARTBEAT", "1s")
    };
    let (mut a, mut b) = (old().start().await, old().start().await);
    let people: Vec<Human> = (0..12).map(|_| fresh_person()).collect();
    let mut witnesses = Vec::new();
    for (number, person) in people.iter().enumerate() {
        hold_document(&sandbox, person);
        let server = if number % 2 == 0 { &a } else { &b };
        let job = server.client().submit_work_history(by_kiban(person)).await.unwrap().job;
        reaches(&server.client(), &job.job_id, JobStage::WaitingForProvider).await;
        witnesses.push((job.job_id, number));
    }
    a.signal("TERM");
    assert_eq!(a.end().await.code(), Some(0));
    let c = new().start().await;
    people[..6].iter().for_each(|person| let_go(&sandbox, person));
    let seen_by_new: Vec<_> = witnesses
        .iter()
        .map(|(job_id, _)| witness(&c.client(), job_id))
        .collect();
    for person in &people[..6] {
        let old_answer = to_the_end(&b.client(), by_kiban(person)).await;
        assert_eq!(old_answer.state, JobState::Succeeded);
    }
    b.signal("TERM");
    assert_eq!(b.end().await.code(), Some(0));
    let _d = new().start().await;
    people[6..].iter().for_each(|person| let_go(&sandbox, person));
    for seen in seen_by_new {
        assert_eq!(
            within("a job", PATIENCE, seen).await.unwrap().state,
            JobState::Succeeded
        );
    }
    assert!(
        people
            .iter()
            .all(|person| booked(&sandbox, Provider::Kiban, &person.curp) == 1)
    );
    check_whole(&store, &sandbox).await;
}

/// I3, I4: a record with fields that this program does not know, and one without those that were added last, go on to their ends.
#[tokio::test]
async fn fault_08_records_of_another_release_of_the_same_format_go_on() {
    let pair = pair().await;
    let client = pair.b.client();
    let people = [fresh_person(), fresh_person()];
    for (number, person) in people.iter().enumerate() {
        hold_document(&pair.sandbox, person);
        let job = client.submit_work_history(by_kiban(person)).await.unwrap().job;
        reaches(&client, &job.job_id, JobStage::WaitingForProvider).await;
        let seen = witness(&client, &job.job_id);
        let record = Record::of(&pair.redis, &job.job_id).await;
        let mut written = record.read(&pair.redis).await;
        let fields = written["job"].as_object_mut().unwrap();
        if number == 0 {
            fields.insert("colour".to_owned(), json!({"of": ["a", "newer", "release"]}));
        } else {
            // As a release writes it that does not know them yet.
            for field in ["cancel_requested", "nss_missed", "stalls", "updated"] {
                fields.remove(field);
            }
        }
        record.write(&pair.redis, &written, "2").await;
        let_go(&pair.sandbox, person);
        assert_eq!(
            within("the job", PATIENCE, seen).await.unwrap().state,
            JobState::Succeeded
        );
        assert_eq!(booked(&pair.sandbox, Provider::Kiban, &person.curp), 1);
    }
}

/// I1, I3: a record of a format to come is left alone and alarmed, and a replica that can read it goes on with it.
#[tokio::test]
async fn fault_08_a_record_of_a_newer_format_is_left_alone() {
    let pair = pair().await;
    let (client, person) = (pair.b.client(), fresh_person());
    hold_document(&pair.sandbox, &person);
    let job = client.submit_work_history(by_kiban(&person)).await.unwrap().job;
    reaches(&client, &job.job_id, JobStage::WaitingForProvider).await;
    let record = Record::of(&pair.redis, &job.job_id).await;
    let own = record.read(&pair.redis).await;
    let newer = json!({"v": 3, "job": "in words of its own"});
    record.write(&pair.redis, &newer, "3").await;
    let_go(&pair.sandbox, &person);
    eventually("the alarm", || async {
        let said = [pair.a.log(), pair.b.log()].concat();
        said.lines()
            .any(|line| {
                line.contains("\"ERROR\"")
                    && line.contains("cannot be read by this version")
                    && line.contains(&job.job_id)
            })
            .then_some(())
    })
    .await;
    assert_eq!(record.read(&pair.redis).await, newer);
    let other = to_the_end(&client, by_kiban(&fresh_person())).await;
    assert_eq!(other.state, JobState::Succeeded, "other jobs are not hindered");
    record.write(&pair.redis, &own, "2").await;
    assert_eq!(to_the_end(&client, by_kiban(&person)).await.state, JobState::Succeeded);
    assert_eq!(booked(&pair.sandbox, Provider::Kiban, &person.curp), 1);
}
