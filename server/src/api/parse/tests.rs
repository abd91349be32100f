//! Wrong requests and the exact list of fields that each is told about; right ones and what becomes of them.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, time::Duration};

use semanas_proto::v1;

use super::*;
use crate::{
    api::caller::Caller,
    domain::{ids::Tenant, job::StateName, outcome::Charge, provider_id::ProviderId},
};

/// A CURP and an NSS of nobody, with right check digits.
const CURP: &str = "XEXX010101HNEXXXA4";
const NSS: &str = "12345678903";

fn caller() -> Caller {
    Caller {
        tenant: Tenant::sole(),
        trace_parent: None,
    }
}

fn good() -> v1::SubmitWorkHistoryRequest {
    v1::SubmitWorkHistoryRequest {
        subject: Some(v1::Subject {
            curp: CURP.to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn named(subject: v1::Subject) -> v1::Subject {
    v1::Subject {
        given_names: "JOSE ALBERTO".to_owned(),
        paternal_surname: "PEREZ".to_owned(),
        ..subject
    }
}

fn labels<const N: usize>(labels: [(&str, &str); N]) -> BTreeMap<String, String> {
    labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

#[track_caller]
fn check_refusal<T>(parsed: Result<T, Refusal>, reason: Reason, fields: &[&str]) {
    let refusal = parsed.err().expect("it must be refused");
    assert_eq!(refusal.reason(), reason);
    let violations = refusal.into_violations();
    assert_eq!(
        violations
            .iter()
            .map(|violation| violation.field.as_str())
            .collect::<Vec<_>>(),
        fields
    );
    let text = format!("{violations:?}");
    assert!(
        ![CURP, NSS, "SECRET"].iter().any(|value| text.contains(value)),
        "a value is repeated: {text}"
    );
}

#[track_caller]
fn check(change: impl FnOnce(&mut v1::SubmitWorkHistoryRequest), fields: &[&str]) {
    check_for(Reason::InvalidRequest, change, fields);
}

#[track_caller]
fn check_for(reason: Reason, change: impl FnOnce(&mut v1::SubmitWorkHistoryRequest), fields: &[&str]) {
    let mut request = good();
    change(&mut request);
    check_refusal(submit(request, caller()), reason, fields);
}

fn subject(request: &mut v1::SubmitWorkHistoryRequest) -> &mut v1::Subject {
    request.subject.as_mut().unwrap()
}

#[test]
fn a_wrong_identifier_alone_has_a_reason_of_its_own() {
    check_for(Reason::InvalidCurp, |it| it.subject = None, &["subject.curp"]);
    check_for(
        Reason::InvalidCurp,
        |it| subject(it).curp = "SECRET".to_owned(),
        &["subject.curp"],
    );
    check_for(
        Reason::InvalidCurp,
        |it| subject(it).curp = CURP.replace('4', "5"),
        &["subject.curp"],
    );
    check_for(
        Reason::InvalidNss,
        |it| subject(it).nss = "12345678901".to_owned(),
        &["subject.nss"],
    );
    check(
        |it| {
            *subject(it) = v1::Subject {
                curp: "SECRET".to_owned(),
                nss: "1".to_owned(),
                ..Default::default()
            }
        },
        &["subject.curp", "subject.nss"],
    );
}

#[test]
fn names_come_whole_or_not_at_all() {
    check(
        |it| subject(it).maternal_surname = "LOPEZ".to_owned(),
        &["subject.given_names", "subject.paternal_surname"],
    );
    check(
        |it| subject(it).given_names = "JOSE".to_owned(),
        &["subject.paternal_surname"],
    );
    check(
        |it| {
            *subject(it) = v1::Subject {
                paternal_surname: "SECRET1".to_owned(),
                ..named(subject(it).clone())
            }
        },
        &["subject.paternal_surname"],
    );
}

#[test]
fn the_provider_must_sell_histories_and_get_what_it_needs() {
    let kiban = v1::Provider::Kiban.into();
    check(
        |it| it.provider = kiban,
        &["subject.given_names", "subject.paternal_surname"],
    );
    check(|it| it.provider = v1::Provider::Nubarium.into(), &["provider"]);
    check(|it| it.provider = 99, &["provider"]);
    check(|it| it.test_case_id = "case-1".to_owned(), &["provider"]);
    let with_test_case = |it: &mut v1::SubmitWorkHistoryRequest, id: &str| {
        it.provider = v1::Provider::Kiban.into();
        it.test_case_id = id.to_owned();
        name(it);
    };
    check(
        |it| {
            with_test_case(it, "case-1");
            it.provider = v1::Provider::TuIdentidad.into();
        },
        &["provider"],
    );
    check(|it| with_test_case(it, "case 1"), &["test_case_id"]);
    check(|it| with_test_case(it, &"x".repeat(65)), &["test_case_id"]);
    check(|it| with_test_case(it, CURP), &["test_case_id"]);
}

#[test]
fn numbers_and_times_have_bounds() {
    let age = |seconds, nanos| Some(prost_types::Duration { seconds, nanos });
    for limit in [-1, 10_001, i32::MIN] {
        check(|it| it.limit = limit, &["limit"]);
    }
    for wrong in [
        age(-1, 0),
        age(0, -1),
        age(30 * 86_400, 1),
        age(i64::MIN, i32::MIN),
        age(i64::MAX, 0),
    ] {
        check(|it| it.max_age = wrong, &["max_age"]);
    }
}

#[test]
fn texts_have_bounds_and_hold_no_identifiers() {
    check(|it| it.purpose = "é".repeat(201), &["purpose"]);
    check(|it| it.purpose = "two\nlines".to_owned(), &["purpose"]);
    check(
        |it| it.purpose = format!("loan for {}", CURP.to_lowercase()),
        &["purpose"],
    );
    check(|it| it.consent_reference = format!("nss {NSS}"), &["consent_reference"]);
    check(|it| it.request_id = "x".repeat(129), &["request_id"]);
    check(|it| it.request_id = "añejo".to_owned(), &["request_id"]);
}

#[test]
fn a_label_is_named_by_its_key_only_when_the_key_is_right() {
    check(|it| it.labels = labels([("a", "b c")]), &["labels[\"a\"]"]);
    check(|it| it.labels = labels([("a", &"x".repeat(64))]), &["labels[\"a\"]"]);
    check(|it| it.labels = labels([("a", NSS)]), &["labels[\"a\"]"]);
    for key in ["", "ñ", "SECRET KEY", &"x".repeat(64), CURP] {
        check(|it| it.labels = labels([(key, "b")]), &["labels"]);
    }
    check(
        |it| it.labels = (0..17).map(|n| (n.to_string(), String::new())).collect(),
        &["labels"],
    );
}

#[test]
fn every_wrong_field_is_named_at_once() {
    let all = |it: &mut v1::SubmitWorkHistoryRequest| {
        *it = v1::SubmitWorkHistoryRequest {
            subject: Some(v1::Subject {
                given_names: "J0SE".to_owned(),
                nss: "1".to_owned(),
                ..Default::default()
            }),
            limit: -1,
            request_id: "\n".to_owned(),
            max_age: Some(prost_types::Duration { seconds: -1, nanos: 0 }),
            provider: 3,
            test_case_id: "!".to_owned(),
            purpose: CURP.to_owned(),
            consent_reference: NSS.to_owned(),
            labels: labels([("a", " ")]),
            allow_repeat_charge: true,
        }
    };
    check(
        all,
        &[
            "subject.curp",
            "subject.nss",
            "subject.given_names",
            "subject.paternal_surname",
            "request_id",
            "provider",
            "limit",
            "max_age",
            "test_case_id",
            "purpose",
            "consent_reference",
            "labels[\"a\"]",
        ],
    );
}

#[test]
fn a_right_request_becomes_typed_values() {
    let mut request = good();
    *subject(&mut request) = named(v1::Subject {
        nss: "12 34 56 7890-3".to_owned(),
        ..subject(&mut request).clone()
    });
    request.provider = v1::Provider::Kiban.into();
    request.limit = 10_000;
    request.max_age = Some(prost_types::Duration {
        seconds: 30 * 86_400,
        nanos: 0,
    });
    request.purpose = "x".repeat(200);
    request.labels = labels([("team/a", ""), ("x", "1.2-3_4")]);
    let submit = submit(request, caller()).ok().unwrap();
    assert_eq!(submit.subject.curp.expose(), CURP);
    assert_eq!(submit.subject.nss.unwrap().expose(), NSS);
    assert!(submit.subject.name.is_some());
    assert_eq!((submit.provider, submit.limit), (Some(ProviderId::Kiban), 10_000));
    assert_eq!(submit.max_age, Some(Duration::from_secs(30 * 86_400)));
    assert_eq!((submit.labels.len(), submit.request_id.is_none()), (2, true));
}

#[test]
fn zero_max_age_differs_from_none() {
    let zero = v1::SubmitWorkHistoryRequest {
        max_age: Some(prost_types::Duration::default()),
        ..good()
    };
    assert_eq!(submit(zero, caller()).ok().unwrap().max_age, Some(Duration::ZERO));
    assert_eq!(submit(good(), caller()).ok().unwrap().max_age, None);
}

#[test]
fn a_test_case_may_have_a_curp_with_a_wrong_check_digit() {
    let mut request = good();
    subject(&mut request).curp = CURP.replace('4', "5");
    name(&mut request);
    request.provider = v1::Provider::Kiban.into();
    request.test_case_id = "case-1".to_owned();
    assert_eq!(
        submit(request, caller()).ok().unwrap().test_case_id.as_deref(),
        Some("case-1")
    );
}

/// Kiban wants names.
fn name(request: &mut v1::SubmitWorkHistoryRequest) {
    subject(request).given_names = "JESUS".to_owned();
    subject(request).paternal_surname = "PEREZ".to_owned();
}

fn body_of(change: impl FnOnce(&mut v1::SubmitWorkHistoryRequest)) -> Vec<u8> {
    let mut request = v1::SubmitWorkHistoryRequest {
        request_id: "r-1".to_owned(),
        ..good()
    };
    subject(&mut request).nss = NSS.to_owned();
    change(&mut request);
    let parsed = submit(request, caller()).ok().unwrap().request_id.unwrap();
    parsed.body
}

#[test]
fn the_same_request_has_the_same_bytes_however_its_identifiers_are_written() {
    let body = body_of(|_| {});
    assert_eq!(
        body,
        body_of(|it| subject(it).curp = format!(" {} ", CURP.to_lowercase()))
    );
    assert_eq!(body, body_of(|it| subject(it).nss = "12-34-56-7890-3".to_owned()));
    assert_eq!(body, body_of(|it| it.request_id = "r-2".to_owned()));
    assert_ne!(body, body_of(|it| it.limit = 1));
    assert_ne!(body, body_of(|it| subject(it).nss = String::new()));
    let [ab, ba] =
        [[("a", "1"), ("b", "2")], [("b", "2"), ("a", "1")]].map(|pairs| body_of(|it| it.labels = labels(pairs)));
    assert_eq!(ab, ba);
}

#[test]
fn a_lookup_is_read_by_the_same_rules() {
    let wrong = v1::LookupNssRequest {
        purpose: NSS.to_owned(),
        max_age: Some(prost_types::Duration { seconds: -1, nanos: 0 }),
        ..Default::default()
    };
    check_refusal(
        lookup(wrong, caller()),
        Reason::InvalidRequest,
        &["curp", "max_age", "purpose"],
    );
    let no_curp = v1::LookupNssRequest::default();
    check_refusal(lookup(no_curp, caller()), Reason::InvalidCurp, &["curp"]);
}

#[test]
fn lists_and_feeds_check_their_filters() {
    let span = |start, end| {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        Some(v1::TimeRange {
            start_time: at(start),
            end_time: at(end),
        })
    };
    let filter = v1::JobFilter {
        states: vec![1, 0, 99, 1],
        create_time: span(5, 5),
        labels: labels([("a", " ")]),
    };
    let request = v1::ListWorkHistoriesRequest {
        page_size: 1001,
        filter: Some(filter.clone()),
        ..Default::default()
    };
    let fields = [
        "page_size",
        "filter.states[1]",
        "filter.states[2]",
        "filter.create_time",
        "filter.labels[\"a\"]",
    ];
    check_refusal(list(request), Reason::InvalidRequest, &fields);
    let beyond = v1::JobFilter {
        create_time: span(i64::MIN, i64::MAX),
        ..Default::default()
    };
    let request = v1::ListWorkHistoriesRequest {
        filter: Some(beyond),
        ..Default::default()
    };
    let fields = ["filter.create_time.start_time", "filter.create_time.end_time"];
    check_refusal(list(request), Reason::InvalidRequest, &fields);
    let filter = v1::JobFilter {
        states: vec![],
        labels: BTreeMap::new(),
        ..filter
    };
    let request = v1::WatchWorkHistoriesRequest {
        filter: Some(filter),
        initial_count: -1,
        ..Default::default()
    };
    check_refusal(
        watch_all(request, caller()),
        Reason::InvalidRequest,
        &["filter.create_time", "initial_count"],
    );
}

#[test]
fn what_is_left_out_of_a_list_has_its_default() {
    let states = vec![v1::JobState::Failed.into(), v1::JobState::Failed.into()];
    let filter = Some(v1::JobFilter {
        states,
        ..Default::default()
    });
    let (filter, page_size) = list(v1::ListWorkHistoriesRequest {
        filter,
        ..Default::default()
    })
    .unwrap();
    assert_eq!((filter.states, page_size), (vec![StateName::Failed], 50));
    let all = watch_all(v1::WatchWorkHistoriesRequest::default(), caller())
        .ok()
        .unwrap();
    assert_eq!((all.cursor, all.initial_count), (None, 100));
}

#[test]
fn a_job_must_be_named() {
    let limit = Some(-1);
    check_refusal(
        get(v1::GetWorkHistoryRequest {
            limit,
            ..Default::default()
        }),
        Reason::InvalidRequest,
        &["job_id", "limit"],
    );
    check_refusal(job_id(String::new()), Reason::InvalidRequest, &["job_id"]);
    let unnamed = v1::WatchWorkHistoryRequest {
        limit,
        ..Default::default()
    };
    check_refusal(watch(unnamed, caller()), Reason::InvalidRequest, &["job_id", "limit"]);
}

#[test]
fn a_settlement_says_yes_or_no() {
    for charge in [
        v1::ChargeState::Unspecified,
        v1::ChargeState::Open,
        v1::ChargeState::Unknown,
    ] {
        let request = v1::ResolveWorkHistoryRequest {
            job_id: "j".to_owned(),
            charge: charge.into(),
            note: CURP.to_owned(),
        };
        check_refusal(resolve(request), Reason::InvalidRequest, &["note", "charge"]);
    }
    let yes = v1::ResolveWorkHistoryRequest {
        job_id: "j".to_owned(),
        charge: 2,
        note: "invoice 17".to_owned(),
    };
    assert_eq!(resolve(yes).unwrap().charge, Charge::Yes);
}

#[test]
fn the_ledger_is_filtered_by_known_words_only() {
    let request = v1::ListChargesRequest {
        page_size: -1,
        job_id: CURP.to_owned(),
        provider: 9,
        states: vec![4, 9],
        ..Default::default()
    };
    check_refusal(
        charges(&request, caller()),
        Reason::InvalidRequest,
        &["page_size", "job_id", "provider", "states[1]"],
    );
    let nubarium = v1::ListChargesRequest {
        provider: 3,
        states: vec![4, 4],
        ..Default::default()
    };
    let query = charges(&nubarium, caller()).unwrap();
    assert_eq!(
        (query.provider, query.charges, query.page_size),
        (Some(ProviderId::Nubarium), vec![Charge::Unknown], 50)
    );
}
