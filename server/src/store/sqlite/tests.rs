//! The suite on the embedded store, in memory and on disk, and what only this store does: locking, durability, group commit.
#![allow(clippy::unwrap_used)]

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::future::join_all;

use super::{SqliteOptions, SqliteStore};
use crate::{
    clock::Clock,
    domain::{ids::JobId, job::Job},
    store::{
        Creation, OpenError, Store, StoreError, codec,
        conformance::{Harness, fixtures},
    },
};

const RETENTION: Duration = Duration::from_secs(30 * 86_400);
const FEED_KEPT: u64 = 40;

crate::store::conformance::conformance!(sqlite_memory, crate::store::sqlite::tests::in_memory);
crate::store::conformance::conformance!(sqlite_file, crate::store::sqlite::tests::on_disk);

struct SqliteHarness {
    store: Arc<SqliteStore>,
    clock: Clock,
    _folder: Option<tempfile::TempDir>,
}

async fn in_memory() -> Option<Box<dyn Harness>> {
    Some(Box::new(harness(None)))
}

async fn on_disk() -> Option<Box<dyn Harness>> {
    Some(Box::new(harness(Some(tempfile::tempdir().unwrap()))))
}

fn harness(folder: Option<tempfile::TempDir>) -> SqliteHarness {
    let clock = Clock::manual(fixtures::EPOCH);
    let path = folder.as_ref().map(|folder| folder.path().join("semanas.db"));
    let options = SqliteOptions::new(path, "secret".to_owned(), RETENTION, clock.clone());
    let store = SqliteStore::open(SqliteOptions {
        feed_kept_min: FEED_KEPT,
        ..options
    })
    .unwrap();
    SqliteHarness {
        store: Arc::new(store),
        clock,
        _folder: folder,
    }
}

#[async_trait]
impl Harness for SqliteHarness {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    async fn damage(&self, id: &JobId) {
        let id = id.clone();
        let damage = move |db: &rusqlite::Connection| {
            let sql = "UPDATE jobs SET record = x'00' WHERE id = ?1";
            Ok(db.execute(sql, [id.as_str()])?)
        };
        assert_eq!(self.store.write("damage", damage, |_| ()).await.unwrap(), 1);
    }

    async fn mend(&self, job: &Job) {
        let (id, record) = (job.id.clone(), codec::encode_job(job));
        let mend = move |db: &rusqlite::Connection| {
            let sql = "UPDATE jobs SET record = ?2 WHERE id = ?1";
            Ok(db.execute(sql, rusqlite::params![id.as_str(), record])?)
        };
        assert_eq!(self.store.write("mend", mend, |_| ()).await.unwrap(), 1);
    }

    async fn names(&self) -> Vec<String> {
        let keys = "SELECT id || ' ' || tenant || ' ' || person || ' ' || product FROM jobs
                    UNION ALL SELECT tenant || ' ' || person || ' ' || product FROM dedupe
                    UNION ALL SELECT id || ' ' || job || ' ' || person FROM charges
                    UNION ALL SELECT tenant || ' ' || person || ' ' || test_case FROM units
                    UNION ALL SELECT job FROM sealed
                    UNION ALL SELECT key || ' ' || job FROM requests";
        let names = move |db: &rusqlite::Connection| {
            let mut statement = db.prepare(keys)?;
            let names = statement.query_map((), |row| row.get(0))?;
            Ok(names.collect::<Result<Vec<String>, _>>()?)
        };
        self.store.write("name", names, |_| ()).await.unwrap()
    }

    fn feed_kept_min(&self) -> u64 {
        FEED_KEPT
    }

    fn retention(&self) -> Duration {
        RETENTION
    }
}

fn open(path: &Path, secret: &str) -> Result<SqliteStore, OpenError> {
    let clock = Clock::manual(fixtures::EPOCH);
    SqliteStore::open(SqliteOptions::new(
        Some(path.to_owned()),
        secret.to_owned(),
        RETENTION,
        clock,
    ))
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data").join("semanas.db");
    let store = open(&path, "secret").unwrap();
    let creation = fixtures::creation(fixtures::work_history(1, fixtures::EPOCH));
    store.create(creation.clone()).await.unwrap();
    let epoch = store.probe().await.unwrap().epoch;
    drop(store);
    let wal = std::fs::metadata(folder.path().join("data").join("semanas.db-wal")).map_or(0, |wal| wal.len());
    assert_eq!(wal, 0, "the log is moved into the file on close");

    let store = open(&path, "secret").unwrap();
    assert_eq!(store.read(&creation.job.id).await.unwrap().unwrap().job, creation.job);
    assert_eq!(store.probe().await.unwrap().epoch, epoch);
}

/// What a copy of the files sees is what a start after a crash would see.
#[tokio::test]
async fn files_copied_at_any_time_hold_what_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("semanas.db"), "secret").unwrap();
    for number in 0..10 {
        let creation = fixtures::creation(fixtures::work_history(number, fixtures::EPOCH));
        store.create(creation.clone()).await.unwrap();
        let copy = tempfile::tempdir().unwrap();
        for name in ["semanas.db", "semanas.db-wal"] {
            std::fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
        }
        let restarted = open(&copy.path().join("semanas.db"), "secret").unwrap();
        assert_eq!(
            restarted.read(&creation.job.id).await.unwrap().unwrap().job,
            creation.job
        );
    }
}

#[tokio::test]
async fn a_second_process_is_told_that_the_file_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("semanas.db");
    let first = open(&path, "secret").unwrap();
    let error = open(&path, "secret").err().unwrap();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("semanas.db is in use by another semanas process"),
        "{error}"
    );
    drop(first);
    open(&path, "secret").unwrap();
}

#[tokio::test]
async fn the_wrong_secret_a_newer_format_and_a_foreign_database_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("semanas.db");
    drop(open(&path, "secret").unwrap());
    let error = open(&path, "another").err().unwrap();
    assert!(matches!(error, OpenError::WrongSecret { .. }), "{error}");

    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute("UPDATE meta SET value = '2' WHERE key = 'format'", ())
        .unwrap();
    drop(db);
    let error = open(&path, "secret").err().unwrap();
    assert!(
        matches!(error, OpenError::NewerFormat { found: 2, known: 1, .. }),
        "{error}"
    );

    let foreign = folder.path().join("foreign.db");
    rusqlite::Connection::open(&foreign)
        .unwrap()
        .execute_batch("CREATE TABLE t (x)")
        .unwrap();
    let error = open(&foreign, "secret").err().unwrap();
    assert!(matches!(error, OpenError::Refused { .. }), "{error}");

    let text = folder.path().join("text.db");
    std::fs::write(
        &text,
        "this is no database at all, but long enough to look at ".repeat(50),
    )
    .unwrap();
    let error = open(&text, "secret").err().unwrap();
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_private_and_its_loss_is_noticed() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("semanas.db");
    let store = open(&path, "secret").unwrap();
    store.probe().await.unwrap();
    for name in ["semanas.db", "semanas.db-wal", "semanas.db.lock"] {
        let mode = std::fs::metadata(folder.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(store.probe().await, Err(StoreError::DataSetLost { .. })));
}

#[tokio::test]
async fn a_full_disk_acknowledges_nothing_and_heals() {
    let harness = harness(Some(tempfile::tempdir().unwrap()));
    let pages = |max: i64| {
        move |db: &rusqlite::Connection| {
            Ok(db.pragma_update_and_check(None, "max_page_count", max, |row| row.get::<_, i64>(0))?)
        }
    };
    harness.store.write("fill", pages(1), |_| ()).await.unwrap();
    let big = |number| {
        let creation = fixtures::creation(fixtures::work_history(number, fixtures::EPOCH));
        Creation {
            subject: vec![7; 200_000],
            ..creation
        }
    };
    let refused = big(1);
    let result = harness.store.create(refused.clone()).await;
    assert!(matches!(result, Err(StoreError::Unavailable { .. })), "{result:?}");
    assert!(harness.store.read(&refused.job.id).await.unwrap().is_none());

    harness.store.write("empty", pages(1_000_000), |_| ()).await.unwrap();
    harness.store.create(refused.clone()).await.unwrap();
    assert!(harness.store.read(&refused.job.id).await.unwrap().is_some());
}

#[tokio::test]
async fn one_failure_in_a_group_does_not_undo_the_others() {
    let harness = harness(None);
    let creations = (0..20).map(|number| {
        let store = Arc::clone(&harness.store);
        async move {
            let fails = |db: &rusqlite::Connection| {
                db.execute("INSERT INTO meta (key, value) VALUES ('stray', '')", ())?;
                Ok(db.execute("INSERT INTO nowhere VALUES (1)", ())?)
            };
            let creation = fixtures::creation(fixtures::work_history(number, fixtures::EPOCH));
            let created = store.create(creation);
            let (created, failed) = tokio::join!(created, store.write("fail", fails, |_| ()));
            assert!(failed.is_err());
            created.unwrap().stored.job.id
        }
    });
    for id in join_all(creations).await {
        assert!(harness.store.read(&id).await.unwrap().is_some());
    }
    let strays = |db: &rusqlite::Connection| {
        Ok(
            db.query_row("SELECT count(*) FROM meta WHERE key = 'stray'", (), |row| {
                row.get::<_, u32>(0)
            })?,
        )
    };
    assert_eq!(harness.store.write("look", strays, |_| ()).await.unwrap(), 0);
}

/// Says how many durable creations a second this machine manages; fails only when group commit does not group at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_creations_at_once_share_their_flushes() {
    const CREATIONS: u32 = 2000;
    let harness = harness(Some(tempfile::tempdir().unwrap()));
    let started = tokio::time::Instant::now();
    let callers = (0..100_u32).map(|caller| {
        let store = Arc::clone(&harness.store);
        tokio::spawn(async move {
            for _ in 0..CREATIONS / 100 {
                let job = fixtures::work_history(u8::try_from(caller).unwrap(), fixtures::EPOCH);
                let product = job.id.to_string();
                let creation = Creation {
                    product,
                    ..fixtures::creation(job)
                };
                store.create(creation).await.unwrap();
            }
        })
    });
    for done in join_all(callers).await {
        done.unwrap();
    }
    let elapsed = started.elapsed();
    println!(
        "{:.0} durable creations per second",
        f64::from(CREATIONS) / elapsed.as_secs_f64()
    );
    assert!(elapsed < Duration::from_secs(20), "{elapsed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_go_away_do_not_add_to_the_reads_at_a_time() {
    let harness = harness(Some(tempfile::tempdir().unwrap()));
    let running = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let mut doors = Vec::new();
    for _ in 0..12 {
        let (running, (open, opened)) = (Arc::clone(&running), std::sync::mpsc::channel::<()>());
        doors.push(open);
        let slow = harness.store.read_with("read slowly", move |_| {
            running.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let _ = opened.recv();
            Ok(())
        });
        assert!(tokio::time::timeout(Duration::from_millis(20), slow).await.is_err());
    }
    drop(doors);
    assert!(running.load(std::sync::atomic::Ordering::SeqCst) <= 4);
}

#[tokio::test]
async fn a_torn_record_is_found_and_named() {
    let harness = harness(None);
    let job = fixtures::work_history(1, fixtures::EPOCH);
    harness.store.create(fixtures::creation(job.clone())).await.unwrap();
    assert_eq!(
        harness.store.examine().await.unwrap().verdict().unwrap(),
        "1 jobs, each whole"
    );
    let tear = |db: &rusqlite::Connection| Ok(db.execute("UPDATE jobs SET sequence = 9", ())?);
    harness.store.write("tear", tear, |_| ()).await.unwrap();
    let verdict = harness.store.examine().await.unwrap().verdict().unwrap_err();
    assert!(
        verdict.contains(&format!("{} has another number of events", job.id)),
        "{verdict}"
    );
}
