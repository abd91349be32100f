//! Writes the messages of a watch and of the feed.

use std::time::Duration;

use jiff::Timestamp;
use semanas_proto::v1::{self, watch_work_histories_response, watch_work_history_response};

use super::{duration, instant, job, provider_or_none, sequence};
use crate::{
    domain::job::JobEvent,
    engine::{FeedContent, FeedMessage, Snapshot, SnapshotCause, WatchContent, WatchMessage},
};

pub(in crate::api) fn watch_message(message: WatchMessage) -> v1::WatchWorkHistoryResponse {
    use watch_work_history_response::Content;
    let content = match message.content {
        WatchContent::Snapshot {
            snapshot,
            heartbeat_interval,
            cause: why,
        } => Content::Snapshot(v1::JobSnapshot {
            job: Some(job::snapshot(*snapshot)),
            heartbeat_interval: Some(duration(heartbeat_interval)),
            cause: cause(why).into(),
        }),
        WatchContent::Event { event: what, job } => Content::Event(event(what, job)),
        WatchContent::Heartbeat { now } => Content::Heartbeat(heartbeat(now)),
        WatchContent::Stale { since } => Content::Stale(stale(since)),
        WatchContent::Draining { resume_delay } => Content::Draining(draining(resume_delay)),
    };
    v1::WatchWorkHistoryResponse {
        cursor: message.cursor,
        terminal: message.terminal,
        content: Some(content),
    }
}

pub(in crate::api) fn feed_message(message: FeedMessage) -> v1::WatchWorkHistoriesResponse {
    use watch_work_histories_response::Content;
    let content = match message.content {
        FeedContent::Job(changed) => Content::Job(job(*changed)),
        FeedContent::Synced { heartbeat_interval } => Content::Synced(v1::FeedSynced {
            heartbeat_interval: Some(duration(heartbeat_interval)),
        }),
        FeedContent::Heartbeat { now } => Content::Heartbeat(heartbeat(now)),
        FeedContent::Stale { since } => Content::Stale(stale(since)),
        FeedContent::Draining { resume_delay } => Content::Draining(draining(resume_delay)),
        FeedContent::Reset { cause: why } => Content::Reset(v1::FeedReset {
            cause: cause(why).into(),
        }),
    };
    v1::WatchWorkHistoriesResponse {
        cursor: message.cursor,
        content: Some(content),
    }
}

fn event(event: JobEvent, snapshot: Option<Box<Snapshot>>) -> v1::JobEvent {
    v1::JobEvent {
        sequence: sequence(event.sequence),
        event_time: Some(instant(event.at)),
        state: job::state(event.view.state).into(),
        stage: job::stage(event.view),
        stage_provider: provider_or_none(event.view.provider),
        attempt: event.attempt.as_ref().map(job::attempt),
        job: snapshot.map(|snapshot| job::snapshot(*snapshot)),
    }
}

fn cause(cause: SnapshotCause) -> v1::SnapshotCause {
    match cause {
        SnapshotCause::Start => v1::SnapshotCause::Start,
        SnapshotCause::Reset => v1::SnapshotCause::Reset,
        SnapshotCause::SlowReader => v1::SnapshotCause::SlowReader,
    }
}

fn heartbeat(now: Timestamp) -> v1::Heartbeat {
    v1::Heartbeat {
        server_time: Some(instant(now)),
    }
}

fn stale(since: Timestamp) -> v1::Stale {
    v1::Stale {
        since_time: Some(instant(since)),
    }
}

fn draining(resume_delay: Duration) -> v1::Draining {
    v1::Draining {
        resume_delay: Some(duration(resume_delay)),
    }
}
