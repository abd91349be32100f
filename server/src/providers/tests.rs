//! What the adapters' tests share, and what holds for all adapters alike: nothing personal in logs, one request per call,
//! and the line between not sent and unknown.

#![allow(clippy::unwrap_used)]

pub mod double;
mod sandbox;

use std::{
    io,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;
use url::Url;

use self::double::{Act, DEADLINE, Double, answer, nobody};
use super::{
    http::{HttpClient, OptionsError},
    *,
};
use crate::domain::{
    curp::Curp,
    person::{NameParts, PersonName},
};

pub const CURP: &str = "GOAA970724HYNNNL08";
pub const NSS: &str = "12345678903";
pub const REFERENCE: &str = "671c2bf3752219d1c21f7383";
pub const SECRET: &str = "key-that-no-log-shows";
pub const CALLBACK_TOKEN: &str = "token-that-no-log-shows";

/// A second person, who must never be taken for the first.
pub const OTHER_CURP: &str = "PEMJ920906HNLRRS00";

/// One client for all tests: reading the system's root certificates takes longer than most of them.
pub fn http() -> HttpClient {
    static CLIENT: LazyLock<HttpClient> = LazyLock::new(|| HttpClient::new(DEADLINE).unwrap());
    CLIENT.clone()
}

pub fn secret() -> SecretString {
    SecretString::from(SECRET)
}

pub fn curp() -> Curp {
    Curp::parse(CURP).unwrap()
}

pub fn now() -> Timestamp {
    "2025-01-02T03:04:05Z".parse().unwrap()
}

pub fn call_request() -> CallRequest {
    CallRequest {
        subject: subject(),
        nss: Some(Nss::parse(NSS).unwrap()),
        test_case_id: None,
        callback: Some(CallbackAddress {
            url: format!("https://gateway.example/callbacks/{CALLBACK_TOKEN}"),
            key: SECRET.to_owned(),
        }),
        trace_parent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        now: now(),
    }
}

pub fn poll_request(reference: &str) -> PollRequest {
    PollRequest {
        reference: reference.to_owned(),
        subject: subject(),
        test_case_id: None,
        trace_parent: None,
        now: now(),
    }
}

fn subject() -> Subject {
    let parts = NameParts {
        given_names: "JOSE ALBERTO",
        paternal_surname: "GONZALEZ",
        maternal_surname: Some("ANGULO"),
    };
    Subject {
        curp: curp(),
        name: Some(PersonName::parse(parts).unwrap()),
        nss: None,
    }
}

pub fn http_answer(status: u16, body: &str) -> HttpAnswer {
    HttpAnswer {
        status,
        retry_after: None,
        body: body.as_bytes().to_vec(),
    }
}

/// An outcome in one line: class, reason, code, reference.
pub fn brief(outcome: &Outcome) -> String {
    let class = match outcome {
        Outcome::NotSent => "not sent",
        Outcome::Rejected { .. } => "rejected",
        Outcome::Down { .. } => "down",
        Outcome::Accepted { .. } => "accepted",
        Outcome::Answered {
            verdict: Verdict::Found,
            ..
        } => "found",
        Outcome::Answered {
            verdict: Verdict::No(_),
            ..
        } => "no",
        Outcome::Unusable { .. } => "unusable",
        Outcome::ReferenceLost { .. } => "reference lost",
        Outcome::Ambiguous => "ambiguous",
    };
    let failure = outcome.failure();
    let reason = failure.map(|failure| {
        serde_json::to_value(failure.reason)
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned()
    });
    let code = failure.and_then(|failure| failure.provider_code.clone());
    let words = [Some(class.to_owned()), reason, code];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// A poll's outcome in one line.
pub fn brief_poll(reply: Option<&Reply>) -> String {
    reply.map_or("later".to_owned(), |reply| brief(&reply.outcome))
}

/// A reply in full, for a snapshot.
pub fn full(reply: &Reply) -> String {
    let answer = reply
        .answer
        .as_ref()
        .map(|answer| serde_json::to_string_pretty(answer).unwrap());
    let reference = reply.outcome.reference().unwrap_or("none");
    let outcome = brief(&reply.outcome);
    format!("{outcome}\nreference: {reference}\n{}", answer.unwrap_or_default())
}

/// The codes of the warnings that came with an answer.
pub fn warnings(reply: &Reply) -> Vec<&str> {
    let provenance = match reply.answer.as_ref().unwrap() {
        Answer::History(history) => history.provenance(),
        Answer::Nss(answer) => &answer.provenance,
    };
    provenance
        .warnings
        .iter()
        .map(|warning| warning.code.as_str())
        .collect()
}

pub fn kiban(base_url: Url) -> kiban::Kiban {
    let options = kiban::Options {
        base_url,
        api_key: secret(),
        version: "2".to_owned(),
        path: "imss/semanas_cotizadas".to_owned(),
        unbilled_statuses: vec![503],
    };
    kiban::Kiban::new(options, http()).unwrap()
}

pub fn tuidentidad(base_url: Url, encoding: tuidentidad::Encoding) -> tuidentidad::TuIdentidad {
    let options = tuidentidad::Options {
        base_url,
        api_key: secret(),
        encoding,
        work_history_path: "/api/WorkHistory/workhistory".to_owned(),
        status_path: "/api/WorkHistory/verificationstatus".to_owned(),
        unbilled_statuses: vec![503],
    };
    tuidentidad::TuIdentidad::new(options, http()).unwrap()
}

pub fn nubarium(base_url: Url) -> nubarium::Nubarium {
    let options = nubarium::Options {
        base_url,
        username: "user".to_owned(),
        password: secret(),
        path: "/imss/obtener_nss".to_owned(),
        unbilled_statuses: vec![503],
    };
    nubarium::Nubarium::new(options, http()).unwrap()
}

fn adapters(url: &Url) -> Vec<Box<dyn Provider>> {
    vec![
        Box::new(kiban(url.clone())),
        Box::new(tuidentidad(url.clone(), tuidentidad::Encoding::Multipart)),
        Box::new(nubarium(url.clone())),
    ]
}

/// What every adapter makes of one act of its provider, on the billed call and on a poll.
#[track_caller]
fn check_all(outcomes: &[(String, String)], call: &str, poll: &str) {
    assert_eq!(outcomes.len(), 3);
    for (index, (called, polled)) in outcomes.iter().enumerate() {
        assert_eq!(called, call, "call {index}");
        // Nubarium has nothing to poll.
        assert_eq!(polled, if index == 2 { "later" } else { poll }, "poll {index}");
    }
}

async fn meet(url: &Url, time_limit: Duration) -> Vec<(String, String)> {
    let mut outcomes = Vec::new();
    for adapter in adapters(url) {
        let called = adapter.call(&call_request(), time_limit).await;
        let polled = adapter.poll(&poll_request(REFERENCE), time_limit).await;
        outcomes.push((brief(&called.outcome), brief_poll(polled.as_ref())));
    }
    outcomes
}

#[tokio::test]
async fn a_refused_connection_is_proved_not_sent() {
    let (url, _kept) = nobody();
    check_all(&meet(&url, DEADLINE).await, "not sent", "later");
}

#[tokio::test]
async fn an_unknown_host_is_proved_not_sent() {
    let url = "http://no-such-host.invalid".parse().unwrap();
    check_all(&meet(&url, DEADLINE).await, "not sent", "later");
}

fn with_tls(url: &Url) -> Url {
    url.as_str().replace("http:", "https:").parse().unwrap()
}

#[tokio::test]
async fn a_failed_tls_handshake_is_proved_not_sent() {
    let double = Double::start(Act::Interrupt(b"this is no TLS".to_vec())).await;
    check_all(&meet(&with_tls(&double.url), DEADLINE).await, "not sent", "later");
}

#[tokio::test]
async fn a_connection_that_does_not_stand_in_time_is_proved_not_sent() {
    let double = Double::start(Act::Interrupt(Vec::new())).await;
    let url = with_tls(&double.url);
    let client = HttpClient::new(Duration::from_millis(300)).unwrap();
    let request = client.post(url).body("x");
    let exchange = Exchange {
        provider: ProviderId::Kiban,
        time_limit: DEADLINE,
        trace_parent: None,
        now: now(),
    };
    assert!(matches!(http::send(request, exchange).await, Exchanged::NotSent));
}

#[tokio::test]
async fn whatever_breaks_after_the_first_byte_is_ambiguous() {
    let truncated = answer(200, &[], b"{\"id\": \"671c").to_vec();
    let mut cut_short = truncated.clone();
    cut_short.truncate(truncated.len() - 3);
    let bodies = [
        Act::Reset,
        Act::Write(Vec::new()),
        Act::Write(b"HTTP/1.1 200 OK\r\ncont".to_vec()),
        Act::Write(b"no http at all\r\n\r\n".to_vec()),
        Act::Write(cut_short),
        Act::Write(truncated),
        Act::Write(answer(200, &[], b"")),
        Act::Write(answer(200, &[], b"<html>busy</html>")),
        Act::Write(answer(200, &[], &vec![b' '; http::BODY_BYTES_MAX + 1])),
        Act::Write(answer(500, &[], b"oops")),
        Act::Write(answer(502, &[], b"<html>bad gateway</html>")),
        Act::Write(answer(408, &[], b"{}")),
        Act::Write(answer(418, &[], b"{}")),
    ];
    for act in bodies {
        let double = Double::start(act).await;
        check_all(&meet(&double.url, DEADLINE).await, "ambiguous", "later");
        assert_eq!(
            double.requests().len(),
            5,
            "each call and each poll sends exactly one request"
        );
    }
}

#[tokio::test]
async fn a_call_that_hangs_is_ambiguous_after_its_time_limit() {
    for begun in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"] {
        let double = Double::start(Act::Hang(begun.to_vec())).await;
        check_all(
            &meet(&double.url, Duration::from_millis(300)).await,
            "ambiguous",
            "later",
        );
    }
}

#[tokio::test]
async fn a_redirect_is_ambiguous_and_never_followed() {
    let elsewhere = Double::answering(200, "{}").await;
    for status in [301, 302, 303, 307, 308] {
        let location = elsewhere.url.as_str();
        let double = Double::start(Act::Write(answer(status, &[("location", location)], b"{}"))).await;
        check_all(&meet(&double.url, DEADLINE).await, "ambiguous", "later");
    }
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn statuses_that_all_providers_share() {
    for (status, call) in [
        (401, "rejected PROVIDER_CREDENTIALS"),
        (403, "rejected PROVIDER_CREDENTIALS"),
        (429, "down QUOTA_EXCEEDED"),
        (503, "down PROVIDER_UNAVAILABLE"),
    ] {
        let double = Double::answering(status, "{}").await;
        check_all(&meet(&double.url, DEADLINE).await, call, "later");
    }
}

#[tokio::test]
async fn the_pause_that_a_provider_asks_for_is_kept_within_a_day() {
    let cases = [
        ("7", Some(7)),
        ("99999999999", Some(86_400)),
        ("Thu, 02 Jan 2025 03:05:05 GMT", Some(60)),
        ("Wed, 01 Jan 2025 00:00:00 GMT", Some(0)),
        ("soon", None),
    ];
    for (text, expected) in cases {
        let double = Double::start(Act::Write(answer(429, &[("retry-after", text)], b""))).await;
        let reply = nubarium(double.url.clone()).call(&call_request(), DEADLINE).await;
        let Outcome::Down { retry_after, .. } = reply.outcome else {
            panic!("429 is down");
        };
        assert_eq!(retry_after, expected.map(Duration::from_secs), "{text}");
    }
}

#[tokio::test]
async fn json_that_is_nothing_we_know_is_a_changed_contract() {
    for body in ["{}", "[]", "7", "\"ok\"", "{\"estatus\": \"OK\"}"] {
        let double = Double::answering(200, body).await;
        for adapter in adapters(&double.url) {
            let reply = adapter.call(&call_request(), DEADLINE).await;
            assert_eq!(brief(&reply.outcome), "unusable PROVIDER_CONTRACT_CHANGED", "{body}");
        }
    }
}

/// Collects what the subscriber writes.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

#[tokio::test]
async fn no_log_and_no_debug_text_holds_anything_personal() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    // While there is one subscriber only, tracing asks the thread that reaches an event first whether it is wanted at all:
    // another test's, which has none. A second subscriber makes it ask every one of them.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut debug = String::new();
    let (refusing, _kept) = nobody();
    let mut urls = vec![refusing];
    let mut doubles = Vec::new();
    for (status, body) in personal_answers() {
        doubles.push(Double::answering(status, &body).await);
    }
    doubles.push(Double::start(Act::Reset).await);
    urls.extend(doubles.iter().map(|double| double.url.clone()));
    for url in &urls {
        for adapter in adapters(url) {
            let called = adapter.call(&call_request(), DEADLINE).await;
            let polled = adapter.poll(&poll_request(REFERENCE), DEADLINE).await;
            debug += &format!("{:?} {:?}", called.outcome, polled.map(|reply| reply.outcome));
        }
        debug += &format!("{:?} {:?}", kiban(url.clone()), nubarium(url.clone()));
        debug += &format!("{:?}", tuidentidad(url.clone(), tuidentidad::Encoding::Urlencoded));
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("a provider answered"), "{log}");
    assert!(log.contains("nothing was sent"), "{log}");
    let names = [
        "JOSE",
        "ALBERTO",
        "GONZALEZ",
        "ANGULO",
        "MAQUILADORA",
        "1234.56",
        "136.39",
    ];
    for personal in [&[CURP, OTHER_CURP, NSS, SECRET, CALLBACK_TOKEN], &names[..]].concat() {
        assert!(!log.contains(personal), "{personal} in {log}");
        assert!(!debug.contains(personal), "{personal} in {debug}");
    }
}

/// Answers of every kind with a person in each, also in places where a code is expected.
fn personal_answers() -> Vec<(u16, String)> {
    let history = include_str!("fixtures/kiban_success_spanish.json");
    let found = include_str!("fixtures/nubarium_found.json");
    let code = json!({"status": CURP, "finishedAt": "2025-01-01", "id": REFERENCE, "code": CURP, "codigoMensaje": NSS});
    let fields = json!({"curp": CURP, "primerNombre": "JOSE; JOSE is no name"});
    let other: Value = serde_json::from_str(&history.replace(CURP, OTHER_CURP)).unwrap();
    vec![
        (200, history.to_owned()),
        (200, found.to_owned()),
        (200, code.to_string()),
        (200, other.to_string()),
        (400, fields.to_string()),
        (401, code.to_string()),
        (404, code.to_string()),
        (500, code.to_string()),
    ]
}

#[test]
fn only_plain_references_go_into_urls_and_records() {
    let resembles_curp = ["6a22abcd123456abcdefa1be", "7XEXX010101HAAXXXA4"];
    for text in [REFERENCE, "763d6019-d40b-490b-8b94-478cc53db3db", "7"]
        .into_iter()
        .chain(resembles_curp)
    {
        assert_eq!(reference(text).as_deref(), Some(text));
    }
    let names_person = [CURP, &format!("a-{}-7", CURP.to_lowercase())];
    for text in ["", "../x", "a b", "a/b", "a?b", "ñ", &"a".repeat(65)]
        .into_iter()
        .chain(names_person)
    {
        assert_eq!(reference(text), None);
    }
}

#[test]
fn settings_that_make_no_request_are_refused_at_the_start() {
    let with = |base_url: &str, path: &str, key: &str, unbilled_statuses: Vec<u16>| {
        let options = nubarium::Options {
            base_url: base_url.parse().unwrap(),
            username: "user".to_owned(),
            password: SecretString::from(key),
            path: path.to_owned(),
            unbilled_statuses,
        };
        nubarium::Nubarium::new(options, http()).err()
    };
    assert_eq!(with("https://a.example/x", "/y", "key", vec![500]), None);
    for url in [
        "ftp://a.example",
        "https://user@a.example",
        "https://a.example?x=1",
        "data:,x",
    ] {
        assert_eq!(with(url, "/y", "key", vec![]), Some(OptionsError::BaseUrl), "{url}");
    }
    assert_eq!(
        with("https://a.example", "/y?z=1", "key", vec![]),
        Some(OptionsError::Path)
    );
    for status in [200, 204, 302, 399, 600] {
        let error = with("https://a.example", "/y", "key", vec![500, status]);
        assert_eq!(error, Some(OptionsError::UnbilledStatus));
    }
}
