//! The CURP (Clave Única de Registro de Población): 18 characters that identify a person in Mexico.
//!
//! Decides which texts are a CURP: the shape, a birth date that exists, and the check digit. It deliberately does
//! not know RENAPO's list of forbidden words (assigning prefixes is RENAPO's job, not ours), nor whether the person
//! exists. A CURP is personal data: no message here holds any part of one.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The length of a CURP in characters.
pub(crate) const CURP_CHARS: usize = 18;

/// The federal entities of birth as a CURP spells them; `NE` is for people born abroad, and Mexico City stays `DF`.
const ENTITIES: [&str; 33] = [
    "AS", "BC", "BS", "CC", "CL", "CM", "CS", "CH", "DF", "DG", "GT", "GR", "HG", "JC", "MC", "MN", "MS", "NE", "NT",
    "NL", "OC", "PL", "QT", "QR", "SP", "SL", "SR", "TC", "TS", "TL", "VZ", "YN", "ZS",
];

/// A CURP in upper case that has the right shape and a real birth date.
///
/// It is stored as a JSON string. Reading it back does not ask for the check digit again: what was accepted once,
/// under whichever strictness was configured then, stays readable.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Curp(String);

/// Why a text is not a CURP. The messages are for the caller and hold no part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CurpError {
    /// The number of characters is wrong.
    #[error("a CURP has 18 characters and this has {found}; send all 18 without spaces or hyphens")]
    Length {
        /// How many characters there are, outer white space apart.
        found: usize,
    },
    /// A character cannot stand where it stands.
    #[error("character {position} of the CURP must be {expected}; compare it with the person's document")]
    Shape {
        /// The place of the first wrong character, counted from 1.
        position: usize,
        /// What may stand there.
        expected: &'static str,
    },
    /// Characters 5 to 10 name a day that does not exist.
    #[error(
        "characters 5 to 10 of the CURP must be a real birth date written YYMMDD; compare them with the person's document"
    )]
    Date,
    /// The last character does not follow from the first 17.
    #[error(
        "the last digit of the CURP does not match the other characters; one of them is mistyped, compare all with the person's document"
    )]
    CheckDigit,
}

impl Curp {
    /// Reads a CURP under all rules. Outer white space and lower case are forgiven, nothing else is.
    pub(crate) fn parse(text: &str) -> Result<Curp, CurpError> {
        let curp = Curp::parse_lenient(text)?;
        if check_digit(curp.0.as_bytes()) == curp.0.as_bytes()[CURP_CHARS - 1] {
            Ok(curp)
        } else {
            Err(CurpError::CheckDigit)
        }
    }

    /// Reads a CURP by shape and date only, for the sandboxes of providers that print CURPs with wrong check digits.
    pub(crate) fn parse_lenient(text: &str) -> Result<Curp, CurpError> {
        let upper = text.trim().to_ascii_uppercase();
        check_shape(&upper)?;
        match date_of(upper.as_bytes()) {
            Some(_) => Ok(Curp(upper)),
            None => Err(CurpError::Date),
        }
    }

    /// The CURP itself. Personal data: never for logs, errors, metrics, keys or URLs.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Curp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Curp(redacted)")
    }
}

impl TryFrom<String> for Curp {
    type Error = CurpError;

    fn try_from(text: String) -> Result<Curp, CurpError> {
        Curp::parse_lenient(&text)
    }
}

impl From<Curp> for String {
    fn from(curp: Curp) -> String {
        curp.0
    }
}

/// Checks the length and each character against what its place allows. What passes is ASCII.
fn check_shape(upper: &str) -> Result<(), CurpError> {
    let found = upper.chars().count();
    if found != CURP_CHARS {
        return Err(CurpError::Length { found });
    }
    for (position, c) in (1..).zip(upper.chars()) {
        let (allowed, expected) = rule(position);
        if !allowed(c) {
            return Err(CurpError::Shape { position, expected });
        }
    }
    if ENTITIES.contains(&&upper[11..13]) {
        Ok(())
    } else {
        Err(CurpError::Shape {
            position: 12,
            expected: "the start of a two-letter federal entity code (NE for born abroad)",
        })
    }
}

/// What may stand at a place (counted from 1), as a test and in words.
fn rule(position: usize) -> (fn(char) -> bool, &'static str) {
    match position {
        2 => (|c| matches!(c, 'A' | 'E' | 'I' | 'O' | 'U' | 'X'), "a vowel or X"),
        5..=10 | 18 => (|c| c.is_ascii_digit(), "a digit"),
        // X has been issued since about 2022; validators that refuse it refuse real people.
        11 => (|c| matches!(c, 'H' | 'M' | 'X'), "H, M or X"),
        14..=16 => (is_consonant, "a consonant"),
        17 => (|c| c.is_ascii_uppercase() || c.is_ascii_digit(), "a letter or a digit"),
        _ => (|c| c.is_ascii_uppercase(), "a letter from A to Z (Ñ is written X)"),
    }
}

fn is_consonant(c: char) -> bool {
    c.is_ascii_uppercase() && !matches!(c, 'A' | 'E' | 'I' | 'O' | 'U')
}

/// The date of birth. Character 17 gives the century: a digit up to 1999, a letter from 2000.
fn date_of(curp: &[u8]) -> Option<Date> {
    let two_digits = |at: usize| i16::from(curp[at] - b'0') * 10 + i16::from(curp[at + 1] - b'0');
    let century = if curp[16].is_ascii_digit() { 1900 } else { 2000 };
    let (month, day) = (two_digits(6) as i8, two_digits(8) as i8);
    Date::new(century + two_digits(4), month, day).ok()
}

/// The check digit, as a character, that the first 17 characters call for.
fn check_digit(curp: &[u8]) -> u8 {
    let sum: u32 = curp[..CURP_CHARS - 1]
        .iter()
        .zip((2..=18).rev())
        .map(|(&c, weight)| value(c) * weight)
        .sum();
    b'0' + ((10 - sum % 10) % 10) as u8
}

/// The place of a character in the alphabet of the check digit, where Ñ takes a place between N and O.
fn value(c: u8) -> u32 {
    let offset = match c {
        b'0'..=b'9' => b'0',
        b'A'..=b'N' => b'A' - 10,
        _ => b'A' - 11,
    };
    u32::from(c - offset)
}

#[cfg(test)]
mod tests;
