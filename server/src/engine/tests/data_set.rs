//! The data set of a story: the embedded store in a file of its own, and what a story looks at or breaks behind the store's back.
//!
//! All replicas of a story share the open store, as replicas share a Redis; none of them knows of the others.

use std::{sync::Arc, time::Duration};

use tempfile::TempDir;

use crate::{
    clock::Clock,
    domain::{ids::JobId, job::Job},
    store::{
        FEED_KEPT_MIN, codec,
        sqlite::{SqliteOptions, SqliteStore},
    },
};

pub(super) struct DataSet {
    pub store: Arc<SqliteStore>,
    folder: TempDir,
}

impl DataSet {
    pub(super) fn new() -> DataSet {
        DataSet::keeping(FEED_KEPT_MIN)
    }

    /// Keeps so many feed entries in each shard.
    pub(super) fn keeping(feed_kept_min: u64) -> DataSet {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(SqliteOptions {
            path: Some(folder.path().join("semanas.db")),
            secret_fingerprint: "fingerprint".to_owned(),
            retention: Duration::from_secs(30 * 24 * 3600),
            feed_kept_min,
            clock: Clock::system(),
        });
        DataSet {
            store: Arc::new(store.unwrap()),
            folder,
        }
    }

    /// Everything that stands in the files.
    pub(super) fn raw(&self) -> String {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        let bytes = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        bytes
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .collect()
    }

    /// Replaces a job's sealed person by bytes that open with no secret.
    pub(super) fn damage_subject(&self, job: &JobId) {
        self.change("UPDATE sealed SET subject = x'00' WHERE job = ?1", job);
    }

    /// Replaces a job's record by bytes that no version reads, as a commit of a newer version would.
    pub(super) fn damage_record(&self, job: &JobId) {
        self.change(
            "UPDATE jobs SET record = x'00', version = version + 1 WHERE id = ?1",
            job,
        );
    }

    /// Puts a job's record back as it was.
    pub(super) fn mend_record(&self, job: &Job) {
        let db = self.connect();
        let sql = "UPDATE jobs SET record = ?2 WHERE id = ?1";
        let changed = db.execute(sql, rusqlite::params![job.id.as_str(), codec::encode_job(job)]);
        assert_eq!(changed.unwrap(), 1);
    }

    fn change(&self, sql: &str, job: &JobId) {
        assert_eq!(self.connect().execute(sql, [job.as_str()]).unwrap(), 1);
    }

    fn connect(&self) -> rusqlite::Connection {
        let db = rusqlite::Connection::open(self.folder.path().join("semanas.db")).unwrap();
        db.busy_timeout(super::harness::PATIENCE).unwrap();
        db
    }
}
