//! The documented acknowledgement byte for byte, the two levels of status, refusals, test cases and callbacks.

#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::testing::{CURP, Scene, compact, eventually, json_of, scene, text_of};
use crate::{
    CallbackMode, DECOY_SECRET, KIBAN_API_KEY_WITHOUT_ACCESS, KibanInner, KibanScenario, KibanShape, Provider,
    Settings, TEST_CASES,
};

fn wishing(kiban: KibanScenario) -> Settings {
    Settings {
        kiban,
        ..Settings::default()
    }
}

fn sample_request() -> Value {
    json!({
        "curp": CURP, "primerNombre": "JOSE", "segundoNombre": "ALBERTO",
        "apellidoPaterno": "GONZALEZ", "apellidoMaterno": "ANGULO",
    })
}

#[tokio::test]
async fn the_acknowledgement_is_the_documented_one() {
    let scene = scene().await;
    let text = text_of(scene.kiban_post("").json(&sample_request()).send().await.unwrap()).await;
    let value: Value = serde_json::from_str(&text).unwrap();
    let (id, created) = (value["id"].as_str().unwrap(), value["createdAt"].as_str().unwrap());
    let sample = r#"{
        "id": "671c2bf3752219d1c21f7383",
        "createdAt": "2024-10-25T17:38:27.192912-06:00",
        "finishedAt": "0001-01-01T00:00:00Z",
        "duration": 1,
        "status": "PENDING",
        "request": {
        "apellidoMaterno": "ANGULO",
        "apellidoPaterno": "GONZALEZ",
        "curp": "GOAA970724HYNNNL08",
        "primerNombre": "JOSE",
        "segundoNombre": "ALBERTO"
        }}"#;
    let (sample_id, sample_created) = ("671c2bf3752219d1c21f7383", "2024-10-25T17:38:27.192912-06:00");
    assert_eq!(
        text.replace(id, sample_id).replace(created, sample_created),
        compact(sample)
    );
    assert!(id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert!(created.len() == sample_created.len() && created.ends_with("-06:00"));
    scene.check_charges(Provider::Kiban, CURP, 1);
}

#[tokio::test]
async fn a_document_runs_and_then_holds_the_history_and_the_decoys() {
    let scene = scene().await;
    let settings = wishing(KibanScenario {
        running_polls: Some(1),
        running_status: Some("IMSS_PROCESSING".to_owned()),
        ..KibanScenario::default()
    });
    scene.sandbox.set_person(CURP, Some(settings)).unwrap();
    let ack = json_of(scene.kiban_submit(CURP).send().await.unwrap()).await;
    let look = async || json_of(scene.kiban_get(ack["id"].as_str().unwrap()).send().await.unwrap()).await;

    let running = look().await;
    assert_eq!(running["status"], json!("IMSS_PROCESSING"));
    assert_eq!(running["finishedAt"], json!("0001-01-01T00:00:00Z"));
    assert!(running.get("response").is_none());

    let done = look().await;
    assert_eq!(
        (&done["status"], &done["response"]["status"]),
        (&json!("SUCCESS"), &json!("FOUND"))
    );
    assert_ne!(done["finishedAt"], json!("0001-01-01T00:00:00Z"));
    let newest = &done["response"]["historialLaboral"][0];
    assert_eq!(newest["fechaBaja"], json!("Vigente"));
    assert_eq!(newest["salarioBaseCotizacion"], json!("$ 1,234.56"));
    assert_eq!(
        newest["movimientos"][1],
        json!({"evento": "ALTA", "fecha": "05/07/2021", "salarioBase": "$ 810.00"})
    );
    assert_eq!(done["response"]["semanasCotizadas"]["semanasCotizadas"], json!("497"));
    assert!(done["apiData"].to_string().contains(DECOY_SECRET));
    scene.check_charges(Provider::Kiban, CURP, 1);
}

#[tokio::test]
async fn an_outer_success_can_be_not_found_or_invalid() {
    let scene = scene().await;
    let inner = async |curp| scene.kiban_document(curp).await["response"]["status"].clone();
    assert_eq!(inner("CAVM911111MGTSLR00").await, json!("NOT_FOUND"));
    assert_eq!(
        inner("ZUNA540308MNELTN05").await,
        json!("NOT_FOUND"),
        "nobody without an NSS has a history"
    );
    assert_eq!(inner("BOXW310820HNERXN09").await, json!("INVALID"));
    assert_eq!(
        inner("BOXW310820HNERXN08").await,
        json!("INVALID"),
        "a wrong check digit is in no register"
    );
    let failed = scene.kiban_document("EILK990131MNTSPR03").await;
    assert_eq!(failed["status"], json!("SERVICE_UNAVAILABLE"));
    assert_eq!(failed["errorMessage"], json!("the source did not answer"));
    assert!(failed.get("response").is_none());
}

#[tokio::test]
async fn a_history_can_come_in_other_shapes() {
    let scene = scene().await;
    let shaped = async |shape| {
        let scenario = KibanScenario {
            shape: Some(shape),
            inner: Some(KibanInner::Found),
            ..KibanScenario::default()
        };
        scene.sandbox.set_person(CURP, Some(wishing(scenario))).unwrap();
        scene.kiban_document(CURP).await["response"].clone()
    };
    assert_eq!(
        shaped(KibanShape::English).await["employments"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(
        shaped(KibanShape::Unknown).await["resultado"]["filas"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[tokio::test]
async fn bad_requests_name_each_field() {
    let scene = scene().await;
    let refused = async |query: &str, body: Value| {
        let response = scene.kiban_post(query).json(&body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        text_of(response).await
    };
    let bad_curp = json!({"curp": "ABCD", "primerNombre": "A", "apellidoPaterno": "B"});
    assert_eq!(
        refused("", bad_curp).await,
        r#"{"curp":"FORMAT_ERROR; invalid curp format"}"#
    );
    let no_curp = json!({"primerNombre": "A", "apellidoPaterno": "B"});
    assert_eq!(
        refused("", no_curp).await,
        r#"{"curp":"REQUIRED_FIELD_ERROR; EMPTY_ERROR; can't be empty"}"#
    );
    assert!(refused("", json!([])).await.contains("primerNombre"));
    let unknown_case = refused("?testCaseId=000000000000000000000000", sample_request()).await;
    assert_eq!(unknown_case, r#"{"testCase":"EMPTY_ERROR; test case not found"}"#);
    assert!(scene.sandbox.books().charges().is_empty());
}

#[tokio::test]
async fn keys_versions_and_ids_are_checked() {
    let scene = scene().await;
    let base = scene.sandbox.base_url(Provider::Kiban);
    let status = async |path: &str, key: &str| {
        let url = format!("{base}{path}");
        let request = scene.http.post(url).header("x-api-key", key).json(&sample_request());
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(
        status("/api/v3/imss/semanas_cotizadas", crate::KIBAN_API_KEY).await,
        200
    );
    assert_eq!(status("/api/v1/imss/semanas_cotizadas", "wrong").await, 401);
    assert_eq!(
        status("/api/v1/imss/semanas_cotizadas", KIBAN_API_KEY_WITHOUT_ACCESS).await,
        403
    );
    assert_eq!(status("/api/imss/semanas_cotizadas", crate::KIBAN_API_KEY).await, 404);
    assert_eq!(
        status("/api/v1/imss/semanas_cotizadas/abc", crate::KIBAN_API_KEY).await,
        405
    );
    let unknown = scene.kiban_get("671c2bf3752219d1c21f7383").send().await.unwrap();
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    scene.check_charges(Provider::Kiban, CURP, 1);
}

#[tokio::test]
async fn refusals_of_the_post_are_billed_only_when_the_source_was_asked() {
    let scene = scene().await;
    for (status, charges) in [
        (400, 0),
        (401, 0),
        (403, 0),
        (406, 1),
        (408, 1),
        (409, 0),
        (500, 0),
        (503, 0),
    ] {
        scene.sandbox.reset().await;
        let scenario = KibanScenario {
            submit_status: Some(status),
            ..KibanScenario::default()
        };
        scene.sandbox.set_person(CURP, Some(wishing(scenario))).unwrap();
        assert_eq!(scene.kiban_submit(CURP).send().await.unwrap().status().as_u16(), status);
        scene.check_charges(Provider::Kiban, CURP, charges);
    }
}

#[tokio::test]
async fn the_four_test_cases_give_what_their_table_says_and_are_free() {
    let scene = scene().await;
    let submit = |name: &str| {
        let case = TEST_CASES.iter().find(|case| case.name == name).unwrap();
        scene
            .kiban_post(&format!("?testCaseId={}", case.id))
            .json(&sample_request())
            .send()
    };
    let refused = submit("Curp Inválido").await.unwrap();
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        text_of(refused).await,
        r#"{"curp":"FORMAT_ERROR; invalid curp format"}"#
    );

    let document = async |name| {
        let ack = json_of(submit(name).await.unwrap()).await;
        assert_eq!(ack["status"], json!("PENDING"));
        json_of(scene.kiban_get(ack["id"].as_str().unwrap()).send().await.unwrap()).await
    };
    assert_eq!(document("NSS Inválido").await["response"]["status"], json!("NOT_FOUND"));
    let found = document("Respuesta exitosa").await;
    assert_eq!(
        (&found["response"]["status"], &found["response"]["curp"]),
        (&json!("FOUND"), &json!(CURP))
    );
    let failed = document("Servicio no disponible").await;
    assert_eq!(failed["status"], json!("SERVICE_UNAVAILABLE"));
    assert_ne!(failed["finishedAt"], json!("0001-01-01T00:00:00Z"));
    assert!(scene.sandbox.books().charges().is_empty());
}

/// What a receiver of callbacks saw: the key and the status of each.
type Seen = Arc<Mutex<Vec<(String, String)>>>;

#[derive(Clone)]
struct Receiver {
    seen: Seen,
    answers: Arc<Mutex<VecDeque<StatusCode>>>,
}

/// Listens for callbacks and answers with `answers` in turn, then with 200.
async fn receiver(answers: &[StatusCode]) -> (String, Seen) {
    let receiver = Receiver {
        seen: Seen::default(),
        answers: Arc::new(Mutex::new(answers.iter().copied().collect())),
    };
    let seen = receiver.seen.clone();
    let hear = async |State(receiver): State<Receiver>, headers: HeaderMap, Json(body): Json<Value>| {
        let key = headers
            .get("x-api-key")
            .map_or("", |key| key.to_str().unwrap())
            .to_owned();
        receiver
            .seen
            .lock()
            .unwrap()
            .push((key, body["status"].as_str().unwrap().to_owned()));
        receiver.answers.lock().unwrap().pop_front().unwrap_or(StatusCode::OK)
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/callback", listener.local_addr().unwrap());
    let router = Router::new().route("/callback", post(hear)).with_state(receiver);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, seen)
}

async fn submit_with_callback(scene: &Scene, mode: CallbackMode, url: &str) -> Value {
    let scenario = KibanScenario {
        callback: Some(mode),
        callback_late_ms: Some(1),
        ..KibanScenario::default()
    };
    scene.sandbox.set_person(CURP, Some(wishing(scenario))).unwrap();
    let request = scene
        .kiban_submit(CURP)
        .header("urlCallback", url)
        .header("xApiKeyCallback", "the-key");
    json_of(request.send().await.unwrap()).await
}

async fn check_callbacks(mode: CallbackMode, expected: &[(&str, &str)]) {
    let (url, seen) = receiver(&[]).await;
    let scene = scene().await;
    submit_with_callback(&scene, mode, &url).await;
    eventually(|| seen.lock().unwrap().len() >= expected.len()).await;
    let seen = seen.lock().unwrap().clone();
    let expected: Vec<_> = expected
        .iter()
        .map(|(key, status)| ((*key).to_owned(), (*status).to_owned()))
        .collect();
    assert_eq!(seen, expected, "{mode:?}");
    scene.sandbox.stop().await;
}

#[tokio::test]
async fn callbacks_arrive_as_their_mode_says() {
    check_callbacks(CallbackMode::Normal, &[("the-key", "SUCCESS")]).await;
    check_callbacks(CallbackMode::Late, &[("the-key", "SUCCESS")]).await;
    check_callbacks(CallbackMode::Lost, &[]).await;
    check_callbacks(
        CallbackMode::Duplicate,
        &[("the-key", "SUCCESS"), ("the-key", "SUCCESS")],
    )
    .await;
    check_callbacks(
        CallbackMode::Reordered,
        &[("the-key", "SUCCESS"), ("the-key", "IMSS_PROCESSING")],
    )
    .await;
    check_callbacks(CallbackMode::WrongKey, &[("a-key-that-nobody-gave", "SUCCESS")]).await;
}

#[tokio::test]
async fn a_callback_before_the_ack_is_answered_before_the_ack_is_sent() {
    let (url, seen) = receiver(&[]).await;
    let scene = scene().await;
    let ack = submit_with_callback(&scene, CallbackMode::BeforeAck, &url).await;
    assert_eq!(seen.lock().unwrap().len(), 1);
    assert_eq!(ack["status"], json!("PENDING"));
    let document = json_of(scene.kiban_get(ack["id"].as_str().unwrap()).send().await.unwrap()).await;
    assert_eq!(document["status"], json!("SUCCESS"));
}

#[tokio::test]
async fn a_held_callback_waits_for_its_release() {
    let (url, seen) = receiver(&[]).await;
    let scene = scene().await;
    submit_with_callback(&scene, CallbackMode::Held, &url).await;
    assert!(seen.lock().unwrap().is_empty());
    assert_eq!(scene.sandbox.release_callbacks(), 1);
    eventually(|| seen.lock().unwrap().len() == 1).await;
    assert_eq!(scene.sandbox.release_callbacks(), 0);
}

#[tokio::test]
async fn a_callback_that_meets_a_503_is_sent_again_and_one_that_meets_a_404_is_not() {
    let (url, seen) = receiver(&[StatusCode::SERVICE_UNAVAILABLE, StatusCode::NOT_FOUND]).await;
    let scene = scene().await;
    submit_with_callback(&scene, CallbackMode::Normal, &url).await;
    eventually(|| seen.lock().unwrap().len() == 2).await;
    scene.sandbox.stop().await;
    assert_eq!(seen.lock().unwrap().len(), 2);
}
