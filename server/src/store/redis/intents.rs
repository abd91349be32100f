//! An intent as the scripts that record one are told of it; see `scripts/intents.lua`. What may be recorded is for them to decide.

use std::fmt::Display;

use jiff::Timestamp;

use super::{
    keys::{Slot, Unit},
    micros_of,
    scripts::Call,
    words,
};
use crate::{
    domain::{
        ids::IntentId,
        job::{Intent, Job},
    },
    store::PersonDay,
};

/// How long the count of a person's day is kept after its last change: longer than any time zone makes a day, and than a job
/// may take to settle its charge. Only garbage collection: a day that is over is not asked for any more.
const PERSON_DAY_KEEP_MS: u64 = 4 * 24 * 60 * 60 * 1000;

/// Stands in words for what is not there.
pub(super) const NOTHING: &str = "-";

/// A change of the ledger that opens a charge.
pub(super) struct Open<'a> {
    pub(super) intent: &'a Intent,
    pub(super) fresh_after: Timestamp,
    pub(super) repeat_allowed: bool,
}

pub(super) fn or_nothing(word: Option<impl Display>) -> String {
    word.map_or_else(|| NOTHING.to_owned(), |word| word.to_string())
}

pub(super) fn keys(call: Call, slot: &Slot, job: &Job, intent: &Intent, person_day: Option<PersonDay>) -> Call {
    let unit = Unit {
        tenant: &job.tenant,
        person: &job.person,
        provider: intent.provider,
        step: intent.step,
        test_case_id: job.ask.test_case_id.as_deref(),
    };
    let call = call
        .key(slot.charge(&intent.id))
        .key(slot.unit(&unit))
        .key(slot.charges(&job.tenant));
    match person_day {
        Some(PersonDay { day, .. }) => call.key(slot.person_day(&job.person, intent.step, day)),
        None => call,
    }
}

/// Says of an intent that is to be recorded when it was opened, what stands in its way, and its row.
pub(super) fn open_args(call: Call, job: &Job, open: &Open<'_>, person_day: Option<PersonDay>) -> Call {
    let Open {
        intent,
        fresh_after,
        repeat_allowed,
    } = *open;
    let opened_at = opened_at(job, &intent.id);
    let asked = words(&[
        &intent.id.as_str(),
        &micros_of(opened_at),
        &micros_of(fresh_after),
        &u8::from(repeat_allowed),
        &or_nothing(person_day.map(|day| day.max)),
        &PERSON_DAY_KEEP_MS,
    ]);
    call.arg(asked).arg(row_of(job, intent, person_day))
}

pub(super) fn opened_at(job: &Job, intent: &IntentId) -> Timestamp {
    let attempt = job.attempts.iter().find(|attempt| attempt.id == *intent);
    attempt.map_or(job.updated_at, |attempt| attempt.started_at)
}

/// What a row says from the start: words, and at the end a test case. The person, the case and the day are for the scripts, which make
/// the keys of unit and count of them: the keys themselves would be so long that Redis holds the row in a form that takes twice the
/// memory. Times are nanoseconds since 1970, because Redis holds a whole number in a third of the bytes that its text takes.
pub(super) fn row_of(job: &Job, intent: &Intent, person_day: Option<PersonDay>) -> String {
    let row = words(&[
        &job.tenant.as_str(),
        &intent.provider,
        &intent.step.as_str(),
        &opened_at(job, &intent.id).as_nanosecond(),
        &job.person.as_str(),
        &or_nothing(person_day.map(|counted| counted.day)),
    ]);
    format!("{row} {}", job.ask.test_case_id.as_deref().unwrap_or_default())
}
