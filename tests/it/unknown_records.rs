//! Records of another version: a server that was rolled back leaves them alone, says so wherever they are met, pays for nothing,
//! and serves everybody else; and the version that wrote them goes on where it stopped.

use semanas_client::raw::v1::{
    GetWorkHistoryRequest, ListWorkHistoriesRequest, WatchWorkHistoriesRequest, WatchWorkHistoryRequest,
    watch_work_histories_response::Content,
};
use semanas_client::{Disposition, JobStage, JobState};
use semanas_sandbox::Provider;
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::*;

/// The lease of the tests' servers: how long an unreadable job is left alone each time.
const LEASE: std::time::Duration = std::time::Duration::from_secs(3);

/// Where records lie, behind the server's back.
enum Shelf {
    Sqlite(Store),
    Redis(Redis),
}

impl Shelf {
    fn store(&self) -> Store {
        match self {
            Shelf::Sqlite(store) => store.clone(),
            Shelf::Redis(redis) => Store::redis(redis),
        }
    }

    async fn read(&self, job_id: &str) -> String {
        match self {
            Shelf::Sqlite(_) => {
                let sql = "SELECT record FROM jobs WHERE id = ?1";
                let record: Vec<u8> = self.database().query_row(sql, [job_id], |row| row.get(0)).unwrap();
                String::from_utf8(record).unwrap()
            }
            Shelf::Redis(redis) => redis.ask(&["HGET", &key_of(redis, job_id).await, "record"]).await,
        }
    }

    async fn write(&self, job_id: &str, record: &str) {
        let version = serde_json::from_str::<Value>(record).unwrap()["v"].to_string();
        match self {
            Shelf::Sqlite(_) => {
                let sql = "UPDATE jobs SET record = ?2 WHERE id = ?1";
                let changed = self
                    .database()
                    .execute(sql, rusqlite::params![job_id, record.as_bytes()]);
                assert_eq!(changed.unwrap(), 1);
            }
            Shelf::Redis(redis) => {
                let key = key_of(redis, job_id).await;
                let state: String = redis.ask(&["HGET", &key, "state"]).await;
                let state = with_word(&state, FORMAT, &version);
                let _: i64 = redis.ask(&["HSET", &key, "record", record, "state", &state]).await;
            }
        }
    }

    fn database(&self) -> rusqlite::Connection {
        let Shelf::Sqlite(Store::Sqlite(folder)) = self else {
            panic!("only the embedded store has a database")
        };
        rusqlite::Connection::open(folder.path().join("semanas.db")).unwrap()
    }
}

async fn key_of(redis: &Redis, job_id: &str) -> String {
    let keys: Vec<String> = redis.ask(&["KEYS", &format!("*job:{job_id}")]).await;
    assert_eq!(keys.len(), 1, "{keys:?}");
    keys[0].clone()
}

#[tokio::test]
async fn a_later_format_in_sqlite_is_left_alone() {
    check(Shelf::Sqlite(Store::sqlite()), later_format).await;
}

#[tokio::test]
async fn a_later_format_in_redis_is_left_alone() {
    check(Shelf::Redis(Redis::start().await), later_format).await;
}

#[tokio::test]
async fn an_unknown_state_in_sqlite_is_left_alone() {
    check(Shelf::Sqlite(Store::sqlite()), unknown_state).await;
}

#[tokio::test]
async fn an_unknown_state_in_redis_is_left_alone() {
    check(Shelf::Redis(Redis::start().await), unknown_state).await;
}

fn later_format(record: &mut Value) {
    record["v"] = json!(3);
}

fn unknown_state(record: &mut Value) {
    record["job"]["state"] = json!({ "suspended": { "why": "a word of tomorrow" } });
}

async fn check(shelf: Shelf, change: fn(&mut Value)) {
    let sandbox = sandbox().await;
    let mut server = ServerOptions::new(&shelf.store(), &sandbox)
        .set("ENGINE__STALLED_CLAIMS_MAX", "2")
        .start()
        .await;
    let person = fresh_person();
    hold_document(&sandbox, &person);
    let submitted = server.client().submit_work_history(by_kiban(&person)).await.unwrap();
    let id = submitted.job.job_id;
    reaches(&server.client(), &id, JobStage::WaitingForProvider).await;

    // The newer version writes it, and is then rolled back.
    server.kill();
    let original = shelf.read(&id).await;
    let mut record: Value = serde_json::from_str(&original).unwrap();
    change(&mut record);
    shelf.write(&id, &record.to_string()).await;
    server.start_again().await;
    let started = std::time::Instant::now();
    server
        .becomes(tonic_health::pb::health_check_response::ServingStatus::Serving)
        .await;
    // Longer than it takes to look stalled, had it been claimed.
    eventually("the job to be met several times", || async {
        (sightings(&server, &id) > 3).then_some(())
    })
    .await;
    let most = 2 + started.elapsed().as_secs() / LEASE.as_secs();
    assert!(
        sightings(&server, &id) as u64 <= most + 1,
        "it is looked at once in a lease"
    );

    let other = check_that_others_go_on(&server).await;
    check_what_is_said(&server, &id, &other).await;
    let refused = server.stub().submit_work_history(by_kiban(&person)).await.unwrap_err();
    assert_internal(&refused);
    assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 1);
    assert_eq!(shelf.read(&id).await, record.to_string(), "as it was");

    // Forward again.
    server.kill();
    shelf.write(&id, &original).await;
    let_go(&sandbox, &person);
    server.start_again().await;
    let ended = to_the_end(&server.client(), by_kiban(&person)).await;
    assert_eq!((ended.job_id, ended.state), (id, JobState::Succeeded));
    assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 1);
}

/// How often the log tells of the job, and what to do about it.
fn sightings(server: &Server, id: &str) -> usize {
    let log = server.log();
    let told = log
        .lines()
        .filter(|line| line.contains(id) && line.contains("left alone"));
    told.inspect(|line| assert!(line.contains("start the version that wrote it"), "{line}"))
        .count()
}

async fn check_that_others_go_on(server: &Server) -> String {
    let request = by_kiban(&fresh_person());
    let first = server.client().submit_work_history(request.clone()).await.unwrap();
    assert_eq!(first.disposition, Disposition::Started);
    let ended = to_the_end(&server.client(), request).await;
    assert_eq!(ended.state, JobState::Succeeded);
    ended.job_id
}

async fn check_what_is_said(server: &Server, id: &str, other: &str) {
    let get = GetWorkHistoryRequest {
        job_id: id.to_owned(),
        limit: None,
    };
    assert_internal(&server.stub().get_work_history(get).await.unwrap_err());
    let watch = WatchWorkHistoryRequest {
        job_id: id.to_owned(),
        ..WatchWorkHistoryRequest::default()
    };
    assert_internal(&server.stub().watch_work_history(watch).await.unwrap_err());

    let list = ListWorkHistoriesRequest::default();
    let listed = server.stub().list_work_histories(list).await.unwrap().into_inner().jobs;
    let listed: Vec<&str> = listed.iter().map(|job| job.job_id.as_str()).collect();
    assert_eq!(listed, [other]);
    assert_eq!(fed(server).await, [other]);

    let metrics = server.page("/metrics").await.1;
    let count = metrics
        .lines()
        .find_map(|line| line.strip_prefix("semanas_unreadable_jobs_total "));
    assert!(
        count.is_some_and(|count| count.parse::<u64>().unwrap() >= 4),
        "{metrics}"
    );
}

/// The jobs that the feed shows until it is in step.
async fn fed(server: &Server) -> Vec<String> {
    let request = WatchWorkHistoriesRequest::default();
    let mut feed = server.stub().watch_work_histories(request).await.unwrap().into_inner();
    within("the feed", PATIENCE, async {
        let mut jobs = Vec::new();
        while let Some(message) = feed.message().await.unwrap() {
            match message.content {
                Some(Content::Job(job)) => jobs.push(job.job_id),
                Some(Content::Synced(_)) => break,
                _ => {}
            }
        }
        jobs
    })
    .await
}

#[track_caller]
fn assert_internal(status: &Status) {
    assert_eq!(status.code(), Code::Internal, "{status:?}");
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "INTERNAL");
}
