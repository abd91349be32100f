//! WatchWorkHistory: one job as a stream that has no gaps.
//!
//! A stream holds no buffer: it remembers the last sequence number that its reader took, and compares it with the newest version
//! of the job, which carries its own events. So a slow reader costs nothing, and resuming is the same as being slow.

use std::{sync::Arc, time::Duration};

use async_stream::try_stream;
use futures::stream::{BoxStream, StreamExt as _};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use crate::{
    domain::{
        ids::{JobId, JobKind},
        job::{Job, JobEvent},
        reason::Reason,
    },
    engine::{
        Engine, EngineError,
        cursor::{JobCursor, Position, event_time_us},
        hub::{Follow, Latest},
        options::WatchOptions,
        request::{Snapshot, SnapshotCause, Watch, WatchContent, WatchMessage},
    },
};

/// A stream of messages of one watch.
pub(crate) type Watching<T> = BoxStream<'static, Result<T, EngineError>>;

impl Engine {
    /// The stream ends after a terminal or a draining message, or with one error.
    pub(crate) async fn watch(&self, watch: Watch) -> Result<Watching<WatchMessage>, EngineError> {
        self.refuse_while_draining()?;
        let not_found = || EngineError::new(Reason::JobNotFound);
        let id = JobId::parse(&watch.job_id).map_err(|_| not_found())?;
        if id.kind() != JobKind::WorkHistory {
            return Err(not_found());
        }
        let cursor = watch
            .cursor
            .as_deref()
            .map(|text| self.read_cursor::<JobCursor>(text))
            .transpose()?;
        if cursor.as_ref().is_some_and(|cursor| cursor.at.job != id) {
            return Err(EngineError::new(Reason::CursorInvalid));
        }
        let permit = self.take_stream()?;
        let mut follow = self.inner.hub.follow(&id).await?.ok_or_else(not_found)?;
        let job = follow.latest().stored;
        if job.job.tenant != watch.tenant {
            return Err(not_found());
        }
        let limit = watch.limit.or(cursor.as_ref().map(|cursor| cursor.at.limit));
        let seen = starting_point(cursor, &job.job)?;
        Ok(self.clone().stream_job(follow, seen, limit, permit).boxed())
    }

    pub(super) fn take_stream(&self) -> Result<OwnedSemaphorePermit, EngineError> {
        let permit = Arc::clone(&self.inner.streams).try_acquire_owned();
        permit.map_err(|_| EngineError::new(Reason::TooManyWatches))
    }

    fn stream_job(
        self,
        mut follow: Follow,
        seen: Seen,
        limit: Option<u32>,
        permit: OwnedSemaphorePermit,
    ) -> impl futures::Stream<Item = Result<WatchMessage, EngineError>> {
        try_stream! {
            let _permit = permit;
            let _gauge = self.inner.metrics.stream_opened();
            let options = self.inner.options.watch.clone();
            let mut pace = Pace::new(&options, self.inner.dice.fraction());
            let mut stale = self.inner.hub.stale();
            let mut seen = seen;
            let mut losses = None;
            let mut told_unreadable = false;
            loop {
                let Latest { stored, answer, unreadable_since, known, is_gone } = follow.latest();
                let now = Now { job: &stored.job, answer: answer.as_deref(), lost_at: known.lost_at, limit };
                if is_gone && !stored.job.is_terminal() {
                    Err(EngineError::new(Reason::JobNotFound))?;
                }
                if losses.replace(known.count).is_some_and(|before| before != known.count) {
                    seen = Seen::Nothing(SnapshotCause::Reset);
                }
                // Boxed, so that an idle stream keeps no room for what reading an answer takes.
                for message in Box::pin(self.news(now, &mut seen)).await? {
                    let is_terminal = message.terminal;
                    yield message;
                    pace.spoke();
                    if is_terminal {
                        return;
                    }
                }
                if let (Some(since), false) = (unreadable_since, told_unreadable) {
                    yield self.message(now, seen.sequence(), false, WatchContent::Stale { since });
                    pace.spoke();
                }
                told_unreadable = unreadable_since.is_some();
                let content = tokio::select! {
                    biased;
                    () = follow.changed() => continue,
                    () = self.inner.draining.cancelled() => Some(self.draining()),
                    () = pace.age_reached() => Some(self.draining()),
                    Ok(()) = stale.changed() => {
                        let since = *stale.borrow_and_update();
                        since.map(|since| WatchContent::Stale { since })
                    }
                    () = pace.silence_reached() => Some(WatchContent::Heartbeat { now: self.inner.clock.now() }),
                };
                let Some(content) = content else { continue };
                let is_last = matches!(content, WatchContent::Draining { .. });
                yield self.message(now, seen.sequence(), false, content);
                pace.spoke();
                if is_last {
                    return;
                }
            }
        }
    }

    /// What the reader has not been told of this version yet.
    async fn news(&self, now: Now<'_>, seen: &mut Seen) -> Result<Vec<WatchMessage>, EngineError> {
        let job = now.job;
        let (after, cause) = match *seen {
            Seen::Nothing(cause) => (None, cause),
            // That can only mean that the store lost what had been shown.
            Seen::UpTo(shown) if !shown.stands_in(job) => (None, SnapshotCause::Reset),
            Seen::UpTo(shown) => (Some(shown.sequence), SnapshotCause::SlowReader),
        };
        let events = after.and_then(|after| events_after(job, after));
        *seen = Seen::UpTo(Shown::of(job, job.sequence));
        match events {
            Some(events) if events.is_empty() && job.is_terminal() => {
                Ok(vec![self.snapshot_message(now, SnapshotCause::Start).await?])
            }
            Some(events) => self.event_messages(now, events).await,
            None => Ok(vec![self.snapshot_message(now, cause).await?]),
        }
    }

    async fn event_messages(&self, now: Now<'_>, events: &[JobEvent]) -> Result<Vec<WatchMessage>, EngineError> {
        let mut messages = Vec::with_capacity(events.len());
        for event in events {
            let is_terminal = event.view.stage.is_none();
            let whole = if is_terminal {
                Some(Box::new(self.snapshot_for(now).await?))
            } else {
                None
            };
            let content = WatchContent::Event {
                event: event.clone(),
                job: whole,
            };
            messages.push(self.message(now, event.sequence, is_terminal, content));
        }
        Ok(messages)
    }

    async fn snapshot_message(&self, now: Now<'_>, cause: SnapshotCause) -> Result<WatchMessage, EngineError> {
        let snapshot = Box::new(self.snapshot_for(now).await?);
        let heartbeat_interval = self.inner.options.watch.heartbeat_interval;
        let content = WatchContent::Snapshot {
            snapshot,
            heartbeat_interval,
            cause,
        };
        Ok(self.message(now, now.job.sequence, now.job.is_terminal(), content))
    }

    async fn snapshot_for(&self, now: Now<'_>) -> Result<Snapshot, EngineError> {
        let snapshot = match now.answer {
            Some(sealed) => self.snapshot_at_hand(now.job.clone(), sealed).await?,
            None => self.snapshot(now.job.clone()).await?,
        };
        Ok(snapshot.cut(now.limit()))
    }

    fn draining(&self) -> WatchContent {
        WatchContent::Draining {
            resume_delay: self.resume_delay(),
        }
    }

    pub(super) fn resume_delay(&self) -> Duration {
        RESUME_SPREAD.mul_f64(self.inner.dice.fraction())
    }

    fn message(&self, now: Now<'_>, sequence: u64, terminal: bool, content: WatchContent) -> WatchMessage {
        let cursor = self.job_cursor(now.lost_at, now.job, sequence, now.limit());
        WatchMessage {
            cursor,
            terminal,
            content,
        }
    }
}

/// What a stream speaks of.
#[derive(Clone, Copy)]
struct Now<'a> {
    job: &'a Job,
    /// Sealed, when this replica has it at hand.
    answer: Option<&'a [u8]>,
    /// When the store had last lost something, as was known when the job was read.
    lost_at: u64,
    /// Of the reader, if it has one of its own.
    limit: Option<u32>,
}

impl Now<'_> {
    fn limit(self) -> u32 {
        self.limit.unwrap_or(self.job.ask.limit)
    }
}

/// What a reader has been told.
#[derive(Clone, Copy)]
enum Seen {
    Nothing(SnapshotCause),
    UpTo(Shown),
}

impl Seen {
    fn sequence(self) -> u64 {
        match self {
            Seen::Nothing(_) => 0,
            Seen::UpTo(shown) => shown.sequence,
        }
    }
}

/// The last event that a reader was shown.
#[derive(Clone, Copy)]
struct Shown {
    sequence: u64,
    /// Unknown when it is no longer kept, or the cursor that names it does not say.
    at_us: Option<i64>,
}

impl Shown {
    fn of(job: &Job, sequence: u64) -> Shown {
        let at_us = event_time_us(job, sequence);
        Shown { sequence, at_us }
    }

    /// Whether the job's history still has it. Its number alone says little: what a failover took back, another step may have
    /// replaced.
    fn stands_in(self, job: &Job) -> bool {
        let is_other = |shown| event_time_us(job, self.sequence).is_some_and(|stands| stands != shown);
        self.sequence <= job.sequence && !self.at_us.is_some_and(is_other)
    }
}

fn starting_point(cursor: Option<Position<JobCursor>>, job: &Job) -> Result<Seen, EngineError> {
    match cursor {
        None => Ok(Seen::Nothing(SnapshotCause::Start)),
        Some(cursor) if !cursor.is_of_this_data_set => Ok(Seen::Nothing(SnapshotCause::Reset)),
        Some(cursor) if cursor.at.sequence <= job.sequence && events_after(job, cursor.at.sequence).is_none() => {
            Err(EngineError::new(Reason::CursorExpired))
        }
        Some(Position {
            at: JobCursor { sequence, at_us, .. },
            ..
        }) => Ok(Seen::UpTo(Shown { sequence, at_us })),
    }
}

/// The events after a sequence number, or `None` when some of them are no longer kept.
fn events_after(job: &Job, sequence: u64) -> Option<&[JobEvent]> {
    let first_kept = job.events.first().map_or(job.sequence + 1, |event| event.sequence);
    let skip = (sequence + 1).checked_sub(first_kept)?;
    let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(job.events.len());
    Some(&job.events[skip..])
}

/// A watcher that resumes waits this long at most, so that those of a stopped replica do not all come at once.
const RESUME_SPREAD: Duration = Duration::from_secs(2);

/// When a stream must speak, and when it must end.
pub(super) struct Pace {
    heartbeat_interval: Duration,
    silent_since: Instant,
    ends_at: Instant,
}

impl Pace {
    /// `dice` in 0..1 chooses the stream's age.
    pub(super) fn new(options: &WatchOptions, dice: f64) -> Pace {
        let spread = options.stream_age_max.saturating_sub(options.stream_age_min);
        let now = Instant::now();
        let ends_at = now + options.stream_age_min + spread.mul_f64(dice);
        Pace {
            heartbeat_interval: options.heartbeat_interval,
            silent_since: now,
            ends_at,
        }
    }

    pub(super) fn spoke(&mut self) {
        self.silent_since = Instant::now();
    }

    pub(super) async fn silence_reached(&self) {
        tokio::time::sleep_until(self.silent_since + self.heartbeat_interval).await;
    }

    pub(super) async fn age_reached(&self) {
        tokio::time::sleep_until(self.ends_at).await;
    }
}
