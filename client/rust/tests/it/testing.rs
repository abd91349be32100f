//! What `testing` gives to those who use the client: the fake tells what the real server does, and what it was told.

use std::time::Duration;

use futures::TryStreamExt as _;
use semanas_client::testing::{Act, Fake, Refusal, Server, WatchWorkHistoryRequest};
use semanas_client::{
    ChargeState, Client, Code, Error, FeedChange, Health, JobChange, JobFilter, JobState, JobUpdate,
    ListChargesRequest, Options, ResolveWorkHistoryRequest, SnapshotCause, SubmitWorkHistoryRequest,
    WatchWorkHistoriesRequest, WorkHistoryJob,
};
use tokio::process::Command;
use tokio::time::{interval, timeout};

const CURP: &str = "GOAA970724HYNNNL08";

/// Every call of the client, and what comes of it on the real server and on the fake.
async fn use_all(client: &Client) {
    assert_eq!(client.lookup_nss(CURP).await.unwrap().nss.len(), 11);
    let wrong = client.lookup_nss("short").await.unwrap_err();
    assert!(matches!(wrong, Error::InvalidRequest { .. }), "{wrong}");
    assert_eq!(
        (wrong.reason(), wrong.violations()[0].field.as_str()),
        ("INVALID_CURP", "curp")
    );
    let mut request = SubmitWorkHistoryRequest::from(CURP);
    request.labels.insert("team".into(), "payroll".into());
    let job = client.get_work_history_when_done(request, None).await.unwrap();
    assert_eq!(job.labels["team"], "payroll");
    assert!(!job.work_history.unwrap().employments.is_empty());
    let id = job.job_id.as_str();
    assert_eq!(
        client.get_work_history(id, None).await.unwrap().state,
        JobState::Succeeded
    );
    assert_eq!(client.cancel_work_history(id).await.unwrap().state, JobState::Succeeded);
    let unheard = client.get_work_history("wh_unheard", None).await.unwrap_err();
    assert!(matches!(unheard, Error::NotFound { .. }), "{unheard}");
    let listed: Vec<WorkHistoryJob> = client
        .list_work_histories(JobFilter::default())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(listed.len(), 1);
    assert!(listed[0].work_history.is_none());
    let mut feed = client.watch_work_histories(WatchWorkHistoriesRequest::default());
    while feed.next().await.unwrap().unwrap().change != FeedChange::Synced {}
    let charges = client.list_charges(ListChargesRequest::default());
    charges.try_collect::<Vec<_>>().await.unwrap();
    client.get_provider_status().await.unwrap();
    let settled = ResolveWorkHistoryRequest {
        job_id: id.to_owned(),
        charge: ChargeState::No,
        ..ResolveWorkHistoryRequest::default()
    };
    let refused = client.resolve_work_history(settled).await.unwrap_err();
    assert!(matches!(refused, Error::FailedPrecondition { .. }), "{refused}");
    assert_eq!(client.health().await.unwrap(), Health::Serving);
}

#[tokio::test]
async fn the_fake_tells_a_story_by_itself() {
    let server = Server::start_fake(Fake::new()).await.unwrap();
    assert!(!server.is_real());
    use_all(&server.client().unwrap()).await;
}

/// Whether there is a `semanas` program to compare the fake with.
fn is_program_named() -> bool {
    let is_named = std::env::var_os("SEMANAS_BIN").is_some();
    let is_ci = std::env::var("CI").as_deref() == Ok("true");
    assert!(is_named || !is_ci, "SEMANAS_BIN does not name the program");
    is_named
}

#[tokio::test]
async fn the_real_server_does_the_same() {
    if !is_program_named() {
        return;
    }
    let server = Server::start(Fake::new()).await.unwrap();
    assert!(server.is_real());
    use_all(&server.client().unwrap()).await;
}

#[tokio::test]
async fn the_real_server_leaves_nothing_behind() {
    if !is_program_named() {
        return;
    }
    // The server has its folder for temporary files from the test that starts it: a test with a folder of its own.
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--exact", "testing::the_real_server_does_the_same"];
    let test = Command::new(std::env::current_exe().unwrap())
        .args(arguments)
        .env("TMPDIR", folder.path())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&test.stdout);
    assert!(test.status.success() && said.contains("1 passed"), "{said}");
    let mut looks = interval(Duration::from_millis(20));
    let emptied = async {
        while std::fs::read_dir(folder.path()).unwrap().next().is_some() {
            looks.tick().await;
        }
    };
    let left = timeout(Duration::from_secs(40), emptied).await;
    assert!(left.is_ok(), "the server's data lies in {}", folder.path().display());
}

fn snapshot(cursor: &str) -> Act<JobUpdate> {
    let job = WorkHistoryJob {
        job_id: "wh_1".into(),
        state: JobState::Running,
        event_sequence: 1,
        ..WorkHistoryJob::default()
    };
    Act::Say(JobUpdate {
        cursor: cursor.into(),
        is_terminal: false,
        change: JobChange::Snapshot {
            job: Box::new(job),
            cause: SnapshotCause::Start,
        },
    })
}

#[tokio::test]
async fn a_watch_says_refuses_and_keeps_silent_as_it_is_told() {
    let fake = Fake::new().watch_work_history(|request: WatchWorkHistoryRequest| match request.cursor.as_str() {
        "" => vec![snapshot("one"), Act::Heartbeat],
        "one" => vec![Act::Refuse(Refusal::new(Code::OutOfRange, "CURSOR_EXPIRED", "too old"))],
        _ => vec![snapshot("silent"), Act::Silence],
    });
    let server = Server::start_fake(fake).await.unwrap();
    let client = server.client().unwrap();
    let mut watch = client.watch_work_history("wh_1", None, None);
    assert_eq!(watch.next().await.unwrap().unwrap().cursor, "one");
    // The stream ended without a terminal update: the client has come back, with its cursor.
    let expired = watch.next().await.unwrap().unwrap_err();
    assert!(matches!(expired, Error::OutOfRange { .. }), "{expired}");
    assert!(watch.next().await.is_none());
    let mut silent = client.watch_work_history("wh_1", Some("two".into()), None);
    assert_eq!(silent.next().await.unwrap().unwrap().cursor, "silent");
}

#[tokio::test]
async fn a_refusal_arrives_with_all_that_it_was_given() {
    let refusal = Refusal::new(Code::ResourceExhausted, "QUOTA_EXCEEDED", "enough for today")
        .with_metadata("provider", "KIBAN")
        .with_retry_delay(Duration::from_secs(90));
    let fake = Fake::new()
        .lookup_nss(move |_| Err(refusal.clone()))
        .health(Health::NotServing);
    let server = Server::start_fake(fake).await.unwrap();
    let client = server.client().unwrap();
    let error = client.lookup_nss(CURP).await.unwrap_err();
    assert_eq!(error.to_string(), "enough for today [QUOTA_EXCEEDED]");
    assert_eq!(error.retry_delay(), Some(Duration::from_secs(90)));
    assert_eq!(error.details().unwrap().metadata()["provider"], "KIBAN");
    assert_eq!(client.health().await.unwrap(), Health::NotServing);
}

#[tokio::test]
async fn the_fake_ends_with_its_value_and_the_error_says_where_it_was() {
    let server = Server::start_fake(Fake::new()).await.unwrap();
    let endpoint = server.endpoint().to_owned();
    let options = Options {
        retry: semanas_client::RetryPolicy::OFF,
        ..Options::default()
    };
    let client = Client::new(&endpoint, options).unwrap();
    client.health().await.unwrap();
    drop(server);
    let gone = loop {
        // The first call may meet the connection while it breaks.
        let gone = client.health().await.unwrap_err();
        assert!(matches!(gone, Error::Unavailable { .. }), "{gone}");
        if gone.to_string().contains("cannot connect") {
            break gone;
        }
    };
    let address = endpoint.strip_prefix("http://").unwrap();
    assert!(gone.to_string().contains(address), "{gone}");
}

#[tokio::test]
async fn tls_to_a_port_without_it_is_said_in_words() {
    let server = Server::start_fake(Fake::new()).await.unwrap();
    let client = Client::new(&server.endpoint().replace("http://", "https://"), Options::default()).unwrap();
    let error = client.health().await.unwrap_err();
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
}

#[test]
fn a_client_without_a_runtime_is_told_what_it_lacks() {
    let error = Client::new("http://127.0.0.1:1", Options::default()).unwrap_err();
    assert!(error.to_string().contains("Tokio runtime"), "{error}");
}
