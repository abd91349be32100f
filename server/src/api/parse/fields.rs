//! Readers of single fields, each of which knows its field's bounds.
//!
//! A reader adds a violation and returns a value that is never used, or returns the value. Bounds come from the comments in the
//! contract.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use semanas_proto::v1;

use super::Violations;
use crate::domain::{
    curp::Curp, ids::JobId, job::StateName, nss::Nss, personal_data::holds_identifier, provider_id::ProviderId,
    reason::Reason,
};

const LIMIT_MAX: i32 = 10_000;
const PAGE_SIZE_MAX: i32 = 1000;
const PAGE_SIZE_DEFAULT: usize = 50;
const TEXT_CHARS_MAX: usize = 200;
const LABELS_MAX: usize = 16;
const LABEL_KEY_CHARS_MAX: usize = 63;
const LABEL_VALUE_CHARS_MAX: usize = 63;
const REQUEST_ID_CHARS_MAX: usize = 128;
const TEST_CASE_CHARS_MAX: usize = 64;
/// An answer older than this says little about a person's employment; nothing is kept much longer either.
const MAX_AGE_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const NANOS_PER_SECOND: u32 = 1_000_000_000;

const HOLDS_IDENTIFIER: &str =
    "must not hold a CURP or an NSS, nor eleven digits that could be one; use a reference of your own";

/// How strictly a CURP is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CurpRule {
    Strict,
    /// Test cases of providers print CURPs with wrong check digits.
    TestCase,
}

pub(super) fn curp(wrong: &mut Violations, field: &str, text: &str, rule: CurpRule) -> Option<Curp> {
    if text.trim().is_empty() {
        wrong.add_for(
            Reason::InvalidCurp,
            field,
            "is required: the 18 characters of the person's CURP",
        );
        return None;
    }
    let read = match rule {
        CurpRule::Strict => Curp::parse(text),
        CurpRule::TestCase => Curp::parse_lenient(text),
    };
    read.map_err(|error| wrong.add_for(Reason::InvalidCurp, field, error.to_string()))
        .ok()
}

/// `None` when the field is empty or wrong.
pub(super) fn nss(wrong: &mut Violations, field: &str, text: &str) -> Option<Nss> {
    if text.is_empty() {
        return None;
    }
    Nss::parse(text)
        .map_err(|error| wrong.add_for(Reason::InvalidNss, field, error.to_string()))
        .ok()
}

pub(super) fn limit(wrong: &mut Violations, field: &str, limit: i32) -> u32 {
    if !(0..=LIMIT_MAX).contains(&limit) {
        wrong.add(field, "must be 0 to 10000; 0 = all");
    }
    u32::try_from(limit).unwrap_or_default()
}

/// A number of things to send: 1 to 1000, or 0 for the default.
pub(super) fn count(wrong: &mut Violations, field: &str, count: i32, default: usize) -> usize {
    if !(0..=PAGE_SIZE_MAX).contains(&count) {
        wrong.add(field, format!("must be 1 to 1000; 0 = {default}"));
    }
    usize::try_from(count)
        .ok()
        .filter(|count| *count > 0)
        .unwrap_or(default)
}

pub(super) fn page_size(wrong: &mut Violations, page_size: i32) -> usize {
    count(wrong, "page_size", page_size, PAGE_SIZE_DEFAULT)
}

/// Read by hand: prost's own conversion overflows on the smallest number of seconds.
pub(super) fn max_age(wrong: &mut Violations, age: Option<&prost_types::Duration>) -> Option<Duration> {
    let age = age?;
    let parts = (u64::try_from(age.seconds), u32::try_from(age.nanos));
    let read = match parts {
        (Ok(seconds), Ok(nanos)) if nanos < NANOS_PER_SECOND => Some(Duration::new(seconds, nanos)),
        (_, _) => None,
    };
    let read = read.filter(|age| *age <= MAX_AGE_MAX);
    if read.is_none() {
        wrong.add("max_age", "must be zero to 30 days");
    }
    read
}

/// A text for people, stored in the clear.
pub(super) fn plain_text(wrong: &mut Violations, field: &str, text: String) -> String {
    if text.chars().count() > TEXT_CHARS_MAX {
        wrong.add(field, "has more than 200 characters");
    }
    if text.chars().any(char::is_control) {
        wrong.add(field, "must be one line without control characters");
    }
    if holds_identifier(&text) {
        wrong.add(field, HOLDS_IDENTIFIER);
    }
    text
}

pub(super) fn request_id(wrong: &mut Violations, id: &str) {
    let printable = id.bytes().all(|b| matches!(b, b' '..=b'~'));
    if id.len() > REQUEST_ID_CHARS_MAX || !printable {
        wrong.add("request_id", "must be 1 to 128 printable ASCII characters");
    }
}

pub(super) fn test_case_id(wrong: &mut Violations, id: String) -> Option<String> {
    if id.is_empty() {
        return None;
    }
    if id.len() > TEST_CASE_CHARS_MAX || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        wrong.add("test_case_id", "must be 1 to 64 characters of a-z A-Z 0-9 -");
    }
    if holds_identifier(&id) {
        wrong.add("test_case_id", HOLDS_IDENTIFIER);
    }
    Some(id)
}

/// `field` is the path of the map. A key is repeated in the path only when it is a right one: a wrong one may be anything.
pub(super) fn labels(
    wrong: &mut Violations,
    field: &str,
    labels: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    if labels.len() > LABELS_MAX {
        wrong.add(field, "has more than 16 labels");
    }
    for (key, value) in &labels {
        if key.is_empty() || key.len() > LABEL_KEY_CHARS_MAX || !is_label_text(key) {
            wrong.add(field, "has a key that is not 1 to 63 characters of a-z A-Z 0-9 - _ . /");
        } else if holds_identifier(key) {
            wrong.add(field, format!("has a key that {HOLDS_IDENTIFIER}"));
        } else if value.len() > LABEL_VALUE_CHARS_MAX || !is_label_text(value) {
            wrong.add(
                format!("{field}[\"{key}\"]"),
                "must be 0 to 63 characters of a-z A-Z 0-9 - _ . /",
            );
        } else if holds_identifier(value) {
            wrong.add(format!("{field}[\"{key}\"]"), HOLDS_IDENTIFIER);
        }
    }
    labels
}

fn is_label_text(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/'))
}

/// A provider; `None` = the field is not set, or wrong.
pub(super) fn provider(wrong: &mut Violations, field: &str, number: i32) -> Option<ProviderId> {
    match v1::Provider::try_from(number) {
        Ok(v1::Provider::Unspecified) => None,
        Ok(v1::Provider::Kiban) => Some(ProviderId::Kiban),
        Ok(v1::Provider::TuIdentidad) => Some(ProviderId::TuIdentidad),
        Ok(v1::Provider::Nubarium) => Some(ProviderId::Nubarium),
        Err(_) => {
            wrong.add(field, "is no provider that this server knows");
            None
        }
    }
}

/// A job's name that must be there. Whether it names a job is for the engine to say.
pub(super) fn job_id(wrong: &mut Violations, text: String) -> String {
    if text.is_empty() {
        wrong.add("job_id", "is required: the job_id that SubmitWorkHistory gave");
    }
    text
}

/// A job's name to filter by; `None` = the field is not set, or wrong.
pub(super) fn job_id_filter(wrong: &mut Violations, field: &str, text: &str) -> Option<JobId> {
    if text.is_empty() {
        return None;
    }
    JobId::parse(text)
        .map_err(|_| wrong.add(field, "is not the name of a job; copy a job_id as it was given"))
        .ok()
}

/// The states to filter by, each once. `read` gives the state of a number, if it is one.
pub(super) fn states<S: PartialEq>(
    wrong: &mut Violations,
    field: &str,
    numbers: &[i32],
    read: fn(i32) -> Option<S>,
) -> Vec<S> {
    let mut states = Vec::new();
    for (index, number) in numbers.iter().enumerate() {
        match read(*number) {
            Some(state) if states.contains(&state) => {}
            Some(state) => states.push(state),
            None => wrong.add(
                format!("{field}[{index}]"),
                "is no state that this server knows; leave the field empty for all",
            ),
        }
    }
    states
}

pub(super) fn job_state(number: i32) -> Option<StateName> {
    match v1::JobState::try_from(number).ok()? {
        v1::JobState::Unspecified => None,
        v1::JobState::Queued => Some(StateName::Queued),
        v1::JobState::Running => Some(StateName::Running),
        v1::JobState::Succeeded => Some(StateName::Succeeded),
        v1::JobState::Failed => Some(StateName::Failed),
        v1::JobState::Cancelled => Some(StateName::Cancelled),
        v1::JobState::OutcomeUnknown => Some(StateName::OutcomeUnknown),
    }
}

/// Start and end of a half-open span; an absent end is open.
pub(super) fn time_range(
    wrong: &mut Violations,
    field: &str,
    range: Option<v1::TimeRange>,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let range = range.unwrap_or_default();
    let start = instant(wrong, &format!("{field}.start_time"), range.start_time);
    let end = instant(wrong, &format!("{field}.end_time"), range.end_time);
    if let (Some(start), Some(end)) = (start, end)
        && start >= end
    {
        wrong.add(field, "must start before it ends");
    }
    (start, end)
}

fn instant(wrong: &mut Violations, field: &str, time: Option<prost_types::Timestamp>) -> Option<Timestamp> {
    let time = time?;
    let in_range = u32::try_from(time.nanos).is_ok_and(|nanos| nanos < NANOS_PER_SECOND);
    let read = in_range
        .then(|| Timestamp::new(time.seconds, time.nanos).ok())
        .flatten();
    if read.is_none() {
        wrong.add(
            field,
            "is no instant: the year must be 1 to 9999 and nanos 0 to 999999999",
        );
    }
    read
}
