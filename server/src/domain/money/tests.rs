//! Amounts: how they are written out there, and that no digit is ever lost.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, expected: Result<&str, MoneyError>) {
    assert_eq!(
        Money::parse(text).map(Money::to_decimal_string),
        expected.map(str::to_owned),
        "{text}"
    );
}

#[test]
fn readable() {
    check("$1,234.56", Ok("1234.56"));
    check("$ 136.39", Ok("136.39"));
    check("1190", Ok("1190.00"));
    check("1234.5", Ok("1234.50"));
    check("1,234,567", Ok("1234567.00"));
    check("0.00", Ok("0.00"));
    check("-0", Ok("0.00"));
    check(".5", Ok("0.50"));
    check("5.", Ok("5.00"));
    check("-5", Ok("-5.00"));
    check("-$ 5.25", Ok("-5.25"));
    check("$-5", Ok("-5.00"));
    check("-0.5", Ok("-0.50"));
    check("1E+2", Ok("100.00"));
    check("1.5e-3", Ok("0.0015"));
    check("12345e-2", Ok("123.45"));
    check("0.000000001", Ok("0.000000001"));
    check("1.1000000000000", Ok("1.10"));
    check("0e30000", Ok("0.00"));
    check("9223372036854775807.999999999", Ok("9223372036854775807.999999999"));
    check("-9223372036854775808", Ok("-9223372036854775808.00"));
}

#[test]
fn unreadable() {
    check("", Err(MoneyError::Empty));
    check("  ", Err(MoneyError::Empty));
    for text in [
        "$", "-", ".", "e5", "abc", "1e", "1e99999", "1.2.3", "--5", "$$5", "1 234", "٣", "NaN", "inf",
    ] {
        check(text, Err(MoneyError::NotANumber));
    }
    check(&"1".repeat(65), Err(MoneyError::NotANumber));
    check("1.0000000001", Err(MoneyError::TooPrecise));
    check("1e-10", Err(MoneyError::TooPrecise));
    check("1e30000", Err(MoneyError::OutOfRange));
    check("9223372036854775808", Err(MoneyError::OutOfRange));
}

#[test]
fn a_comma_is_never_read_as_a_decimal_point_nor_dropped_carelessly() {
    for text in ["136,39", "1.234,56", "1,23,456", ",123", "1234,567", "1,", "1.5,000"] {
        check(text, Err(MoneyError::NotANumber));
    }
}

#[test]
fn units_and_nanos_share_a_sign() {
    let amount = Money::parse("-3.25").unwrap();
    assert_eq!((amount.units(), amount.nanos()), (-3, -250_000_000));
    let amount = Money::parse("-0.000000001").unwrap();
    assert_eq!((amount.units(), amount.nanos()), (0, -1));
}

#[test]
fn debug_hides_it_and_json_keeps_it() {
    let amount = Money::parse("136.39").unwrap();
    assert_eq!(format!("{amount:?}"), "Money(redacted)");
    assert_eq!(serde_json::to_string(&amount).unwrap(), "\"136.39\"");
    assert_eq!(serde_json::from_str::<Money>("\"136.39\"").unwrap(), amount);
}

proptest! {
    #[test]
    fn text_and_parts_round_trip(units in any::<i64>(), nanos in 0..1_000_000_000i32) {
        let amount = Money::parse(&format!("{units}.{nanos:09}")).unwrap();
        let signed = if units < 0 { -nanos } else { nanos };
        prop_assert_eq!((amount.units(), amount.nanos()), (units, signed));
        prop_assert_eq!(Money::parse(&amount.to_decimal_string()), Ok(amount));
    }

    #[test]
    fn cents_are_kept(pesos in 0..1_000_000u32, cents in 0..100u32) {
        let text = format!("{pesos}.{cents:02}");
        prop_assert_eq!(Money::parse(&text).unwrap().to_decimal_string(), text);
    }

    #[test]
    fn no_text_panics(text in any::<String>(), near in "[-+$ ,.0-9eE]{0,30}") {
        let _ = (Money::parse(&text), Money::parse(&near));
    }
}
