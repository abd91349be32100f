//! Finds a CURP or an NSS in a text that must hold no personal data.
//!
//! Purposes, consent references, labels and notes are stored in the clear, shown in lists and logged by callers. The search is
//! for accidents, not for adversaries. It must not refuse what only looks a little like one: eleven digits count only as a word of
//! their own, and a CURP tells a sex with a letter that no hexadecimal digit is, so that no UUID, ObjectId or hash is ever refused.

use super::{
    curp::CURP_CHARS,
    nss::{NSS_DIGITS, Nss},
};

/// Letters, digits, the sex, and one place for either.
const CURP_SHAPE: &[u8; CURP_CHARS] = b"AAAA999999SAAAAA*9";

/// Lengths of the groups that an NSS is written in on paper: subdelegation, year, year, number, check digit.
const NSS_GROUPS: [usize; 5] = [2, 2, 2, 4, 1];

/// Whether a CURP, or an NSS with a right check digit, stands in the text.
pub(crate) fn holds_identifier(text: &str) -> bool {
    holds_curp(text) || holds_nss(text)
}

/// Whether a CURP stands in the text, with whatever around it. Its shape is enough: a mistyped one is still somebody's.
fn holds_curp(text: &str) -> bool {
    let fits = |(byte, class): (&u8, &u8)| match class {
        b'A' => byte.is_ascii_alphabetic(),
        b'9' => byte.is_ascii_digit(),
        b'S' => matches!(byte.to_ascii_uppercase(), b'H' | b'M' | b'X'),
        _ => byte.is_ascii_alphanumeric(),
    };
    let mut windows = text.as_bytes().windows(CURP_CHARS);
    windows.any(|window| window.iter().zip(CURP_SHAPE).all(fits))
}

fn holds_nss(text: &str) -> bool {
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
    let is_nss = |digits: &str| digits.len() == NSS_DIGITS && Nss::parse(digits).is_ok();
    words.iter().any(|word| is_nss(word))
        || words.windows(NSS_GROUPS.len()).any(|groups| {
            let lengths_fit = groups.iter().map(|group| group.len()).eq(NSS_GROUPS);
            lengths_fit && is_nss(&groups.concat())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, found: bool) {
        assert_eq!(holds_identifier(text), found, "{text}");
    }

    #[test]
    fn identifiers_are_found_wherever_they_stand() {
        check("XEXX010101HNEXXXA4", true);
        check("caso xexx010101hnexxxa4/2", true);
        check("of a month that is none: XEXX019901HNEXXXA4", true);
        check("x_XEXX010101HNEXXXA4_y", true);
        check("ñXEXX010101HNEXXXA4ñ", true);
        check("nss 12345678903", true);
        check("12-34-56-7890-3", true);
        check("de: 12 34 56 7890 3.", true);
    }

    #[test]
    fn what_only_resembles_one_is_let_through() {
        for text in [
            "",
            "crédito automotriz",
            "12345678901",
            "00000000000",
            "123456789030",
            "a12345678903",
            "5512345678",
        ] {
            check(text, false);
        }
        check("consent 0193e5a0-c2d1-7f9a-b3c4-a5d6e7f80912", false);
        check("XEXX0101O1HNEXXXA4", false);
        check("of no sex: XEXX010101ANEXXXA4", false);
        check("ObjectId 6a22abcd123456abcdefa1be", false);
        check("9f86d081abcd123456fedcba08a5b2c4", false);
    }
}
