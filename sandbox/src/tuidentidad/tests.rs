//! Every documented answer byte for byte, every code, the shapes that vary, and what is billed.

#![allow(clippy::unwrap_used)]

use http::StatusCode;
use reqwest::multipart::Form;
use serde_json::{Value, json};

use crate::testing::{CURP, NSS, Scene, compact, json_of, scene, text_of};
use crate::{CurrentJob, Provider, Settings, TuIdentidadScenario, WeeksShape, people};

const HUGE: (&str, &str) = ("HELO881205HMNRNC04", "02838377550");
const TICKET: (&str, &str) = ("MASI050805MVZRLRA8", "24909011223");

fn wishing(tuidentidad: TuIdentidadScenario) -> Settings {
    Settings {
        tuidentidad,
        ..Settings::default()
    }
}

fn code(code: &str, code_status: Option<u16>) -> Settings {
    wishing(TuIdentidadScenario {
        code: Some(code.to_owned()),
        code_status,
        ..TuIdentidadScenario::default()
    })
}

async fn history(scene: &Scene, (curp, nss): (&str, &str), limit: &str) -> Value {
    json_of(scene.tuidentidad_history(curp, nss, limit).send().await.unwrap()).await
}

#[tokio::test]
async fn a_found_history_has_the_documented_fields_in_their_order() {
    let scene = scene().await;
    let text = text_of(scene.tuidentidad_history(CURP, NSS, "1").send().await.unwrap()).await;
    let value: Value = serde_json::from_str(&text).unwrap();
    let id = value["data"]["verificationId"].as_str().unwrap();
    let asked_at = value["data"]["generaldata"]["dateInsurance"].as_str().unwrap();
    let expected = r#"{"valid": true, "data": {"success": true, "verificationId": "ID", "generaldata": {
        "workHistory": [{
            "employerName": "TECNOLOGIAS ESPEJISMO S DE RL DE CV", "employerIdNumber": "Y6498765432", "state": "YUCATAN",
            "dateRegistration": "2021-07-05T00:00:00.000Z", "dateTermination": null, "baseSalary": 1234.56,
            "movements": [
                {"typeMovement": "MODIFICACION DE SALARIO", "dateMovement": "2023-01-16T00:00:00.000Z", "baseSalary": 1234.56},
                {"typeMovement": "ALTA", "dateMovement": "2021-07-05T00:00:00.000Z", "baseSalary": 810.00}]}],
        "quotationweeks": {"quotedWeeks": 497, "discountedWeeks": 0, "reintegratedWeeks": 0},
        "employeeName": "JOSE ALBERTO GONZALEZ ANGULO", "dateInsurance": "TIME", "numberQuotationWeeks": 497,
        "nss": "12345678903", "curp": "GOAA970724HYNNNL08"}}, "warnings": []}"#;
    assert_eq!(text.replace(id, "ID").replace(asked_at, "TIME"), compact(expected));
    assert_eq!(id.len(), 36);
    assert_eq!(asked_at.len(), "2023-04-28T15:02:29.019Z".len());
    scene.check_charges(Provider::TuIdentidad, CURP, 1);
}

#[tokio::test]
async fn not_found_is_the_documented_200_and_billed() {
    let scene = scene().await;
    let text = text_of(scene.tuidentidad_history(CURP, "84966311213", "").send().await.unwrap()).await;
    let value: Value = serde_json::from_str(&text).unwrap();
    let id = value["data"]["verificationId"].as_str().unwrap();
    let expected = r#"{"valid": false, "data": {"success": true, "verificationId": "ID", "generaldata": null}, "warnings": [{
        "code": "WH007",
        "message": "There is no Work History information for CURP, NSS in the source of verification. Please review the search information.",
        "fullMessage": "WH007: There is no Work History information for CURP, NSS in the source of verification. Please review the search information."}]}"#;
    assert_eq!(text.replace(id, "ID"), compact(expected));
    scene.check_charges(Provider::TuIdentidad, CURP, 1);
}

#[tokio::test]
async fn multipart_and_urlencoded_are_both_understood() {
    let scene = scene().await;
    let form = Form::new().text("CURP", CURP).text("NSS", NSS).text("Limit", "2");
    let multipart = json_of(scene.tuidentidad("workhistory").multipart(form).send().await.unwrap()).await;
    assert_eq!(
        multipart["data"]["generaldata"]["workHistory"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let urlencoded = history(&scene, (CURP, NSS), "2").await;
    assert_eq!(
        multipart["data"]["generaldata"]["workHistory"],
        urlencoded["data"]["generaldata"]["workHistory"]
    );
}

#[tokio::test]
async fn a_ticket_is_the_documented_202_and_keeps_its_limit() {
    let scene = scene().await;
    let settings = wishing(TuIdentidadScenario {
        ticket: Some(true),
        running_polls: Some(1),
        ..TuIdentidadScenario::default()
    });
    scene.sandbox.set_person(HUGE.0, Some(settings)).unwrap();
    let response = scene.tuidentidad_history(HUGE.0, HUGE.1, "3").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let text = text_of(response).await;
    let value: Value = serde_json::from_str(&text).unwrap();
    let id = value["verificationId"].as_str().unwrap().to_owned();
    let expected = r#"{"verificationId": "ID", "code": "WH004",
        "message": "Data is not available yet, please try again with VerificationStatus",
        "fullMessage": "WH004: Data is not available yet, please try again with VerificationStatus"}"#;
    assert_eq!(text.replace(&id, "ID"), compact(expected));

    let status = || {
        scene
            .tuidentidad("verificationstatus")
            .form(&[("verificationId", &id)])
            .send()
    };
    assert_eq!(text_of(status().await.unwrap()).await, text);
    let ready = status().await.unwrap();
    assert_eq!(ready.status(), StatusCode::OK);
    assert_eq!(
        json_of(ready).await["data"]["generaldata"]["workHistory"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    scene.check_charges(Provider::TuIdentidad, HUGE.0, 1);
}

#[tokio::test]
async fn the_person_with_a_ticket_gets_a_ticket() {
    let scene = scene().await;
    assert_eq!(history(&scene, TICKET, "").await["code"], json!("WH004"));
}

#[tokio::test]
async fn an_unknown_ticket_is_the_documented_error() {
    let scene = scene().await;
    let response = scene
        .tuidentidad("verificationstatus")
        .form(&[("verificationId", "nothing")])
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let expected = r#"{"code": "WH006", "message": "The VerificationId is invalid or not found",
        "fullMessage": "WH006: The VerificationId is invalid or not found"}"#;
    assert_eq!(text_of(response).await, compact(expected));
}

#[tokio::test]
async fn every_code_comes_under_its_status_and_is_billed_or_not() {
    let scene = scene().await;
    let mut billed = Vec::new();
    for number in 1..=20 {
        let name = format!("WH{number:03}");
        let settings = code(&name, None);
        scene.sandbox.reset().await;
        scene.sandbox.set_person(CURP, Some(settings)).unwrap();
        let response = scene.tuidentidad_history(CURP, NSS, "").send().await.unwrap();
        let expected = match number {
            4 => 202,
            7 | 8 => 200,
            6 | 14 | 20 => 400,
            _service_failed => 500,
        };
        assert_eq!(response.status().as_u16(), expected, "{name}");
        let body = json_of(response).await;
        let flat = if expected == 200 { &body["warnings"][0] } else { &body };
        assert_eq!(flat["code"], json!(name));
        if scene.sandbox.books().count(Provider::TuIdentidad, CURP) == 1 {
            billed.push(number);
        }
    }
    assert_eq!(billed, [4, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18, 19]);
}

#[tokio::test]
async fn an_empty_history_is_a_warning_or_an_error() {
    let scene = scene().await;
    let warning = history(&scene, ("PEPL000909HNLRDSA1", "97000000014"), "").await;
    assert_eq!(
        (&warning["valid"], &warning["warnings"][0]["code"]),
        (&json!(false), &json!("WH008"))
    );
    let error = scene
        .tuidentidad_history("OERB560606HZSLSN09", "12907200013", "")
        .send()
        .await
        .unwrap();
    assert_eq!(error.status(), StatusCode::BAD_REQUEST);
    assert_eq!(json_of(error).await["code"], json!("WH008"));
}

#[tokio::test]
async fn requests_that_are_malformed_or_not_ours_are_free() {
    let scene = scene().await;
    let answer = async |curp, nss, limit| history(&scene, (curp, nss), limit).await["code"].clone();
    assert_eq!(answer("", NSS, "").await, json!("WH020"));
    assert_eq!(answer(CURP, "", "").await, json!("WH020"));
    assert_eq!(answer("ABCD", NSS, "").await, json!("WH014"));
    assert_eq!(answer(CURP, "12345678901", "").await, json!("WH014"));
    assert_eq!(answer(CURP, NSS, "many").await, json!("WH014"));
    let url = format!(
        "{}/api/WorkHistory/workhistory",
        scene.sandbox.base_url(Provider::TuIdentidad)
    );
    let refused = scene
        .http
        .post(url)
        .form(&[("CURP", CURP), ("NSS", NSS)])
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert!(json_of(refused).await["fullMessage"].is_string());
    scene.check_charges(Provider::TuIdentidad, CURP, 0);
}

#[tokio::test]
async fn a_result_can_be_partial_or_without_content() {
    let scene = scene().await;
    let partial = scene
        .tuidentidad_history("FUZP900820MTSNMT00", "88901234562", "")
        .send()
        .await
        .unwrap();
    assert_eq!(partial.status().as_u16(), 203);
    assert!(!json_of(partial).await["warnings"].as_array().unwrap().is_empty());
    let empty = wishing(TuIdentidadScenario {
        no_content: Some(true),
        ..TuIdentidadScenario::default()
    });
    scene.sandbox.set_person(CURP, Some(empty)).unwrap();
    let response = scene.tuidentidad_history(CURP, NSS, "").send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), text_of(response).await),
        (204, String::new())
    );
}

#[tokio::test]
async fn shapes_vary_from_person_to_person() {
    let scene = scene().await;
    let upper = history(&scene, ("BASJ841209XCLNCS02", "35888866114"), "").await;
    assert_eq!(upper["Valid"], json!(true));
    let array = history(&scene, ("TOSD950623MSLRLN04", "90919144221"), "").await;
    let data = &array["data"]["generaldata"];
    assert!(data["quotationweeks"].is_array());
    assert!(data["workHistory"][0]["dateRegistration"].as_str() < data["workHistory"][2]["dateRegistration"].as_str());
    assert!(data["workHistory"][2].get("dateTermination").is_none());
    let object = wishing(TuIdentidadScenario {
        weeks: Some(WeeksShape::Object),
        ..TuIdentidadScenario::default()
    });
    scene.sandbox.set_person("TOSD950623MSLRLN04", Some(object)).unwrap();
    let object = history(&scene, ("TOSD950623MSLRLN04", "90919144221"), "").await;
    assert!(object["data"]["generaldata"]["quotationweeks"].is_object());
}

#[tokio::test]
async fn a_current_job_has_four_spellings() {
    let scene = scene().await;
    for (spelling, expected) in [
        (CurrentJob::Null, Some(json!(null))),
        (CurrentJob::Absent, None),
        (CurrentJob::MinimumDate, Some(json!("0001-01-01T00:00:00"))),
        (CurrentJob::Vigente, Some(json!("Vigente"))),
    ] {
        let settings = wishing(TuIdentidadScenario {
            current_job: Some(spelling),
            ..TuIdentidadScenario::default()
        });
        scene.sandbox.set_person(CURP, Some(settings)).unwrap();
        let answer = history(&scene, (CURP, NSS), "1").await;
        let row = &answer["data"]["generaldata"]["workHistory"][0];
        assert_eq!(row.get("dateTermination"), expected.as_ref());
    }
}

#[tokio::test]
async fn a_huge_history_comes_whole_and_a_generated_person_takes_any_nss() {
    let scene = scene().await;
    let huge = history(&scene, HUGE, "0").await;
    let rows = huge["data"]["generaldata"]["workHistory"].as_array().unwrap().len();
    assert_eq!(
        rows,
        people()
            .iter()
            .find(|person| person.curp == HUGE.0)
            .unwrap()
            .employments()
    );
    assert_eq!(rows, 200);
    let generated = history(&scene, ("LOOA531113HTCPBN07", "84966311213"), "").await;
    assert_eq!(generated["data"]["generaldata"]["nss"], json!("84966311213"));
}
