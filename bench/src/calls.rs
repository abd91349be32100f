//! The calls that are measured, over bare stubs. An answer that is not the expected one is an error.

use std::sync::Arc;

use semanas_proto::v1::watch_work_history_response::Content;
use semanas_proto::v1::{
    Disposition, GetWorkHistoryRequest, JobState, LookupNssRequest, SubmitWorkHistoryRequest,
    SubmitWorkHistoryResponse, WatchWorkHistoryRequest, WatchWorkHistoryResponse,
};
use tonic::{Status, Streaming};

use crate::load::Call;
use crate::people;
use crate::world::Stubs;

/// Submits somebody new with each number.
pub fn submit_new(stubs: &Stubs) -> Call {
    submit(stubs, Disposition::Started, people::by_nss)
}

/// Submits people again whose jobs live.
pub fn attach(stubs: &Stubs, first: u64, count: u64) -> Call {
    submit(stubs, Disposition::Attached, move |number| {
        people::by_nss(first + number % count)
    })
}

fn submit(
    stubs: &Stubs,
    expected: Disposition,
    request: impl Fn(u64) -> SubmitWorkHistoryRequest + Send + Sync + 'static,
) -> Call {
    let stubs = stubs.clone();
    Arc::new(move |number| {
        let (mut stub, request) = (stubs.of(number), request(number));
        Box::pin(async move {
            let answer = stub.submit_work_history(request).await.map_err(told)?.into_inner();
            match answer.disposition() {
                disposition if disposition == expected => Ok(()),
                other => Err(format!("a submit was {}", other.as_str_name())),
            }
        })
    })
}

/// Looks up people whose NSS was bought before.
pub fn lookup_cached(stubs: &Stubs, count: u64) -> Call {
    let stubs = stubs.clone();
    Arc::new(move |number| {
        let mut stub = stubs.of(number);
        let request = LookupNssRequest {
            curp: people::curp(number % count),
            ..LookupNssRequest::default()
        };
        Box::pin(async move {
            let answer = stub.lookup_nss(request).await.map_err(told)?.into_inner();
            match answer.disposition() {
                Disposition::Reused => Ok(()),
                other => Err(format!("a lookup was {}", other.as_str_name())),
            }
        })
    })
}

/// Gets jobs that have ended, with their histories.
pub fn get_finished(stubs: &Stubs, jobs: Arc<[String]>) -> Call {
    let stubs = stubs.clone();
    Arc::new(move |number| {
        let mut stub = stubs.of(number);
        let job_id = jobs[number as usize % jobs.len()].clone();
        Box::pin(async move {
            let request = GetWorkHistoryRequest { job_id, limit: None };
            let answer = stub.get_work_history(request).await.map_err(told)?.into_inner();
            match answer.job.and_then(|job| job.work_history) {
                Some(_) => Ok(()),
                None => Err("a finished job came without its history".to_owned()),
            }
        })
    })
}

/// Submits somebody new with each number and watches the job to its end.
pub fn whole_life(stubs: &Stubs) -> Call {
    let stubs = stubs.clone();
    Arc::new(move |number| {
        let stubs = stubs.clone();
        Box::pin(async move {
            let submitted = submitted(&stubs, number, people::by_nss(number)).await?;
            let job_id = submitted.job.map(|job| job.job_id).unwrap_or_default();
            let mut messages = watch(&stubs, number, job_id, submitted.watch_cursor).await?;
            succeeded(&last_message(&mut messages).await?)
        })
    })
}

pub async fn submitted(
    stubs: &Stubs,
    number: u64,
    request: SubmitWorkHistoryRequest,
) -> Result<SubmitWorkHistoryResponse, String> {
    let answer = stubs.of(number).submit_work_history(request).await;
    answer.map(|answer| answer.into_inner()).map_err(told)
}

/// Follows a job from a cursor on; from a snapshot when it is empty.
pub async fn watch(
    stubs: &Stubs,
    number: u64,
    job_id: String,
    cursor: String,
) -> Result<Streaming<WatchWorkHistoryResponse>, String> {
    let request = WatchWorkHistoryRequest {
        job_id,
        cursor,
        limit: None,
    };
    let answer = stubs.of(number).watch_work_history(request).await;
    answer.map(|answer| answer.into_inner()).map_err(told)
}

/// Reads on until the terminal message.
pub async fn last_message(
    messages: &mut Streaming<WatchWorkHistoryResponse>,
) -> Result<WatchWorkHistoryResponse, String> {
    while let Some(message) = messages.message().await.map_err(told)? {
        if message.terminal {
            return Ok(message);
        }
    }
    Err("a watch ended without a terminal message".to_owned())
}

fn succeeded(message: &WatchWorkHistoryResponse) -> Result<(), String> {
    let state = match &message.content {
        Some(Content::Event(event)) => event.state(),
        Some(Content::Snapshot(snapshot)) => snapshot.job.as_ref().map(|job| job.state()).unwrap_or_default(),
        Some(Content::Heartbeat(_) | Content::Stale(_) | Content::Draining(_)) | None => JobState::Unspecified,
    };
    match state {
        JobState::Succeeded => Ok(()),
        other => Err(format!("a job ended {}", other.as_str_name())),
    }
}

/// What a status says; none of ours holds personal data.
pub fn told(status: Status) -> String {
    format!("{:?}: {}", status.code(), status.message())
}
