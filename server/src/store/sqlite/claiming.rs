//! Leasing due jobs, giving leases back, and waking.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use tokio::time::Instant;

use super::{fault::Fault, rows};
use crate::{
    domain::ids::JobId,
    store::{Claim, Claims, Lease, Stored, codec},
};

/// A due row.
struct Due {
    id: JobId,
    fence: u64,
    stalled_claims: u32,
    version: u64,
    record: Vec<u8>,
}

pub(super) fn claim_due(
    db: &Connection,
    now: Timestamp,
    sent_at: Instant,
    lease: Duration,
    max: usize,
) -> Result<Claims, Fault> {
    let mut claims = Claims::default();
    let until_ms = rows::after_ms(now, lease);
    for due in due(db, now, max)? {
        match codec::decode_job(due.id.as_str(), &due.record) {
            Ok(job) => {
                let (fence, stalled_claims) = (due.fence + 1, due.stalled_claims.saturating_add(1));
                let sql = "UPDATE jobs SET due_ms = ?2, lease_until_ms = ?2, fence = ?3, stalled_claims = ?4, woken = 0
                           WHERE id = ?1";
                let claimed = params![due.id.as_str(), until_ms, rows::column(fence), stalled_claims];
                db.prepare_cached(sql)?.execute(claimed)?;
                let lease = Lease {
                    fence,
                    expires_at: sent_at + lease,
                    stalled_claims,
                };
                claims.claims.push(Claim {
                    stored: Stored {
                        job,
                        version: due.version,
                    },
                    lease,
                });
            }
            Err(_) => {
                let sql = "UPDATE jobs SET due_ms = ?2 WHERE id = ?1";
                db.prepare_cached(sql)?.execute(params![due.id.as_str(), until_ms])?;
                claims.unreadable.push(due.id);
            }
        }
    }
    claims.next_due_in = next_due_in(db, now)?;
    Ok(claims)
}

fn due(db: &Connection, now: Timestamp, max: usize) -> Result<Vec<Due>, Fault> {
    let sql = "SELECT id, fence, stalled_claims, version, record FROM jobs WHERE due_ms <= ?1 ORDER BY due_ms, rowid LIMIT ?2";
    let mut statement = db.prepare_cached(sql)?;
    let mut found = statement.query(params![now.as_millisecond(), rows::limit(max)])?;
    let mut due = Vec::new();
    while let Some(row) = found.next()? {
        due.push(Due {
            id: rows::job_id(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?,
            fence: rows::counter(row.get(1)?),
            stalled_claims: row.get(2)?,
            version: rows::counter(row.get(3)?),
            record: row.get(4)?,
        });
    }
    Ok(due)
}

fn next_due_in(db: &Connection, now: Timestamp) -> Result<Option<Duration>, Fault> {
    let sql = "SELECT min(due_ms) FROM jobs WHERE due_ms IS NOT NULL";
    let next_ms: Option<i64> = db.prepare_cached(sql)?.query_row((), |row| row.get(0))?;
    let wait_ms = next_ms.map(|next_ms| next_ms.saturating_sub(now.as_millisecond()));
    Ok(wait_ms.map(|wait_ms| Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0))))
}

pub(super) fn release(db: &Connection, now: Timestamp, id: &JobId, fence: u64) -> Result<(), Fault> {
    let sql = "UPDATE jobs SET due_ms = ?3, lease_until_ms = NULL, woken = 0
               WHERE id = ?1 AND fence = ?2 AND due_ms IS NOT NULL";
    db.prepare_cached(sql)?
        .execute(params![id.as_str(), rows::column(fence), now.as_millisecond()])?;
    Ok(())
}

/// Makes a living job due by then. One that is leased keeps its holder, and is due when that gives up the lease.
pub(super) fn hasten(db: &Connection, now: Timestamp, id: &JobId, at: Timestamp) -> Result<(), Fault> {
    let sql = "UPDATE jobs SET woken = 1 WHERE id = ?1 AND due_ms IS NOT NULL AND lease_until_ms > ?2";
    let leased = db
        .prepare_cached(sql)?
        .execute(params![id.as_str(), now.as_millisecond()])?;
    if leased == 0 {
        let sql = "UPDATE jobs SET due_ms = min(due_ms, ?2) WHERE id = ?1 AND due_ms IS NOT NULL";
        db.prepare_cached(sql)?
            .execute(params![id.as_str(), at.as_millisecond()])?;
    }
    Ok(())
}
