//! CURPs: the published vectors, and the parser against a second, slower statement of the same rules.

#![allow(clippy::unwrap_used)]

use jiff::civil::date;
use proptest::prelude::*;

use super::*;

const ALPHABET: &str = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ";
const CONSONANTS: &str = "BCDFGHJKLMNPQRSTVWXYZ";

#[track_caller]
fn check(text: &str, expected: Result<(), CurpError>) {
    assert_eq!(Curp::parse(text).map(|_| ()), expected, "{text}");
}

#[test]
fn valid_vectors() {
    let vectors = "GOAA970724HYNNNL08 PEMJ920906HNLRRS00 CAHF620818HMNLNL09 PXNE660720HMCXTN06 LOOA531113HTCPBN07 \
        SASO750909HDFNNS05 PEXL750909HDFRXS02 PEPL000909HNLRDSA1 MASI050805MVZRLRA8 BASJ841209XCLNCS02 \
        ZUNA540308MNELTN05 BOXW310820HNERXN09";
    vectors.split_whitespace().for_each(|vector| check(vector, Ok(())));
}

#[test]
fn wrong_check_digits_pass_only_when_lenient() {
    let vectors = "BOXW310820HNERXN08 XARA750909HDFNDL01 RUNO390705HSLPTC02 SABC560626MDFLRN09 BADD110313HCMLNS09";
    for vector in vectors.split_whitespace() {
        check(vector, Err(CurpError::CheckDigit));
        assert!(Curp::parse_lenient(vector).is_ok(), "{vector}");
    }
}

#[test]
fn wrong_shapes() {
    let shape = |position, expected| Err(CurpError::Shape { position, expected });
    check("ABCD570805HYNHLC52", shape(2, "a vowel or X"));
    check("BLPM951331IONVGR54", shape(2, "a vowel or X"));
    check("GOAA97O724HYNNNL08", shape(7, "a digit"));
    check("GOAA970724IYNNNL08", shape(11, "H, M or X"));
    check(
        "GOAA970724HXXNNL08",
        shape(12, "the start of a two-letter federal entity code (NE for born abroad)"),
    );
    check("GOAA970724HYNANL08", shape(14, "a consonant"));
    check("GOÑA970724HYNNNL08", shape(3, "a letter from A to Z (Ñ is written X)"));
    check("", Err(CurpError::Length { found: 0 }));
    check("GOAA970724HYNNNL0", Err(CurpError::Length { found: 17 }));
}

#[test]
fn impossible_dates() {
    check("GOAA970230HYNNNL08", Err(CurpError::Date));
    check("GOAA971301HYNNNL08", Err(CurpError::Date));
    check("GOAA970100HYNNNL08", Err(CurpError::Date));
    // The year 2000 was a leap year and 1900 was not: only the letter in place 17 makes this date real.
    assert!(Curp::parse_lenient("GOAA000229HYNNNLA0").is_ok());
    check("GOAA000229HYNNNL08", Err(CurpError::Date));
}

#[test]
fn case_and_outer_space_are_forgiven() {
    assert_eq!(
        Curp::parse(" goaa970724hynnnl08\n").unwrap().expose(),
        "GOAA970724HYNNNL08"
    );
}

#[test]
fn the_century_comes_from_place_17() {
    assert_eq!(date_of(b"GOAA970724HYNNNL08"), Some(date(1997, 7, 24)));
    assert_eq!(date_of(b"PEPL000909HNLRDSA1"), Some(date(2000, 9, 9)));
}

#[test]
fn neither_debug_nor_errors_show_it_and_json_keeps_it() {
    let curp = Curp::parse("GOAA970724HYNNNL08").unwrap();
    assert_eq!(format!("{curp:?}"), "Curp(redacted)");
    let json = serde_json::to_string(&curp).unwrap();
    assert_eq!(json, "\"GOAA970724HYNNNL08\"");
    assert_eq!(serde_json::from_str::<Curp>(&json).unwrap(), curp);
    assert!(serde_json::from_str::<Curp>("\"BOXW310820HNERXN08\"").is_ok());
    for wrong in [
        "GOAA970724HYNNNL09",
        "GOAA970230HYNNNL08",
        "G0AA970724HYNNNL08",
        "GOAA970724",
    ] {
        let message = Curp::parse(wrong).unwrap_err().to_string();
        assert!(
            !message.contains("GOAA") && !message.contains("970") && !message.contains(wrong),
            "{message}"
        );
    }
}

/// The rules a second time, written as sets and tables.
fn is_valid_by_the_rules(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let letters: &str = &ALPHABET.replace('Ñ', "")[10..];
    let digits = "0123456789";
    let sets: [&str; 18] = [
        letters,
        "AEIOUX",
        letters,
        letters,
        digits,
        digits,
        digits,
        digits,
        digits,
        digits,
        "HMX",
        letters,
        letters,
        CONSONANTS,
        CONSONANTS,
        CONSONANTS,
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        digits,
    ];
    if chars.len() != 18 || chars.iter().zip(sets).any(|(c, set)| !set.contains(*c)) {
        return false;
    }
    let entity: String = chars[11..13].iter().collect();
    let number = |from: usize| text[from..from + 2].parse::<u32>().unwrap();
    let year = number(4) + if chars[16].is_ascii_digit() { 1900 } else { 2000 };
    let leap = year.is_multiple_of(4) && year != 1900;
    let days = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let days_in_month = (number(6) as usize)
        .checked_sub(1)
        .and_then(|at| days.get(at))
        .copied()
        .unwrap_or(0);
    ENTITIES.contains(&entity.as_str())
        && (1..=days_in_month).contains(&number(8))
        && reference_digit(&chars) == chars[17]
}

fn reference_digit(chars: &[char]) -> char {
    let place = |c: char| ALPHABET.chars().position(|known| known == c).unwrap();
    let sum: usize = (0..17).map(|i| place(chars[i]) * (18 - i)).sum();
    char::from_digit(((10 - sum % 10) % 10) as u32, 10).unwrap()
}

fn valid_curp() -> impl Strategy<Value = String> {
    let birth = (1900i16..2050, 1i8..=12, 1i8..=31).prop_filter_map("a real date", |(y, m, d)| Date::new(y, m, d).ok());
    let entity = proptest::sample::select(ENTITIES.to_vec());
    (
        "[A-Z][AEIOUX][A-Z]{2}",
        birth,
        "[HMX]",
        entity,
        "[BCDFGHJKLMNPQRSTVWXYZ]{3}",
        "[0-9]",
        "[A-Z]",
    )
        .prop_map(|(initials, birth, sex, entity, consonants, digit, letter)| {
            let mark = if birth.year() < 2000 { digit } else { letter };
            let first = format!("{initials}{}{sex}{entity}{consonants}{mark}", birth.strftime("%y%m%d"));
            let check_digit = reference_digit(&first.chars().collect::<Vec<_>>());
            format!("{first}{check_digit}")
        })
}

proptest! {
    #[test]
    fn every_generated_curp_parses(text in valid_curp()) {
        prop_assert!(is_valid_by_the_rules(&text));
        prop_assert!(Curp::parse(&text).is_ok(), "{}", text);
    }

    #[test]
    fn one_changed_character_is_accepted_only_by_the_rules(text in valid_curp(), at in 0usize..18, c in "[A-Z0-9Ñ ]") {
        let changed: String = text.chars().enumerate().map(|(i, old)| if i == at { c.chars().next().unwrap() } else { old }).collect();
        prop_assert_eq!(Curp::parse(&changed).is_ok(), is_valid_by_the_rules(&changed), "{}", changed);
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = Curp::parse(&text);
    }
}
