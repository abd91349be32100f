//! Kiban: what is sent, and what each document, test case and refusal means.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    domain::person::NameParts,
    providers::{
        Answer,
        tests::{
            CALLBACK_TOKEN, CURP, OTHER_CURP, REFERENCE, SECRET, brief, brief_poll, call_request,
            double::{DEADLINE, Double},
            full, http_answer, kiban, poll_request,
        },
    },
};

const ACK: &str = include_str!("../fixtures/kiban_ack.json");
const SPANISH: &str = include_str!("../fixtures/kiban_success_spanish.json");
const ENGLISH: &str = include_str!("../fixtures/kiban_success_english.json");

fn call(status: u16, body: &str) -> Reply {
    let adapter = kiban("http://kiban.example".parse().unwrap());
    adapter.read_call(&http_answer(status, body), &call_request())
}

fn poll(status: u16, body: &str) -> Option<Reply> {
    read_poll(&http_answer(status, body), REFERENCE, &poll_request(REFERENCE))
}

/// A document with these fields over the acknowledgement's.
fn document(fields: Value) -> String {
    let mut document: Value = serde_json::from_str(ACK).unwrap();
    for (name, value) in fields.as_object().unwrap() {
        document[name] = value.clone();
    }
    document.to_string()
}

fn ended(status: &str, response: Value) -> String {
    document(json!({"status": status, "finishedAt": "2024-10-25T17:40:02.51-06:00", "response": response}))
}

#[track_caller]
fn check_poll(status: u16, body: &str, expected: &str) {
    assert_eq!(brief_poll(poll(status, body).as_ref()), expected);
}

#[track_caller]
fn check_call(status: u16, body: &str, expected: &str) {
    assert_eq!(brief(&call(status, body).outcome), expected);
}

#[tokio::test]
async fn the_call_carries_names_key_callback_and_trace_and_nothing_personal_in_the_url() {
    let double = Double::answering(200, ACK).await;
    let mut request = call_request();
    request.test_case_id = Some("663567bb713cf2110a1106c2&x=1".to_owned());
    let reply = kiban(double.url.clone()).call(&request, DEADLINE).await;
    assert_eq!(reply.outcome.reference(), Some(REFERENCE));
    let requests = double.requests();
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    let line = "POST /api/v2/imss/semanas_cotizadas?testCaseId=663567bb713cf2110a1106c2%26x%3D1 HTTP/1.1";
    assert_eq!(head.lines().next(), Some(line));
    for header in [
        &format!("x-api-key: {SECRET}"),
        &format!("urlcallback: https://gateway.example/callbacks/{CALLBACK_TOKEN}"),
        &format!("xapikeycallback: {SECRET}"),
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "content-type: application/json",
    ] {
        assert!(head.lines().any(|line| line == header), "{header} in {head}");
    }
    let expected = json!({
        "curp": CURP, "primerNombre": "JOSE", "segundoNombre": "ALBERTO",
        "apellidoPaterno": "GONZALEZ", "apellidoMaterno": "ANGULO",
    });
    assert_eq!(serde_json::from_str::<Value>(body).unwrap(), expected);
}

#[test]
fn names_that_a_person_does_not_have_are_left_out() {
    let parts = NameParts {
        given_names: "LUIS",
        paternal_surname: "PEREZ",
        maternal_surname: None,
    };
    let name = PersonName::parse(parts).unwrap();
    let sent = serde_json::to_value(submission(&call_request(), &name)).unwrap();
    assert_eq!(
        sent,
        json!({"curp": CURP, "primerNombre": "LUIS", "apellidoPaterno": "PEREZ"})
    );
}

#[tokio::test]
async fn a_poll_asks_for_the_document_by_its_id() {
    let double = Double::answering(200, ACK).await;
    let adapter = kiban(double.url.clone());
    assert!(adapter.poll(&poll_request(REFERENCE), DEADLINE).await.is_none());
    let line = format!("GET /api/v2/imss/semanas_cotizadas/{REFERENCE} HTTP/1.1");
    assert_eq!(double.requests()[0].lines().next(), Some(line.as_str()));
    let hostile = adapter.poll(&poll_request("../../admin"), DEADLINE).await;
    assert_eq!(brief_poll(hostile.as_ref()), "reference lost OUTCOME_UNKNOWN");
    assert_eq!(double.requests().len(), 1);
}

#[tokio::test]
async fn a_call_without_names_is_not_sent() {
    let double = Double::answering(200, ACK).await;
    let mut request = call_request();
    request.subject.name = None;
    let reply = kiban(double.url.clone()).call(&request, DEADLINE).await;
    assert_eq!(brief(&reply.outcome), "rejected INVALID_REQUEST");
    assert!(double.requests().is_empty());
}

#[test]
fn the_documented_acknowledgement_is_a_reference() {
    for status in [200, 202] {
        assert_eq!(full(&call(status, ACK)), format!("accepted\nreference: {REFERENCE}\n"));
    }
    check_poll(200, ACK, "later");
}

#[test]
fn a_history_with_spanish_names_is_read_in_full() {
    insta::assert_snapshot!(full(&poll(200, SPANISH).unwrap()));
}

#[test]
fn a_history_with_english_names_is_read_in_full() {
    insta::assert_snapshot!(full(&poll(200, ENGLISH).unwrap()));
}

#[test]
fn an_answer_that_comes_with_the_acknowledgement_is_read_at_once() {
    check_call(200, SPANISH, "found");
    check_call(
        200,
        &ended("SUCCESS", json!({"status": "NOT_FOUND"})),
        "no NSS_NOT_FOUND NOT_FOUND",
    );
}

#[test]
fn raw_traffic_is_never_kept() {
    let Some(Answer::History(history)) = poll(200, SPANISH).unwrap().answer else {
        panic!("a history is found");
    };
    let kept = serde_json::to_string(&history).unwrap();
    assert!(!kept.contains("decoy") && !kept.contains("DECOY"));
    let only_raw = ended("SUCCESS", json!({"status": "FOUND"})).replace("\"duration\"", "\"apiData\"");
    check_poll(200, &only_raw, "unusable PROVIDER_CONTRACT_CHANGED FOUND");
}

#[test]
fn the_test_cases() {
    check_call(
        400,
        r#"{"curp":"FORMAT_ERROR; invalid curp format"}"#,
        "rejected INVALID_CURP FORMAT_ERROR",
    );
    check_poll(
        200,
        &ended("SUCCESS", json!({"status": "NOT_FOUND"})),
        "no NSS_NOT_FOUND NOT_FOUND",
    );
    check_poll(200, SPANISH, "found");
}

#[test]
fn an_unavailable_service_is_known_to_be_free_for_a_test_case_only() {
    let body = ended("SERVICE_UNAVAILABLE", Value::Null);
    check_poll(200, &body, "unusable PROVIDER_UNAVAILABLE SERVICE_UNAVAILABLE");
    let request = PollRequest {
        test_case_id: Some("663567bb713cf2110a1106c5".to_owned()),
        ..poll_request(REFERENCE)
    };
    let reply = read_poll(&http_answer(200, &body), REFERENCE, &request);
    assert_eq!(
        brief_poll(reply.as_ref()),
        "down PROVIDER_UNAVAILABLE SERVICE_UNAVAILABLE"
    );
}

#[test]
fn a_refusal_names_the_field_and_keeps_the_word_only() {
    let required = r#"{"curp":"REQUIRED_FIELD_ERROR; EMPTY_ERROR; can't be empty","x":"Y"}"#;
    check_call(400, required, "rejected INVALID_CURP REQUIRED_FIELD_ERROR");
    let test_case = r#"{"testCase":"EMPTY_ERROR; test case not found"}"#;
    check_call(400, test_case, "rejected INVALID_REQUEST EMPTY_ERROR");
    check_call(400, r#"{"primerNombre":"JOSE is no name"}"#, "rejected INVALID_REQUEST");
    check_call(400, r#"{"primerNombre":"Jose"}"#, "rejected INVALID_REQUEST");
    check_call(400, &json!({"curp": CURP}).to_string(), "rejected INVALID_CURP");
    check_call(400, "<html>Bad Request</html>", "ambiguous");
    check_call(400, "{}", "ambiguous");
}

#[test]
fn failures_after_kiban_asked_its_own_provider_are_ambiguous_unless_the_operator_knows_better() {
    for status in [406, 408, 409, 500] {
        check_call(status, "{}", "ambiguous");
    }
    check_call(503, "{}", "down PROVIDER_UNAVAILABLE");
}

#[test]
fn a_document_runs_until_it_says_otherwise() {
    for status in ["PENDING", "IN_PROGRESS", "IMSS_PROCESSING", "pending", "QUEUED", ""] {
        check_poll(200, &document(json!({"status": status})), "later");
        check_call(200, &document(json!({"status": status})), "accepted");
    }
    check_poll(200, &ended("IMSS_PROCESSING", Value::Null), "later");
    for not_set in [json!(null), json!(""), json!("0001-01-01T00:00:00"), json!(0)] {
        check_poll(200, &document(json!({"status": "ODD", "finishedAt": not_set})), "later");
    }
}

#[test]
fn an_unknown_end_is_unusable_and_its_word_is_kept_only_if_it_is_one() {
    check_poll(
        200,
        &ended("PROVIDER_ERROR", Value::Null),
        "unusable PROVIDER_UNAVAILABLE PROVIDER_ERROR",
    );
    check_poll(200, &ended(CURP, Value::Null), "unusable PROVIDER_UNAVAILABLE");
    check_poll(
        200,
        &ended(&"A".repeat(41), Value::Null),
        "unusable PROVIDER_UNAVAILABLE",
    );
}

#[test]
fn an_outer_success_is_decided_inside() {
    let inner = |response| ended("SUCCESS", response);
    check_poll(
        200,
        &inner(json!({"status": "not_found"})),
        "no NSS_NOT_FOUND NOT_FOUND",
    );
    let no_history = json!({"status": "WORK_HISTORY_NOT_FOUND"});
    check_poll(
        200,
        &inner(no_history),
        "no WORK_HISTORY_NOT_FOUND WORK_HISTORY_NOT_FOUND",
    );
    check_poll(200, &inner(json!({"status": "INVALID"})), "no INVALID_CURP INVALID");
    check_poll(200, &inner(json!({"status": "NOT_VALID"})), "no INVALID_CURP NOT_VALID");
    check_poll(
        200,
        &inner(json!({"status": "FOUND"})),
        "unusable PROVIDER_CONTRACT_CHANGED FOUND",
    );
    check_poll(200, &inner(json!({"filas": []})), "unusable PROVIDER_CONTRACT_CHANGED");
    check_poll(200, &inner(Value::Null), "unusable PROVIDER_CONTRACT_CHANGED");
    check_poll(200, &inner(json!({"semanasCotizadas": 12})), "found");
    check_poll(200, &inner(json!({"data": {"workHistory": []}})), "found");
}

#[test]
fn a_document_about_somebody_else_is_no_answer() {
    check_poll(200, &SPANISH.replace(CURP, OTHER_CURP), "later");
    let response = json!({"status": "FOUND", "curp": OTHER_CURP, "employments": []});
    check_poll(200, &ended("SUCCESS", response), "later");
    check_poll(200, &SPANISH.replace(REFERENCE, "671c2bf3752219d1c21f7384"), "later");
    check_call(
        200,
        &ACK.replace(CURP, OTHER_CURP),
        "unusable PROVIDER_CONTRACT_CHANGED",
    );
    check_call(
        200,
        &ACK.replace(REFERENCE, "../7"),
        "unusable PROVIDER_CONTRACT_CHANGED",
    );
}

#[test]
fn a_poll_that_brings_nothing_is_asked_again() {
    for status in [301, 400, 401, 403, 408, 429, 500, 503] {
        check_poll(status, "{}", "later");
    }
    check_poll(200, "{\"id\":", "later");
    check_poll(404, "{}", "reference lost OUTCOME_UNKNOWN");
}

#[test]
fn a_callback_gives_its_reference_under_any_of_its_names() {
    for name in ["id", "_id", "requestId"] {
        let body = json!({name: REFERENCE, "status": "SUCCESS"}).to_string();
        assert_eq!(read_callback(body.as_bytes()).as_deref(), Some(REFERENCE));
    }
    for body in ["", "[]", "{}", r#"{"id": {}}"#, r#"{"id": "../x"}"#, "<html>"] {
        assert_eq!(read_callback(body.as_bytes()), None, "{body}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic_the_readers(body in any::<Vec<u8>>(), status in 100u16..600) {
        let answer = HttpAnswer { status, retry_after: None, body };
        let adapter = kiban("http://kiban.example".parse().unwrap());
        let _ = adapter.read_call(&answer, &call_request());
        let _ = read_poll(&answer, REFERENCE, &poll_request(REFERENCE));
        let _ = read_callback(&answer.body);
    }

    #[test]
    fn no_cut_of_a_document_panics_or_is_taken_for_an_answer(end in 0..SPANISH.len() - 2) {
        let mut end = end;
        while !SPANISH.is_char_boundary(end) {
            end -= 1;
        }
        prop_assert_eq!(brief(&call(200, &SPANISH[..end]).outcome), "ambiguous");
    }
}
