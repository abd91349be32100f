//! Tu Identidad: what is sent, and what each documented sample, each WH code and each drift means.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::providers::{
    Answer,
    tests::{
        CURP, NSS, OTHER_CURP, SECRET, brief, brief_poll, call_request,
        double::{DEADLINE, Double},
        full, http_answer, poll_request, tuidentidad, warnings,
    },
};

const SUCCESS: &str = include_str!("../fixtures/tuidentidad_status_success.json");
const WITH_TRAILING_COMMA: &str = include_str!("../fixtures/tuidentidad_success_with_trailing_comma.json");
const NOT_FOUND: &str = include_str!("../fixtures/tuidentidad_not_found.json");
const NOT_FOUND_SCHEMA: &str = include_str!("../fixtures/tuidentidad_not_found_schema.json");
const ACCEPTED: &str = include_str!("../fixtures/tuidentidad_accepted.json");
const ACCEPTED_SCHEMA: &str = include_str!("../fixtures/tuidentidad_accepted_schema.json");
const ERROR: &str = include_str!("../fixtures/tuidentidad_error.json");
const ERROR_SCHEMA: &str = include_str!("../fixtures/tuidentidad_error_schema.json");
const TICKET: &str = "763d6019-d40b-490b-8b94-478cc53db3db";

fn call(status: u16, body: &str) -> Reply {
    let adapter = tuidentidad("http://tuidentidad.example".parse().unwrap(), Encoding::Multipart);
    adapter.read_call(&http_answer(status, body), &call_request())
}

fn poll(status: u16, body: &str) -> Option<Reply> {
    read_poll(&http_answer(status, body), &poll_request(TICKET))
}

/// The line for the call and the line for the poll.
#[track_caller]
fn check(status: u16, body: &str, called: &str, polled: &str) {
    assert_eq!(brief(&call(status, body).outcome), called, "call: {status} {body}");
    assert_eq!(brief_poll(poll(status, body).as_ref()), polled, "poll: {status} {body}");
}

/// A code in all the ways in which it may come.
#[track_caller]
fn check_code(code: &str, called: &str, polled: &str) {
    let flat = json!({"code": code, "message": "text", "fullMessage": "text"});
    for status in [200, 400, 401, 500] {
        check(status, &flat.to_string(), called, polled);
    }
    check(200, &warned(false, Value::Null, code), called, polled);
}

fn warned(valid: bool, generaldata: Value, code: &str) -> String {
    let data = json!({"success": true, "verificationId": TICKET, "generaldata": generaldata});
    let warnings = json!([{"code": code, "message": "text", "fullMessage": "text"}]);
    json!({"valid": valid, "data": data, "warnings": warnings}).to_string()
}

#[tokio::test]
async fn the_call_carries_curp_nss_and_no_limit_as_multipart() {
    let double = Double::answering(200, SUCCESS).await;
    let adapter = tuidentidad(double.url.clone(), Encoding::Multipart);
    adapter.call(&call_request(), DEADLINE).await;
    let requests = double.requests();
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    assert_eq!(head.lines().next(), Some("POST /api/WorkHistory/workhistory HTTP/1.1"));
    assert!(head.contains(&format!("\r\napikey: {SECRET}")), "{head}");
    assert!(
        head.contains("\r\ncontent-type: multipart/form-data; boundary="),
        "{head}"
    );
    for (name, value) in [("CURP", CURP), ("NSS", NSS), ("Limit", "0")] {
        let part = format!("form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        assert!(body.contains(&part), "{part} in {body}");
    }
}

#[tokio::test]
async fn the_call_and_the_poll_can_be_urlencoded() {
    let double = Double::answering(202, ACCEPTED).await;
    let adapter = tuidentidad(double.url.clone(), Encoding::Urlencoded);
    let called = adapter.call(&call_request(), DEADLINE).await;
    assert_eq!(called.outcome.reference(), Some(TICKET));
    assert!(adapter.poll(&poll_request(TICKET), DEADLINE).await.is_none());
    let requests = double.requests();
    assert!(requests[0].ends_with(&format!("\r\n\r\nCURP={CURP}&NSS={NSS}&Limit=0")));
    assert!(requests[1].starts_with("POST /api/WorkHistory/verificationstatus HTTP/1.1\r\n"));
    assert!(requests[1].ends_with(&format!("\r\n\r\nverificationId={TICKET}")));
}

#[tokio::test]
async fn a_call_without_an_nss_is_not_sent() {
    let double = Double::answering(200, SUCCESS).await;
    let mut request = call_request();
    request.nss = None;
    let adapter = tuidentidad(double.url.clone(), Encoding::Multipart);
    assert_eq!(
        brief(&adapter.call(&request, DEADLINE).await.outcome),
        "rejected INVALID_REQUEST"
    );
    assert!(double.requests().is_empty());
}

#[test]
fn the_documented_success_is_read_in_full_with_and_without_its_trailing_comma() {
    insta::assert_snapshot!(full(&call(200, SUCCESS)));
    let with_trailing_comma = call(200, WITH_TRAILING_COMMA);
    assert!(serde_json::from_str::<Value>(WITH_TRAILING_COMMA).is_err());
    assert_eq!(full(&with_trailing_comma), full(&poll(200, SUCCESS).unwrap()));
}

#[test]
fn the_other_documented_samples() {
    check(
        200,
        NOT_FOUND,
        "no WORK_HISTORY_NOT_FOUND WH007",
        "no WORK_HISTORY_NOT_FOUND WH007",
    );
    check(
        200,
        NOT_FOUND_SCHEMA,
        "no WORK_HISTORY_NOT_FOUND",
        "no WORK_HISTORY_NOT_FOUND",
    );
    check(202, ACCEPTED, "accepted", "later");
    check(202, ACCEPTED_SCHEMA, "accepted", "later");
    for status in [400, 401, 500] {
        let contract_changed = "unusable PROVIDER_CONTRACT_CHANGED WH006";
        check(status, ERROR, contract_changed, "reference lost OUTCOME_UNKNOWN WH006");
    }
    check(500, ERROR_SCHEMA, "ambiguous", "later");
    check(400, ERROR_SCHEMA, "ambiguous", "later");
    check(401, ERROR_SCHEMA, "rejected PROVIDER_CREDENTIALS", "later");
    check(503, ERROR_SCHEMA, "down PROVIDER_UNAVAILABLE", "later");
}

#[test]
fn each_code_means_the_same_whatever_the_status() {
    check_code("WH001", "down PROVIDER_UNAVAILABLE WH001", "later");
    for code in ["WH002", "WH003", "WH005"] {
        let polled = format!("unusable PROVIDER_UNAVAILABLE {code}");
        check_code(code, &format!("down PROVIDER_UNAVAILABLE {code}"), &polled);
    }
    let lost = "reference lost OUTCOME_UNKNOWN WH006";
    check_code("WH006", "unusable PROVIDER_CONTRACT_CHANGED WH006", lost);
    let no = "no WORK_HISTORY_NOT_FOUND WH007";
    check_code("WH007", no, no);
    check_code("WH008", "found", "found");
    for code in ["WH014", "WH020"] {
        let polled = format!("unusable PROVIDER_CONTRACT_CHANGED {code}");
        check_code(code, &format!("rejected INVALID_REQUEST {code}"), &polled);
    }
    let undocumented = [
        "WH009", "WH010", "WH011", "WH012", "WH013", "WH015", "WH016", "WH017", "WH018", "WH019", "WH021",
    ];
    for code in undocumented {
        let flat = json!({"code": code, "message": "text"}).to_string();
        let unusable = format!("unusable PROVIDER_UNAVAILABLE {code}");
        for status in [200, 400, 500] {
            check(status, &flat, &unusable, &unusable);
        }
        check(200, &warned(false, Value::Null, code), &unusable, &unusable);
    }
}

#[test]
fn a_code_without_a_meaning_leaves_the_word_to_a_status_that_is_about_us() {
    let flat = json!({"code": "WH010", "message": "text"}).to_string();
    check(401, &flat, "rejected PROVIDER_CREDENTIALS WH010", "later");
    check(403, &flat, "rejected PROVIDER_CREDENTIALS WH010", "later");
    check(429, &flat, "down QUOTA_EXCEEDED WH010", "later");
}

#[test]
fn a_ticket_is_a_ticket_in_every_status() {
    for status in [200, 202, 203, 400, 500] {
        check(status, ACCEPTED, "accepted", "later");
    }
    check(202, &json!({"verificationId": TICKET}).to_string(), "accepted", "later");
    let without = json!({"code": "WH004", "message": "text"}).to_string();
    check(202, &without, "unusable PROVIDER_CONTRACT_CHANGED", "later");
}

#[test]
fn what_the_operator_knows_goes_before_what_nobody_knows_and_after_what_is_documented() {
    let flat = |code: &str| json!({"code": code}).to_string();
    assert_eq!(
        brief(&call(503, &flat("WH009")).outcome),
        "down PROVIDER_UNAVAILABLE WH009"
    );
    assert_eq!(
        brief(&call(503, &flat("WH007")).outcome),
        "no WORK_HISTORY_NOT_FOUND WH007"
    );
}

#[test]
fn nothing_listed_is_an_empty_history_with_a_warning() {
    for (status, body) in [
        (200, warned(false, Value::Null, "WH008")),
        (200, warned(true, Value::Null, "WH008")),
        (
            500,
            json!({"code": "WH008", "message": "There are no listed weeks"}).to_string(),
        ),
    ] {
        let reply = call(status, &body);
        assert_eq!(warnings(&reply), ["WH008"]);
        let Some(Answer::History(history)) = reply.answer else {
            panic!("a history is found");
        };
        assert_eq!((history.employments().len(), history.weeks()), (0, Default::default()));
    }
}

#[test]
fn a_partial_success_is_used_if_it_can_be() {
    let partial = warned(
        true,
        json!({"workHistory": [], "quotationweeks": {"quotedWeeks": 5}}),
        "WH002",
    );
    check(203, &partial, "found", "found");
    assert_eq!(warnings(&call(203, &partial)), ["PARTIAL", "WH002"]);
    let unusable = warned(true, Value::Null, "WH002");
    check(
        203,
        &unusable,
        "down PROVIDER_UNAVAILABLE WH002",
        "unusable PROVIDER_UNAVAILABLE WH002",
    );
    let changed = "unusable PROVIDER_CONTRACT_CHANGED";
    check(203, "{}", changed, changed);
    check(204, "", changed, "later");
}

#[test]
fn drifting_shapes_are_read_alike() {
    let weeks = json!({"quotedWeeks": "12", "discountedWeeks": 2, "reintegratedWeeks": 0});
    for (valid, data, weeks) in [
        ("valid", "data", weeks.clone()),
        ("Valid", "Data", json!([weeks.clone()])),
        ("VALID", "data", weeks),
    ] {
        let general =
            json!({"workHistory": [], "quotationweeks": weeks, "dateInsurance": true, "numberQuotationWeeks": 10});
        let body = json!({valid: true, data: {"success": true, "GeneralData": general}, "warnings": []});
        check(200, &body.to_string(), "found", "found");
        assert!(full(&call(200, &body.to_string())).contains("\"quoted\": 12"));
    }
}

#[test]
fn contradictions_are_no_answer() {
    let changed = "unusable PROVIDER_CONTRACT_CHANGED";
    check(
        200,
        &json!({"valid": true, "data": {"generaldata": null}}).to_string(),
        changed,
        changed,
    );
    check(200, &json!({"valid": false}).to_string(), changed, changed);
    let failed = json!({"valid": false, "data": {"success": false}}).to_string();
    check(200, &failed, changed, changed);
}

#[test]
fn a_history_of_somebody_else_is_no_answer() {
    let general = json!({"workHistory": [], "curp": OTHER_CURP});
    let body = warned(true, general, "WH002");
    check(200, &body, "unusable PROVIDER_CONTRACT_CHANGED", "later");
}

#[test]
fn a_poll_that_brings_nothing_is_asked_again() {
    for status in [301, 401, 403, 404, 429, 500, 503] {
        assert_eq!(brief_poll(poll(status, "{}").as_ref()), "later");
    }
    assert_eq!(brief_poll(poll(200, &SUCCESS[..SUCCESS.len() / 2]).as_ref()), "later");
}

proptest! {
    #[test]
    fn no_bytes_panic_the_readers(body in any::<Vec<u8>>(), status in 100u16..600) {
        let answer = HttpAnswer { status, retry_after: None, body };
        let adapter = tuidentidad("http://tuidentidad.example".parse().unwrap(), Encoding::Multipart);
        let _ = adapter.read_call(&answer, &call_request());
        let _ = read_poll(&answer, &poll_request(TICKET));
    }
}
