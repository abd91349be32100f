//! F3: server streams that are held idle and fed from a channel. A Cancel is the one event, to all of them, and their end.

use futures::StreamExt as _;
use futures::stream;
use semanas_client::raw::v1::{
    CancelWorkHistoryRequest, CancelWorkHistoryResponse, JobState, SubmitWorkHistoryRequest, SubmitWorkHistoryResponse,
    WatchWorkHistoryRequest, WatchWorkHistoryResponse,
};
use tokio::sync::broadcast;
use tonic::Status;

use crate::answers;
use crate::service::{Floor, Messages};

/// One event is all that is ever under way.
const EVENTS_KEPT: usize = 1;

pub struct Streams {
    events: broadcast::Sender<WatchWorkHistoryResponse>,
}

impl Streams {
    pub fn new() -> Streams {
        Streams {
            events: broadcast::Sender::new(EVENTS_KEPT),
        }
    }
}

impl Floor for Streams {
    async fn submit(&self, _: SubmitWorkHistoryRequest) -> Result<SubmitWorkHistoryResponse, Status> {
        Ok(answers::submitted(answers::new_job_id()))
    }

    fn watch(&self, _: WatchWorkHistoryRequest) -> Result<Messages<WatchWorkHistoryResponse>, Status> {
        let mut events = self.events.subscribe();
        let first = WatchWorkHistoryResponse {
            terminal: false,
            ..answers::ended(answers::job(answers::new_job_id(), JobState::Queued))
        };
        let last = async move { events.recv().await.map_err(|error| Status::internal(error.to_string())) };
        Ok(stream::iter([Ok(first)]).chain(stream::once(last)).boxed())
    }

    fn cancel(&self, request: CancelWorkHistoryRequest) -> Result<CancelWorkHistoryResponse, Status> {
        let job = answers::job(request.job_id, JobState::Cancelled);
        // Without streams there is nobody to tell.
        let _ = self.events.send(answers::ended(job.clone()));
        Ok(CancelWorkHistoryResponse { job: Some(job) })
    }
}
