//! How a fake's answers get onto the wire. It decides no answer.

use futures::stream::{self, BoxStream, StreamExt as _};
use tonic::{Request, Response, Status};

use crate::raw::v1::operations_service_server::OperationsService;
use crate::raw::v1::watch_work_histories_response::Content as FeedContent;
use crate::raw::v1::watch_work_history_response::Content as JobContent;
use crate::raw::v1::work_history_service_server::WorkHistoryService;
use crate::raw::v1::*;
use crate::testing::fake::{Act, Fake};
use crate::testing::story::{Story, nothing_to_resolve};
use crate::testing::{Refusal, WatchWorkHistoryRequest as WatchRequest};
use crate::watch::{FeedChange, FeedUpdate, JobChange, JobUpdate};

/// How long a client of the fake waits before it takes silence for a broken connection: three times this. Longer than any test.
const HEARTBEAT_S: i64 = 3_600;

/// A fake with its story.
pub(super) struct Service {
    pub(super) fake: Fake,
    pub(super) story: Story,
}

type Stream<M> = BoxStream<'static, Result<M, Status>>;

fn reply<R>(answer: Result<R, Refusal>) -> Result<Response<R>, Status> {
    answer.map(Response::new).map_err(Refusal::status)
}

fn play<U: Send + 'static, M: Send + 'static>(acts: Vec<Act<U>>, write: fn(Option<U>) -> M) -> Response<Stream<M>> {
    let one = move |act| async move {
        match act {
            Act::Say(update) => Ok(write(Some(update))),
            Act::Heartbeat => Ok(write(None)),
            Act::Refuse(refusal) => Err(refusal.status()),
            Act::Silence => std::future::pending().await,
        }
    };
    Response::new(stream::iter(acts).then(one).boxed())
}

#[tonic::async_trait]
impl WorkHistoryService for Service {
    type WatchWorkHistoryStream = Stream<WatchWorkHistoryResponse>;
    type WatchWorkHistoriesStream = Stream<WatchWorkHistoriesResponse>;

    async fn lookup_nss(&self, request: Request<LookupNssRequest>) -> Result<Response<LookupNssResponse>, Status> {
        let request = request.into_inner().into();
        let answer = match &self.fake.lookup_nss {
            Some(told) => told(request),
            None => Story::lookup_nss(&request),
        };
        reply(answer.map(Into::into))
    }

    async fn submit_work_history(
        &self,
        request: Request<SubmitWorkHistoryRequest>,
    ) -> Result<Response<SubmitWorkHistoryResponse>, Status> {
        let request = request.into_inner().into();
        let answer = match &self.fake.submit_work_history {
            Some(told) => told(request),
            None => self.story.submit(request),
        };
        reply(answer.map(|answer| SubmitWorkHistoryResponse {
            job: Some(answer.job.into()),
            disposition: answer.disposition.into(),
            watch_cursor: answer.watch_cursor,
        }))
    }

    async fn watch_work_history(
        &self,
        request: Request<WatchWorkHistoryRequest>,
    ) -> Result<Response<Self::WatchWorkHistoryStream>, Status> {
        let WatchWorkHistoryRequest { job_id, cursor, limit } = request.into_inner();
        let request = WatchRequest { job_id, cursor, limit };
        let acts = match &self.fake.watch_work_history {
            Some(told) => told(request),
            None => self.story.watch(&request),
        };
        Ok(play(acts, job_message))
    }

    async fn get_work_history(
        &self,
        request: Request<GetWorkHistoryRequest>,
    ) -> Result<Response<GetWorkHistoryResponse>, Status> {
        let job_id = request.into_inner().job_id;
        let answer = match &self.fake.get_work_history {
            Some(told) => told(job_id),
            None => self.story.find(&job_id),
        };
        reply(answer.map(|job| GetWorkHistoryResponse { job: Some(job.into()) }))
    }

    async fn list_work_histories(
        &self,
        request: Request<ListWorkHistoriesRequest>,
    ) -> Result<Response<ListWorkHistoriesResponse>, Status> {
        let filter = request.into_inner().filter.unwrap_or_default().into();
        let answer = match &self.fake.list_work_histories {
            Some(told) => told(filter),
            None => Ok(self.story.list(&filter)),
        };
        reply(answer.map(|jobs| ListWorkHistoriesResponse {
            jobs: jobs.into_iter().map(Into::into).collect(),
            next_page_token: String::new(),
        }))
    }

    async fn cancel_work_history(
        &self,
        request: Request<CancelWorkHistoryRequest>,
    ) -> Result<Response<CancelWorkHistoryResponse>, Status> {
        let job_id = request.into_inner().job_id;
        let answer = match &self.fake.cancel_work_history {
            Some(told) => told(job_id),
            None => self.story.find(&job_id),
        };
        reply(answer.map(|job| CancelWorkHistoryResponse { job: Some(job.into()) }))
    }

    async fn watch_work_histories(
        &self,
        request: Request<WatchWorkHistoriesRequest>,
    ) -> Result<Response<Self::WatchWorkHistoriesStream>, Status> {
        let request = crate::model::WatchWorkHistoriesRequest::from(request.into_inner());
        let acts = match &self.fake.watch_work_histories {
            Some(told) => told(request),
            None => self.story.watch_all(&request.filter),
        };
        Ok(play(acts, feed_message))
    }
}

#[tonic::async_trait]
impl OperationsService for Service {
    async fn list_charges(
        &self,
        request: Request<ListChargesRequest>,
    ) -> Result<Response<ListChargesResponse>, Status> {
        let request = request.into_inner().into();
        let answer = self
            .fake
            .list_charges
            .as_ref()
            .map_or(Ok(Vec::new()), |told| told(request));
        reply(answer.map(|charges| ListChargesResponse {
            charges: charges.into_iter().map(Into::into).collect(),
            next_page_token: String::new(),
        }))
    }

    async fn get_provider_status(
        &self,
        _: Request<GetProviderStatusRequest>,
    ) -> Result<Response<GetProviderStatusResponse>, Status> {
        let answer = self
            .fake
            .get_provider_status
            .as_ref()
            .map_or(Ok(Vec::new()), |told| told(()));
        reply(answer.map(|providers| GetProviderStatusResponse {
            providers: providers.into_iter().map(Into::into).collect(),
        }))
    }

    async fn resolve_work_history(
        &self,
        request: Request<ResolveWorkHistoryRequest>,
    ) -> Result<Response<ResolveWorkHistoryResponse>, Status> {
        let request = request.into_inner().into();
        let told = self.fake.resolve_work_history.as_ref();
        let answer = told.map_or_else(|| Err(nothing_to_resolve()), |told| told(request));
        reply(answer.map(|job| ResolveWorkHistoryResponse { job: Some(job.into()) }))
    }
}

fn interval() -> Option<prost_types::Duration> {
    Some(prost_types::Duration {
        seconds: HEARTBEAT_S,
        nanos: 0,
    })
}

/// The message of an update; of none, a heartbeat.
fn job_message(update: Option<JobUpdate>) -> WatchWorkHistoryResponse {
    let Some(update) = update else {
        return WatchWorkHistoryResponse {
            content: Some(JobContent::Heartbeat(Heartbeat::default())),
            ..WatchWorkHistoryResponse::default()
        };
    };
    let content = match update.change {
        JobChange::Snapshot { job, cause } => JobContent::Snapshot(JobSnapshot {
            job: Some((*job).into()),
            cause: cause.into(),
            heartbeat_interval: interval(),
        }),
        JobChange::Event(event) => JobContent::Event((*event).into()),
        JobChange::Stale { since_time } => JobContent::Stale(Stale {
            since_time: since_time.map(Into::into),
        }),
    };
    WatchWorkHistoryResponse {
        cursor: update.cursor,
        terminal: update.is_terminal,
        content: Some(content),
    }
}

/// The message of an update; of none, a heartbeat.
fn feed_message(update: Option<FeedUpdate>) -> WatchWorkHistoriesResponse {
    let Some(update) = update else {
        return WatchWorkHistoriesResponse {
            content: Some(FeedContent::Heartbeat(Heartbeat::default())),
            ..WatchWorkHistoriesResponse::default()
        };
    };
    let content = match update.change {
        FeedChange::Job(job) => FeedContent::Job((*job).into()),
        FeedChange::Synced => FeedContent::Synced(FeedSynced {
            heartbeat_interval: interval(),
        }),
        FeedChange::Reset { cause } => FeedContent::Reset(FeedReset { cause: cause.into() }),
        FeedChange::Stale { since_time } => FeedContent::Stale(Stale {
            since_time: since_time.map(Into::into),
        }),
    };
    WatchWorkHistoriesResponse {
        cursor: update.cursor,
        content: Some(content),
    }
}
