//! Callbacks that come early, twice, late, or from somebody else. The provider's own calls are caught by the test, which then plays
//! them as it likes.

use std::sync::{Arc, Mutex};

use semanas_client::{JobStage, JobState};
use semanas_sandbox::{CallbackMode, Fault, KibanScenario, Provider, Settings};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A callback as the provider sent it.
#[derive(Clone, Debug)]
struct Caught {
    path: String,
    key: String,
    body: String,
}

/// Listens where a server says that it does, and passes nothing on.
struct Catcher {
    url: String,
    caught: Arc<Mutex<Vec<Caught>>>,
}

impl Catcher {
    async fn start() -> Catcher {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let caught = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&caught);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let callback = Caught::read(stream).await;
                all.lock().unwrap().push(callback);
            }
        });
        Catcher { url, caught }
    }

    /// The callback about this job.
    async fn of(&self, job_id: &str) -> Caught {
        eventually("the callback", || async {
            let caught = self.caught.lock().unwrap();
            caught.iter().find(|it| it.path.contains(job_id)).cloned()
        })
        .await
    }
}

impl Caught {
    async fn read(stream: TcpStream) -> Caught {
        let mut stream = BufReader::new(stream);
        let (mut lines, mut body) = (Vec::new(), Vec::new());
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            if line.trim().is_empty() {
                break;
            }
            lines.push(line.trim().to_owned());
        }
        let header = |name: &str| {
            let mut headers = lines.iter().filter_map(|line| line.split_once(": "));
            let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_owned()).unwrap_or_default()
        };
        body.resize(header("content-length").parse().unwrap(), 0);
        stream.read_exact(&mut body).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        Caught {
            path: lines[0].split(' ').nth(1).unwrap().to_owned(),
            key: header("x-api-key"),
            body: String::from_utf8(body).unwrap(),
        }
    }

    /// Sends it to a server, and gives the status and what `Retry-After` says.
    async fn play(&self, server: &Server) -> (u16, Option<String>) {
        let post = reqwest::Client::new().post(format!("{}{}", server.http(), self.path));
        let answer = post
            .header("x-api-key", &self.key)
            .body(self.body.clone())
            .send()
            .await
            .unwrap();
        let retry_after = answer
            .headers()
            .get("retry-after")
            .map(|it| it.to_str().unwrap().to_owned());
        (answer.status().as_u16(), retry_after)
    }
}

/// Polls so rarely that only a callback brings the answer.
fn hears_only(options: ServerOptions, catcher: &Catcher) -> ServerOptions {
    options
        .set("HTTP__PUBLIC_URL", &catcher.url)
        .set("PROVIDERS__KIBAN__POLL_FIRST", "10m")
        .set("PROVIDERS__KIBAN__POLL_MAX", "10m")
}

/// A job that waits for a callback which the test has in hand.
struct Waiting {
    redis: Redis,
    sandbox: Sandbox,
    servers: [Server; 2],
    person: Human,
    job_id: String,
    callback: Caught,
    catcher: Catcher,
}

impl Waiting {
    async fn start() -> Waiting {
        let (redis, sandbox, catcher) = (Redis::start().await, sandbox().await, Catcher::start().await);
        let store = Store::redis(&redis);
        let start = || hears_only(ServerOptions::new(&store, &sandbox), &catcher).start();
        let servers = [start().await, start().await];
        let person = fresh_person();
        let submitted = servers[0]
            .client()
            .submit_work_history(by_kiban(&person))
            .await
            .unwrap();
        let job_id = submitted.job.job_id;
        reaches(&servers[0].client(), &job_id, JobStage::WaitingForProvider).await;
        let callback = catcher.of(&job_id).await;
        Waiting {
            redis,
            sandbox,
            servers,
            person,
            job_id,
            callback,
            catcher,
        }
    }

    async fn ends(&self, seen: JoinHandle<WorkHistoryJob>) -> WorkHistoryJob {
        let job = within("the job", PATIENCE, seen).await.unwrap();
        assert_eq!(job.state, JobState::Succeeded, "{:?}", job.failure);
        assert_eq!(booked(&self.sandbox, Provider::Kiban, &self.person.curp), 1);
        job
    }
}

/// I5: the callback reaches one replica while the other still holds the reply to the call. The callback is believed, the reply
/// comes too late to change anything.
#[tokio::test]
async fn fault_32_a_callback_comes_before_the_reply_is_on_record() {
    let (redis, sandbox, catcher, points) = (
        Redis::start().await,
        sandbox().await,
        Catcher::start().await,
        Failpoints::new(),
    );
    let store = Store::redis(&redis);
    let options = || hears_only(ServerOptions::new(&store, &sandbox), &catcher);
    let (a, b) = (options().held_by(&points).start().await, options().start().await);
    let person = fresh_person();
    points.arm("answer_received");
    a.client().submit_work_history(by_kiban(&person)).await.unwrap();
    let job_id = points.reached("answer_received").await;
    let seen = witness(&b.client(), &job_id);
    assert_eq!(catcher.of(&job_id).await.play(&b).await.0, 200);
    let ended = within("the job", PATIENCE, seen).await.unwrap();
    assert_eq!(ended.state, JobState::Succeeded, "{:?}", ended.failure);
    points.arm("fact_committed");
    points.release("answer_received");
    points.reached("fact_committed").await;
    let later = b.client().get_work_history(job_id.as_str(), None).await.unwrap();
    assert_eq!((later.state, later.event_sequence), (ended.state, ended.event_sequence));
    assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 1);
    assert_eq!(ledger(&b.client(), &job_id).await.len(), 1);
}

/// I5: twice at once, and again after the end: it counts once.
#[tokio::test]
async fn fault_33_a_callback_comes_twice_and_after_the_end() {
    let waiting = Waiting::start().await;
    let [a, b] = &waiting.servers;
    let seen = witness(&b.client(), &waiting.job_id);
    let (one, two) = tokio::join!(waiting.callback.play(a), waiting.callback.play(b));
    assert_eq!((one.0, two.0), (200, 200));
    let ended = waiting.ends(seen).await;
    assert_eq!(waiting.callback.play(a).await.0, 200);
    let later = a
        .client()
        .get_work_history(waiting.job_id.as_str(), None)
        .await
        .unwrap();
    assert_eq!((later.state, later.event_sequence), (ended.state, ended.event_sequence));
}

/// I5, I12: whoever lacks the token or the key, or turns a genuine callback to another job, is answered 401 without a word, and
/// nothing happens.
#[tokio::test]
async fn fault_33_a_forged_callback_and_one_for_another_job() {
    let waiting = Waiting::start().await;
    let [a, b] = &waiting.servers;
    let other_person = fresh_person();
    let other = a
        .client()
        .submit_work_history(by_kiban(&other_person))
        .await
        .unwrap()
        .job
        .job_id;
    reaches(&a.client(), &other, JobStage::WaitingForProvider).await;
    let of_other = waiting.catcher.of(&other).await;
    let genuine = &waiting.callback;
    let with_path = |path: String| Caught {
        path,
        ..genuine.clone()
    };
    let token = genuine.path.rsplit('/').next().unwrap();
    let no_key = Caught {
        key: String::new(),
        ..genuine.clone()
    };
    let forged = [
        with_path(genuine.path.replace(token, &"A".repeat(token.len()))),
        with_path(genuine.path.replace(&waiting.job_id, &other)),
        with_path(genuine.path.replace("/kiban/", "/tuidentidad/")),
        with_path(of_other.path.clone()),
        Caught {
            key: of_other.key.clone(),
            ..genuine.clone()
        },
        no_key,
    ];
    for callback in forged {
        for server in [a, b] {
            assert_eq!(callback.play(server).await.0, 401, "{}", callback.path);
        }
    }
    for job_id in [&waiting.job_id, &other] {
        let job = b.client().get_work_history(job_id.as_str(), None).await.unwrap();
        assert_eq!(job.stage, JobStage::WaitingForProvider);
    }
    let seen = witness(&b.client(), &waiting.job_id);
    assert_eq!(genuine.play(b).await.0, 200);
    waiting.ends(seen).await;
}

/// I7: without its store a server asks the provider to come again, and takes what comes then.
#[tokio::test]
async fn fault_34_a_callback_comes_while_redis_is_down() {
    let mut waiting = Waiting::start().await;
    waiting.redis.kill();
    let (status, retry_after) = waiting.callback.play(&waiting.servers[1]).await;
    assert_eq!(status, 503);
    assert!(retry_after.unwrap().parse::<u32>().unwrap() >= 1);
    waiting.redis.start_again().await;
    let server = &waiting.servers[1];
    server
        .becomes(tonic_health::pb::health_check_response::ServingStatus::Serving)
        .await;
    let seen = witness(&server.client(), &waiting.job_id);
    assert_eq!(waiting.callback.play(server).await.0, 200);
    waiting.ends(seen).await;
}

/// I5: the poll of one replica has found the answer and is about to end the job when the callback makes the other one find it too.
/// Both end it at the same instant; it ends once.
#[tokio::test]
async fn fault_35_a_poll_and_a_callback_finish_at_the_same_instant() {
    let (redis, sandbox, catcher) = (Redis::start().await, sandbox().await, Catcher::start().await);
    let store = Store::redis(&redis);
    let points = [Failpoints::new(), Failpoints::new()];
    let options = || ServerOptions::new(&store, &sandbox).set("HTTP__PUBLIC_URL", &catcher.url);
    // With its one worker held, the first replica takes nothing else.
    let a = options()
        .set("ENGINE__WORKERS_MAX", "1")
        .held_by(&points[0])
        .start()
        .await;
    let b = options().held_by(&points[1]).start().await;
    let person = fresh_person();
    points.iter().for_each(|points| points.arm("finishing"));
    a.client().submit_work_history(by_kiban(&person)).await.unwrap();
    let job_id = points[0].reached("finishing").await;
    let seen = witness(&b.client(), &job_id);
    // The job is due at once though `a` has its lease: a callback is a fact.
    assert_eq!(catcher.of(&job_id).await.play(&b).await.0, 200);
    assert_eq!(points[1].reached("finishing").await, job_id);
    points.iter().for_each(|points| points.release("finishing"));
    let ended = within("the job", PATIENCE, seen).await.unwrap();
    assert_eq!(ended.state, JobState::Succeeded, "{:?}", ended.failure);
    let record: Vec<String> = redis.ask(&["KEYS", &format!("*job:{job_id}")]).await;
    let record: String = redis.ask(&["HGET", &record[0], "record"]).await;
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    let events = record["job"]["events"].as_array().unwrap();
    // Only an event that does not follow the one before tells its number.
    assert!(events.iter().all(|event| event.get("sequence").is_none()), "{record}");
    assert!(record["job"].get("sequence").is_none(), "{record}");
    assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 1);
    check_whole(&store, &sandbox).await;
}

/// A job at Kiban whose callbacks behave like this, on a server that hears them itself. Where the callback brings nothing it polls
/// as usual.
async fn check_callback(mode: CallbackMode, is_heard: bool) {
    let sandbox = sandbox().await;
    let mut options = ServerOptions::new(&Store::sqlite(), &sandbox).with_callbacks();
    if is_heard {
        options = options
            .set("PROVIDERS__KIBAN__POLL_FIRST", "10m")
            .set("PROVIDERS__KIBAN__POLL_MAX", "10m");
    }
    let server = options.start().await;
    let person = fresh_person();
    let kiban = KibanScenario {
        callback: Some(mode),
        callback_late_ms: Some(300),
        ..KibanScenario::default()
    };
    let settings = Settings {
        kiban,
        ..Settings::default()
    };
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
    let job = to_the_end(&server.client(), by_kiban(&person)).await;
    assert_eq!(job.state, JobState::Succeeded, "{mode:?}: {:?}", job.failure);
    assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 1, "{mode:?}");
    let later = server
        .client()
        .get_work_history(job.job_id.as_str(), None)
        .await
        .unwrap();
    assert_eq!(
        later.event_sequence, job.event_sequence,
        "{mode:?}: nothing happens after the end"
    );
}

/// I1, I5: as the provider itself misbehaves.
#[tokio::test]
async fn fault_33_the_provider_calls_back_late_twice_out_of_order_with_a_wrong_key_or_never() {
    use CallbackMode::{BeforeAck, Duplicate, Late, Lost, Normal, Reordered, WrongKey};
    let heard = [Normal, Late, Duplicate, Reordered, BeforeAck].map(|mode| check_callback(mode, true));
    let unheard = [Lost, WrongKey].map(|mode| check_callback(mode, false));
    tokio::join!(futures::future::join_all(heard), futures::future::join_all(unheard));
}

/// I1, I5: the reply to the call was lost, and the callback says where the answer is.
#[tokio::test]
async fn fault_32_a_callback_finds_the_answer_of_a_call_whose_reply_was_lost() {
    let sandbox = sandbox().await;
    let options = ServerOptions::new(&Store::sqlite(), &sandbox).with_callbacks();
    let server = options.set("ENGINE__AMBIGUOUS_GRACE", "30s").start().await;
    let person = fresh_person();
    let kiban = KibanScenario {
        callback: Some(CallbackMode::Normal),
        ..KibanScenario::default()
    };
    let settings = Settings {
        kiban,
        ..Settings::default()
    };
    let settings = settings.fault(rule(Fault::Close { billed: true }).at(Provider::Kiban));
    sandbox.set_person(&person.curp, Some(settings)).unwrap();
    let job = to_the_end(&server.client(), by_kiban(&person)).await;
    assert_eq!(job.state, JobState::Succeeded, "{:?}", job.failure);
    assert_eq!(booked(&sandbox, Provider::Kiban, &person.curp), 1);
}
