//! A job's rows, and the words of columns.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use super::fault::Fault;
use crate::{
    domain::{
        ids::{JobId, JobKind},
        job::{Job, StateName},
        outcome::Charge,
    },
    store::{SealedRecord, Stored, codec},
};

pub(super) fn read(db: &Connection, id: &JobId) -> Result<Option<Stored>, Fault> {
    let sql = "SELECT version, record FROM jobs WHERE id = ?1";
    let row = db
        .prepare_cached(sql)?
        .query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((version, record)): Option<(i64, Vec<u8>)> = row else {
        return Ok(None);
    };
    Ok(Some(Stored {
        job: codec::decode_job(id.as_str(), &record)?,
        version: counter(version),
    }))
}

pub(super) fn versions(db: &Connection, ids: &[JobId]) -> Result<Vec<Option<u64>>, Fault> {
    let mut statement = db.prepare_cached("SELECT version FROM jobs WHERE id = ?1")?;
    let versions = ids.iter().map(|id| {
        let version = statement.query_row([id.as_str()], |row| row.get(0)).optional()?;
        Ok(version.map(counter))
    });
    versions.collect()
}

pub(super) fn read_sealed(db: &Connection, id: &JobId) -> Result<Option<SealedRecord>, Fault> {
    let sql = "SELECT subject, answer FROM sealed WHERE job = ?1";
    let sealed = |row: &rusqlite::Row<'_>| {
        Ok(SealedRecord {
            subject: row.get(0)?,
            answer: row.get(1)?,
        })
    };
    Ok(db.prepare_cached(sql)?.query_row([id.as_str()], sealed).optional()?)
}

/// Where a job stands in the list, if callers may list it.
pub(super) fn list_key(id: &JobId) -> Option<&str> {
    is_public(id).then(|| id.order_key())
}

/// Whether callers may see the job in lists and in the feed.
pub(super) fn is_public(id: &JobId) -> bool {
    match id.kind() {
        JobKind::WorkHistory => true,
        JobKind::NssLookup => false,
    }
}

pub(super) fn state_word(state: StateName) -> &'static str {
    match state {
        StateName::Queued => "queued",
        StateName::Running => "running",
        StateName::Succeeded => "succeeded",
        StateName::Failed => "failed",
        StateName::Cancelled => "cancelled",
        StateName::OutcomeUnknown => "outcome_unknown",
    }
}

pub(super) fn charge_word(charge: Charge) -> &'static str {
    match charge {
        Charge::Open => "open",
        Charge::Yes => "yes",
        Charge::No => "no",
        Charge::Unknown => "unknown",
    }
}

pub(super) fn ended_ms(job: &Job) -> Option<i64> {
    job.ended_at().map(Timestamp::as_millisecond)
}

/// A name that this store has written.
pub(super) fn job_id(text: &str) -> Result<JobId, Fault> {
    let unreadable = |_| crate::store::StoreError::Unreadable {
        what: "a job's name".to_owned(),
        why: "it is none".into(),
    };
    Ok(JobId::parse(text).map_err(unreadable)?)
}

/// A time this long after `now`; at the end of time when it would be later.
pub(super) fn after_ms(now: Timestamp, wait: Duration) -> i64 {
    now.as_millisecond()
        .saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
}

/// SQLite has signed integers only; our counters start at zero and grow by one.
pub(super) fn counter(column: i64) -> u64 {
    u64::try_from(column).expect("counters are never negative")
}

pub(super) fn column(counter: u64) -> i64 {
    i64::try_from(counter).unwrap_or(i64::MAX)
}

/// A page size as a limit.
pub(super) fn limit(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
