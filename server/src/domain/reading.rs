//! Dates and counts as the providers write them.
//!
//! Decides which of the many spellings seen mean what. It deliberately knows no time zone: a date is the calendar date
//! as written, because the source prints civil dates and the providers hang arbitrary times and zones on them.

use jiff::civil::Date;

use super::text::{collapse_spaces, fold};

/// The years that a date in a work history can have. IMSS was founded in 1943; what lies outside is a placeholder or a
/// defect, and is reported as unreadable rather than believed.
const YEAR_MIN: i16 = 1900;
const YEAR_MAX: i16 = 2199;

/// The longest text that is read as a date: an ISO instant with nanoseconds and a zone has 35 characters.
const DATE_TEXT_BYTES_MAX: usize = 64;

/// What a text in the place of a date says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DateReading {
    /// A calendar date, as written.
    On(Date),
    /// The word `Vigente`: it still holds.
    Current,
    /// No date: empty, null in words, or a zero date such as `0001-01-01T00:00:00Z`.
    Absent,
    /// Something else; worth a warning.
    Unreadable,
}

impl DateReading {
    /// The calendar date, if there is one.
    pub(crate) fn date(self) -> Option<Date> {
        match self {
            DateReading::On(date) => Some(date),
            DateReading::Current | DateReading::Absent | DateReading::Unreadable => None,
        }
    }
}

/// Reads `dd/mm/yyyy`, `yyyy-mm-dd`, either with a time and zone (which are ignored), and the words for no date.
/// A JSON null reads as the empty text.
pub(crate) fn parse_date(text: &str) -> DateReading {
    if text.len() > DATE_TEXT_BYTES_MAX {
        return DateReading::Unreadable;
    }
    if text.trim_matches(|c: char| c.is_whitespace() || c == '-').is_empty() {
        return DateReading::Absent;
    }
    match read_parts(&collapse_spaces(text)) {
        // Go's zero time, .NET's minimum date, and the zero date of SQL: each stands for "not set".
        Some((0 | 1, 0 | 1, 0 | 1)) => DateReading::Absent,
        Some((year, month, day)) if (YEAR_MIN..=YEAR_MAX).contains(&year) => {
            Date::new(year, month, day).map_or(DateReading::Unreadable, DateReading::On)
        }
        Some(_) => DateReading::Unreadable,
        None => match fold(text).as_str() {
            "NULL" | "NIL" | "NONE" | "N A" | "NA" => DateReading::Absent,
            "VIGENTE" => DateReading::Current,
            _ => DateReading::Unreadable,
        },
    }
}

/// Reads a count that may come as text: `1190`, `1,190`, `1190.0`. `None` when it is not a whole number from zero up.
pub(crate) fn parse_count(text: &str) -> Option<u32> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let grouped = whole.split(',').skip(1).all(|group| group.len() == 3);
    let digits = whole.replace(',', "");
    if !grouped || !fraction.bytes().all(|b| b == b'0') || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// Year, month and day, not yet checked against the calendar.
fn read_parts(text: &str) -> Option<(i16, i8, i8)> {
    let is_date_part = |c: char| c.is_ascii_digit() || matches!(c, '/' | '-');
    let date_end = text.find(|c| !is_date_part(c)).unwrap_or(text.len());
    let (date, time) = text.split_at(date_end);
    if !looks_like_time(time) {
        return None;
    }
    let parts: Vec<&str> = date.split(['/', '-']).collect();
    let [first, month, last] = parts.as_slice() else {
        return None;
    };
    let (year, day) = match (first.len(), last.len()) {
        (4, 1..=2) => (first, last),
        (1..=2, 4) => (last, first),
        _ => return None,
    };
    Some((year.parse().ok()?, month.parse().ok()?, day.parse().ok()?))
}

/// Whether what follows a date is nothing, or a time after `T` or a space.
fn looks_like_time(text: &str) -> bool {
    let Some(time) = text.strip_prefix(['T', 't', ' ']) else {
        return text.is_empty();
    };
    time.starts_with(|c: char| c.is_ascii_digit())
        && time
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '.' | '+' | '-' | ' '))
}

#[cfg(test)]
mod tests;
