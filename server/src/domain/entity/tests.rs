//! Federal entities: the variants seen, and that the table is whole.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use super::*;

#[track_caller]
fn check(text: &str, expected: Option<&str>) {
    assert_eq!(FederalEntity::read(text).unwrap().code(), expected, "{text}");
}

#[test]
fn variants() {
    check("DISTRITO FEDERAL", Some("MX-CMX"));
    check("Ciudad de México", Some("MX-CMX"));
    check("D.F.", Some("MX-CMX"));
    check("MICHOACAN", Some("MX-MIC"));
    check("Michoacán de Ocampo", Some("MX-MIC"));
    check("VERACRUZ", Some("MX-VER"));
    check("VERACRUZ DE IGNACIO DE LA LLAVE", Some("MX-VER"));
    check("COAHUILA DE ZARAGOZA", Some("MX-COA"));
    check("MEXICO", Some("MX-MEX"));
    check("estado de m&eacute;xico", Some("MX-MEX"));
    check("QUERÉTARO DE ARTEAGA", Some("MX-QUE"));
    check(" nuevo  leo\u{301}n ", Some("MX-NLE"));
    check("SAN LUIS POTOSÍ", Some("MX-SLP"));
    check("BAJA CALIFORNIA", Some("MX-BCN"));
    check("BAJA CALIFORNIA SUR", Some("MX-BCS"));
    check("TEXAS", None);
}

#[test]
fn all_32_entities_are_there_and_no_spelling_is_claimed_twice() {
    let codes: BTreeSet<&str> = SPELLINGS.iter().map(|(code, _)| *code).collect();
    let spellings: Vec<&str> = SPELLINGS
        .iter()
        .flat_map(|(_, spellings)| spellings.iter().copied())
        .collect();
    assert_eq!(codes.len(), 32);
    assert_eq!(spellings.iter().collect::<BTreeSet<_>>().len(), spellings.len());
    spellings
        .iter()
        .for_each(|spelling| assert_eq!(fold(spelling), *spelling));
}

#[test]
fn unknown_text_is_kept_and_empty_text_is_nothing() {
    assert_eq!(
        FederalEntity::read(" Nueva <b>Vizcaya</b>").unwrap().raw(),
        "Nueva Vizcaya"
    );
    assert_eq!(FederalEntity::read(" "), None);
}
