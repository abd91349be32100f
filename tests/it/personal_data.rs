//! No personal data leaves by a side door: after a run with answers, refusals and faults, everything that the server wrote or said
//! beside the answers is searched for every identifier, name and salary that went through it.

use semanas_client::raw::v1::{
    GetWorkHistoryRequest, JobFilter, ListChargesRequest, ListWorkHistoriesRequest, LookupNssRequest, Subject,
    SubmitWorkHistoryRequest, WatchWorkHistoriesRequest,
};
use semanas_client::{FeedChange, JobChange};
use semanas_client::{Provider as Route, WorkHistory};
use semanas_sandbox::{Fault, KibanScenario, KibanShape, Provider, Settings};

use crate::harness::*;

/// What was seen, and where.
#[derive(Default)]
struct Seen(Vec<(String, String)>);

impl Seen {
    fn note(&mut self, place: impl Into<String>, text: impl Into<String>) {
        self.0.push((place.into(), text.into()));
    }

    /// Fails with each place that holds one of the secrets, however the letters are cased.
    #[track_caller]
    fn holds_none_of(&self, secrets: &[String]) {
        let mut leaks = Vec::new();
        for (place, text) in &self.0 {
            let text = text.to_uppercase();
            for secret in secrets {
                if let Some(at) = text.find(&secret.to_uppercase()) {
                    let around: String = text
                        .chars()
                        .skip(text[..at].chars().count().saturating_sub(80))
                        .take(200)
                        .collect();
                    leaks.push(format!("{secret} in {place}: …{around}…"));
                }
            }
        }
        assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    }

    /// Whether the search would have found something: a test of the test.
    fn holds(&self, text: &str) -> bool {
        self.0.iter().any(|(_, seen)| seen.contains(text))
    }
}

/// Everything about this person that may stand in an answer only.
fn secrets_of(person: &Human, history: Option<&WorkHistory>) -> Vec<String> {
    let mut secrets = vec![person.curp.clone()];
    secrets.extend([&person.given_names, &person.paternal_surname, &person.maternal_surname].map(|it| it.to_string()));
    if let Some(history) = history {
        let whom = history.person.as_ref().unwrap();
        secrets.extend([whom.nss.clone(), whom.full_name.clone()]);
        for row in &history.employments {
            secrets.extend([row.employer.clone(), row.registro_patronal.clone()]);
            let salary = row.daily_base_salary.as_ref().unwrap();
            secrets.push(format!("{}.{:02}", salary.units, salary.nanos / 10_000_000));
        }
    }
    secrets.retain(|secret| secret.chars().count() >= 5);
    secrets
}

/// Every key and every value that Redis holds, sealed ones as the bytes that they are.
async fn note_redis(redis: &Redis, seen: &mut Seen) {
    let keys: Vec<String> = redis.ask(&["KEYS", "*"]).await;
    assert!(keys.len() > 10);
    for key in keys {
        let kind: String = redis.ask(&["TYPE", &key]).await;
        let held: redis::Value = match kind.as_str() {
            "string" => redis.ask(&["GET", &key]).await,
            "hash" => redis.ask(&["HGETALL", &key]).await,
            "list" => redis.ask(&["LRANGE", &key, "0", "-1"]).await,
            "set" => redis.ask(&["SMEMBERS", &key]).await,
            "zset" => redis.ask(&["ZRANGE", &key, "0", "-1"]).await,
            "stream" => redis.ask(&["XRANGE", &key, "-", "+"]).await,
            other => panic!("the key {key} has a type that this test cannot read: {other}"),
        };
        let text = text_of(&held);
        assert!(!text.is_empty(), "nothing was read of {key}");
        seen.note(format!("the key {key}"), key.clone());
        seen.note(format!("the value of {key}"), text);
    }
}

fn text_of(held: &redis::Value) -> String {
    match held {
        redis::Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        redis::Value::Array(values) | redis::Value::Set(values) => {
            values.iter().map(text_of).collect::<Vec<_>>().join("\n")
        }
        redis::Value::Map(pairs) => {
            let pairs = pairs.iter().map(|(name, value)| text_of(name) + "\n" + &text_of(value));
            pairs.collect::<Vec<_>>().join("\n")
        }
        other => format!("{other:?}"),
    }
}

/// Follows a job, noting every event as it is shown, without the answer; gives the answer.
async fn run(server: &Server, request: SubmitWorkHistoryRequest, seen: &mut Seen) -> Option<WorkHistory> {
    let mut watch = server.client().submit_and_watch(request).await.unwrap();
    let mut answer = None;
    while let Some(update) = watch.next().await {
        let update = update.unwrap();
        seen.note("a cursor", update.cursor.clone());
        match update.change {
            JobChange::Snapshot { mut job, .. } => {
                answer = job.work_history.take();
                seen.note("a snapshot", format!("{job:?}"));
            }
            JobChange::Event(mut event) => {
                if let Some(job) = &mut event.job {
                    answer = job.work_history.take();
                }
                seen.note("an event", format!("{event:?}"));
            }
            JobChange::Stale { .. } => {}
        }
    }
    answer
}

async fn note_refusals(server: &Server, person: &Human, seen: &mut Seen) {
    let wrong_digit = format!("{}x", person.curp);
    let subjects = [
        Subject {
            curp: wrong_digit,
            ..person.with_names()
        },
        Subject {
            nss: "98765432109".to_owned(),
            ..person.with_names()
        },
        Subject {
            given_names: format!("{}\u{7}", person.given_names),
            ..person.with_names()
        },
    ];
    for subject in subjects {
        let status = server
            .stub()
            .submit_work_history(submit_request(subject))
            .await
            .unwrap_err();
        seen.note(
            "a status",
            format!("{status:?} {}", String::from_utf8_lossy(status.details())),
        );
    }
    let noted = |change: &dyn Fn(&mut SubmitWorkHistoryRequest)| {
        let mut request = submit_request(person.with_names());
        change(&mut request);
        request
    };
    let curp = person.curp.clone();
    let requests = [
        noted(&|request| request.purpose = format!("loan of {curp}")),
        noted(&|request| request.consent_reference = curp.clone()),
        noted(&|request| request.labels = [("person".to_owned(), curp.clone())].into()),
        noted(&|request| request.labels = [(curp.clone(), "x".to_owned())].into()),
        noted(&|request| request.test_case_id = curp.clone()),
    ];
    for request in requests {
        let status = server.stub().submit_work_history(request).await.unwrap_err();
        seen.note(
            "a status",
            format!("{status:?} {}", String::from_utf8_lossy(status.details())),
        );
    }
    let get = GetWorkHistoryRequest {
        job_id: person.curp.clone(),
        limit: None,
    };
    let status = server.stub().get_work_history(get).await.unwrap_err();
    seen.note(
        "a status",
        format!("{status:?} {}", String::from_utf8_lossy(status.details())),
    );
    let request_id = person.curp.clone();
    let by_id = SubmitWorkHistoryRequest {
        request_id,
        ..submit_request(person.with_names())
    };
    // Whether it is taken or refused: the request id of a careless caller is nowhere to be read.
    if let Err(status) = server.stub().submit_work_history(by_id).await {
        seen.note("a status", format!("{status:?}"));
    }
}

/// The lists, the feed and the ledger, which hold no answers.
async fn note_overviews(server: &Server, seen: &mut Seen) {
    // As they come over the wire: the client's own types would hide what should not be there.
    let (mut stub, mut operations) = (server.stub(), server.operations_stub());
    let page = stub.list_work_histories(ListWorkHistoriesRequest::default()).await;
    let page = page.unwrap().into_inner();
    assert!(page.jobs.len() >= 5);
    seen.note("the list", format!("{page:?}"));
    let charges = operations.list_charges(ListChargesRequest::default()).await;
    let charges = charges.unwrap().into_inner();
    seen.note("the ledger", format!("{charges:?}"));
    let request = WatchWorkHistoriesRequest {
        filter: Some(JobFilter::default()),
        ..WatchWorkHistoriesRequest::default()
    };
    let mut feed = server.client().watch_work_histories(request);
    loop {
        let update = within("the feed", PATIENCE, feed.next()).await.unwrap().unwrap();
        match update.change {
            FeedChange::Job(job) => {
                assert!(job.work_history.is_none(), "the feed holds an answer");
                seen.note("the feed", format!("{job:?}"));
            }
            FeedChange::Synced => return,
            FeedChange::Reset { .. } | FeedChange::Stale { .. } => {}
        }
    }
}

/// One run with everything in it.
async fn check(format: &str) {
    let (redis, sandbox) = (Redis::start().await, sandbox().await);
    let server = ServerOptions::new(&Store::redis(&redis), &sandbox)
        .with_callbacks()
        .set("LOG__FORMAT", format)
        .set("LOG__FILTER", "debug")
        .set("PROVIDERS__KIBAN__CALL_TIMEOUT", "3s")
        .start()
        .await;
    let (mut seen, mut secrets) = (Seen::default(), Vec::new());

    let person = listed_person("MUBA850314MJCXRN03");
    let routes = [Route::Kiban, Route::TuIdentidad];
    for provider in routes {
        let request = SubmitWorkHistoryRequest {
            provider: provider.into(),
            purpose: "a loan".to_owned(),
            ..submit_request(person.with_names())
        };
        let history = run(&server, request, &mut seen).await.unwrap();
        secrets.extend(secrets_of(&person, Some(&history)));
    }
    let lookup = LookupNssRequest {
        curp: person.curp.clone(),
        ..LookupNssRequest::default()
    };
    let found = server.client().lookup_nss(lookup).await.unwrap();
    secrets.extend([found.nss, found.full_name]);
    note_refusals(&server, &person, &mut seen).await;

    let troubles = [
        Fault::BrokenJson { billed: true },
        Fault::TruncatedBody { billed: true },
        Fault::Html {
            status: 200,
            billed: true,
        },
        Fault::ServerError {
            status: 500,
            billed: true,
        },
        Fault::Close { billed: true },
        Fault::Hang { billed: true },
    ];
    for fault in troubles {
        let person = fresh_person();
        let settings = Settings::default().fault(rule(fault));
        sandbox.set_person(&person.curp, Some(settings)).unwrap();
        run(&server, submit_request(person.with_names()), &mut seen).await;
        run(&server, submit_request(person.by_curp()), &mut seen).await;
        secrets.extend(secrets_of(&person, None));
    }
    let person = fresh_person();
    let kiban = KibanScenario {
        shape: Some(KibanShape::Unknown),
        ..KibanScenario::default()
    };
    sandbox
        .set_person(
            &person.curp,
            Some(Settings {
                kiban,
                ..Settings::default()
            }),
        )
        .unwrap();
    run(&server, submit_request(person.with_names()), &mut seen).await;
    secrets.extend(secrets_of(&person, None));
    for curp in [
        "QUHE700101HVZNRD05",
        "BOXW310820HNERXN09",
        "CAVM911111MGTSLR00",
        "GARL030517MMCRMZA4",
    ] {
        let person = listed_person(curp);
        run(&server, submit_request(person.by_curp()), &mut seen).await;
        secrets.extend(secrets_of(&person, None));
    }
    secrets.push("98765432109".to_owned());

    note_overviews(&server, &mut seen).await;
    note_redis(&redis, &mut seen).await;
    seen.note("/metrics", server.page("/metrics").await.1);
    seen.note("the log", server.log());

    assert!(seen.holds("a provider answered") && seen.holds("semanas_build_info") && seen.holds("a loan"));
    assert!(sandbox.books().count(Provider::Kiban, "MUBA850314MJCXRN03") == 1);
    secrets.sort_unstable();
    secrets.dedup();
    assert!(
        secrets.len() > 30,
        "{} secrets are too few to mean anything",
        secrets.len()
    );
    seen.holds_none_of(&secrets);
    // What opens the providers and the data set is nobody's either.
    let credentials = sandbox.credentials();
    seen.holds_none_of(&[
        credentials.kiban_api_key.clone(),
        credentials.tuidentidad_api_key.clone(),
        credentials.nubarium_password.clone(),
        SECRET.to_owned(),
    ]);
}

#[tokio::test]
async fn no_personal_data_stands_in_json_logs_redis_events_errors_or_metrics() {
    check("json").await;
}

#[tokio::test]
async fn no_personal_data_stands_in_logs_for_people_either() {
    check("human").await;
}

#[tokio::test]
async fn the_files_of_the_embedded_store_hold_no_personal_data_in_the_clear() {
    let sandbox = sandbox().await;
    let store = Store::sqlite();
    let mut server = Server::start(&store, &sandbox).await;
    let person = listed_person("MUBA850314MJCXRN03");
    let mut seen = Seen::default();
    let history = run(&server, submit_request(person.with_names()), &mut seen)
        .await
        .unwrap();
    server.signal("TERM");
    server.end().await;
    let Store::Sqlite(folder) = &store else { unreachable!() };
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            // The journal, which holds nothing while the store takes everything; what it would hold is sealed.
            assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        seen.note(path.display().to_string(), String::from_utf8_lossy(&bytes));
    }
    assert!(seen.holds("SQLite format 3"));
    seen.holds_none_of(&secrets_of(&person, Some(&history)));
}
