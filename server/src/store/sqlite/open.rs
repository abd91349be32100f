//! Opening the data set: the lock, the file, the schema, and whether this is the one that the operator means.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension as _};
use tokio::sync::broadcast;

use super::{BELLS_KEPT, SqliteStore, readers::Readers, writer::Writer};
use crate::{
    clock::Clock,
    store::{FEED_KEPT_MIN, OpenError, StoreError},
};

/// Version of the schema and of what its columns mean.
const FORMAT: u32 = 1;

/// How long a connection waits for a lock that another one of this process, or an operator's `sqlite3`, holds.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Where the data set is and what it must match.
pub(crate) struct SqliteOptions {
    /// `None` = in memory, gone with the store.
    pub path: Option<PathBuf>,
    /// Tells apart the secrets that data sets are made with, without giving them away.
    pub secret_fingerprint: String,
    /// How long paid answers are remembered for reuse.
    pub retention: Duration,
    /// Newest feed entries that each shard keeps at least; [`FEED_KEPT_MIN`] but for tests.
    pub feed_kept_min: u64,
    pub clock: Clock,
}

impl SqliteOptions {
    pub(crate) fn new(
        path: Option<PathBuf>,
        secret_fingerprint: String,
        retention: Duration,
        clock: Clock,
    ) -> SqliteOptions {
        SqliteOptions {
            path,
            secret_fingerprint,
            retention,
            feed_kept_min: FEED_KEPT_MIN,
            clock,
        }
    }
}

pub(super) fn open(options: SqliteOptions) -> Result<SqliteStore, OpenError> {
    let what = options
        .path
        .as_deref()
        .map_or("memory".to_owned(), |path| path.display().to_string());
    let lock = options.path.as_deref().map(|path| lock(path, &what)).transpose()?;
    let mut db = connect(options.path.as_deref()).map_err(|error| unreachable(&what, &error))?;
    prepare(&mut db, &what, &options.secret_fingerprint)?;
    let epoch = meta(&db, "epoch").map_err(|error| unreachable(&what, &error))?;
    let epoch = epoch
        .and_then(|epoch| epoch.parse().ok())
        .ok_or_else(|| damaged(&what, "its epoch is missing"))?;
    let file = options
        .path
        .as_deref()
        .map(FileIdentity::of)
        .transpose()
        .map_err(|error| unreachable(&what, &error))?;
    Ok(SqliteStore {
        readers: options.path.map(Readers::new),
        writer: Writer::start(db, lock).map_err(|error| unreachable(&what, &error))?,
        gates: Mutex::default(),
        bells: broadcast::Sender::new(BELLS_KEPT),
        clock: options.clock,
        retention: options.retention,
        feed_kept_min: options.feed_kept_min,
        epoch,
        file,
    })
}

/// Keeps every other process out while it lives. A file of its own, because SQLite's locks on the database come and go.
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone would not do: a program that is just being started may hold a copy of the file for a moment longer.
        if let Err(error) = self.0.unlock() {
            tracing::debug!(error = %error, "the lock goes with the file");
        }
    }
}

fn lock(path: &Path, what: &str) -> Result<Lock, OpenError> {
    let open = || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        private_file(&sibling(path, ".lock"))
    };
    let file = open().map_err(|error| unreachable(what, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { what: what.to_owned() }),
        Err(TryLockError::Error(error)) => Err(unreachable(what, &error)),
    }
}

fn connect(path: Option<&Path>) -> Result<Connection, Box<dyn std::error::Error>> {
    let db = match path {
        Some(path) => {
            private_file(path)?;
            Connection::open(path)?
        }
        None => Connection::open_in_memory()?,
    };
    db.busy_timeout(BUSY_TIMEOUT)?;
    let mode: String = db.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if path.is_some() && mode != "wal" {
        return Err("its file system cannot share memory between connections, as network ones cannot".into());
    }
    // Each commit reaches the disk before it is acknowledged.
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.set_prepared_statement_cache_capacity(128);
    Ok(db)
}

/// Creates the schema in an empty database, or checks that what is there is ours.
fn prepare(db: &mut Connection, what: &str, secret_fingerprint: &str) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| unreachable(what, &error);
    let tables: u32 = db
        .query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))
        .map_err(failed)?;
    if tables == 0 {
        return create(db, secret_fingerprint).map_err(failed);
    }
    let has_meta = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'meta'";
    let has_meta: u32 = db.query_row(has_meta, (), |row| row.get(0)).map_err(failed)?;
    let format = if has_meta == 0 {
        None
    } else {
        meta(db, "format").map_err(failed)?
    };
    let found = format
        .and_then(|format| format.parse::<u32>().ok())
        .ok_or_else(|| damaged(what, "it is a database, but not one of semanas"))?;
    if found > FORMAT {
        return Err(OpenError::NewerFormat {
            what: what.to_owned(),
            found,
            known: FORMAT,
        });
    }
    if meta(db, "secret_fingerprint").map_err(failed)?.as_deref() != Some(secret_fingerprint) {
        return Err(OpenError::WrongSecret { what: what.to_owned() });
    }
    Ok(())
}

fn create(db: &mut Connection, secret_fingerprint: &str) -> rusqlite::Result<()> {
    let tx = db.transaction()?;
    tx.execute_batch(include_str!("schema.sql"))?;
    let epoch: u64 = rand::random();
    let facts = [
        ("format", FORMAT.to_string()),
        ("epoch", epoch.to_string()),
        ("secret_fingerprint", secret_fingerprint.to_owned()),
        ("probes", "0".to_owned()),
    ];
    for (key, value) in facts {
        tx.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", (key, value))?;
    }
    tx.commit()
}

pub(super) fn meta(db: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0))
        .optional()
}

/// Opens a file that nobody else may read, creating it where there is none.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn unreachable(what: &str, error: &dyn ToString) -> OpenError {
    OpenError::Unreachable {
        what: what.to_owned(),
        why: error.to_string(),
    }
}

fn damaged(what: &str, why: &str) -> OpenError {
    OpenError::Refused {
        what: what.to_owned(),
        why: why.to_owned(),
        what_to_do: "restore it from a backup, or set store.url to another place".to_owned(),
    }
}

/// Which file was opened. One that was removed or replaced can still be written to through the open handle, and all of it
/// would be lost at the next start.
pub(super) struct FileIdentity {
    path: PathBuf,
    #[cfg(unix)]
    inode: u64,
}

impl FileIdentity {
    fn of(path: &Path) -> io::Result<FileIdentity> {
        Ok(FileIdentity {
            #[cfg(unix)]
            inode: inode(path)?,
            path: path.to_owned(),
        })
    }

    pub(super) fn check(&self) -> Result<(), StoreError> {
        #[cfg(unix)]
        let same = inode(&self.path).is_ok_and(|inode| inode == self.inode);
        #[cfg(not(unix))]
        let same = self.path.exists();
        if same {
            Ok(())
        } else {
            Err(StoreError::DataSetLost {
                why: "its file was removed or replaced".into(),
            })
        }
    }
}

#[cfg(unix)]
fn inode(path: &Path) -> io::Result<u64> {
    std::fs::metadata(path).map(|data| std::os::unix::fs::MetadataExt::ino(&data))
}
