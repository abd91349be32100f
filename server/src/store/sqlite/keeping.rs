//! Keeping house: the data set's identity, request ids, and removing what has ended long ago.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{creating, fault::Fault, open, rows};
use crate::{
    domain::ids::JobId,
    store::{Reservation, Reserved},
};

/// Writes, so that a full or read-only disk shows, and reads the epoch.
pub(super) fn probe(db: &Connection) -> Result<Option<u64>, Fault> {
    let sql = "UPDATE meta SET value = (CAST(value AS INTEGER) + 1) % 1000 WHERE key = 'probes'";
    db.prepare_cached(sql)?.execute(())?;
    Ok(open::meta(db, "epoch")?.and_then(|epoch| epoch.parse().ok()))
}

pub(super) fn reserve(db: &Connection, now: Timestamp, reservation: &Reservation) -> Result<Reserved, Fault> {
    let sql = "SELECT fingerprint, job, settled FROM requests WHERE key = ?1 AND expires_ms > ?2";
    let bound = db
        .prepare_cached(sql)?
        .query_row(params![reservation.key, now.as_millisecond()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    if let Some((fingerprint, job, settled)) = bound {
        let (fingerprint, job): (String, String) = (fingerprint, job);
        if fingerprint != reservation.fingerprint {
            return Ok(Reserved::OtherRequest);
        }
        return Ok(Reserved::Known {
            job: rows::job_id(&job)?,
            settled,
        });
    }
    let sql = "INSERT OR REPLACE INTO requests (key, fingerprint, job, settled, expires_ms) VALUES (?1, ?2, ?3, 0, ?4)";
    db.prepare_cached(sql)?.execute(params![
        reservation.key,
        reservation.fingerprint,
        reservation.job.as_str(),
        rows::after_ms(now, reservation.keep),
    ])?;
    Ok(Reserved::New)
}

/// The first job stands: one that is said later must not change what was answered already.
pub(super) fn settle(db: &Connection, key: &str, job: &JobId) -> Result<JobId, Fault> {
    let sql = "UPDATE requests SET job = ?2, settled = 1 WHERE key = ?1 AND settled = 0";
    db.prepare_cached(sql)?.execute([key, job.as_str()])?;
    let sql = "SELECT job FROM requests WHERE key = ?1";
    let settled: Option<String> = db.prepare_cached(sql)?.query_row([key], |row| row.get(0)).optional()?;
    settled.map_or_else(|| Ok(job.clone()), |settled| rows::job_id(&settled))
}

pub(super) fn purge(db: &Connection, now: Timestamp, ended_before: Timestamp, max: usize) -> Result<usize, Fault> {
    let expired = "DELETE FROM requests WHERE key IN (SELECT key FROM requests WHERE expires_ms <= ?1 LIMIT ?2)";
    db.prepare_cached(expired)?
        .execute(params![now.as_millisecond(), rows::limit(max)])?;

    let unsettled = "SELECT id, tenant, person, product FROM jobs JOIN sealed ON sealed.job = jobs.id
                     WHERE ended_ms < ?1 AND EXISTS (SELECT 1 FROM charges WHERE job = jobs.id AND charge = 'unknown')
                     ORDER BY ended_ms LIMIT ?2";
    for (id, key) in ended(db, unsettled, ended_before, max)? {
        creating::forget(db, key.each_ref().map(String::as_str), |dedupe| {
            dedupe.forget_answer(&id)
        })?;
        db.prepare_cached("DELETE FROM sealed WHERE job = ?1")?
            .execute([id.as_str()])?;
    }

    let settled = "SELECT id, tenant, person, product FROM jobs
                   WHERE ended_ms < ?1 AND NOT EXISTS (SELECT 1 FROM charges WHERE job = jobs.id AND charge = 'unknown')
                   ORDER BY ended_ms LIMIT ?2";
    let old = ended(db, settled, ended_before, max)?;
    for (id, key) in &old {
        creating::forget(db, key.each_ref().map(String::as_str), |dedupe| dedupe.forget(id))?;
        db.prepare_cached("DELETE FROM requests WHERE job = ?1")?
            .execute([id.as_str()])?;
        // Its sealed record goes with it.
        db.prepare_cached("DELETE FROM jobs WHERE id = ?1")?
            .execute([id.as_str()])?;
    }
    Ok(old.len())
}

/// Jobs and the parts of their dedupe keys.
fn ended(db: &Connection, sql: &str, ended_before: Timestamp, max: usize) -> Result<Vec<(JobId, [String; 3])>, Fault> {
    let mut statement = db.prepare_cached(sql)?;
    let mut found = statement.query(params![ended_before.as_millisecond(), rows::limit(max)])?;
    let mut ended = Vec::new();
    while let Some(row) = found.next()? {
        let id = rows::job_id(&row.get::<_, String>(0)?)?;
        ended.push((id, [row.get(1)?, row.get(2)?, row.get(3)?]));
    }
    Ok(ended)
}
