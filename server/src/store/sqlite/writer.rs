//! The one thread that writes. All commands that wait are run in one transaction, each under its own savepoint, and answered
//! after the commit: one flush of the disk serves them all, and one failure does not undo the others.
//!
//! It does not know what the commands do. If the commit fails, none of them is acknowledged.

use std::{sync::Arc, thread::JoinHandle};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::fault::Fault;
use crate::store::StoreError;

/// Commands that may wait. When so many do, callers wait for a place: the disk is the limit, not memory.
const QUEUE_MAX: usize = 1024;

/// Commands in one transaction, so that the first of them does not wait long for the last. At 50 µs each this is 13 ms.
const BATCH_MAX: usize = 256;

/// A command: runs on the connection, or not at all when there is no transaction to run in, and gives its answer to be sent.
type Command = Box<dyn FnOnce(Option<&Connection>) -> Answer + Send>;

/// Sends the answer; told first whether the transaction was committed.
type Answer = Box<dyn FnOnce(Result<(), Arc<str>>)>;

/// Handle on the thread. Dropping it runs what waits, moves the log into the database file and closes that.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// `guard` is kept until the connection is closed.
    pub(super) fn start(db: Connection, guard: impl Send + 'static) -> std::io::Result<Writer> {
        let (queue, commands) = mpsc::channel(QUEUE_MAX);
        let serve = move || {
            serve(&db, commands);
            if let Err(error) = db.pragma_update(None, "wal_checkpoint", "TRUNCATE") {
                tracing::warn!(error = %error, "the log was not moved into the database; the next start will do it");
            }
            drop(db);
            drop(guard);
        };
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(serve)?;
        Ok(Writer {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// Runs `work` in a transaction; when it is durable, calls `after` and returns.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
        after: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answered) = oneshot::channel();
        let command: Command = Box::new(move |db| {
            let result = db.map(|db| in_savepoint(db, work));
            Box::new(move |committed| {
                let unavailable = |why| StoreError::Unavailable { doing, why };
                let result = match (committed, result) {
                    (Ok(()), Some(result)) => result.map_err(|fault| fault.told(doing)),
                    (Ok(()), None) => Err(unavailable("there was no transaction".into())),
                    (Err(why), _) => Err(unavailable(why)),
                };
                if let Ok(value) = &result {
                    after(value);
                }
                // A caller that went away does not read its answer.
                drop(reply.send(result));
            })
        });
        let stopped = || StoreError::Unavailable {
            doing,
            why: "the writer has stopped".into(),
        };
        let queue = self.queue.as_ref().expect("taken only by drop");
        queue.send(command).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    /// Waits for the thread, so that the lock is free and the file complete when this returns.
    fn drop(&mut self) {
        drop(self.queue.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the database's writer has panicked");
        }
    }
}

fn serve(db: &Connection, mut commands: mpsc::Receiver<Command>) {
    while let Some(first) = commands.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX
            && let Ok(command) = commands.try_recv()
        {
            batch.push(command);
        }
        run_batch(db, batch);
    }
}

fn run_batch(db: &Connection, batch: Vec<Command>) {
    let begun = execute(db, "BEGIN IMMEDIATE");
    // SQLite ends a transaction by itself after a full disk or a failed write: nothing may run outside of one.
    let in_transaction = || (!db.is_autocommit()).then_some(db);
    let answers: Vec<Answer> = batch.into_iter().map(|command| command(in_transaction())).collect();
    let committed = begun.and_then(|()| execute(db, "COMMIT")).map_err(|error| {
        if !db.is_autocommit()
            && let Err(error) = execute(db, "ROLLBACK")
        {
            tracing::error!(error = %error, "a failed transaction could not be rolled back");
        }
        tracing::error!(error = %error, commands = answers.len(), "the database did not commit");
        Arc::from(error.to_string())
    });
    for answer in answers {
        answer(committed.clone());
    }
}

fn in_savepoint<T>(db: &Connection, work: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
    execute(db, "SAVEPOINT command")?;
    let result = work(db);
    if result.is_err() && !db.is_autocommit() {
        execute(db, "ROLLBACK TO command")?;
    }
    if !db.is_autocommit() {
        execute(db, "RELEASE command")?;
    }
    result
}

fn execute(db: &Connection, sql: &str) -> rusqlite::Result<()> {
    db.prepare_cached(sql)?.execute(()).map(|_| ())
}
