//! Finds a CURP or an NSS in a text that must hold no personal data.
//!
//! Purposes, consent references, labels and notes are stored in the clear, shown in lists and logged by callers. The search is
//! for accidents, not for adversaries. It must not refuse what only looks a little like an NSS: eleven digits count only as a
//! word of their own, so that no UUID is ever refused.

use super::{
    curp::{CURP_CHARS, Curp},
    nss::{NSS_DIGITS, Nss},
};

/// Lengths of the groups that an NSS is written in on paper: subdelegation, year, year, number, check digit.
const NSS_GROUPS: [usize; 5] = [2, 2, 2, 4, 1];

/// Whether a CURP, or an NSS with a right check digit, stands in the text.
pub(crate) fn holds_identifier(text: &str) -> bool {
    holds_curp(text) || holds_nss(text)
}

/// Whether a text that can be a CURP stands in the text, with whatever around it.
pub(crate) fn holds_curp(text: &str) -> bool {
    let is_curp = |window: &[u8]| {
        let candidate = std::str::from_utf8(window).unwrap_or_default();
        window.iter().all(u8::is_ascii_alphanumeric) && Curp::parse_lenient(candidate).is_ok()
    };
    text.as_bytes().windows(CURP_CHARS).any(is_curp)
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
        check("XEXX019901HNEXXXA4", false);
    }
}
