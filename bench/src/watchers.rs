//! Many watchers at a time: opened, held, told the end, closed. What they watch is not known here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::task::JoinSet;

use crate::calls;
use crate::load::Errors;
use crate::world::Stubs;

/// So many watchers share a connection, as behind a proxy.
const PER_CONNECTION: usize = 100;

const OPENED_AT_A_TIME: usize = 256;

/// Open streams, read as messages come.
pub struct Watchers {
    streams: JoinSet<()>,
    seen: Arc<Seen>,
}

struct Seen {
    opened_at: Instant,
    messages: AtomicU64,
    ended: AtomicU64,
    /// After `opened_at`, in microseconds.
    last_end_us: AtomicU64,
    errors: Errors,
}

impl Watchers {
    /// Returns when all have had their first message. Watcher number n follows the job that `job_of` names.
    pub async fn open(stubs: &Stubs, count: usize, job_of: impl Fn(usize) -> String) -> anyhow::Result<Watchers> {
        let stubs = stubs.over(count.div_ceil(PER_CONNECTION))?;
        let opening = stream::iter(0..count).map(|number| {
            let job_id = job_of(number);
            let stubs = &stubs;
            async move {
                let mut messages = calls::watch(stubs, number as u64, job_id, String::new()).await?;
                messages.message().await.map_err(calls::told)?;
                Ok::<_, String>(messages)
            }
        });
        let opened = opening.buffer_unordered(OPENED_AT_A_TIME).try_collect::<Vec<_>>().await;
        let seen = Arc::new(Seen {
            opened_at: Instant::now(),
            messages: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            last_end_us: AtomicU64::new(0),
            errors: Errors::default(),
        });
        let mut streams = JoinSet::new();
        for mut messages in opened.map_err(anyhow::Error::msg)? {
            let seen = Arc::clone(&seen);
            streams.spawn(async move {
                loop {
                    match messages.message().await {
                        Ok(Some(message)) if message.terminal => return seen.end(),
                        Ok(Some(_)) => seen.messages.fetch_add(1, Ordering::Relaxed),
                        Ok(None) => return seen.errors.note("a watch ended by itself".to_owned()),
                        Err(status) => return seen.errors.note(calls::told(status)),
                    };
                }
            });
        }
        Ok(Watchers { streams, seen })
    }

    /// Messages that came after the first ones: heartbeats, as long as nothing happens.
    pub fn messages(&self) -> u64 {
        self.seen.messages.load(Ordering::Relaxed)
    }

    pub fn errors(&self) -> Option<String> {
        self.seen.errors.told()
    }

    /// Waits until all were told the end; gives how long after `since` the last one was, in milliseconds.
    pub async fn all_ended_ms(&mut self, since: Instant) -> f64 {
        while self.streams.join_next().await.is_some() {}
        let last_us = self.seen.last_end_us.load(Ordering::Relaxed) as f64;
        last_us / 1000.0 - since.duration_since(self.seen.opened_at).as_secs_f64() * 1000.0
    }

    /// Ends all streams from this side.
    pub async fn close(mut self) {
        self.streams.shutdown().await;
    }
}

impl Seen {
    fn end(&self) {
        let after_us = u64::try_from(self.opened_at.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.last_end_us.fetch_max(after_us, Ordering::Relaxed);
        self.ended.fetch_add(1, Ordering::Relaxed);
    }
}
