//! Pages of jobs, newest first.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{fault::Fault, rows};
use crate::store::{ListPage, ListQuery, codec};

/// Rows read for one page. Labels are not indexed, so a page that finds few of them ends here and its `next` goes on.
const SCAN_MAX: usize = 1000;

pub(super) fn list(db: &Connection, query: &ListQuery) -> Result<ListPage, Fault> {
    let states: Vec<&str> = query
        .filter
        .states
        .iter()
        .map(|state| rows::state_word(*state))
        .collect();
    let states = (!states.is_empty()).then(|| serde_json::to_string(&states).expect("words are text"));
    let sql = "SELECT list_key, id, record FROM jobs
               WHERE tenant = ?1 AND list_key IS NOT NULL AND list_key < ?2
                 AND (?3 IS NULL OR state IN (SELECT value FROM json_each(?3)))
                 AND created_ms BETWEEN ?4 AND ?5
               ORDER BY list_key DESC LIMIT ?6";
    let mut statement = db.prepare_cached(sql)?;
    let mut found = statement.query(params![
        query.tenant.as_str(),
        // Past every key: they are made of hex digits.
        query.before.as_deref().unwrap_or("~"),
        states,
        query.filter.created_from.map_or(i64::MIN, Timestamp::as_millisecond),
        query.filter.created_until.map_or(i64::MAX, Timestamp::as_millisecond),
        rows::limit(SCAN_MAX),
    ])?;

    let mut page = ListPage::default();
    let mut scanned = 0;
    let mut last_key = None;
    while let Some(row) = found.next()? {
        if page.jobs.len() == query.page_size {
            page.next = last_key;
            return Ok(page);
        }
        scanned += 1;
        last_key = Some(row.get(0)?);
        let (id, record): (String, Vec<u8>) = (row.get(1)?, row.get(2)?);
        match codec::decode_job(&id, &record) {
            Ok(job) if query.filter.takes(&job) => page.jobs.push(job),
            Ok(_) => {}
            // One damaged record must not hide all the others.
            Err(_) => page.unreadable.push(id),
        }
    }
    page.next = last_key.filter(|_| scanned == SCAN_MAX);
    Ok(page)
}
