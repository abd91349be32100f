//! Names: what is accepted, and that an error names the field and never the name.

#![allow(clippy::unwrap_used)]

use super::*;

fn named(given_names: &str) -> Result<PersonName, Vec<NameError>> {
    PersonName::parse(NameParts {
        given_names,
        paternal_surname: "GONZALEZ",
        maternal_surname: None,
    })
}

#[track_caller]
fn check(given_names: &str, expected: Result<&str, NameProblem>) {
    let expected = expected.map_err(|problem| {
        vec![NameError {
            field: NameField::GivenNames,
            problem,
        }]
    });
    assert_eq!(
        named(given_names).as_ref().map(|name| name.expose().given_names),
        expected.as_ref().map(|name| *name)
    );
}

#[test]
fn names() {
    check("  José   Alberto ", Ok("José Alberto"));
    check("MA. DEL CARMEN", Ok("MA. DEL CARMEN"));
    check("Íñigo", Ok("Íñigo"));
    check("In\u{303}igo Jose\u{301}", Ok("Iñigo José"));
    check("O'Neill-Pérez", Ok("O'Neill-Pérez"));
    check(" ", Err(NameProblem::Empty));
    check("ANA 2", Err(NameProblem::Character { position: 5 }));
    check("АННА", Err(NameProblem::Character { position: 1 }));
    check("-.-", Err(NameProblem::NoLetter));
    check(&"A".repeat(100), Ok(&"A".repeat(100)));
    check(&"A".repeat(101), Err(NameProblem::TooLong { found: 101 }));
}

#[test]
fn every_wrong_field_is_named_at_once() {
    let parts = NameParts {
        given_names: "",
        paternal_surname: "X3",
        maternal_surname: Some("ok?"),
    };
    let messages: Vec<String> = PersonName::parse(parts)
        .unwrap_err()
        .iter()
        .map(NameError::to_string)
        .collect();
    assert_eq!(
        messages,
        [
            "given_names is empty; send it as it stands in the person's document",
            "paternal_surname may have letters, spaces, hyphens, apostrophes and periods only; correct character 2",
            "maternal_surname may have letters, spaces, hyphens, apostrophes and periods only; correct character 3",
        ]
    );
}

#[test]
fn an_empty_maternal_surname_is_absent() {
    let parts = NameParts {
        given_names: "ANA",
        paternal_surname: "LOPEZ",
        maternal_surname: Some("  "),
    };
    assert_eq!(PersonName::parse(parts).unwrap().expose().maternal_surname, None);
}

#[test]
fn given_names_split_after_the_first() {
    assert_eq!(named("JOSE").unwrap().first_and_rest(), ("JOSE", None));
    assert_eq!(
        named("JOSE  LUIS ALBERTO").unwrap().first_and_rest(),
        ("JOSE", Some("LUIS ALBERTO"))
    );
}

#[test]
fn a_subject_survives_json_and_debug_hides_it() {
    let curp = Curp::parse("GOAA970724HYNNNL08").unwrap();
    let nss = Some(Nss::parse("12345678903").unwrap());
    let subject = Subject {
        curp,
        name: Some(named("JOSE").unwrap()),
        nss,
    };
    let json = serde_json::to_string(&subject).unwrap();
    assert_eq!(serde_json::from_str::<Subject>(&json).unwrap(), subject);
    let shown = format!("{subject:?} {:?}", subject.name.as_ref().unwrap().expose());
    assert!(
        !["GOAA", "JOSE", "GONZALEZ", "1234"]
            .iter()
            .any(|part| shown.contains(part)),
        "{shown}"
    );
    assert!(serde_json::from_str::<Subject>(r#"{"curp":"GOAA970724HYNNNL08"}"#).is_ok());
}
