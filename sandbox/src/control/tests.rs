//! The control API over HTTP: what it shows, what it sets, and what it refuses with which words.

#![allow(clippy::unwrap_used)]

use http::StatusCode;
use serde_json::{Value, json};

use crate::testing::{CURP, NSS, Scene, json_of, scene};

async fn get(scene: &Scene, path: &str) -> Value {
    json_of(
        scene
            .http
            .get(format!("{}{path}", scene.sandbox.control_url()))
            .send()
            .await
            .unwrap(),
    )
    .await
}

async fn put(scene: &Scene, path: &str, body: Value) -> (StatusCode, Value) {
    let url = format!("{}{path}", scene.sandbox.control_url());
    let response = scene.http.put(url).json(&body).send().await.unwrap();
    (response.status(), json_of(response).await)
}

async fn check_refused(path: &str, body: Value, expected: &str) {
    let scene = scene().await;
    let (status, answer) = put(&scene, path, body).await;
    let error = answer["error"].as_str().unwrap();
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(error.contains(expected), "`{error}` does not say `{expected}`");
}

#[tokio::test]
async fn the_books_are_listed_filtered_and_summed_up() {
    let scene = scene().await;
    for curp in [CURP, CURP, "PEMJ920906HNLRRS00"] {
        scene.nubarium_nss(curp).send().await.unwrap().text().await.unwrap();
    }
    scene.kiban_submit(CURP).send().await.unwrap();
    assert_eq!(get(&scene, "/books").await["charges"].as_array().unwrap().len(), 4);
    let some = get(&scene, &format!("/books?provider=nubarium&curp={CURP}")).await;
    assert_eq!(some["charges"].as_array().unwrap().len(), 2);
    let line = &some["charges"][0];
    assert_eq!(
        (
            &line["seq"],
            &line["provider"],
            &line["product"],
            &line["curp"],
            &line["delivered"]
        ),
        (&json!(1), &json!("nubarium"), &json!("nss"), &json!(CURP), &json!(true))
    );
    let summary = get(&scene, "/books/summary").await;
    assert_eq!(summary["total"], json!(4));
    assert_eq!(summary["max_per_provider_and_person"], json!(2));
    assert_eq!(summary["by_provider"]["nubarium"]["people"], json!(2));
    assert_eq!(
        get(&scene, "/books?who=me").await["error"],
        json!("unknown filter `who=me`; accepted: provider=, curp=")
    );
}

#[tokio::test]
async fn requests_are_counted_and_only_the_names_of_headers_are_kept() {
    let scene = scene().await;
    let call = scene
        .nubarium_nss(CURP)
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    call.send().await.unwrap();
    let report = get(&scene, "/requests").await;
    let nubarium = &report["providers"]["nubarium"];
    assert_eq!(nubarium["endpoints"]["POST /imss/obtener_nss"], json!(1));
    assert_eq!(nubarium["last_headers"]["has_traceparent"], json!(true));
    assert!(
        nubarium["last_headers"]["names"]
            .as_array()
            .unwrap()
            .contains(&json!("authorization"))
    );
    assert!(!report.to_string().contains("bnViYXJpdW0"));
}

#[tokio::test]
async fn faults_are_set_shown_and_removed() {
    let scene = scene().await;
    let body = json!({"faults": [{"fault": {"kind": "server_error", "status": 503, "billed": true}, "times": 2}]});
    for path in [
        format!("/people/{CURP}/faults"),
        "/providers/nubarium/faults".to_owned(),
    ] {
        assert_eq!(put(&scene, &path, body.clone()).await.0, StatusCode::OK);
        assert_eq!(get(&scene, &path).await["faults"][0]["times"], json!(2));
        assert_eq!(
            scene.nubarium_nss(CURP).send().await.unwrap().status(),
            StatusCode::SERVICE_UNAVAILABLE
        );
        let url = format!("{}{path}", scene.sandbox.control_url());
        assert_eq!(
            scene.http.delete(url).send().await.unwrap().status(),
            StatusCode::NO_CONTENT
        );
        assert_eq!(scene.nubarium_nss(CURP).send().await.unwrap().status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn every_fault_is_read_by_its_name() {
    let scene = scene().await;
    for fault in [
        json!({"kind": "refuse"}),
        json!({"kind": "reset_on_connect"}),
        json!({"kind": "reset"}),
        json!({"kind": "close", "billed": true}),
        json!({"kind": "hang"}),
        json!({"kind": "server_error"}),
        json!({"kind": "too_many_requests", "retry_after_s": 3}),
        json!({"kind": "credentials_refused", "status": 403}),
        json!({"kind": "redirect"}),
        json!({"kind": "broken_json"}),
        json!({"kind": "truncated_body"}),
        json!({"kind": "huge_body", "bytes": 1000}),
        json!({"kind": "endless_body"}),
        json!({"kind": "hang_body"}),
        json!({"kind": "slow_body", "chunk_bytes": 1, "pause_ms": 5}),
        json!({"kind": "html"}),
        json!({"kind": "empty_body"}),
        json!({"kind": "content_type", "value": "text/plain"}),
        json!({"kind": "delay", "ms": 5}),
    ] {
        let (status, answer) = put(&scene, "/providers/kiban/faults", json!({"faults": [{"fault": fault}]})).await;
        assert_eq!(status, StatusCode::OK, "{fault}: {answer}");
        assert_eq!(answer["faults"][0]["fault"]["kind"], fault["kind"]);
    }
}

#[tokio::test]
async fn wrong_settings_are_refused_with_what_is_accepted() {
    let person = format!("/people/{CURP}/faults");
    let fault = |fault: Value| json!({"faults": [{"fault": fault}]});
    check_refused(
        "/providers/nobody/faults",
        json!({}),
        "accepted: kiban, tuidentidad, nubarium",
    )
    .await;
    check_refused(&person, fault(json!({"kind": "explode"})), "expected one of `refuse`").await;
    check_refused(
        &person,
        fault(json!({"kind": "reset", "bill": true})),
        "unknown field `bill`",
    )
    .await;
    check_refused(&person, fault(json!({"kind": "refuse"})), "set them for a provider").await;
    check_refused(
        &person,
        fault(json!({"kind": "server_error", "status": 200})),
        "from 500 to 599",
    )
    .await;
    check_refused(
        &person,
        json!({"latency": {"min_ms": 5, "max_ms": 1}}),
        "min_ms <= max_ms",
    )
    .await;
    check_refused(
        &person,
        json!({"quota": {"requests_per_second": 1}}),
        "quota belongs to a provider",
    )
    .await;
    check_refused(&person, json!({"tuidentidad": {"code": "WH021"}}), "WH001 to WH020").await;
    check_refused(&person, json!({"kiban": {"submit_status": 418}}), "must be one of").await;
    check_refused(
        &person,
        json!({"nubarium": {"outcome": "maybe"}}),
        "expected one of `found`",
    )
    .await;
    check_refused("/people/ABCD/faults", json!({}), "18 characters").await;
    check_refused("/defaults", json!({"latency_scale": -1.0}), "from 0 to 1000").await;
    let counted_refusal = json!({"faults": [{"fault": {"kind": "refuse"}, "times": 1}]});
    check_refused("/providers/kiban/faults", counted_refusal, "cannot count calls").await;
}

#[tokio::test]
async fn people_are_listed_and_shown_generated_ones_too() {
    let scene = scene().await;
    let list = get(&scene, "/people").await;
    assert_eq!(list["people"].as_array().unwrap().len(), crate::people().len());
    let person = get(&scene, &format!("/people/{CURP}")).await;
    assert_eq!(
        (&person["nss"], &person["history"]["weeks"]["quoted"]),
        (&json!(NSS), &json!(497))
    );
    let generated = get(&scene, "/people/LOOA531113HTCPBN07").await;
    let answer = json_of(scene.nubarium_nss("LOOA531113HTCPBN07").send().await.unwrap()).await;
    assert_eq!(generated["nss"], answer["nss"]);
    assert!(get(&scene, "/people/ABCD").await["error"].is_string());
}

#[tokio::test]
async fn defaults_apply_to_everybody_and_reset_forgets_all() {
    let scene = scene().await;
    let body = json!({"latency_scale": 0.0, "settings": {"nubarium": {"outcome": "limit_reached"}}});
    let (status, answer) = put(&scene, "/defaults", body).await;
    assert_eq!(
        (status, &answer["settings"]["nubarium"]["outcome"]),
        (StatusCode::OK, &json!("limit_reached"))
    );
    let outcome = async || json_of(scene.nubarium_nss(CURP).send().await.unwrap()).await["codigoMensaje"].clone();
    assert_eq!(outcome().await, json!(2));
    let url = format!("{}/reset", scene.sandbox.control_url());
    assert_eq!(
        scene.http.post(url).send().await.unwrap().status(),
        StatusCode::NO_CONTENT
    );
    assert!(scene.sandbox.books().charges().is_empty());
    assert_eq!(outcome().await, json!(0));
}

#[tokio::test]
async fn health_is_ok_and_a_wrong_path_names_the_right_ones() {
    let scene = scene().await;
    assert_eq!(get(&scene, "/health").await, json!({"status": "ok"}));
    assert!(
        get(&scene, "/nothing").await["error"]
            .as_str()
            .unwrap()
            .contains("GET /books/summary")
    );
    let url = format!("{}/callbacks/release", scene.sandbox.control_url());
    assert_eq!(
        json_of(scene.http.post(url).send().await.unwrap()).await,
        json!({"released": 0})
    );
}
