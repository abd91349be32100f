//! NSS: the published vectors, and what the check digit promises.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, expected: Result<&str, NssError>) {
    assert_eq!(
        Nss::parse(text).as_ref().map(Nss::expose),
        expected.as_ref().map(|nss| *nss),
        "{text}"
    );
}

#[test]
fn vectors() {
    for valid in [
        "12345678903",
        "84966311213",
        "08189782793",
        "12907200013",
        "97000000014",
    ] {
        check(valid, Ok(valid));
    }
    for invalid in ["84966311215", "12345678901", "98765432101", "98923404899"] {
        check(invalid, Err(NssError::CheckDigit));
    }
}

#[test]
fn only_spaces_and_hyphens_are_forgiven() {
    check(" 08-18-97 8279-3 ", Ok("08189782793"));
    check("08.189782793", Err(NssError::NotDigits));
    check("0818978279\u{663}", Err(NssError::NotDigits));
    check("8189782793", Err(NssError::Length { found: 10 }));
    check("", Err(NssError::Length { found: 0 }));
    check("00000000000", Err(NssError::AllZeros));
}

#[test]
fn a_received_nss_with_a_wrong_check_digit_is_kept_with_a_warning() {
    assert_eq!(Nss::received("84966311215").unwrap().1, Some(NssWarning::CheckDigit));
    assert_eq!(Nss::received("84966311213").unwrap().1, None);
    assert_eq!(Nss::received("00000000000"), None);
    assert_eq!(Nss::received("no encontrado"), None);
}

#[test]
fn debug_hides_it_and_json_keeps_it() {
    let (nss, _) = Nss::received("84966311215").unwrap();
    assert_eq!(format!("{nss:?}"), "Nss(redacted)");
    let json = serde_json::to_string(&nss).unwrap();
    assert_eq!(json, "\"84966311215\"");
    assert_eq!(serde_json::from_str::<Nss>(&json).unwrap(), nss);
}

fn valid_nss() -> impl Strategy<Value = String> {
    let with_digit = |first: String| (0..10).map(move |digit| format!("{first}{digit}"));
    "[0-9]{10}".prop_filter_map("not zeros", move |first| {
        with_digit(first).find(|text| Nss::parse(text).is_ok())
    })
}

proptest! {
    #[test]
    fn each_first_ten_digits_have_one_check_digit(first in "[0-9]{9}[1-9]") {
        let accepted = (0..10).filter(|digit| Nss::parse(&format!("{first}{digit}")).is_ok()).count();
        prop_assert_eq!(accepted, 1);
    }

    #[test]
    fn one_changed_digit_is_always_rejected(text in valid_nss(), at in 0usize..NSS_DIGITS, step in 1u8..10) {
        let mut bytes = text.into_bytes();
        bytes[at] = b'0' + (bytes[at] - b'0' + step) % 10;
        prop_assert!(Nss::parse(&String::from_utf8(bytes).unwrap()).is_err());
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = (Nss::parse(&text), Nss::received(&text));
    }
}
