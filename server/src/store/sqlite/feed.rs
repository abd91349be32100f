//! The feed: per shard a list of changes with contiguous numbers, of which the newest are kept.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{fault::Fault, rows};
use crate::{
    domain::ids::{JobId, Shard},
    store::{FeedPage, FeedPosition},
};

pub(super) fn append(db: &Connection, job: &JobId, kept_min: u64) -> Result<(), Fault> {
    let shard = shard_column(job.shard());
    let number = newest(db, job.shard())? + 1;
    let sql = "INSERT INTO feed (shard, number, job) VALUES (?1, ?2, ?3)";
    db.prepare_cached(sql)?
        .execute(params![shard, rows::column(number), job.as_str()])?;
    let sql = "DELETE FROM feed WHERE shard = ?1 AND number <= ?2";
    db.prepare_cached(sql)?
        .execute(params![shard, rows::column(number.saturating_sub(kept_min))])?;
    Ok(())
}

pub(super) fn end(db: &Connection) -> Result<FeedPosition, Fault> {
    let mut end = FeedPosition::default();
    for shard in Shard::all() {
        end.0[shard.index()] = newest(db, shard)?;
    }
    Ok(end)
}

pub(super) fn after(db: &Connection, position: &FeedPosition, max: usize) -> Result<FeedPage, Fault> {
    let mut page = FeedPage {
        position: *position,
        ..FeedPage::default()
    };
    for shard in Shard::all() {
        let seen = position.0[shard.index()];
        page.expired |= oldest(db, shard)?.is_some_and(|oldest| oldest > seen + 1);
        let sql = "SELECT number, job FROM feed WHERE shard = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
        let mut statement = db.prepare_cached(sql)?;
        let room = rows::limit(max - page.jobs.len());
        let mut found = statement.query(params![shard_column(shard), rows::column(seen), room])?;
        while let Some(row) = found.next()? {
            page.position.0[shard.index()] = rows::counter(row.get(0)?);
            page.jobs.push(rows::job_id(&row.get::<_, String>(1)?)?);
        }
    }
    Ok(page)
}

fn newest(db: &Connection, shard: Shard) -> Result<u64, Fault> {
    let sql = "SELECT number FROM feed WHERE shard = ?1 ORDER BY number DESC LIMIT 1";
    let number = db
        .prepare_cached(sql)?
        .query_row([shard_column(shard)], |row| row.get(0))
        .optional()?;
    Ok(number.map_or(0, rows::counter))
}

fn oldest(db: &Connection, shard: Shard) -> Result<Option<u64>, Fault> {
    let sql = "SELECT number FROM feed WHERE shard = ?1 ORDER BY number LIMIT 1";
    let number = db
        .prepare_cached(sql)?
        .query_row([shard_column(shard)], |row| row.get(0))
        .optional()?;
    Ok(number.map(rows::counter))
}

fn shard_column(shard: Shard) -> i64 {
    i64::try_from(shard.index()).expect("a shard's number is small")
}
