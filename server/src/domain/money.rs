//! Exact amounts of Mexican pesos.
//!
//! Decides how an amount is read, held and written: a whole number of billionths of a peso, never binary floating
//! point. It deliberately knows no other currency, does no arithmetic, and does not judge an amount: a negative salary
//! is read as it stands, and whoever knows that it is a salary may warn. Amounts are salaries, hence personal data: no
//! message here holds one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The currency of every amount, as ISO 4217 writes it.
pub(crate) const CURRENCY: &str = "MXN";

/// The longest text that is read as an amount. The largest exact one, grouped and with a sign, has under 40 characters.
pub(crate) const MONEY_TEXT_BYTES_MAX: usize = 64;

/// Digits after the decimal point that an amount can hold; the contract's `nanos` field has this many.
const FRACTION_DIGITS: i32 = 9;
const NANOS_PER_PESO: i128 = 1_000_000_000;

/// An exact amount of pesos with up to nine decimal places; the whole pesos fit an `i64`.
///
/// It is stored as a JSON string such as `"1234.50"`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Money {
    nano_pesos: i128,
}

/// Why a text is not an amount. The messages hold no part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MoneyError {
    /// There is nothing to read.
    #[error("the amount is empty")]
    Empty,
    /// It is not a decimal number with a point and, at most, commas between groups of three digits.
    #[error("the amount is not a decimal number such as 1234.56 or $1,234.56")]
    NotANumber,
    /// It has more than nine significant decimal places.
    #[error("the amount has more than nine decimal places and cannot be held exactly")]
    TooPrecise,
    /// It is too large.
    #[error("the amount has more whole pesos than 64 bits can hold")]
    OutOfRange,
}

impl Money {
    /// Reads an amount from text or from the digits of a JSON number: `1190`, `$ 136.39`, `$1,234.56`, `-5`, `1E+2`.
    ///
    /// A comma is only ever a thousands separator, and only before whole groups of three: `136,39` is an error rather
    /// than a salary a hundred times too high.
    pub(crate) fn parse(text: &str) -> Result<Money, MoneyError> {
        if text.len() > MONEY_TEXT_BYTES_MAX {
            return Err(MoneyError::NotANumber);
        }
        let (negative, number) = split_sign(text)?;
        let (mantissa, exponent) = split_exponent(number)?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = ungroup(whole)?;
        digits.push_str(fraction);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(MoneyError::NotANumber);
        }
        let point_shift = exponent + FRACTION_DIGITS - fraction.len() as i32;
        let magnitude = scale(&digits, point_shift)?;
        Money::from_nano_pesos(if negative { -magnitude } else { magnitude })
    }

    /// The whole pesos, cut towards zero.
    pub(crate) fn units(self) -> i64 {
        i64::try_from(self.nano_pesos / NANOS_PER_PESO).expect("the range was checked when the amount was made")
    }

    /// What `units` leaves over, in billionths of a peso and with the sign of the amount.
    pub(crate) fn nanos(self) -> i32 {
        (self.nano_pesos % NANOS_PER_PESO) as i32
    }

    /// Whether the amount is below zero.
    pub(crate) fn is_negative(self) -> bool {
        self.nano_pesos < 0
    }

    /// The canonical text: no grouping, at least two decimal places, no other trailing zeros (`1190.00`, `1.005`).
    /// Personal data where the amount is a salary.
    pub(crate) fn to_decimal_string(self) -> String {
        let magnitude = self.nano_pesos.unsigned_abs();
        let (whole, nanos) = (magnitude / NANOS_PER_PESO as u128, magnitude % NANOS_PER_PESO as u128);
        let fraction = format!("{nanos:09}");
        let significant = fraction.trim_end_matches('0').len().max(2);
        let sign = if self.is_negative() { "-" } else { "" };
        format!("{sign}{whole}.{}", &fraction[..significant])
    }

    fn from_nano_pesos(nano_pesos: i128) -> Result<Money, MoneyError> {
        match i64::try_from(nano_pesos / NANOS_PER_PESO) {
            Ok(_) => Ok(Money { nano_pesos }),
            Err(_) => Err(MoneyError::OutOfRange),
        }
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Money(redacted)")
    }
}

impl TryFrom<String> for Money {
    type Error = MoneyError;

    fn try_from(text: String) -> Result<Money, MoneyError> {
        Money::parse(&text)
    }
}

impl From<Money> for String {
    fn from(money: Money) -> String {
        money.to_decimal_string()
    }
}

/// Takes off one sign and one `$`, in either order, with white space around them.
fn split_sign(text: &str) -> Result<(bool, &str), MoneyError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(MoneyError::Empty);
    }
    let bare = text.strip_prefix('$').unwrap_or(text).trim_start();
    let (negative, rest) = match (bare.strip_prefix('-'), bare.strip_prefix('+')) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return Ok((false, bare)),
    };
    let rest = if text.starts_with('$') {
        rest
    } else {
        rest.strip_prefix('$').unwrap_or(rest)
    };
    Ok((negative, rest.trim_start()))
}

fn split_exponent(number: &str) -> Result<(&str, i32), MoneyError> {
    match number.split_once(['e', 'E']) {
        None => Ok((number, 0)),
        // An i16 covers every exponent that a JSON writer prints, and keeps the sums below far from overflow.
        Some((mantissa, exponent)) => match exponent.parse::<i16>() {
            Ok(exponent) => Ok((mantissa, i32::from(exponent))),
            Err(_) => Err(MoneyError::NotANumber),
        },
    }
}

/// The whole digits without their commas; each comma must stand before exactly three digits.
fn ungroup(whole: &str) -> Result<String, MoneyError> {
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let grouped = whole.contains(',');
    if grouped && !(1..=3).contains(&first.len()) || groups.any(|group| group.len() != 3) {
        return Err(MoneyError::NotANumber);
    }
    Ok(whole.replace(',', ""))
}

/// The digits times ten to the `point_shift`, if that is a whole number in range.
fn scale(digits: &str, point_shift: i32) -> Result<i128, MoneyError> {
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Ok(0);
    }
    let trailing_zeros = (digits.len() - digits.trim_end_matches('0').len()) as i32;
    let power = u32::try_from(point_shift + trailing_zeros).map_err(|_| MoneyError::TooPrecise)?;
    let value: i128 = significant.parse().map_err(|_| MoneyError::OutOfRange)?;
    let factor = 10_i128.checked_pow(power).ok_or(MoneyError::OutOfRange)?;
    value.checked_mul(factor).ok_or(MoneyError::OutOfRange)
}

#[cfg(test)]
mod tests;
