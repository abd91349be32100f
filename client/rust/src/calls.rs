//! The calls of WorkHistoryService, one method each.

use std::time::Duration;

use tonic::Status;

use crate::client::{Client, Repeat};
use crate::error::Error;
use crate::follow::Watch;
use crate::pages::Pages;
use crate::v1::{
    CancelWorkHistoryRequest, GetWorkHistoryRequest, JobFilter, ListWorkHistoriesRequest, ListWorkHistoriesResponse,
    LookupNssRequest, LookupNssResponse, SubmitWorkHistoryRequest, SubmitWorkHistoryResponse,
    WatchWorkHistoriesRequest, WatchWorkHistoryRequest, WorkHistoryJob,
};
use crate::watch::{FeedUpdate, JobUpdate};

/// An answer younger than this may be the one that a broken try of the same call has bought. Longer than any retrying lasts.
const YOUNG_ANSWER_MAX: Duration = Duration::from_secs(300);

impl Client {
    /// Gives the NSS for a CURP. Takes as long as the provider does, within the unary deadline; after `DeadlineExceeded` the
    /// lookup goes on, and the same call later gets its answer.
    ///
    /// # Errors
    /// See [`Error`]; `NotFound` and `FailedPrecondition` are definite answers about the person.
    pub async fn lookup_nss(&self, request: LookupNssRequest) -> Result<LookupNssResponse, Error> {
        let repeat = if buys_anew(&request) {
            Repeat::OnServersWord
        } else {
            Repeat::Harmless
        };
        let service = self.work_histories();
        let once = move |request| {
            let mut service = service.clone();
            async move { service.lookup_nss(request).await }
        };
        self.call(request, repeat, once).await
    }

    /// Starts or joins a job, or gets a recent answer. A request without a `request_id` is given one, so that a retry after a
    /// broken connection gets the same job.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn submit_work_history(
        &self,
        mut request: SubmitWorkHistoryRequest,
    ) -> Result<SubmitWorkHistoryResponse, Error> {
        if request.request_id.is_empty() {
            request.request_id = uuid::Uuid::now_v7().to_string();
        }
        let service = self.work_histories();
        let once = move |request| {
            let mut service = service.clone();
            async move { service.submit_work_history(request).await }
        };
        self.call(request, Repeat::Harmless, once).await
    }

    /// Submits, then follows the job from a snapshot until it ends.
    ///
    /// # Errors
    /// Those of Submit; what goes wrong later is an item of the watch.
    pub async fn submit_and_watch(&self, request: SubmitWorkHistoryRequest) -> Result<Watch<JobUpdate>, Error> {
        // A job that was joined may have been started with a wider limit: ours is said again.
        let limit = Some(request.limit);
        let job = self.submit_work_history(request).await?.job.ok_or_else(no_job)?;
        Ok(self.watch_work_history(job.job_id, None, limit))
    }

    /// Follows a job until it ends, across broken connections and restarts of the server. Without a cursor it begins with a
    /// snapshot; `limit` cuts the answer's employments (0 = all, `None` = as asked by Submit). Dropping it ends it.
    #[must_use]
    pub fn watch_work_history(
        &self,
        job_id: impl Into<String>,
        cursor: Option<String>,
        limit: Option<i32>,
    ) -> Watch<JobUpdate> {
        let (service, job_id) = (self.work_histories(), job_id.into());
        let open = move |cursor| {
            let (mut service, job_id) = (service.clone(), job_id.clone());
            let request = WatchWorkHistoryRequest { job_id, cursor, limit };
            async move { Ok(service.watch_work_history(request).await?.into_inner()) }
        };
        Watch::new(open, cursor, &self.options().watch)
    }

    /// Follows all jobs that the caller may see, for as long as it is read. `request.cursor` resumes an earlier one.
    #[must_use]
    pub fn watch_work_histories(&self, request: WatchWorkHistoriesRequest) -> Watch<FeedUpdate> {
        let (service, first_cursor) = (self.work_histories(), Some(request.cursor.clone()));
        let open = move |cursor| {
            let (mut service, mut request) = (service.clone(), request.clone());
            request.cursor = cursor;
            async move { Ok(service.watch_work_histories(request).await?.into_inner()) }
        };
        Watch::new(open, first_cursor, &self.options().watch)
    }

    /// Gives a job as it stands. `limit` as in [`Client::watch_work_history`].
    ///
    /// # Errors
    /// `NotFound` when there is no such job for this caller.
    pub async fn get_work_history(
        &self,
        job_id: impl Into<String>,
        limit: Option<i32>,
    ) -> Result<WorkHistoryJob, Error> {
        let service = self.work_histories();
        let once = move |request| {
            let mut service = service.clone();
            async move { service.get_work_history(request).await }
        };
        let job_id = job_id.into();
        let answer = self.call(GetWorkHistoryRequest { job_id, limit }, Repeat::Harmless, once);
        answer.await?.job.ok_or_else(no_job)
    }

    /// One page of jobs, newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn list_work_histories_page(
        &self,
        request: ListWorkHistoriesRequest,
    ) -> Result<ListWorkHistoriesResponse, Error> {
        let service = self.work_histories();
        let once = move |request| {
            let mut service = service.clone();
            async move { service.list_work_histories(request).await }
        };
        self.call(request, Repeat::Harmless, once).await
    }

    /// All jobs, newest first, one page fetched at a time as they are read.
    #[must_use]
    pub fn list_work_histories(&self, filter: JobFilter) -> Pages<WorkHistoryJob> {
        let client = self.clone();
        Pages::new(move |page_token| {
            let (client, filter) = (client.clone(), Some(filter.clone()));
            let request = ListWorkHistoriesRequest {
                page_token,
                filter,
                ..ListWorkHistoriesRequest::default()
            };
            async move {
                let page = client.list_work_histories_page(request).await?;
                Ok((page.jobs, page.next_page_token))
            }
        })
    }

    /// Asks a job to stop. Before a paid call it is cancelled at once; a call under way is not thrown away.
    ///
    /// # Errors
    /// `NotFound` when there is no such job for this caller.
    pub async fn cancel_work_history(&self, job_id: impl Into<String>) -> Result<WorkHistoryJob, Error> {
        let service = self.work_histories();
        let once = move |request| {
            let mut service = service.clone();
            async move { service.cancel_work_history(request).await }
        };
        let job_id = job_id.into();
        let answer = self.call(CancelWorkHistoryRequest { job_id }, Repeat::Harmless, once);
        answer.await?.job.ok_or_else(no_job)
    }
}

/// Whether the same request made twice could pay twice.
fn buys_anew(request: &LookupNssRequest) -> bool {
    let accepts_young_only =
        |age: prost_types::Duration| Duration::try_from(age).map_or(true, |age| age < YOUNG_ANSWER_MAX);
    request.allow_repeat_charge || request.max_age.is_some_and(accepts_young_only)
}

pub(crate) fn no_job() -> Error {
    Status::internal("the server's answer holds no job").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(max_age_s: Option<i64>, allow_repeat_charge: bool, expected: bool) {
        let request = LookupNssRequest {
            max_age: max_age_s.map(|seconds| prost_types::Duration { seconds, nanos: 0 }),
            allow_repeat_charge,
            ..LookupNssRequest::default()
        };
        assert_eq!(buys_anew(&request), expected);
    }

    #[test]
    fn a_lookup_that_could_pay_twice_is_told_from_one_that_cannot() {
        check(None, false, false);
        check(Some(86_400), false, false);
        check(Some(0), false, true);
        check(Some(-1), false, true);
        check(None, true, true);
    }
}
