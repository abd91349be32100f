//! Nubarium: what is sent, and what each documented answer and each drift of it means.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::providers::tests::{
    CURP, NSS, OTHER_CURP, SECRET, brief, call_request,
    double::{DEADLINE, Double},
    full, http_answer, nubarium, warnings,
};

const FOUND: &str = include_str!("../fixtures/nubarium_found.json");

fn call(status: u16, body: &str) -> Reply {
    let adapter = nubarium("http://nubarium.example".parse().unwrap());
    adapter.read_call(&http_answer(status, body), &call_request())
}

#[track_caller]
fn check(body: &str, expected: &str) {
    assert_eq!(brief(&call(200, body).outcome), expected, "{body}");
}

#[track_caller]
fn check_json(body: Value, expected: &str) {
    check(&body.to_string(), expected);
}

#[tokio::test]
async fn the_call_carries_the_curp_and_basic_credentials() {
    let double = Double::answering(200, FOUND).await;
    let reply = nubarium(double.url.clone()).call(&call_request(), DEADLINE).await;
    assert_eq!(brief(&reply.outcome), "found");
    let requests = double.requests();
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    assert_eq!(head.lines().next(), Some("POST /imss/obtener_nss HTTP/1.1"));
    let authorization = format!(
        "authorization: Basic {}",
        BASE64_STANDARD.encode(format!("user:{SECRET}"))
    );
    assert!(head.lines().any(|line| line == authorization), "{head}");
    assert!(head.contains("\r\ntraceparent: 00-"), "{head}");
    assert_eq!(serde_json::from_str::<Value>(body).unwrap(), json!({"curp": CURP}));
}

#[test]
fn the_documented_success_is_read_in_full() {
    insta::assert_snapshot!(full(&call(200, FOUND)));
}

#[test]
fn each_documented_answer() {
    check(include_str!("../fixtures/nubarium_code_1.json"), "no NSS_NOT_FOUND 1");
    check(
        include_str!("../fixtures/nubarium_code_2.json"),
        "no PERSON_DAILY_LIMIT 2",
    );
    let email = "no EMAIL_REGISTERED_TO_OTHER_CURP 3";
    check(include_str!("../fixtures/nubarium_code_3.json"), email);
    check(
        include_str!("../fixtures/nubarium_code_4.json"),
        "no CURP_NOT_IN_RENAPO 4",
    );
    check(
        include_str!("../fixtures/nubarium_code_5.json"),
        "no VISIT_SUBDELEGATION 5",
    );
    let internal = "down PROVIDER_UNAVAILABLE";
    check(include_str!("../fixtures/nubarium_internal_error.json"), internal);
    let refused = call(401, include_str!("../fixtures/nubarium_credentials.json"));
    assert_eq!(brief(&refused.outcome), "rejected PROVIDER_CREDENTIALS");
    let expired = call(403, include_str!("../fixtures/nubarium_credentials.json"));
    assert_eq!(brief(&expired.outcome), "rejected PROVIDER_CREDENTIALS");
}

#[test]
fn a_definite_no_keeps_the_validation_code() {
    let reply = call(200, include_str!("../fixtures/nubarium_code_1.json"));
    assert_eq!(reply.outcome.reference(), Some("7d3b1f2e-5c1a-4a57-9a0e-2f5b1c9d8e70"));
}

#[test]
fn names_and_types_drift_between_generations() {
    check_json(json!({"status": "OK", "messageCode": "0", "nss": NSS}), "found");
    check_json(
        json!({"status": "OK", "claveMensaje": 0, "nss": 12345678903u64}),
        "found",
    );
    check_json(
        json!({"status": "ERROR", "message": "x", "messageCode": "1"}),
        "no NSS_NOT_FOUND 1",
    );
    check_json(
        json!({"Estatus": "ERROR", "clave_mensaje": " 2 "}),
        "no PERSON_DAILY_LIMIT 2",
    );
    check_json(json!({"status": "error", "message": "x"}), "down PROVIDER_UNAVAILABLE");
    check_json(
        json!({"estatus": "ERROR", "codigoMensaje": null, "codigoValidacion": ""}),
        "down PROVIDER_UNAVAILABLE",
    );
}

#[test]
fn the_text_decides_nothing() {
    let html = "<p>No se encontr&oacute; un n&uacute;mero asociado al <b>CURP</b>.</p>";
    check_json(
        json!({"estatus": "ERROR", "mensaje": html, "codigoMensaje": 4}),
        "no CURP_NOT_IN_RENAPO 4",
    );
    check_json(
        json!({"estatus": "ERROR", "mensaje": "No se encontro un numero"}),
        "down PROVIDER_UNAVAILABLE",
    );
}

#[test]
fn what_is_not_in_the_contract_is_a_changed_contract() {
    let changed = "unusable PROVIDER_CONTRACT_CHANGED";
    check_json(json!({"estatus": "ERROR", "codigoValidacion": "7d3b1f2e"}), changed);
    check_json(
        json!({"estatus": "ERROR", "codigoMensaje": 6}),
        "unusable PROVIDER_CONTRACT_CHANGED 6",
    );
    check_json(json!({"estatus": "ERROR", "codigoMensaje": NSS}), changed);
    check_json(
        json!({"estatus": "ERROR", "codigoMensaje": {"a": 1}, "codigoValidacion": "7"}),
        changed,
    );
    check_json(json!({"estatus": "OK"}), changed);
    check_json(
        json!({"estatus": "ERROR", "codigoMensaje": 0, "nss": NSS}),
        "unusable PROVIDER_CONTRACT_CHANGED 0",
    );
    check_json(
        json!({"estatus": "OK", "codigoMensaje": "1"}),
        "unusable PROVIDER_CONTRACT_CHANGED 1",
    );
    let without_nss = "unusable PROVIDER_CONTRACT_CHANGED 0";
    check_json(json!({"estatus": "OK", "codigoMensaje": 0}), without_nss);
    check_json(
        json!({"estatus": "OK", "codigoMensaje": 0, "nss": "no encontrado"}),
        without_nss,
    );
    check(&FOUND.replace(CURP, OTHER_CURP), changed);
}

#[test]
fn an_nss_with_a_wrong_check_digit_is_given_with_a_warning() {
    let reply = call(200, &FOUND.replace(NSS, "12345678901"));
    assert_eq!(brief(&reply.outcome), "found");
    assert_eq!(warnings(&reply), ["NSS_CHECK_DIGIT"]);
}

proptest! {
    #[test]
    fn no_bytes_panic_the_reader(body in any::<Vec<u8>>(), status in 100u16..600) {
        let adapter = nubarium("http://nubarium.example".parse().unwrap());
        let _ = adapter.read_call(&HttpAnswer { status, retry_after: None, body }, &call_request());
    }
}
