//! `semanas.v1.WorkHistoryService`: each handler parses, asks the engine, converts.

use semanas_proto::v1::{self, work_history_service_server::WorkHistoryService};
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use crate::{
    api::{
        caller::caller,
        deadline,
        forward::{Forwarded, Readers, forward},
        parse,
        server::Options,
        status, to_proto,
    },
    engine::{Engine, FeedMessage, WatchMessage},
};

pub(super) struct WorkHistories {
    engine: Engine,
    options: Options,
    readers: Readers,
}

impl WorkHistories {
    pub(super) fn new(engine: Engine, options: Options, readers: Readers) -> WorkHistories {
        WorkHistories {
            engine,
            options,
            readers,
        }
    }
}

/// When the caller's own deadline ends a stream.
fn end_by<T>(request: &Request<T>) -> Option<Instant> {
    deadline::end_by(request.metadata().as_ref(), Instant::now())
}

#[tonic::async_trait]
impl WorkHistoryService for WorkHistories {
    type WatchWorkHistoryStream = Forwarded<WatchMessage, v1::WatchWorkHistoryResponse>;
    type WatchWorkHistoriesStream = Forwarded<FeedMessage, v1::WatchWorkHistoriesResponse>;

    async fn lookup_nss(
        &self,
        request: Request<v1::LookupNssRequest>,
    ) -> Result<Response<v1::LookupNssResponse>, Status> {
        let caller = caller(&request);
        let until = deadline::answer_by(
            request.metadata().as_ref(),
            self.options.lookup_wait_max,
            Instant::now(),
        );
        let lookup = parse::lookup(request.into_inner(), caller).map_err(status::refused)?;
        let found = self
            .engine
            .lookup_nss(lookup, until)
            .await
            .map_err(|error| status::of_engine(error, None))?;
        Ok(Response::new(to_proto::looked_up(found)))
    }

    async fn submit_work_history(
        &self,
        request: Request<v1::SubmitWorkHistoryRequest>,
    ) -> Result<Response<v1::SubmitWorkHistoryResponse>, Status> {
        let caller = caller(&request);
        let submit = parse::submit(request.into_inner(), caller).map_err(status::refused)?;
        let submitted = self
            .engine
            .submit(submit)
            .await
            .map_err(|error| status::of_engine(error, None))?;
        Ok(Response::new(to_proto::submitted(submitted)))
    }

    async fn watch_work_history(
        &self,
        request: Request<v1::WatchWorkHistoryRequest>,
    ) -> Result<Response<Self::WatchWorkHistoryStream>, Status> {
        let (caller, until) = (caller(&request), end_by(&request));
        let watch = parse::watch(request.into_inner(), caller).map_err(status::refused)?;
        let job_id = watch.job_id.clone();
        let messages = self
            .engine
            .watch(watch)
            .await
            .map_err(|error| status::of_engine(error.of_token_in("cursor"), Some(&job_id)))?;
        Ok(Response::new(forward(
            messages,
            to_proto::watch_message,
            Some(job_id),
            until,
            &self.readers,
        )))
    }

    async fn get_work_history(
        &self,
        request: Request<v1::GetWorkHistoryRequest>,
    ) -> Result<Response<v1::GetWorkHistoryResponse>, Status> {
        let tenant = caller(&request).tenant;
        let (job_id, limit) = parse::get(request.into_inner()).map_err(status::refused)?;
        let found = self.engine.get(&tenant, &job_id, limit).await;
        let snapshot = found.map_err(|error| status::of_engine(error, Some(&job_id)))?;
        Ok(Response::new(v1::GetWorkHistoryResponse {
            job: Some(to_proto::snapshot(snapshot)),
        }))
    }

    async fn list_work_histories(
        &self,
        request: Request<v1::ListWorkHistoriesRequest>,
    ) -> Result<Response<v1::ListWorkHistoriesResponse>, Status> {
        let tenant = caller(&request).tenant;
        let request = request.into_inner();
        let page_token = request.page_token.clone();
        let (filter, page_size) = parse::list(request).map_err(status::refused)?;
        let listed = self.engine.list(&tenant, filter, page_size, &page_token).await;
        let (page, next_page_token) =
            listed.map_err(|error| status::of_engine(error.of_token_in("page_token"), None))?;
        let jobs = page.jobs.into_iter().map(to_proto::job).collect();
        Ok(Response::new(v1::ListWorkHistoriesResponse { jobs, next_page_token }))
    }

    async fn cancel_work_history(
        &self,
        request: Request<v1::CancelWorkHistoryRequest>,
    ) -> Result<Response<v1::CancelWorkHistoryResponse>, Status> {
        let tenant = caller(&request).tenant;
        let job_id = parse::job_id(request.into_inner().job_id).map_err(status::refused)?;
        let cancelled = self.engine.cancel(&tenant, &job_id).await;
        let snapshot = cancelled.map_err(|error| status::of_engine(error, Some(&job_id)))?;
        Ok(Response::new(v1::CancelWorkHistoryResponse {
            job: Some(to_proto::snapshot(snapshot)),
        }))
    }

    async fn watch_work_histories(
        &self,
        request: Request<v1::WatchWorkHistoriesRequest>,
    ) -> Result<Response<Self::WatchWorkHistoriesStream>, Status> {
        let (caller, until) = (caller(&request), end_by(&request));
        let watch = parse::watch_all(request.into_inner(), caller).map_err(status::refused)?;
        let messages = self
            .engine
            .watch_all(watch)
            .await
            .map_err(|error| status::of_engine(error.of_token_in("cursor"), None))?;
        Ok(Response::new(forward(
            messages,
            to_proto::feed_message,
            None,
            until,
            &self.readers,
        )))
    }
}
