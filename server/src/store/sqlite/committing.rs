//! Committing a transition: all checks first, then all writes.

use rusqlite::{OptionalExtension as _, params};

use super::{
    Turn, claiming,
    creating::{self, DedupeKey},
    fault::Fault,
    feed, money, rows,
};
use crate::{
    domain::{
        ids::JobId,
        job::{Due, Transition},
    },
    store::{Commit, Committed, Lease, codec},
};

/// What the store keeps of a job beside its record.
struct Columns {
    product: String,
    due_ms: Option<i64>,
    lease_until_ms: Option<i64>,
    fence: u64,
    stalled_claims: u32,
    woken: bool,
    version: u64,
    sequence: u64,
    last_op: Option<Vec<u8>>,
}

pub(super) fn commit(turn: &Turn<'_>, commit: &Commit) -> Result<Committed, Fault> {
    let transition = &commit.transition;
    let Some(columns) = columns(turn, &transition.job.id)? else {
        return Ok(Committed::Conflict);
    };
    if columns.last_op.as_deref() == Some(commit.op.as_bytes()) {
        return repeated(turn, commit, columns);
    }
    let fence_holds = commit.fence.is_none_or(|fence| fence == columns.fence);
    if columns.version != commit.expected_version || !fence_holds {
        return Ok(Committed::Conflict);
    }
    if let Some(change) = &transition.ledger
        && let Some(refused) = money::refusal(turn.db, &transition.job, change, commit.person_day)?
    {
        return Ok(refused);
    }

    let next = scheduled(turn, commit, columns);
    write(turn, commit, &next)?;
    if let Some(change) = &transition.ledger {
        money::record(turn.db, &transition.job, change, commit.person_day)?;
    }
    end(turn, transition, &next.product)?;
    Ok(Committed::Done {
        version: next.version,
        lease: held(turn, commit, &next),
    })
}

/// The same operation again. A lease that it held is held on, unless somebody else has claimed the job or it was given back.
fn repeated(turn: &Turn<'_>, commit: &Commit, columns: Columns) -> Result<Committed, Fault> {
    if commit.transition.due != Due::Held {
        return Ok(Committed::Done {
            version: columns.version,
            lease: None,
        });
    }
    let fence_holds = commit.fence.is_none_or(|fence| fence == columns.fence);
    if !fence_holds || columns.lease_until_ms.is_none() {
        return Ok(Committed::Conflict);
    }
    let until_ms = rows::after_ms(turn.now, commit.hold);
    let sql = "UPDATE jobs SET due_ms = ?2, lease_until_ms = ?2 WHERE id = ?1";
    turn.db
        .prepare_cached(sql)?
        .execute(params![commit.transition.job.id.as_str(), until_ms])?;
    Ok(Committed::Done {
        version: columns.version,
        lease: held(turn, commit, &columns),
    })
}

fn columns(turn: &Turn<'_>, id: &JobId) -> Result<Option<Columns>, Fault> {
    let sql = "SELECT product, due_ms, lease_until_ms, fence, stalled_claims, woken, version, sequence, last_op
               FROM jobs WHERE id = ?1";
    let columns = |row: &rusqlite::Row<'_>| {
        Ok(Columns {
            product: row.get(0)?,
            due_ms: row.get(1)?,
            lease_until_ms: row.get(2)?,
            fence: rows::counter(row.get(3)?),
            stalled_claims: row.get(4)?,
            woken: row.get(5)?,
            version: rows::counter(row.get(6)?),
            sequence: rows::counter(row.get(7)?),
            last_op: row.get(8)?,
        })
    };
    Ok(turn
        .db
        .prepare_cached(sql)?
        .query_row([id.as_str()], columns)
        .optional()?)
}

/// The columns after the commit, but for the sequence, which still tells what was there.
fn scheduled(turn: &Turn<'_>, commit: &Commit, columns: Columns) -> Columns {
    let now_ms = turn.now.as_millisecond();
    let job = &commit.transition.job;
    let mut next = Columns {
        version: columns.version + 1,
        ..columns
    };
    match commit.transition.due {
        Due::Held => {
            next.lease_until_ms = Some(rows::after_ms(turn.now, commit.hold));
            next.due_ms = next.lease_until_ms;
        }
        Due::At(at) => {
            let at_ms = at.as_millisecond();
            next.due_ms = Some(if next.woken { at_ms.min(now_ms) } else { at_ms });
            next.lease_until_ms = None;
            next.woken = false;
        }
        Due::Never => {
            next.due_ms = None;
            next.lease_until_ms = None;
            next.woken = false;
        }
        Due::Unchanged => {}
    }
    if commit.transition.due != Due::Unchanged || job.sequence > next.sequence {
        next.stalled_claims = 0;
    }
    next
}

fn write(turn: &Turn<'_>, commit: &Commit, next: &Columns) -> Result<(), Fault> {
    let job = &commit.transition.job;
    let sql =
        "UPDATE jobs SET state = ?2, ended_ms = ?3, due_ms = ?4, lease_until_ms = ?5, stalled_claims = ?6, woken = ?7,
                               version = ?8, sequence = ?9, last_op = ?10, record = ?11
               WHERE id = ?1";
    turn.db.prepare_cached(sql)?.execute(params![
        job.id.as_str(),
        rows::state_word(job.view().state),
        rows::ended_ms(job),
        next.due_ms,
        next.lease_until_ms,
        next.stalled_claims,
        next.woken,
        rows::column(next.version),
        rows::column(job.sequence),
        commit.op.as_bytes(),
        codec::encode_job(job),
    ])?;
    if let Some(answer) = &commit.answer {
        let sql = "UPDATE sealed SET answer = ?2 WHERE job = ?1";
        turn.db.prepare_cached(sql)?.execute(params![job.id.as_str(), answer])?;
    }
    if job.sequence > next.sequence && rows::is_public(&job.id) {
        feed::append(turn.db, &job.id, turn.feed_kept_min)?;
    }
    Ok(())
}

/// What the end of a job means for later requests and for the jobs that wait for it.
fn end(turn: &Turn<'_>, transition: &Transition, product: &str) -> Result<(), Fault> {
    let Some(ending) = &transition.ending else {
        return Ok(());
    };
    let key = DedupeKey {
        job: &transition.job,
        product,
    };
    let mut dedupe = creating::load(turn.db, &key)?;
    dedupe.ended(&transition.job, ending.reuse);
    creating::save(turn, &key, dedupe)?;
    for dependent in &transition.job.dependents {
        claiming::hasten(turn.db, turn.now, dependent, turn.now)?;
    }
    Ok(())
}

fn held(turn: &Turn<'_>, commit: &Commit, columns: &Columns) -> Option<Lease> {
    (commit.transition.due == Due::Held).then(|| Lease {
        fence: columns.fence,
        expires_at: turn.sent_at + commit.hold,
        stalled_claims: columns.stalled_claims,
    })
}
