//! The calls of WorkHistoryService, one method each.

use std::time::Duration;

use tonic::Status;

use crate::client::{Client, Repeat};
use crate::error::Error;
use crate::follow::Watch;
use crate::model::{
    JobFilter, LookupNssRequest, LookupNssResponse, SubmitWorkHistoryRequest, SubmitWorkHistoryResponse,
    WatchWorkHistoriesRequest, WorkHistoryJob,
};
use crate::pages::Pages;
use crate::raw::v1;
use crate::watch::{FeedUpdate, JobUpdate};

/// An answer younger than this may be the one that a broken try of the same call has bought. Longer than any retrying lasts.
const YOUNG_ANSWER_MAX: Duration = Duration::from_secs(300);

impl Client {
    /// Gives the NSS for a CURP. Takes as long as the provider does, within the unary deadline; after `DeadlineExceeded` the
    /// lookup goes on, and the same call later gets its answer.
    ///
    /// # Errors
    /// See [`Error`]; `NotFound` and `FailedPrecondition` are definite answers about the person.
    pub async fn lookup_nss(&self, request: impl Into<LookupNssRequest>) -> Result<LookupNssResponse, Error> {
        let request = request.into();
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
        Ok(self.call("LookupNss", request.into(), repeat, once).await?.into())
    }

    /// Starts or joins a job, or gets a recent answer. A request without a `request_id` is given one, so that a retry after a
    /// broken connection gets the same job.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn submit_work_history(
        &self,
        request: impl Into<SubmitWorkHistoryRequest>,
    ) -> Result<SubmitWorkHistoryResponse, Error> {
        let mut request = request.into();
        if request.request_id.is_empty() {
            request.request_id = uuid::Uuid::now_v7().to_string();
        }
        let service = self.work_histories();
        let once = move |request| {
            let mut service = service.clone();
            async move { service.submit_work_history(request).await }
        };
        let answer: v1::SubmitWorkHistoryResponse = self
            .call("SubmitWorkHistory", request.into(), Repeat::Harmless, once)
            .await?;
        Ok(SubmitWorkHistoryResponse {
            job: answer.job.ok_or_else(no_job)?.into(),
            disposition: answer.disposition.into(),
            watch_cursor: answer.watch_cursor,
        })
    }

    /// Submits, then follows the job from a snapshot until it ends.
    ///
    /// # Errors
    /// Those of Submit; what goes wrong later is an item of the watch.
    pub async fn submit_and_watch(
        &self,
        request: impl Into<SubmitWorkHistoryRequest>,
    ) -> Result<Watch<JobUpdate>, Error> {
        let request = request.into();
        // A job that was joined may have been started with a wider limit: ours is said again.
        let limit = Some(request.limit);
        let job = self.submit_work_history(request).await?.job;
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
            let request = v1::WatchWorkHistoryRequest { job_id, cursor, limit };
            async move { Ok(service.watch_work_history(request).await?.into_inner()) }
        };
        Watch::new("WatchWorkHistory", open, cursor, self.options())
    }

    /// Follows all jobs that the caller may see, for as long as it is read. `request.cursor` resumes an earlier one.
    #[must_use]
    pub fn watch_work_histories(&self, request: impl Into<WatchWorkHistoriesRequest>) -> Watch<FeedUpdate> {
        let request = v1::WatchWorkHistoriesRequest::from(request.into());
        let (service, first_cursor) = (self.work_histories(), Some(request.cursor.clone()));
        let open = move |cursor| {
            let (mut service, mut request) = (service.clone(), request.clone());
            request.cursor = cursor;
            async move { Ok(service.watch_work_histories(request).await?.into_inner()) }
        };
        Watch::new("WatchWorkHistories", open, first_cursor, self.options())
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
        let answer = self.call(
            "GetWorkHistory",
            v1::GetWorkHistoryRequest { job_id, limit },
            Repeat::Harmless,
            once,
        );
        Ok(answer.await?.job.ok_or_else(no_job)?.into())
    }

    /// All jobs, newest first, one page fetched at a time as they are read.
    #[must_use]
    pub fn list_work_histories(&self, filter: impl Into<JobFilter>) -> Pages<WorkHistoryJob> {
        let (client, filter) = (self.clone(), v1::JobFilter::from(filter.into()));
        Pages::new(move |page_token| {
            let (client, filter) = (client.clone(), Some(filter.clone()));
            let request = v1::ListWorkHistoriesRequest {
                page_token,
                filter,
                ..v1::ListWorkHistoriesRequest::default()
            };
            async move {
                let service = client.work_histories();
                let once = move |request| {
                    let mut service = service.clone();
                    async move { service.list_work_histories(request).await }
                };
                let page = client
                    .call("ListWorkHistories", request, Repeat::Harmless, once)
                    .await?;
                Ok((
                    page.jobs.into_iter().map(WorkHistoryJob::from).collect(),
                    page.next_page_token,
                ))
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
        let answer = self.call(
            "CancelWorkHistory",
            v1::CancelWorkHistoryRequest { job_id },
            Repeat::Harmless,
            once,
        );
        Ok(answer.await?.job.ok_or_else(no_job)?.into())
    }
}

/// Whether the same request made twice could pay twice.
fn buys_anew(request: &LookupNssRequest) -> bool {
    request.allow_repeat_charge || request.max_age.is_some_and(|age| age < YOUNG_ANSWER_MAX)
}

pub(crate) fn no_job() -> Error {
    Error::of(Status::internal("the server's answer holds no job"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(max_age_s: Option<u64>, allow_repeat_charge: bool, expected: bool) {
        let request = LookupNssRequest {
            max_age: max_age_s.map(Duration::from_secs),
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
        check(Some(299), false, true);
        check(Some(300), false, false);
        check(None, true, true);
    }
}
