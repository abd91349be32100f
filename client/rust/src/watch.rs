//! What the messages of the two watches mean to a reader. It decides nothing about connections.

use std::time::{Duration, SystemTime};

use crate::follow::{Frame, Message, Place};
use crate::model::{JobEvent, SnapshotCause, WorkHistoryJob, personal};
use crate::raw::v1::watch_work_histories_response::Content as FeedContent;
use crate::raw::v1::watch_work_history_response::Content as JobContent;
use crate::raw::v1::{self, WatchWorkHistoriesResponse, WatchWorkHistoryResponse};

/// One step of a job.
#[derive(Clone, PartialEq)]
pub struct JobUpdate {
    /// Position after this update: give it to a later watch to go on from here.
    pub cursor: String,
    /// True on the last update.
    pub is_terminal: bool,
    /// What changed.
    pub change: JobChange,
}

/// What changed.
#[derive(Clone, PartialEq)]
pub enum JobChange {
    /// The job as it stands. With another cause than `Start` it replaces what was seen before.
    Snapshot {
        job: Box<WorkHistoryJob>,
        cause: SnapshotCause,
    },
    /// An event. Each comes once, in order, none missing.
    Event(Box<JobEvent>),
    /// The server cannot read its store; what follows may be late. Only with `WatchOptions::reports_stale`.
    Stale { since_time: Option<SystemTime> },
}

impl JobUpdate {
    /// The whole job, where the update holds it: in snapshots and in the last update.
    #[must_use]
    pub fn job(&self) -> Option<&WorkHistoryJob> {
        match &self.change {
            JobChange::Snapshot { job, .. } => Some(job),
            JobChange::Event(event) => event.job.as_ref(),
            JobChange::Stale { .. } => None,
        }
    }
}

/// One step of the feed of all jobs.
#[derive(Clone, PartialEq)]
pub struct FeedUpdate {
    /// Position after this update.
    pub cursor: String,
    /// What changed.
    pub change: FeedChange,
}

/// What changed.
#[derive(Clone, PartialEq)]
pub enum FeedChange {
    /// A job as it stands; it replaces what was known of it. The same state may come twice.
    Job(Box<WorkHistoryJob>),
    /// All jobs of the beginning were given; changes follow.
    Synced,
    /// Forget what was known: the newest jobs follow.
    Reset { cause: SnapshotCause },
    /// The server cannot read its store; what follows may be late. Only with `WatchOptions::reports_stale`.
    Stale { since_time: Option<SystemTime> },
}

personal!(JobUpdate, JobChange, FeedUpdate, FeedChange);

impl Message for WatchWorkHistoryResponse {
    type Update = JobUpdate;

    fn read(self, place: &mut Place) -> Frame<JobUpdate> {
        let (cursor, is_terminal) = (self.cursor, self.terminal);
        let update = |cursor: &str, change| JobUpdate {
            cursor: cursor.to_owned(),
            is_terminal,
            change,
        };
        let frame = match self.content {
            Some(JobContent::Snapshot(snapshot)) => {
                let cause = SnapshotCause::from(snapshot.cause);
                learn_heartbeat(place, snapshot.heartbeat_interval);
                let job = Box::new(WorkHistoryJob::from(snapshot.job.unwrap_or_default()));
                place.last_sequence = Some(job.event_sequence);
                let update = update(&cursor, JobChange::Snapshot { job, cause });
                if is_terminal {
                    Frame::Last(update)
                } else {
                    Frame::Start(update)
                }
            }
            Some(JobContent::Event(event)) => match arrival(place.last_sequence, event.sequence) {
                Arrival::Next => {
                    place.last_sequence = Some(event.sequence);
                    let update = update(&cursor, JobChange::Event(Box::new(JobEvent::from(event))));
                    if is_terminal {
                        Frame::Last(update)
                    } else {
                        Frame::Progress(update)
                    }
                }
                Arrival::SeenBefore => return Frame::Repeated,
                Arrival::AfterGap => return Frame::Gap,
            },
            Some(JobContent::Heartbeat(_)) => Frame::Heartbeat,
            Some(JobContent::Stale(stale)) => {
                let since_time = since(&stale);
                Frame::Stale(update(&cursor, JobChange::Stale { since_time }))
            }
            Some(JobContent::Draining(draining)) => Frame::Draining(positive(draining.resume_delay)),
            None => Frame::Unknown,
        };
        advance(place, cursor);
        frame
    }
}

impl Message for WatchWorkHistoriesResponse {
    type Update = FeedUpdate;

    fn read(self, place: &mut Place) -> Frame<FeedUpdate> {
        let cursor = self.cursor;
        let update = |change| FeedUpdate {
            cursor: cursor.clone(),
            change,
        };
        let frame = match self.content {
            Some(FeedContent::Job(job)) => Frame::Progress(update(FeedChange::Job(Box::new(job.into())))),
            Some(FeedContent::Synced(synced)) => {
                learn_heartbeat(place, synced.heartbeat_interval);
                Frame::Start(update(FeedChange::Synced))
            }
            Some(FeedContent::Reset(reset)) => Frame::Start(update(FeedChange::Reset {
                cause: reset.cause.into(),
            })),
            Some(FeedContent::Heartbeat(_)) => Frame::Heartbeat,
            Some(FeedContent::Stale(stale)) => {
                let since_time = since(&stale);
                Frame::Stale(update(FeedChange::Stale { since_time }))
            }
            Some(FeedContent::Draining(draining)) => Frame::Draining(positive(draining.resume_delay)),
            None => Frame::Unknown,
        };
        advance(place, cursor);
        frame
    }
}

fn since(stale: &v1::Stale) -> Option<SystemTime> {
    stale.since_time.and_then(|time| SystemTime::try_from(time).ok())
}

enum Arrival {
    Next,
    SeenBefore,
    AfterGap,
}

/// After a resume from a caller's own cursor the last sequence is not known, and whatever comes first is the next.
fn arrival(last: Option<i64>, sequence: i64) -> Arrival {
    match last {
        None => Arrival::Next,
        Some(last) if sequence <= last => Arrival::SeenBefore,
        Some(last) if sequence == last + 1 => Arrival::Next,
        Some(_) => Arrival::AfterGap,
    }
}

fn advance(place: &mut Place, cursor: String) {
    if !cursor.is_empty() {
        place.cursor = cursor;
    }
}

/// An interval of zero would make every stream look dead at once.
fn learn_heartbeat(place: &mut Place, interval: Option<prost_types::Duration>) {
    let interval = positive(interval);
    if !interval.is_zero() {
        place.heartbeat_interval = interval;
    }
}

/// Zero for a span that is absent or negative.
fn positive(span: Option<prost_types::Duration>) -> Duration {
    span.and_then(|span| Duration::try_from(span).ok()).unwrap_or_default()
}
