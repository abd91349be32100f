//! What must hold for whatever a provider sends, be it its answer to a call or to a poll, or a callback.
//!
//! An input is an HTTP answer: a first line `STATUS [test] [RETRY-AFTER]`, then the body as it is. What makes an answer definite
//! is looked for a second time here, crudely, as a word of the provider's contract anywhere in the body. The checks deliberately
//! do not know in which field it must stand.

use std::sync::LazyLock;

use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::{
    Answer, CallRequest, PollRequest, Reply, callback_reference,
    http::{HttpAnswer, HttpClient, retry_after},
    json, kiban, nubarium, tuidentidad,
};
use crate::domain::{
    curp::Curp,
    fuzzing::{assert_silent, identifiers_in},
    outcome::{Outcome, Verdict},
    person::Subject,
    provider_id::ProviderId,
    work_history::{EMPLOYMENTS_MAX, MOVEMENTS_MAX, Provenance, WARNINGS_MAX, WorkHistory},
};

/// Whom every answer is asked about, a made-up person.
const ASKED: &str = "GOAA970724HYNNNL08";
const REFERENCE: &str = "671c2bf3752219d1c21f7383";
const NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);
/// What the operator says is free of charge.
const UNBILLED: u16 = 503;
/// The longest code of a provider that may be kept.
const CODE_CHARS_MAX: usize = 40;
/// The longest reference.
const REFERENCE_CHARS_MAX: usize = 64;

static HTTP: LazyLock<HttpClient> =
    LazyLock::new(|| HttpClient::new(std::time::Duration::from_secs(1)).expect("a client needs nothing but itself"));

/// An answer and what is known of it without its adapter.
struct Input {
    answer: HttpAnswer,
    is_test_case: bool,
    /// All texts and numbers in the body; `None` when it is no JSON.
    leaves: Option<Vec<String>>,
}

pub(crate) fn kiban(bytes: &[u8]) {
    let input = Input::read(bytes);
    let options = kiban::Options {
        base_url: base_url(),
        api_key: SecretString::from("key"),
        version: "2".to_owned(),
        path: "history".to_owned(),
        unbilled_statuses: vec![UNBILLED],
    };
    let adapter = kiban::Kiban::new(options, HTTP.clone()).expect("the options are right");
    let call = adapter.read_call(&input.answer, &input.call());
    check(bytes, &input, &call);
    input.check_call_is_charged_when_in_doubt(&call.outcome);
    if input.is_success() {
        let is_free = matches!(
            call.outcome,
            Outcome::Rejected { .. } | Outcome::Down { .. } | Outcome::NotSent
        );
        assert!(
            !is_free || input.is_test_case,
            "Kiban took the request on, so that nobody says it is free"
        );
    }
    let poll = kiban::read_poll(&input.answer, REFERENCE, &input.poll());
    for reply in poll.iter().chain([&call]) {
        let is_definite = matches!(reply.outcome, Outcome::Answered { .. });
        assert!(
            !is_definite || input.is_success() && input.holds("SUCCESS"),
            "an answer that never says so"
        );
    }
    if let Some(poll) = poll {
        check(bytes, &input, &poll);
        check_poll(&poll.outcome, input.is_test_case);
    }
}

pub(crate) fn tuidentidad(bytes: &[u8]) {
    let input = Input::read(bytes);
    let options = tuidentidad::Options {
        base_url: base_url(),
        api_key: SecretString::from("key"),
        encoding: tuidentidad::Encoding::Urlencoded,
        work_history_path: "/history".to_owned(),
        status_path: "/status".to_owned(),
        unbilled_statuses: vec![UNBILLED],
    };
    let adapter = tuidentidad::TuIdentidad::new(options, HTTP.clone()).expect("the options are right");
    let call = adapter.read_call(&input.answer, &input.call());
    check(bytes, &input, &call);
    let has_word = ["WH001", "WH002", "WH003", "WH005", "WH014", "WH020"]
        .iter()
        .any(|word| input.holds(word));
    if !has_word {
        input.check_call_is_charged_when_in_doubt(&call.outcome);
    }
    let poll = tuidentidad::read_poll(&input.answer, &input.poll());
    for reply in poll.iter().chain([&call]) {
        check_tuidentidad_answer(&input, reply);
    }
    if let Some(poll) = poll {
        check(bytes, &input, &poll);
        check_poll(&poll.outcome, false);
    }
}

pub(crate) fn nubarium(bytes: &[u8]) {
    let input = Input::read(bytes);
    let options = nubarium::Options {
        base_url: base_url(),
        username: "user".to_owned(),
        password: SecretString::from("password"),
        path: "/nss".to_owned(),
        unbilled_statuses: vec![UNBILLED],
    };
    let adapter = nubarium::Nubarium::new(options, HTTP.clone()).expect("the options are right");
    let call = adapter.read_call(&input.answer, &input.call());
    check(bytes, &input, &call);
    let is_internal_error = input.is_success() && input.holds("ERROR");
    if !is_internal_error {
        input.check_call_is_charged_when_in_doubt(&call.outcome);
    }
    if let Outcome::Answered { verdict, .. } = &call.outcome {
        let codes: &[&str] = match verdict {
            Verdict::Found => &["0"],
            Verdict::No(_) => &["1", "2", "3", "4", "5"],
        };
        assert!(
            input.is_success() && codes.iter().any(|code| input.holds(code)),
            "an answer without its code"
        );
    }
}

pub(crate) fn callback(bytes: &[u8]) {
    for provider in ProviderId::ALL {
        if let Some(reference) = callback_reference(provider, bytes) {
            check_reference(&reference);
        }
    }
}

impl Input {
    fn read(bytes: &[u8]) -> Input {
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
        let (head, rest) = bytes.split_at(end);
        let head = String::from_utf8_lossy(head);
        let mut words = head.split_ascii_whitespace();
        let status = words.next().and_then(|word| word.parse().ok());
        let is_test_case = head.contains("test");
        let pause = words.last().and_then(|word| HeaderValue::from_str(word).ok());
        let headers: HeaderMap = pause.into_iter().map(|pause| (header::RETRY_AFTER, pause)).collect();
        let body = rest.strip_prefix(b"\n").unwrap_or(rest).to_vec();
        let leaves = json::read(&body).ok().map(|value| {
            let mut leaves = Vec::new();
            gather(&value, &mut leaves);
            leaves
        });
        let answer = HttpAnswer {
            status: status.filter(|status| (100..=999).contains(status)).unwrap_or(200),
            retry_after: retry_after(&headers, NOW),
            body,
        };
        Input {
            answer,
            is_test_case,
            leaves,
        }
    }

    fn is_success(&self) -> bool {
        (200..300).contains(&self.answer.status)
    }

    /// Whether this word is one of the body's texts or numbers.
    fn holds(&self, word: &str) -> bool {
        let mut leaves = self.leaves.iter().flatten();
        leaves.any(|leaf| leaf.trim().eq_ignore_ascii_case(word))
    }

    fn call(&self) -> CallRequest {
        CallRequest {
            subject: subject(),
            nss: None,
            test_case_id: self.is_test_case.then(|| "case".to_owned()),
            callback: None,
            trace_parent: None,
            now: NOW,
        }
    }

    fn poll(&self) -> PollRequest {
        PollRequest {
            reference: REFERENCE.to_owned(),
            subject: subject(),
            test_case_id: self.is_test_case.then(|| "case".to_owned()),
            trace_parent: None,
            now: NOW,
        }
    }

    /// A status that the contract says nothing about, without a word that it knows, proves nothing about money.
    fn check_call_is_charged_when_in_doubt(&self, outcome: &Outcome) {
        let is_free = matches!(
            outcome,
            Outcome::Rejected { .. } | Outcome::Down { .. } | Outcome::NotSent
        );
        let is_known = matches!(self.answer.status, 400 | 401 | 403 | 429 | UNBILLED) || self.is_test_case;
        assert!(!is_free || is_known, "taken for free: {outcome:?}");
    }
}

/// What holds for every reply of every adapter.
fn check(bytes: &[u8], input: &Input, reply: &Reply) {
    let is_found = matches!(
        reply.outcome,
        Outcome::Answered {
            verdict: Verdict::Found,
            ..
        }
    );
    assert_eq!(reply.answer.is_some(), is_found);
    let is_word = matches!(
        reply.outcome,
        Outcome::Answered { .. } | Outcome::Accepted { .. } | Outcome::Unusable { .. }
    );
    let is_empty_status = input.answer.status == 204;
    assert!(
        !is_word || input.leaves.is_some() || is_empty_status,
        "something was read in what is no JSON"
    );
    let identifiers = identifiers_in(bytes);
    assert_silent(&identifiers, &format!("{:?}", reply.outcome.failure()));
    let code = reply
        .outcome
        .failure()
        .and_then(|failure| failure.provider_code.as_deref());
    assert!(code.is_none_or(|code| code.len() <= CODE_CHARS_MAX));
    if let Some(reference) = reply.outcome.reference() {
        check_reference(reference);
    }
    if let Some(answer) = &reply.answer {
        check_answer(answer);
    }
}

/// A poll never says that nothing was charged: the call was accepted.
fn check_poll(outcome: &Outcome, is_test_case: bool) {
    match outcome {
        Outcome::Answered { .. } | Outcome::Unusable { .. } | Outcome::ReferenceLost { .. } => {}
        Outcome::Down { .. } => assert!(is_test_case, "a poll proves nothing to be free"),
        Outcome::NotSent | Outcome::Rejected { .. } | Outcome::Accepted { .. } | Outcome::Ambiguous => {
            panic!("no outcome of a poll: {outcome:?}")
        }
    }
}

fn check_tuidentidad_answer(input: &Input, reply: &Reply) {
    let Outcome::Answered { verdict, .. } = &reply.outcome else {
        return;
    };
    match verdict {
        Verdict::No(_) => assert!(input.holds("WH007") || input.is_success(), "a no that nobody said"),
        Verdict::Found => {
            let Some(Answer::History(history)) = &reply.answer else {
                panic!("Tu Identidad answers with histories")
            };
            let is_empty = history.employments().is_empty();
            assert!(
                input.is_success() || is_empty && input.holds("WH008"),
                "a history in an error"
            );
        }
    }
}

/// It goes into URLs and unsealed records.
fn check_reference(reference: &str) {
    assert!((1..=REFERENCE_CHARS_MAX).contains(&reference.len()));
    assert!(reference.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    // One of eleven digits may be an NSS, and may be a provider's number: it has to be taken. So has what a CURP cannot be, though
    // it has the letters and digits of one.
    let mut named = identifiers_in(reference.as_bytes()).into_iter();
    assert!(
        named.all(|found| Curp::parse_lenient(&found).is_err()),
        "a reference that names a person"
    );
}

/// A bought answer is bounded, and comes back out of its sealed record as it went in.
fn check_answer(answer: &Answer) {
    let written = serde_json::to_vec(answer).expect("our types have string keys");
    let read: Answer = serde_json::from_slice(&written).expect("what was paid for can be read again");
    assert_eq!(written, serde_json::to_vec(&read).expect("our types have string keys"));
    match answer {
        Answer::History(history) => check_history(history),
        Answer::Nss(answer) => check_provenance(&answer.provenance),
    }
}

fn check_history(history: &WorkHistory) {
    assert!(history.employments().len() <= EMPLOYMENTS_MAX);
    let movements = history
        .employments()
        .iter()
        .map(|employment| employment.movements.len());
    assert!(movements.max().unwrap_or_default() <= MOVEMENTS_MAX);
    check_provenance(history.provenance());
}

fn check_provenance(provenance: &Provenance) {
    // Two more say what was left out.
    assert!(provenance.warnings.len() <= WARNINGS_MAX + 2);
    if let Some(reference) = &provenance.provider_reference {
        check_reference(reference);
    }
}

fn gather(value: &Value, leaves: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.values().for_each(|value| gather(value, leaves)),
        Value::Array(values) => values.iter().for_each(|value| gather(value, leaves)),
        Value::String(text) => leaves.push(text.clone()),
        Value::Number(number) => leaves.push(number.to_string()),
        Value::Null | Value::Bool(_) => {}
    }
}

fn subject() -> Subject {
    Subject {
        curp: Curp::parse_lenient(ASKED).expect("it has the shape of one"),
        name: None,
        nss: None,
    }
}

fn base_url() -> Url {
    Url::parse("http://127.0.0.1:9").expect("it is a URL")
}
