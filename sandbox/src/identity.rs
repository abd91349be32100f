//! Decides whether a CURP or an NSS is well formed, and computes their check digits.
//!
//! The sandbox keeps its own copy of these rules on purpose: a double that shared the server's parser could never
//! disagree with it, and a mistake in that parser would pass every test.

use jiff::civil::Date;

/// The alphabet of the CURP check digit: 37 places, and the place of Ñ must be there.
const CURP_ALPHABET: &str = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ";
const CURP_LENGTH: usize = 18;
const NSS_LENGTH: usize = 11;
const ENTITIES: [&str; 33] = [
    "AS", "BC", "BS", "CC", "CL", "CM", "CS", "CH", "DF", "DG", "GT", "GR", "HG", "JC", "MC", "MN", "MS", "NT", "NL",
    "NE", "OC", "PL", "QT", "QR", "SP", "SL", "SR", "TC", "TS", "TL", "VZ", "YN", "ZS",
];

/// What a provider would think of a CURP before it asks anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CurpShape {
    Valid,
    /// The shape is right and the check digit is not: RENAPO would not know it.
    WrongDigit,
    Malformed,
}

pub(crate) fn examine_curp(curp: &str) -> CurpShape {
    if !is_curp_shaped(curp) || birth_date(curp).is_none() {
        return CurpShape::Malformed;
    }
    if curp_check_digit(curp) == curp.chars().last() {
        CurpShape::Valid
    } else {
        CurpShape::WrongDigit
    }
}

fn is_curp_shaped(curp: &str) -> bool {
    let bytes = curp.as_bytes();
    let upper = |range: std::ops::Range<usize>| bytes[range].iter().all(u8::is_ascii_uppercase);
    let digits = |range: std::ops::Range<usize>| bytes[range].iter().all(u8::is_ascii_digit);
    bytes.len() == CURP_LENGTH
        && upper(0..4)
        && b"AEIOUX".contains(&bytes[1])
        && digits(4..10)
        && b"HMX".contains(&bytes[10])
        && ENTITIES.iter().any(|entity| entity.as_bytes() == &bytes[11..13])
        && upper(13..16)
        && !bytes[13..16].iter().any(|letter| b"AEIOU".contains(letter))
        && (bytes[16].is_ascii_uppercase() || bytes[16].is_ascii_digit())
        && digits(17..18)
}

/// The date of birth that a CURP spells; position 17 tells the century (digit: born in or before 1999).
pub(crate) fn birth_date(curp: &str) -> Option<Date> {
    let number = |range: std::ops::Range<usize>| curp.get(range)?.parse::<i16>().ok();
    let century = if curp.as_bytes().get(16)?.is_ascii_digit() {
        1900
    } else {
        2000
    };
    let month = i8::try_from(number(6..8)?).ok()?;
    let day = i8::try_from(number(8..10)?).ok()?;
    Date::new(century + number(4..6)?, month, day).ok()
}

fn curp_check_digit(curp: &str) -> Option<char> {
    let mut sum = 0;
    for (place, letter) in curp.chars().take(CURP_LENGTH - 1).enumerate() {
        let value = CURP_ALPHABET.chars().position(|known| known == letter)?;
        sum += value * (CURP_LENGTH - place);
    }
    char::from_digit(u32::try_from((10 - sum % 10) % 10).ok()?, 10)
}

pub(crate) fn is_nss(nss: &str) -> bool {
    nss.len() == NSS_LENGTH
        && nss.bytes().all(|byte| byte.is_ascii_digit())
        && nss.bytes().any(|byte| byte != b'0')
        && nss.ends_with(luhn_digit(&nss[..NSS_LENGTH - 1]))
}

/// Completes the first ten digits of an NSS with their Luhn digit.
pub(crate) fn nss_from_ten_digits(ten_digits: &str) -> String {
    format!("{ten_digits}{}", luhn_digit(ten_digits))
}

fn luhn_digit(ten_digits: &str) -> char {
    let sum: u32 = ten_digits
        .bytes()
        .enumerate()
        .map(|(place, digit)| luhn_value(place, u32::from(digit - b'0')))
        .sum();
    char::from_digit((10 - sum % 10) % 10, 10).expect("a number modulo ten is one decimal digit")
}

/// With an even number of digits before the check digit, every second digit from the left is doubled.
fn luhn_value(place: usize, digit: u32) -> u32 {
    match (place % 2, digit) {
        (0, digit) => digit,
        (_, digit) if digit > 4 => digit * 2 - 9,
        (_, digit) => digit * 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(curp: &str, expected: CurpShape) {
        assert_eq!(examine_curp(curp), expected, "{curp}");
    }

    #[test]
    fn a_curp_is_valid_misses_its_digit_or_has_the_wrong_shape() {
        for curp in [
            "GOAA970724HYNNNL08",
            "PXNE660720HMCXTN06",
            "PEPL000909HNLRDSA1",
            "BASJ841209XCLNCS02",
        ] {
            check(curp, CurpShape::Valid);
        }
        for curp in ["BOXW310820HNERXN08", "XARA750909HDFNDL01", "SABC560626MDFLRN09"] {
            check(curp, CurpShape::WrongDigit);
        }
        for curp in [
            "ABCD570805HYNHLC52",
            "BLPM951331IONVGR54",
            "",
            "GOAA970230HYNNNL08",
            "ÑÑÑÑÑÑÑÑÑ",
        ] {
            check(curp, CurpShape::Malformed);
        }
    }

    #[test]
    fn an_nss_carries_a_luhn_digit() {
        for nss in [
            "12345678903",
            "84966311213",
            "08189782793",
            "12907200013",
            "97000000014",
        ] {
            assert!(is_nss(nss), "{nss}");
        }
        for nss in [
            "84966311215",
            "12345678901",
            "98765432101",
            "98923404899",
            "00000000000",
            "1234",
            "é2345678903",
        ] {
            assert!(!is_nss(nss), "{nss}");
        }
        assert_eq!(nss_from_ten_digits("1234567890"), "12345678903");
    }
}
