//! What must hold for any text that is read as an identifier, an amount, a date or a name, and how personal data is found in
//! what a fuzz target sends and in what comes out of it.
//!
//! The search for identifiers is a second one on purpose, by shape alone: it must not share a mistake with the code it judges.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::{
    curp::{CURP_CHARS, Curp, CurpError},
    entity::FederalEntity,
    money::Money,
    nss::{NSS_DIGITS, Nss, NssError},
    person::{NAME_CHARS_MAX, NameParts, PersonName},
    reading::{DateReading, parse_count, parse_date},
    text::{TEXT_CHARS_MAX, clean_text, fold},
    work_history::{FullName, Movement, RegistroPatronal},
};

/// Every CURP and NSS in the bytes, by shape: what must not be told.
pub(crate) fn identifiers_in(bytes: &[u8]) -> BTreeSet<String> {
    let upper = bytes.to_ascii_uppercase();
    let curps = upper.windows(CURP_CHARS).filter(|window| has_curp_shape(window));
    let words = upper.split(|byte| !byte.is_ascii_alphanumeric());
    let nss = words.filter(|word| word.len() == NSS_DIGITS && word.iter().all(u8::is_ascii_digit));
    // Zeros are nobody's.
    let nss = nss.filter(|word| word.iter().any(|digit| *digit != b'0'));
    curps
        .chain(nss)
        .map(|found| String::from_utf8_lossy(found).into_owned())
        .collect()
}

/// Asserts that a text told to somebody holds no identifier that came in. Eleven digits inside a longer word are no NSS: UUIDs
/// hold such.
#[track_caller]
pub(crate) fn assert_silent(identifiers: &BTreeSet<String>, told: &str) {
    let upper = told.to_ascii_uppercase();
    let words: BTreeSet<&str> = upper.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    for identifier in identifiers {
        let is_told =
            words.contains(identifier.as_str()) || identifier.len() == CURP_CHARS && upper.contains(identifier);
        assert!(!is_told, "personal data in: {told}");
    }
}

pub(crate) fn curp(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let identifiers = identifiers_in(input);
    let lenient = Curp::parse_lenient(&text);
    match Curp::parse(&text) {
        Ok(curp) => {
            assert_eq!(lenient.as_ref(), Ok(&curp), "what passes all rules passes some");
            assert_eq!(Curp::parse(curp.expose()).as_ref(), Ok(&curp));
            assert_eq!(
                Curp::parse(&format!(" {} \n", text.to_ascii_lowercase())).as_ref(),
                Ok(&curp)
            );
            check_digit_is_the_only_one(&curp);
        }
        Err(error) => {
            assert_silent(&identifiers, &error.to_string());
            assert_eq!(lenient.is_ok(), error == CurpError::CheckDigit);
        }
    }
    if let Ok(curp) = lenient {
        assert!(curp.expose().len() == CURP_CHARS && curp.expose().is_ascii());
        assert_silent(&identifiers, &format!("{curp:?}"));
        assert_eq!(stored(&curp), curp);
    }
}

pub(crate) fn nss(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let identifiers = identifiers_in(input);
    let received = Nss::received(&text);
    match Nss::parse(&text) {
        Ok(nss) => {
            assert_eq!(received, Some((nss.clone(), None)));
            let spaced: String = nss.expose().chars().flat_map(|digit| [digit, ' ', '-']).collect();
            assert_eq!(Nss::parse(&spaced).as_ref(), Ok(&nss));
            a_mistyped_digit_is_noticed(&nss);
        }
        Err(error) => {
            assert_silent(&identifiers, &error.to_string());
            assert_eq!(received.is_some(), error == NssError::CheckDigit);
        }
    }
    if let Some((nss, _)) = received {
        assert!(nss.expose().len() == NSS_DIGITS && nss.expose().bytes().all(|b| b.is_ascii_digit()));
        assert_silent(&identifiers, &format!("{nss:?}"));
        assert_eq!(stored(&nss), nss);
    }
}

pub(crate) fn money(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let Ok(amount) = Money::parse(&text) else { return };
    assert_eq!(Money::parse(&amount.to_decimal_string()), Ok(amount));
    assert_eq!(stored(&amount), amount);
    let (units, nanos) = (amount.units(), amount.nanos());
    assert!(
        units == 0 || nanos == 0 || (units < 0) == (nanos < 0),
        "{units} and {nanos}"
    );
    assert_eq!(amount.is_negative(), units < 0 || nanos < 0);
}

pub(crate) fn text(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let clean = clean_text(&text, TEXT_CHARS_MAX);
    assert!(clean.chars().count() <= TEXT_CHARS_MAX);
    assert_eq!(clean, clean.split_whitespace().collect::<Vec<_>>().join(" "));
    assert!(!clean.chars().any(char::is_control));
    let folded = fold(&text);
    assert_eq!(fold(&folded), folded);
    if let DateReading::On(date) = parse_date(&text) {
        check_date(date);
    }
    if let Some(count) = parse_count(&text) {
        assert_eq!(parse_count(&count.to_string()), Some(count));
    }
    if let Some(entity) = FederalEntity::read(&text) {
        assert_eq!(stored(&entity), entity);
        assert!(entity.code().is_none_or(|code| code.starts_with("MX-")));
    }
    if let Some(registro) = RegistroPatronal::read(&text) {
        assert!(!registro.is_plausible() || registro.as_str().is_ascii());
    }
    let movement = Movement::read(&text, None, None);
    assert!(movement.raw.chars().count() <= TEXT_CHARS_MAX);
    assert!(FullName::received(&text).is_none_or(|name| !name.expose().is_empty()));
    names(&text);
}

/// The first line as given names, the second as surname, the rest as the other one.
fn names(text: &str) {
    let mut lines = text.splitn(3, '\n');
    let parts = NameParts {
        given_names: lines.next().unwrap_or_default(),
        paternal_surname: lines.next().unwrap_or_default(),
        maternal_surname: lines.next(),
    };
    match PersonName::parse(parts) {
        Ok(name) => {
            assert_eq!(PersonName::parse(name.expose()), Ok(name.clone()));
            assert_eq!(stored(&name), name);
            let (first, rest) = name.first_and_rest();
            assert!(!first.is_empty() && !first.contains(' ') && rest.is_none_or(|rest| !rest.is_empty()));
            assert!(name.expose().given_names.chars().count() <= NAME_CHARS_MAX);
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            let identifiers = identifiers_in(text.as_bytes());
            errors
                .iter()
                .for_each(|error| assert_silent(&identifiers, &error.to_string()));
        }
    }
}

fn has_curp_shape(window: &[u8]) -> bool {
    let shape = b"AAAA999999SAAAAA*9";
    let fits = |(byte, class): (&u8, &u8)| match class {
        b'A' => byte.is_ascii_uppercase(),
        b'9' => byte.is_ascii_digit(),
        b'S' => b"HMX".contains(byte),
        _ => byte.is_ascii_alphanumeric(),
    };
    window.iter().zip(shape).all(fits)
}

fn check_digit_is_the_only_one(curp: &Curp) {
    let body = &curp.expose()[..CURP_CHARS - 1];
    let passing = (0..10).filter(|digit| Curp::parse(&format!("{body}{digit}")).is_ok());
    assert_eq!(passing.count(), 1);
}

/// A Luhn digit notices every single wrong digit.
fn a_mistyped_digit_is_noticed(nss: &Nss) {
    for at in 0..NSS_DIGITS {
        let mut digits = nss.expose().as_bytes().to_vec();
        digits[at] = b'0' + (digits[at] - b'0' + 1) % 10;
        assert!(Nss::parse(&String::from_utf8_lossy(&digits)).is_err());
    }
}

fn check_date(date: Date) {
    let written = date.to_string();
    assert_eq!(parse_date(&written), DateReading::On(date));
    let (year, month, day) = (date.year(), date.month(), date.day());
    assert_eq!(
        parse_date(&format!("{day:02}/{month:02}/{year}")),
        DateReading::On(date)
    );
}

/// The value written into a record and read again.
fn stored<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    let text = serde_json::to_vec(value).expect("our types have string keys");
    serde_json::from_slice(&text).expect("what we write we can read")
}
