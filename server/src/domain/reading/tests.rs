//! Dates and counts in all the spellings seen.

use jiff::civil::date;
use proptest::prelude::*;

use super::{DateReading::*, *};

#[track_caller]
fn check(text: &str, expected: DateReading) {
    assert_eq!(parse_date(text), expected, "{text:?}");
}

#[test]
fn dates() {
    let day = On(date(2023, 4, 28));
    check("28/04/2023", day);
    check(" 28/4/2023 ", day);
    check("28-04-2023", day);
    check("28/04/2023 15:02:29", day);
    check("28/04/2023 03:02:29 p.m.", day);
    check("2023-04-28", day);
    check("2023-04-28T23:59:59", day);
    check("2023-04-28T23:59:59.018Z", day);
    check("2023-04-28T23:59:59.192912-06:00", day);
    check("2023-04-28 00:00:00", day);
    check("29/02/2024", On(date(2024, 2, 29)));
}

#[test]
fn current_and_absent() {
    for text in ["Vigente", "VIGENTE", " vigente. "] {
        check(text, Current);
    }
    for text in [
        "",
        " ",
        "-",
        "--",
        "null",
        "N/A",
        "0001-01-01",
        "0001-01-01T00:00:00Z",
        "01/01/0001",
        "0000-00-00",
    ] {
        check(text, Absent);
    }
}

#[test]
fn unreadable() {
    for text in [
        "29/02/2023",
        "2023-13-01",
        "31/04/2023",
        "28/04/23",
        "2023-04",
        "hoy",
        "9999-12-31",
        "0023-04-28",
        "2023-04-28x",
        "2023-04-28T",
        "***",
        "04/28/2023",
        "2023-04-28T<b>",
        "+2023-04-28",
    ] {
        check(text, Unreadable);
    }
}

#[test]
fn counts() {
    for (text, expected) in [
        ("1190", Some(1190)),
        (" 1,190 ", Some(1190)),
        ("1190.0", Some(1190)),
        ("0", Some(0)),
        ("", None),
        (".0", None),
        ("-1", None),
        ("+1", None),
        ("1.5", None),
        ("1,19", None),
        ("99999999999", None),
        ("doce", None),
    ] {
        assert_eq!(parse_count(text), expected, "{text:?}");
    }
}

proptest! {
    #[test]
    fn both_orders_read_alike(year in 1900i16..2200, month in 1i8..=12, day in 1i8..=28) {
        let expected = On(date(year, month, day));
        prop_assert_eq!(parse_date(&format!("{year}-{month:02}-{day:02}")), expected);
        prop_assert_eq!(parse_date(&format!("{day:02}/{month:02}/{year}T00:00:00Z")), expected);
    }

    #[test]
    fn no_text_panics(text in any::<String>(), near in "[-/:TZ0-9 é]{0,24}") {
        let _ = (parse_date(&text), parse_date(&near), parse_count(&text), parse_count(&near));
    }
}
