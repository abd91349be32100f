//! The NSS (Número de Seguridad Social): the 11 digits under which IMSS keeps a person.
//!
//! Decides which texts are an NSS: 11 digits, not all zeros, and a Luhn check digit. It deliberately reads nothing
//! into the subdelegation and the years inside the number: comparing those with today's date refuses real numbers as
//! time passes. An NSS is personal data: no message here holds any part of one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The length of an NSS in digits.
pub(crate) const NSS_DIGITS: usize = 11;

/// An NSS: 11 digits, leading zeros included, not all of them zero.
///
/// It is stored as a JSON string. One made by [`Nss::parse`] also has a right check digit; one received from a
/// provider may not.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Nss(String);

/// Why a text is not an NSS. The messages are for the caller and hold no part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NssError {
    /// Something other than digits, spaces and hyphens is in it.
    #[error("an NSS has digits only; send its 11 digits (spaces and hyphens between them are ignored)")]
    NotDigits,
    /// The number of digits is wrong.
    #[error("an NSS has 11 digits and this has {found}; send all 11, as text, with leading zeros")]
    Length {
        /// How many digits there are.
        found: usize,
    },
    /// All digits are zero.
    #[error("an NSS of zeros only belongs to nobody; leave the field out when the NSS is not known")]
    AllZeros,
    /// The last digit does not follow from the first ten.
    #[error(
        "the last digit of the NSS does not match the others; one of them is mistyped, compare all with the person's document"
    )]
    CheckDigit,
}

/// What is odd about an NSS that a provider sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NssWarning {
    /// The check digit is wrong.
    CheckDigit,
}

impl Nss {
    /// Reads an NSS under all rules. Spaces and hyphens are taken out, nothing else is forgiven.
    pub(crate) fn parse(text: &str) -> Result<Nss, NssError> {
        let nss = read_digits(text)?;
        if has_luhn_digit(&nss.0) {
            Ok(nss)
        } else {
            Err(NssError::CheckDigit)
        }
    }

    /// Reads an NSS that a provider sent. `None` when it is no NSS at all; a wrong check digit is only a warning,
    /// because the provider is the authority on what IMSS keeps.
    pub(crate) fn received(text: &str) -> Option<(Nss, Option<NssWarning>)> {
        let nss = read_digits(text).ok()?;
        let warning = (!has_luhn_digit(&nss.0)).then_some(NssWarning::CheckDigit);
        Some((nss, warning))
    }

    /// The NSS itself. Personal data: never for logs, errors, metrics, keys or URLs.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl NssWarning {
    /// The stable code under which callers see the warning.
    pub(crate) fn code(self) -> &'static str {
        match self {
            NssWarning::CheckDigit => "NSS_CHECK_DIGIT",
        }
    }

    /// The warning as a sentence without personal data.
    pub(crate) fn message(self) -> &'static str {
        match self {
            NssWarning::CheckDigit => "the NSS that the provider sent has a wrong check digit; it is given as received",
        }
    }
}

impl fmt::Debug for Nss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nss(redacted)")
    }
}

impl TryFrom<String> for Nss {
    type Error = NssError;

    fn try_from(text: String) -> Result<Nss, NssError> {
        read_digits(&text)
    }
}

impl From<Nss> for String {
    fn from(nss: Nss) -> String {
        nss.0
    }
}

fn read_digits(text: &str) -> Result<Nss, NssError> {
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NssError::NotDigits);
    }
    if digits.len() != NSS_DIGITS {
        return Err(NssError::Length { found: digits.len() });
    }
    if digits.bytes().all(|b| b == b'0') {
        return Err(NssError::AllZeros);
    }
    Ok(Nss(digits))
}

fn has_luhn_digit(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(from_right, b)| match (u32::from(b - b'0'), from_right % 2) {
            (digit, 0) => digit,
            (digit, _) if digit > 4 => digit * 2 - 9,
            (digit, _) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests;
