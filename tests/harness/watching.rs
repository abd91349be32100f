//! Asking for a work history and following it, in the words that most tests need.

use semanas_client::Client;
use semanas_client::raw::v1::watch_work_history_response::Content;
use semanas_client::raw::v1::work_history_service_client::WorkHistoryServiceClient;
use semanas_client::raw::v1::{Subject, SubmitWorkHistoryRequest, WatchWorkHistoryRequest, WatchWorkHistoryResponse};
use semanas_client::{ErrorReason, Failure, WorkHistoryJob};
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use super::server::Server;
use super::wait::{PATIENCE, within};

/// A request for this person and nothing special.
pub fn submit_request(subject: Subject) -> SubmitWorkHistoryRequest {
    SubmitWorkHistoryRequest {
        subject: Some(subject),
        ..SubmitWorkHistoryRequest::default()
    }
}

/// Submits and watches to the end; gives the job as the last message holds it.
pub async fn to_the_end(client: &Client, request: SubmitWorkHistoryRequest) -> WorkHistoryJob {
    let mut watch = client.submit_and_watch(request).await.unwrap();
    within("a job", PATIENCE, async {
        loop {
            let update = watch
                .next()
                .await
                .expect("a watch ends with a terminal update")
                .unwrap();
            if update.is_terminal {
                return update.job().unwrap().clone();
            }
        }
    })
    .await
}

/// The status with which a submit is refused.
pub async fn submit_refused(server: &Server, request: SubmitWorkHistoryRequest) -> Status {
    server.stub().submit_work_history(request).await.unwrap_err()
}

/// The failure of a job that has one.
#[track_caller]
pub fn failure_of(job: &WorkHistoryJob) -> (ErrorReason, &Failure) {
    let failure = job
        .failure
        .as_ref()
        .unwrap_or_else(|| panic!("the job ended {:?} without a failure", job.state));
    (failure.reason, failure)
}

/// A watch as it comes over the wire, without the client's resuming.
pub struct RawWatch {
    stream: Streaming<WatchWorkHistoryResponse>,
    pub cursor: String,
}

/// What a watch showed of the job's events, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Snapshot { sequence: i64 },
    Event { sequence: i64 },
    Draining,
    End,
}

impl RawWatch {
    pub async fn open(mut stub: WorkHistoryServiceClient<Channel>, job_id: &str, cursor: Option<String>) -> RawWatch {
        let request = WatchWorkHistoryRequest {
            job_id: job_id.to_owned(),
            cursor: cursor.clone().unwrap_or_default(),
            limit: None,
        };
        let stream = stub.watch_work_history(request).await.unwrap().into_inner();
        let cursor = cursor.unwrap_or_default();
        RawWatch { stream, cursor }
    }

    /// The next message that is not a heartbeat; `Err` when the connection broke, `None` at the stream's end.
    pub async fn message(&mut self) -> Result<Option<WatchWorkHistoryResponse>, Status> {
        let next = within("the next message of a watch", PATIENCE, async {
            loop {
                match self.stream.message().await? {
                    Some(message) if matches!(message.content, Some(Content::Heartbeat(_) | Content::Stale(_))) => {
                        self.cursor = message.cursor;
                    }
                    other => return Ok::<_, Status>(other),
                }
            }
        })
        .await?;
        if let Some(message) = &next {
            self.cursor.clone_from(&message.cursor);
        }
        Ok(next)
    }

    /// Reads on until `enough`, the stream's end or a break.
    pub async fn read_until(&mut self, enough: impl Fn(&WatchWorkHistoryResponse) -> bool) -> Vec<Seen> {
        let mut seen = Vec::new();
        while let Ok(Some(message)) = self.message().await {
            match &message.content {
                Some(Content::Snapshot(snapshot)) => {
                    let sequence = snapshot.job.as_ref().unwrap().event_sequence;
                    seen.push(Seen::Snapshot { sequence });
                }
                Some(Content::Event(event)) => {
                    let sequence = event.sequence;
                    seen.push(Seen::Event { sequence });
                }
                Some(Content::Draining(_)) => seen.push(Seen::Draining),
                Some(Content::Heartbeat(_) | Content::Stale(_)) | None => {}
            }
            if message.terminal {
                seen.push(Seen::End);
            }
            if enough(&message) {
                break;
            }
        }
        seen
    }
}
