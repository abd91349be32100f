//! The ledger's rows and units. What a change makes of them is decided in `store::ledger`.

use rusqlite::{Connection, OptionalExtension as _, ToSql, params};

use super::{fault::Fault, rows};
use crate::{
    domain::{
        ids::{IntentId, JobId},
        job::{Job, LedgerChange, Step},
        provider_id::ProviderId,
    },
    store::{
        ChargePage, ChargeQuery, ChargeRow, Committed, PersonDay, StoreError, codec,
        ledger::{self, Unit},
    },
};

/// Why an intent must not be recorded, if so.
pub(super) fn refusal(
    db: &Connection,
    job: &Job,
    change: &LedgerChange,
    person_day: Option<PersonDay>,
) -> Result<Option<Committed>, Fault> {
    let LedgerChange::Open {
        intent,
        fresh_after,
        repeat_allowed,
    } = change
    else {
        return Ok(None);
    };
    let unit = unit(db, job, intent.provider, intent.step)?;
    let holder = match &unit {
        Some(unit) => one(db, unit.intent.as_str())?,
        None => None,
    };
    let is_own = |_: &IntentId| holder.is_some_and(|row| row.job == job.id);
    if let Some(charge) = ledger::unit_blocks(unit.as_ref(), *fresh_after, *repeat_allowed, is_own) {
        return Ok(Some(Committed::UnitTaken { charge }));
    }
    let Some(PersonDay { day, max }) = person_day else {
        return Ok(None);
    };
    let sql = "SELECT count(*) FROM charges WHERE person = ?1 AND step = ?2 AND day = ?3 AND charge <> 'no'";
    let key = params![job.person.as_str(), intent.step.as_str(), day.to_string()];
    let taken: u32 = db.prepare_cached(sql)?.query_row(key, |row| row.get(0))?;
    Ok((taken >= max).then_some(Committed::PersonDayFull))
}

/// Writes a change that was not refused.
pub(super) fn record(
    db: &Connection,
    job: &Job,
    change: &LedgerChange,
    person_day: Option<PersonDay>,
) -> Result<(), Fault> {
    match change {
        LedgerChange::Open { intent, .. } => {
            let row = ledger::opened(job, intent);
            insert(db, job, &row, person_day)?;
            let unit = Unit {
                intent: row.id,
                charge: row.charge,
                at: row.opened_at,
            };
            set_unit(db, job, (row.provider, row.step), Some(&unit))
        }
        LedgerChange::Settle { intent, .. } => {
            let row = one(db, intent.id.as_str())?;
            row.map_or(Ok(()), |row| settle(db, job, row, change))
        }
        LedgerChange::Resolve { .. } => of_job(db, &job.id)?
            .into_iter()
            .try_for_each(|row| settle(db, job, row, change)),
    }
}

fn settle(db: &Connection, job: &Job, mut row: ChargeRow, change: &LedgerChange) -> Result<(), Fault> {
    ledger::settle(&mut row, job, change);
    let sql = "UPDATE charges SET charge = ?2, record = ?3 WHERE id = ?1";
    let columns = params![
        row.id.as_str(),
        rows::charge_word(row.charge),
        codec::encode_charge(&row)
    ];
    db.prepare_cached(sql)?.execute(columns)?;
    match unit(db, job, row.provider, row.step)?.filter(|unit| unit.intent == row.id) {
        Some(unit) => {
            let after = ledger::unit_after(unit, &row, job, change);
            set_unit(db, job, (row.provider, row.step), after.as_ref())
        }
        None => Ok(()),
    }
}

fn insert(db: &Connection, job: &Job, row: &ChargeRow, person_day: Option<PersonDay>) -> Result<(), Fault> {
    let sql = "INSERT INTO charges (id, job, tenant, person, provider, step, charge, opened_ms, day, record)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    db.prepare_cached(sql)?.execute(params![
        row.id.as_str(),
        row.job.as_str(),
        row.tenant.as_str(),
        job.person.as_str(),
        row.provider.as_str(),
        row.step.as_str(),
        rows::charge_word(row.charge),
        row.opened_at.as_millisecond(),
        person_day.map(|person_day| person_day.day.to_string()),
        codec::encode_charge(row),
    ])?;
    Ok(())
}

fn one(db: &Connection, id: &str) -> Result<Option<ChargeRow>, Fault> {
    let sql = "SELECT record FROM charges WHERE id = ?1";
    let record: Option<Vec<u8>> = db.prepare_cached(sql)?.query_row([id], |row| row.get(0)).optional()?;
    Ok(record.map(|record| codec::decode_charge(id, &record)).transpose()?)
}

fn of_job(db: &Connection, job: &JobId) -> Result<Vec<ChargeRow>, Fault> {
    let mut statement = db.prepare_cached("SELECT record FROM charges WHERE job = ?1 ORDER BY id")?;
    let records: Vec<Vec<u8>> = statement
        .query_map([job.as_str()], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let decode = |record: Vec<u8>| Ok(codec::decode_charge(job.as_str(), &record)?);
    records.into_iter().map(decode).collect()
}

fn unit(db: &Connection, job: &Job, provider: ProviderId, step: Step) -> Result<Option<Unit>, Fault> {
    let sql = "SELECT record FROM units
               WHERE tenant = ?1 AND person = ?2 AND provider = ?3 AND step = ?4 AND test_case = ?5";
    let key = unit_key(job, provider, step);
    let record: Option<String> = db.prepare_cached(sql)?.query_row(key, |row| row.get(0)).optional()?;
    let unreadable = |error: serde_json::Error| StoreError::Unreadable {
        what: "a billing unit".to_owned(),
        why: format!("damaged at column {}", error.column()).into(),
    };
    Ok(record
        .map(|record| serde_json::from_str(&record).map_err(unreadable))
        .transpose()?)
}

fn set_unit(db: &Connection, job: &Job, of: (ProviderId, Step), unit: Option<&Unit>) -> Result<(), Fault> {
    let [tenant, person, provider, step, test_case] = unit_key(job, of.0, of.1);
    match unit {
        Some(unit) => {
            let record = serde_json::to_string(unit).expect("its keys are text");
            let sql = "INSERT OR REPLACE INTO units (tenant, person, provider, step, test_case, record)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            db.prepare_cached(sql)?
                .execute([tenant, person, provider, step, test_case, &record])?;
        }
        None => {
            let sql = "DELETE FROM units
                       WHERE tenant = ?1 AND person = ?2 AND provider = ?3 AND step = ?4 AND test_case = ?5";
            db.prepare_cached(sql)?
                .execute([tenant, person, provider, step, test_case])?;
        }
    }
    Ok(())
}

/// A sandbox case makes a unit of its own, as it makes a product of its own.
fn unit_key(job: &Job, provider: ProviderId, step: Step) -> [&str; 5] {
    let test_case = job.ask.test_case_id.as_deref().unwrap_or_default();
    [
        job.tenant.as_str(),
        job.person.as_str(),
        provider.as_str(),
        step.as_str(),
        test_case,
    ]
}

/// A page of the ledger, newest first.
pub(super) fn page(db: &Connection, query: &ChargeQuery) -> Result<ChargePage, Fault> {
    let charges: Vec<&str> = query.charges.iter().map(|charge| rows::charge_word(*charge)).collect();
    let charges = (!charges.is_empty()).then(|| serde_json::to_string(&charges).expect("words are text"));
    let mut wanted: Vec<(&str, Box<dyn ToSql + '_>)> = vec![("tenant = ?", Box::new(query.tenant.as_str()))];
    if let Some(job) = &query.job {
        wanted.push(("job = ?", Box::new(job.as_str())));
    }
    if let Some(provider) = query.provider {
        wanted.push(("provider = ?", Box::new(provider.as_str())));
    }
    if let Some(charges) = &charges {
        wanted.push(("charge IN (SELECT value FROM json_each(?))", Box::new(charges)));
    }
    if let Some(from) = query.opened_from {
        wanted.push(("opened_ms >= ?", Box::new(from.as_millisecond())));
    }
    if let Some(until) = query.opened_until {
        wanted.push(("opened_ms < ?", Box::new(until.as_millisecond())));
    }
    if let Some(before) = &query.before {
        wanted.push(("id < ?", Box::new(before.as_str())));
    }
    let (conditions, values): (Vec<&str>, Vec<Box<dyn ToSql + '_>>) = wanted.into_iter().unzip();
    // One more than asked for tells whether there is a next page.
    let limit = rows::limit(query.page_size).saturating_add(1);
    let sql = format!(
        "SELECT id, record FROM charges WHERE {} ORDER BY id DESC LIMIT {limit}",
        conditions.join(" AND ")
    );
    let mut statement = db.prepare(&sql)?;
    let mut found = statement.query(rusqlite::params_from_iter(values))?;
    let mut page = ChargePage::default();
    while let Some(row) = found.next()? {
        if page.rows.len() == query.page_size {
            page.next = page.rows.last().map(|row: &ChargeRow| row.id.clone());
            break;
        }
        let (id, record): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
        page.rows.push(codec::decode_charge(&id, &record)?);
    }
    Ok(page)
}
