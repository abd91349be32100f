//! Starting a job, and the dedupe records that say when an earlier one serves instead.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Turn, committing, fault::Fault, feed, rows};
use crate::{
    domain::{ids::JobId, job::Job},
    store::{
        Committed, Created, Creation, FirstIntent, How, Lease, StoreError, Stored, codec,
        dedupe::{Dedupe, Serves},
    },
};

/// Version of a job that was just created.
const FIRST_VERSION: u64 = 1;

pub(super) fn create(turn: &Turn<'_>, creation: &Creation) -> Result<Created, Fault> {
    if let Some(stored) = rows::read(turn.db, &creation.job.id)? {
        return Ok(Created {
            stored,
            how: How::Started(None),
        });
    }
    if let Some(stored) = served_before(turn, creation)? {
        let answer = answer_of(turn, &stored.job.id)?;
        return Ok(Created::again(stored, answer));
    }
    let key = DedupeKey {
        job: &creation.job,
        product: &creation.product,
    };
    let mut dedupe = load(turn.db, &key)?;
    while let Some(serves) = dedupe.serves(creation) {
        let (id, how) = match serves {
            Serves::Attached(id) => (id, How::Attached),
            Serves::Reused(id) => {
                let answer = answer_of(turn, &id)?;
                (id, How::Reused { answer })
            }
        };
        match rows::read(turn.db, &id)? {
            Some(stored) => {
                remember(turn, creation, &id)?;
                return Ok(Created { stored, how });
            }
            None => dedupe.forget(&id),
        }
    }
    let created = start(turn, creation, &key, dedupe)?;
    match &creation.first_intent {
        Some(first_intent) if turn.now <= first_intent.late_at() => open(turn, created, first_intent),
        Some(_) | None => Ok(created),
    }
}

/// Commits the first intent; a refusal leaves the job as it was created.
fn open(turn: &Turn<'_>, created: Created, first_intent: &FirstIntent) -> Result<Created, Fault> {
    let How::Started(Some(lease)) = &created.how else {
        return Ok(created);
    };
    let commit = first_intent.commit(created.stored.version, lease.fence);
    Ok(match committing::commit(turn, &commit)? {
        Committed::Done { version, lease } => Created {
            stored: Stored {
                job: commit.transition.job,
                version,
            },
            how: How::Started(lease),
        },
        Committed::Conflict | Committed::UnitTaken { .. } | Committed::PersonDayFull | Committed::Postponed { .. } => {
            created
        }
    })
}

fn answer_of(turn: &Turn<'_>, id: &JobId) -> Result<Option<Vec<u8>>, Fault> {
    Ok(rows::read_sealed(turn.db, id)?.and_then(|sealed| sealed.answer))
}

/// The job that served the same creation before. It stands among the request ids, whose time and end it shares, under a name
/// that no request id has.
fn served_before(turn: &Turn<'_>, creation: &Creation) -> Result<Option<Stored>, Fault> {
    if creation.remember.is_none() {
        return Ok(None);
    }
    let sql = "SELECT job FROM requests WHERE key = ?1 AND expires_ms > ?2";
    let key = params![served_key(&creation.job.id), turn.now.as_millisecond()];
    let served: Option<String> = turn
        .db
        .prepare_cached(sql)?
        .query_row(key, |row| row.get(0))
        .optional()?;
    match served {
        Some(id) => rows::read(turn.db, &rows::job_id(&id)?),
        None => Ok(None),
    }
}

fn remember(turn: &Turn<'_>, creation: &Creation, served_by: &JobId) -> Result<(), Fault> {
    let Some(keep) = creation.remember else { return Ok(()) };
    let sql = "INSERT OR REPLACE INTO requests (key, fingerprint, job, settled, expires_ms) VALUES (?1, '', ?2, 1, ?3)";
    let row = params![
        served_key(&creation.job.id),
        served_by.as_str(),
        rows::after_ms(turn.now, keep)
    ];
    turn.db.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

fn served_key(proposed: &JobId) -> String {
    format!("served:{proposed}")
}

fn start(turn: &Turn<'_>, creation: &Creation, key: &DedupeKey<'_>, mut dedupe: Dedupe) -> Result<Created, Fault> {
    let claim = creation.claim.map(|lease| Lease {
        fence: 1,
        expires_at: turn.sent_at + lease,
        stalled_claims: 1,
    });
    insert(turn, creation)?;
    dedupe.started(&creation.job.id);
    save(turn, key, dedupe)?;
    if rows::is_public(&creation.job.id) {
        feed::append(turn.db, &creation.job.id, turn.feed_kept_min)?;
    }
    let stored = Stored {
        job: creation.job.clone(),
        version: FIRST_VERSION,
    };
    Ok(Created {
        stored,
        how: How::Started(claim),
    })
}

fn insert(turn: &Turn<'_>, creation: &Creation) -> Result<(), Fault> {
    let job = &creation.job;
    let lease_until_ms = creation.claim.map(|lease| rows::after_ms(turn.now, lease));
    let claims = u32::from(creation.claim.is_some());
    let sql =
        "INSERT INTO jobs (id, tenant, person, product, list_key, state, created_ms, due_ms, lease_until_ms, fence,
                                 stalled_claims, woken, version, sequence, record)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, 0, ?11, ?12, ?13)";
    turn.db.prepare_cached(sql)?.execute(params![
        job.id.as_str(),
        job.tenant.as_str(),
        job.person.as_str(),
        creation.product,
        rows::list_key(&job.id),
        rows::state_word(job.view().state),
        job.created_at.as_millisecond(),
        lease_until_ms.unwrap_or(turn.now.as_millisecond()),
        lease_until_ms,
        claims,
        rows::column(FIRST_VERSION),
        rows::column(job.sequence),
        codec::encode_job(job),
    ])?;
    let sql = "INSERT INTO sealed (job, subject) VALUES (?1, ?2)";
    turn.db
        .prepare_cached(sql)?
        .execute(params![job.id.as_str(), creation.subject])?;
    Ok(())
}

/// Requests with the same tenant, person and product share a record.
pub(super) struct DedupeKey<'a> {
    pub(super) job: &'a Job,
    pub(super) product: &'a str,
}

impl DedupeKey<'_> {
    fn columns(&self) -> [&str; 3] {
        [self.job.tenant.as_str(), self.job.person.as_str(), self.product]
    }
}

pub(super) fn load(db: &Connection, key: &DedupeKey<'_>) -> Result<Dedupe, Fault> {
    load_at(db, key.columns())
}

/// Prunes and writes the record, or removes it when it says nothing.
pub(super) fn save(turn: &Turn<'_>, key: &DedupeKey<'_>, mut dedupe: Dedupe) -> Result<(), Fault> {
    dedupe.prune(turn.now, turn.retention);
    save_at(turn.db, key.columns(), &dedupe)
}

/// Takes what is purged out of the record at tenant, person and product.
pub(super) fn forget(db: &Connection, key: [&str; 3], forget: impl FnOnce(&mut Dedupe)) -> Result<(), Fault> {
    let mut dedupe = load_at(db, key)?;
    forget(&mut dedupe);
    save_at(db, key, &dedupe)
}

fn load_at(db: &Connection, key: [&str; 3]) -> Result<Dedupe, Fault> {
    let sql = "SELECT record FROM dedupe WHERE tenant = ?1 AND person = ?2 AND product = ?3";
    let record: Option<String> = db.prepare_cached(sql)?.query_row(key, |row| row.get(0)).optional()?;
    let unreadable = |error: serde_json::Error| StoreError::Unreadable {
        what: "a dedupe record".to_owned(),
        why: format!("damaged at column {}", error.column()).into(),
    };
    let read = record
        .map(|record| serde_json::from_str(&record).map_err(unreadable))
        .transpose()?;
    Ok(read.unwrap_or_default())
}

fn save_at(db: &Connection, key: [&str; 3], dedupe: &Dedupe) -> Result<(), Fault> {
    let [tenant, person, product] = key;
    if dedupe.is_empty() {
        let sql = "DELETE FROM dedupe WHERE tenant = ?1 AND person = ?2 AND product = ?3";
        db.prepare_cached(sql)?.execute([tenant, person, product])?;
        return Ok(());
    }
    let record = serde_json::to_string(dedupe).expect("its keys are text");
    let sql = "INSERT OR REPLACE INTO dedupe (tenant, person, product, record) VALUES (?1, ?2, ?3, ?4)";
    db.prepare_cached(sql)?.execute([tenant, person, product, &record])?;
    Ok(())
}
