//! Connections that only read, beside the writer: in WAL mode they neither wait for it nor hold it up.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::{fault::Fault, open};
use crate::store::StoreError;

/// Reads at a time. A read takes tens of microseconds of one core, and the machine has other work.
const READERS_MAX: usize = 4;

/// A few connections to one file.
pub(super) struct Readers {
    path: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    places: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Readers {
        Readers {
            path,
            idle: Arc::default(),
            places: Arc::new(Semaphore::new(READERS_MAX)),
        }
    }

    /// Runs `work` on one state of the database.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let place = Arc::clone(&self.places).acquire_owned().await.expect("never closed");
        let idle = Arc::clone(&self.idle);
        let kept = idle.lock().expect("nothing panics under it").pop();
        let path = self.path.clone();
        let read = move || {
            // Until the read is over, also when nobody waits for it any more.
            let _place = place;
            let db = kept.map_or_else(|| connect(&path), Ok)?;
            let snapshot = db.unchecked_transaction()?;
            let result = work(&snapshot);
            drop(snapshot);
            idle.lock().expect("nothing panics under it").push(db);
            result
        };
        let ended = |_| StoreError::Unavailable {
            doing,
            why: "the read was broken off".into(),
        };
        let result: Result<T, Fault> = tokio::task::spawn_blocking(read).await.map_err(ended)?;
        result.map_err(|fault| fault.told(doing))
    }
}

fn connect(path: &PathBuf) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(open::BUSY_TIMEOUT)?;
    Ok(db)
}
