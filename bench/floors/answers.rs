//! Answers of the size that Semanas gives, with nothing true in them.

use std::sync::atomic::{AtomicU64, Ordering};

use semanas_client::raw::v1::watch_work_history_response::Content;
use semanas_client::raw::v1::{
    Disposition, JobEvent, JobState, SubmitWorkHistoryResponse, WatchWorkHistoryResponse, WorkHistoryJob,
};

/// As long as a signed cursor of Semanas.
const CURSOR_CHARS: usize = 171;

/// A name for a new job, as long as those of Semanas.
pub fn new_job_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("wh_{:034}", NEXT.fetch_add(1, Ordering::Relaxed))
}

const TIME: Option<prost_types::Timestamp> = Some(prost_types::Timestamp {
    seconds: 1_800_000_000,
    nanos: 123_456_789,
});

pub fn job(job_id: String, state: JobState) -> WorkHistoryJob {
    WorkHistoryJob {
        job_id,
        state: state.into(),
        create_time: TIME,
        update_time: TIME,
        deadline_time: TIME,
        event_sequence: 1,
        ..WorkHistoryJob::default()
    }
}

pub fn submitted(job_id: String) -> SubmitWorkHistoryResponse {
    SubmitWorkHistoryResponse {
        job: Some(job(job_id, JobState::Queued)),
        disposition: Disposition::Started.into(),
        watch_cursor: "c".repeat(CURSOR_CHARS),
    }
}

/// The last message of a watch.
pub fn ended(job: WorkHistoryJob) -> WatchWorkHistoryResponse {
    let event = JobEvent {
        sequence: 2,
        state: job.state,
        event_time: TIME,
        job: Some(WorkHistoryJob { end_time: TIME, ..job }),
        ..JobEvent::default()
    };
    WatchWorkHistoryResponse {
        cursor: "c".repeat(CURSOR_CHARS),
        terminal: true,
        content: Some(Content::Event(event)),
    }
}
