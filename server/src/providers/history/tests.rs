//! Every name of the alias table, every way to mark a current job, and every oddity that is known of real histories.

#![allow(clippy::unwrap_used)]

use jiff::civil::date;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::{
    provider_id::ProviderId,
    work_history::{EmploymentEnd, MovementKind},
};

fn read(document: Value) -> Option<WorkHistory> {
    let provenance = Provenance {
        provider: ProviderId::Kiban,
        adapter_version: "1".to_owned(),
        provider_reference: None,
        retrieved_at: jiff::Timestamp::UNIX_EPOCH,
        warnings: vec![],
    };
    Some(find(&document)?.into_history(provenance))
}

/// One employment with these fields over a complete one.
fn one(fields: Value) -> WorkHistory {
    let mut row = json!({"employer": "ACME", "registroPatronal": "Y5412345108", "fechaAlta": "03/05/2019"});
    for (name, value) in fields.as_object().unwrap() {
        row[name] = value.clone();
    }
    read(json!({"employments": [row]})).unwrap()
}

fn codes(history: &WorkHistory) -> Vec<&str> {
    let warnings = &history.provenance().warnings;
    warnings.iter().map(|warning| warning.code.as_str()).collect()
}

#[track_caller]
fn check_warnings(document: Value, expected: &[&str]) {
    assert_eq!(codes(&read(document).unwrap()), expected);
}

#[test]
fn every_alias_of_an_employment_is_known() {
    let plain = json!({"employer": "ACME", "registroPatronal": "Y5412345108", "state": "SONORA", "fechaAlta": "2019-05-03",
        "fechaBaja": "2020-01-02", "salary": "136.39", "movements": []});
    let expected = read(json!({"employments": [plain]})).unwrap();
    let aliases: [(&str, &[&str]); 6] = [
        (
            "employer",
            &["employerName", "nombrePatron", "companyName", "patron", "nombre_patron"],
        ),
        (
            "registroPatronal",
            &[
                "employerIdNumber",
                "registro_patronal",
                "employerRegistry",
                "employer_registration",
            ],
        ),
        (
            "state",
            &[
                "entidadFederativa",
                "entidad_federativa",
                "employerEntity",
                "federal_entity",
            ],
        ),
        (
            "fechaAlta",
            &[
                "dateRegistration",
                "fecha_alta",
                "startDate",
                "startingDate",
                "start_date",
            ],
        ),
        (
            "fechaBaja",
            &["dateTermination", "fecha_baja", "endDate", "endingDate", "end_date"],
        ),
        (
            "salary",
            &["baseSalary", "salarioBaseCotizacion", "salario_base", "base_salary"],
        ),
    ];
    for (name, others) in aliases {
        for other in others {
            let text = plain
                .to_string()
                .replace(&format!("\"{name}\""), &format!("\"{other}\""));
            let row: Value = serde_json::from_str(&text).unwrap();
            assert!(read(json!({"employments": [row]})) == Some(expected.clone()), "{other}");
        }
    }
    for list in ["workHistory", "historialLaboral", "historial_laboral"] {
        assert!(read(json!({list: [plain]})) == Some(expected.clone()), "{list}");
    }
}

#[test]
fn every_spelling_of_the_weeks_is_known() {
    let expected = Weeks {
        quoted: Some(1190),
        discounted: Some(12),
        reintegrated: Some(2),
        total: None,
    };
    let english = json!({"quotedWeeks": 1190, "discountedWeeks": 12, "reintegratedWeeks": 2});
    let spanish = json!({"semanasCotizadas": "1,190", "semanasDescontadas": "12", "semanasReintegradas": "2"});
    for document in [
        english.clone(),
        json!({"listedWeeks": "1190", "discountedWeeks": 12.0, "reinstatedWeeks": 2}),
        json!({"quotationweeks": english}),
        json!({"quotationWeeks": [english]}),
        json!({"quotationWeeks": [{"quotedWeeks": 1190}, {"discountedWeeks": 12}, {"reintegratedWeeks": 2}]}),
        json!({"semanasCotizadas": spanish}),
        spanish,
    ] {
        assert_eq!(read(document.clone()).unwrap().weeks(), expected, "{document}");
    }
    assert_eq!(read(json!({"numberQuotationWeeks": 7})).unwrap().weeks().total, Some(7));
}

#[test]
fn a_history_is_found_at_each_of_its_places() {
    let history = json!({"employments": [{"employer": "ACME"}]});
    for document in [
        history.clone(),
        json!({"response": history}),
        json!({"response": {"data": history}}),
        json!({"data": history}),
        json!({"data": [history]}),
        json!({"Data": {"generalData": history}}),
        json!({"response": {"data": {"generaldata": history}}}),
    ] {
        assert_eq!(read(document.clone()).unwrap().employments().len(), 1, "{document}");
    }
    let split = json!({"response": {"semanasCotizadas": 7, "nombre": "JOSE", "data": history}});
    let read = read(split).unwrap();
    assert_eq!((read.employments().len(), read.weeks().quoted), (1, Some(7)));
    assert!(read.person().full_name.is_some());
}

#[test]
fn what_is_no_history_is_no_history() {
    for document in [
        json!(null),
        json!([]),
        json!({}),
        json!({"response": {"filas": [["ACME", "2020-01-01"]]}}),
        json!({"apiData": {"employments": []}, "request": {"employments": []}}),
        json!({"employments": "none"}),
        json!({"quotationweeks": {}}),
        json!({"employments": [{"empresa": "ACME"}, "ACME", 7]}),
    ] {
        assert!(read(document.clone()).is_none(), "{document}");
    }
}

#[test]
fn a_current_job_is_known_by_each_of_its_marks() {
    for mark in [
        json!(null),
        json!(""),
        json!("0001-01-01T00:00:00"),
        json!("Vigente"),
        json!("VIGENTE"),
    ] {
        let history = one(json!({"fechaBaja": mark}));
        assert_eq!(history.employments()[0].end, EmploymentEnd::Current, "{mark}");
        assert!(codes(&history).is_empty());
    }
    assert_eq!(one(json!({})).employments()[0].end, EmploymentEnd::Current);
    let ended = one(json!({"fechaBaja": "31/12/2020"}));
    assert_eq!(ended.employments()[0].end, EmploymentEnd::On(date(2020, 12, 31)));
}

#[test]
fn an_unreadable_end_is_not_taken_for_a_current_job() {
    for end in [
        json!("31/02/2020"),
        json!("pronto"),
        json!(true),
        json!(20201231),
        json!({}),
    ] {
        let history = one(json!({"fechaBaja": end}));
        assert_eq!(history.employments()[0].end, EmploymentEnd::Unknown, "{end}");
        assert_eq!(codes(&history), ["UNREADABLE_DATE"]);
    }
}

#[test]
fn salaries_are_exact_however_they_are_written() {
    for (salary, expected) in [
        (r#""$1,234.56""#, "1234.56"),
        (r#""$ 136.39""#, "136.39"),
        ("136.39", "136.39"),
        ("0.1000000", "0.10"),
        ("1190", "1190.00"),
        ("90071992547409.93", "90071992547409.93"),
    ] {
        let document = format!(r#"{{"employments": [{{"employer": "ACME", "baseSalary": {salary}}}]}}"#);
        let history = read(serde_json::from_str(&document).unwrap()).unwrap();
        let amount = history.employments()[0].daily_base_salary.unwrap();
        assert_eq!(amount.to_decimal_string(), expected);
    }
}

#[test]
fn odd_fields_are_warned_about_once_per_kind() {
    assert_eq!(codes(&one(json!({"salary": "-1"}))), ["NEGATIVE_SALARY"]);
    assert_eq!(codes(&one(json!({"salary": "136,39"}))), ["UNREADABLE_SALARY"]);
    assert_eq!(codes(&one(json!({"salary": true}))), ["UNREADABLE_SALARY"]);
    assert!(codes(&one(json!({"salary": " "}))).is_empty());
    assert_eq!(
        codes(&one(json!({"registroPatronal": "???"}))),
        ["IMPLAUSIBLE_REGISTRO_PATRONAL"]
    );
    assert!(codes(&one(json!({"registroPatronal": "Y54*****10"}))).is_empty());
    let rows = json!([{"employer": "A", "startDate": "x", "endDate": "y"}, {"employer": "B", "startDate": "z"}, 7]);
    let history = read(json!({"employments": rows})).unwrap();
    assert_eq!(codes(&history), ["UNREADABLE_EMPLOYMENT", "UNREADABLE_DATE"]);
    let message = &history.provenance().warnings[1].message;
    assert_eq!(message, "a date cannot be read and is left out (3 in this answer)");
}

#[test]
fn odd_totals_and_identifiers_are_warned_about() {
    let weeks = json!({"quotedWeeks": 10, "discountedWeeks": 1, "reintegratedWeeks": 0, "numberQuotationWeeks": 12});
    check_warnings(weeks, &["WEEKS_NOT_RECONCILED"]);
    check_warnings(json!({"quotedWeeks": "diez"}), &["UNREADABLE_WEEKS"]);
    check_warnings(json!({"quotedWeeks": 1, "nss": "12345678901"}), &["NSS_CHECK_DIGIT"]);
    check_warnings(json!({"quotedWeeks": 1, "nss": "string"}), &["UNREADABLE_NSS"]);
    check_warnings(
        json!({"quotedWeeks": 1, "curp": "ABCD570805HYNHLC5"}),
        &["UNREADABLE_CURP"],
    );
    check_warnings(json!({"quotedWeeks": 1, "nss": "", "curp": null}), &[]);
}

#[test]
fn too_many_employments_are_cut_with_a_warning() {
    let rows: Vec<Value> = (0..2001)
        .map(|index| json!({"employer": format!("E{index}")}))
        .collect();
    let history = read(json!({"employments": rows})).unwrap();
    assert_eq!((history.employments().len(), history.employments_total()), (2000, 2001));
    assert_eq!(codes(&history), ["EMPLOYMENTS_LEFT_OUT"]);
}

#[test]
fn movements_keep_words_that_are_not_known() {
    let movements = json!([
        {"evento": "Modificación de Salario", "fecha": "01/01/2023", "salarioBase": "$ 2.00"},
        {"event_type": "CAMBIO DE PATRON", "event_date": "2022-01-01"},
        {"typeMovement": "REINGRESO", "dateMovement": "2021-01-01T00:00:00.000Z", "baseSalary": 1},
        {"otra": "cosa"},
        7,
    ]);
    let history = one(json!({"movimientos": movements}));
    let kinds: Vec<_> = history.employments()[0]
        .movements
        .iter()
        .map(|movement| (movement.kind, movement.raw.as_str()))
        .collect();
    let expected = [
        (MovementKind::ModificacionDeSalario, "Modificación de Salario"),
        (MovementKind::Other, "CAMBIO DE PATRON"),
        (MovementKind::Reingreso, "REINGRESO"),
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn texts_are_cleaned() {
    let history = one(json!({"employer": "<b>ACME</b>\n&amp; HIJOS\u{202e}", "state": " MICHOACAN  DE OCAMPO "}));
    let employment = &history.employments()[0];
    assert_eq!(employment.employer, "ACME & HIJOS");
    assert_eq!(employment.entity.as_ref().unwrap().code(), Some("MX-MIC"));
}

/// Any JSON, with the names that the reader looks for among its keys.
fn any_document() -> impl Strategy<Value = Value> {
    let names = [
        PLACES[0],
        &LIST,
        &WEEKS,
        &WEEKS_QUOTED,
        &WEEKS_TOTAL,
        &CURP,
        &NSS,
        &FULL_NAME,
    ]
    .concat();
    let rows = [
        "employer",
        "fechaAlta",
        "endDate",
        "salary",
        "movements",
        "evento",
        "fecha",
        "registro_patronal",
    ];
    let key = prop::sample::select([names, rows.to_vec()].concat());
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        "[0-9/:TZ.,$ -]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..6).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_document_panics_the_reader(document in any_document()) {
        let _ = read(document);
    }
}
