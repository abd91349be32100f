//! Looks at every job of the database, and changes none.

use rusqlite::Connection;

use super::{SqliteStore, fault::Fault, rows};
use crate::store::{
    StoreError,
    examination::{Examination, Kept},
};

impl SqliteStore {
    pub(crate) async fn examine(&self) -> Result<Examination, StoreError> {
        self.read_with("examine jobs", examine).await
    }
}

fn examine(db: &Connection) -> Result<Examination, Fault> {
    let sql = "SELECT id, record, sequence, due_ms IS NOT NULL, ended_ms IS NOT NULL FROM jobs";
    let mut statement = db.prepare(sql)?;
    let mut found = statement.query(())?;
    let mut examination = Examination::default();
    while let Some(row) = found.next()? {
        let (id, record): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
        examination.note(&Kept {
            id: &id,
            record: Some(&record),
            sequence: Some(rows::counter(row.get(2)?)),
            is_due: row.get(3)?,
            has_ended: row.get(4)?,
        });
    }
    Ok(examination)
}
