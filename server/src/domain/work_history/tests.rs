//! Work histories: order, bounds, sums, and what is stored.

#![allow(clippy::unwrap_used)]

use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;
use crate::domain::{money::Money, reading::parse_date};

fn employment(employer: &str, start: Option<Date>, end: EmploymentEnd) -> Employment {
    let employer = employer.to_owned();
    let (registro_patronal, entity, daily_base_salary, movements) = (None, None, None, vec![]);
    Employment {
        employer,
        registro_patronal,
        entity,
        start,
        end,
        daily_base_salary,
        movements,
    }
}

fn history(employments: Vec<Employment>) -> WorkHistory {
    let provenance = Provenance {
        provider: ProviderId::Kiban,
        adapter_version: "1".to_owned(),
        provider_reference: None,
        retrieved_at: Timestamp::UNIX_EPOCH,
        warnings: vec![],
    };
    WorkHistory::new(Person::default(), Weeks::default(), employments, provenance)
}

fn employers(history: &WorkHistory) -> Vec<&str> {
    history
        .employments()
        .iter()
        .map(|employment| employment.employer.as_str())
        .collect()
}

#[test]
fn newest_first_with_current_jobs_on_top() {
    let on = |year| EmploymentEnd::On(date(year, 1, 1));
    let start = |year| Some(date(year, 1, 1));
    let sorted = history(vec![
        employment("undated", None, EmploymentEnd::Unknown),
        employment("old", start(1990), on(1995)),
        employment("long", start(2000), on(2010)),
        employment("unknown end", start(2000), EmploymentEnd::Unknown),
        employment("current since 1999", start(1999), EmploymentEnd::Current),
        employment("short", start(2000), on(2001)),
        employment("current since 2005", start(2005), EmploymentEnd::Current),
        employment("long again", start(2000), on(2010)),
    ]);
    let expected = [
        "current since 2005",
        "current since 1999",
        "long",
        "long again",
        "short",
        "unknown end",
        "old",
        "undated",
    ];
    assert_eq!(employers(&sorted), expected);
}

#[track_caller]
fn check_weeks([quoted, discounted, reintegrated, total]: [Option<u32>; 4], expected: Option<bool>) {
    assert_eq!(
        Weeks {
            quoted,
            discounted,
            reintegrated,
            total
        }
        .reconciles(),
        expected
    );
}

#[test]
fn weeks_reconcile_only_when_all_are_reported() {
    check_weeks([Some(100), Some(10), Some(5), Some(95)], Some(true));
    check_weeks([Some(100), Some(10), Some(5), Some(100)], Some(false));
    check_weeks([Some(0), Some(10), Some(0), Some(0)], Some(false));
    check_weeks([Some(100), None, Some(5), Some(95)], None);
    check_weeks([None; 4], None);
}

#[test]
fn ends_and_movements_by_the_providers_words() {
    for text in ["", "Vigente", "0001-01-01T00:00:00", "null"] {
        assert_eq!(
            EmploymentEnd::from_reading(parse_date(text)),
            EmploymentEnd::Current,
            "{text}"
        );
    }
    assert_eq!(
        EmploymentEnd::from_reading(parse_date("31/12/2020")),
        EmploymentEnd::On(date(2020, 12, 31))
    );
    assert_eq!(
        EmploymentEnd::from_reading(parse_date("pronto")),
        EmploymentEnd::Unknown
    );
    for (word, kind) in [
        ("alta", MovementKind::Alta),
        ("REINGRESO", MovementKind::Reingreso),
        ("MODIFICACI&Oacute;N DE SALARIO", MovementKind::ModificacionDeSalario),
        ("MODIFICACION_DE_SALARIO", MovementKind::ModificacionDeSalario),
        ("Baja", MovementKind::Baja),
        ("PENSION", MovementKind::Other),
    ] {
        assert_eq!(Movement::read(word, None, None).kind, kind, "{word}");
    }
}

#[test]
fn a_registro_patronal_is_kept_whatever_it_looks_like() {
    for (text, plausible) in [
        ("Y5412345101", true),
        ("Y54-12345-10", true),
        ("0123456789", true),
        ("Y54*****10", true),
        ("?", false),
    ] {
        let registro = RegistroPatronal::read(text).unwrap();
        assert_eq!((registro.as_str(), registro.is_plausible()), (text, plausible));
    }
    assert_eq!(RegistroPatronal::read(" "), None);
}

#[test]
fn what_is_over_the_bounds_is_left_out_with_a_warning() {
    let mut first = employment("many movements", None, EmploymentEnd::Current);
    first.movements = (0..=MOVEMENTS_MAX)
        .map(|_| Movement::read("ALTA", None, None))
        .collect();
    first
        .movements
        .push(Movement::read("BAJA", Some(date(2020, 1, 1)), None));
    let mut all = vec![employment("old", None, EmploymentEnd::Unknown); EMPLOYMENTS_MAX];
    all.push(first);
    let bounded = history(all);
    assert_eq!(
        (bounded.employments().len(), bounded.employments_total()),
        (EMPLOYMENTS_MAX, 2001)
    );
    assert_eq!(bounded.employments()[0].movements.len(), MOVEMENTS_MAX);
    assert_eq!(bounded.employments()[0].movements[0].kind, MovementKind::Baja);
    let codes: Vec<&str> = bounded
        .provenance()
        .warnings
        .iter()
        .map(|warning| warning.code.as_str())
        .collect();
    assert_eq!(codes, [EMPLOYMENTS_LEFT_OUT, MOVEMENTS_LEFT_OUT]);
}

#[test]
fn the_stored_form_is_readable_json_and_debug_shows_nothing_personal() {
    let mut job = employment("ACME", Some(date(2020, 1, 2)), EmploymentEnd::On(date(2021, 3, 4)));
    job.daily_base_salary = Some(Money::parse("136.39").unwrap());
    job.movements = vec![Movement::read("ALTA", job.start, job.daily_base_salary)];
    let mut stored = history(vec![job]);
    stored.person.full_name = FullName::received("JOSE  GONZALEZ");
    stored.provenance.warnings.push(Warning::new("WH", "about JOSE"));
    let json = serde_json::to_string(&stored).unwrap();
    insta::assert_snapshot!(json);
    assert_eq!(serde_json::from_str::<WorkHistory>(&json).unwrap(), stored);
    let shown = format!("{stored:?} {:?} {:?}", stored.person(), stored.provenance());
    assert!(
        !["JOSE", "ACME", "136"].iter().any(|part| shown.contains(part)),
        "{shown}"
    );
}

fn any_employments() -> impl Strategy<Value = Vec<Employment>> {
    let start = proptest::option::of((1950i16..2030).prop_map(|year| date(year, 1, 1)));
    let end = prop_oneof![
        Just(EmploymentEnd::Current),
        Just(EmploymentEnd::Unknown),
        (1950i16..2030).prop_map(|year| EmploymentEnd::On(date(year, 6, 1))),
    ];
    let one = ("[a-z]{1,6}", start, end).prop_map(|(employer, start, end)| employment(&employer, start, end));
    proptest::collection::vec(one, 0..30)
}

proptest! {
    #[test]
    fn sorting_is_idempotent_and_keeps_all(employments in any_employments()) {
        let mut once = employments.clone();
        sort_employments_newest_first(&mut once);
        let mut twice = once.clone();
        sort_employments_newest_first(&mut twice);
        prop_assert_eq!(&once, &twice);
        let mut missing = employments;
        once.iter().for_each(|kept| drop(missing.remove(missing.iter().position(|had| had == kept).unwrap())));
        prop_assert!(missing.is_empty());
    }

    #[test]
    fn a_cut_is_a_prefix_and_keeps_the_total(employments in any_employments(), limit in 0u32..40) {
        let whole = history(employments);
        let cut = whole.clone().cut(limit);
        let expected = if limit == 0 { whole.employments().len() } else { whole.employments().len().min(limit as usize) };
        prop_assert_eq!(cut.employments(), &whole.employments()[..expected]);
        prop_assert_eq!(cut.employments_total(), whole.employments_total());
    }
}
