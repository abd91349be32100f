//! Every documented answer byte for byte, the ways in which it drifts, and what is billed.

#![allow(clippy::unwrap_used)]

use http::StatusCode;
use serde_json::{Value, json};

use crate::testing::{CURP, Scene, compact, json_of, scene, text_of};
use crate::{CodeStyle, Fault, FieldNames, NubariumOutcome, NubariumScenario, Provider, Settings, TextStyle, people};

fn wishing(nubarium: NubariumScenario) -> Settings {
    Settings {
        nubarium,
        ..Settings::default()
    }
}

/// The body for `curp`, with the validation code replaced by `CODE`.
async fn body(scene: &Scene, curp: &str) -> String {
    let text = text_of(scene.nubarium_nss(curp).send().await.unwrap()).await;
    let value: Value = serde_json::from_str(&text).unwrap();
    let code = value
        .get("codigoValidacion")
        .or(value.get("validationCode"))
        .and_then(Value::as_str);
    code.map_or(text.clone(), |code| text.replace(code, "CODE"))
}

async fn check_outcome(outcome: NubariumOutcome, expected: &str, charges: usize) {
    let scene = scene().await;
    let settings = wishing(NubariumScenario {
        outcome: Some(outcome),
        ..NubariumScenario::default()
    });
    scene.sandbox.set_person(CURP, Some(settings)).unwrap();
    assert_eq!(body(&scene, CURP).await, compact(expected));
    scene.check_charges(Provider::Nubarium, CURP, charges);
}

#[tokio::test]
async fn every_documented_answer_is_the_documented_one() {
    use NubariumOutcome::{
        EmailRegistered, Found, InternalError, LimitReached, NoNss, NotInRenapo, VisitSubdelegacion,
    };
    let found = r#"{"nss": "12345678903", "nombre": "JOSE ALBERTO GONZALEZ ANGULO", "curp": "GOAA970724HYNNNL08",
        "codigoValidacion": "CODE", "estatus": "OK", "codigoMensaje": 0}"#;
    check_outcome(Found, found, 1).await;
    let no_nss = r#"{"mensaje": "No se encontro un numero asociado al CURP.", "codigoValidacion": "CODE",
        "codigoMensaje": 1, "estatus": "ERROR"}"#;
    check_outcome(NoNss, no_nss, 1).await;
    let limit = r#"{"mensaje": "El numero de operaciones por periodo ha sido alcanzada (2 operacion(es) cada 1 dia(s)) , favor de intentar mas tarde.",
        "codigoValidacion": "CODE", "codigoMensaje": 2, "estatus": "ERROR"}"#;
    check_outcome(LimitReached, limit, 1).await;
    let email = r#"{"estatus": "ERROR", "mensaje": "El correo electronico que capturo ya se encuentra registrado en el Instituto relacionado a una CURP distinta a la capturada.",
        "codigoValidacion": "CODE", "codigoMensaje": 3}"#;
    check_outcome(EmailRegistered, email, 1).await;
    let renapo = r#"{"estatus": "ERROR", "mensaje": "No se localizó información en RENAPO con la CURP capturada.",
        "codigoValidacion": "CODE", "codigoMensaje": 4}"#;
    check_outcome(NotInRenapo, renapo, 1).await;
    let visit = r#"{"estatus": "ERROR", "mensaje": "Tu solicitud requiere que acudas a la subdelegación",
        "codigoValidacion": "CODE", "codigoMensaje": 5}"#;
    check_outcome(VisitSubdelegacion, visit, 1).await;
    check_outcome(InternalError, r#"{"estatus": "ERROR", "mensaje": "Error de datos"}"#, 0).await;
}

#[tokio::test]
async fn field_names_code_style_and_texts_drift() {
    let scene = scene().await;
    let outcome = Some(NubariumOutcome::NoNss);
    let drift = |names, code_as, text| {
        wishing(NubariumScenario {
            outcome,
            names: Some(names),
            code_as: Some(code_as),
            text: Some(text),
        })
    };
    let set = |settings| scene.sandbox.set_person(CURP, Some(settings)).unwrap();

    set(drift(FieldNames::English, CodeStyle::String, TextStyle::Plain));
    let english = r#"{"message": "No se encontro un numero asociado al CURP.", "validationCode": "CODE",
        "messageCode": "1", "status": "ERROR"}"#;
    assert_eq!(body(&scene, CURP).await, compact(english));

    set(drift(FieldNames::Clave, CodeStyle::Number, TextStyle::Html));
    let clave: Value = serde_json::from_str(&body(&scene, CURP).await).unwrap();
    assert_eq!(clave["claveMensaje"], json!(1));
    assert!(clave["mensaje"].as_str().unwrap().contains("n&uacute;mero"));
}

#[tokio::test]
async fn wrong_credentials_get_401_with_the_documented_challenge() {
    let scene = scene().await;
    let url = format!("{}/imss/obtener_nss", scene.sandbox.base_url(Provider::Nubarium));
    let request = scene
        .http
        .post(url)
        .basic_auth("nobody", Some("wrong"))
        .json(&json!({"curp": CURP}));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let challenges: Vec<_> = response.headers().get_all("www-authenticate").iter().collect();
    assert_eq!(challenges, ["Basic realm=\"Error de autenticacion\""]);
    let expected = compact(r#"{"estatus": "ERROR", "mensaje": "Error de autenticacion"}"#);
    assert_eq!(text_of(response).await, expected);
    scene.check_charges(Provider::Nubarium, CURP, 0);
}

#[tokio::test]
async fn newer_hosts_answer_403_to_bad_credentials() {
    let settings = Settings::default().fault(Fault::CredentialsRefused { status: 403 });
    let scene = scene().await.with_provider(Provider::Nubarium, settings).await;
    assert_eq!(
        scene.nubarium_nss(CURP).send().await.unwrap().status(),
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn the_listed_people_have_the_outcomes_they_are_listed_for() {
    let scene = scene().await;
    for (curp, code) in [
        ("ZUNA540308MNELTN05", "1"),
        ("IATR690930HCSBVF04", "2"),
        ("GARL030517MMCRMZA4", "3"),
        ("BOXW310820HNERXN09", "4"),
        ("QUHE700101HVZNRD05", "5"),
        ("CAVM911111MGTSLR00", "0"),
    ] {
        let answer = json_of(scene.nubarium_nss(curp).send().await.unwrap()).await;
        assert_eq!(answer["codigoMensaje"].to_string(), code, "{curp}");
    }
    let text_code = json_of(scene.nubarium_nss("BASJ841209XCLNCS02").send().await.unwrap()).await;
    assert_eq!(text_code["codigoMensaje"], json!("0"));
}

#[tokio::test]
async fn the_sandbox_agrees_with_its_own_list_of_people() {
    let scene = scene().await;
    for person in people()
        .iter()
        .filter(|person| person.nss.is_some() && person.nature == Settings::default())
    {
        let answer = json_of(scene.nubarium_nss(&person.curp).send().await.unwrap()).await;
        assert_eq!(answer["nss"].as_str(), person.nss.as_deref());
    }
}

#[tokio::test]
async fn a_malformed_curp_is_an_error_of_data_and_free() {
    let scene = scene().await;
    let answer = json_of(scene.nubarium_nss("ABCD").send().await.unwrap()).await;
    assert_eq!(answer, json!({"estatus": "ERROR", "mensaje": "Error de datos"}));
    let wrong_digit = json_of(scene.nubarium_nss("BOXW310820HNERXN08").send().await.unwrap()).await;
    assert_eq!(wrong_digit["codigoMensaje"], json!(4));
    assert_eq!(scene.sandbox.books().charges().len(), 1);
}
