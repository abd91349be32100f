//! A work history in one call: submit, then watch to the end, within the caller's time.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::client::{Client, too_late};
use crate::error::{Error, Progress};
use crate::model::{JobState, SubmitWorkHistoryRequest, WorkHistoryJob};

impl Client {
    /// Submits and watches to the end: gives the job that SUCCEEDED, with its work history. `time_limit` spans everything; without
    /// one it waits until the job's own deadline ends it.
    ///
    /// # Errors
    /// `JobNotSucceeded` when the job ended otherwise; `DeadlineExceeded` when the time limit passed: the job goes on, and a watch
    /// from its `progress` misses nothing. Else those of Submit and of the watch.
    pub async fn get_work_history_when_done(
        &self,
        request: impl Into<SubmitWorkHistoryRequest>,
        time_limit: Option<Duration>,
    ) -> Result<WorkHistoryJob, Error> {
        let request = request.into();
        let Some(time_limit) = time_limit else {
            let mut progress = None;
            return self.follow_to_the_end(request, &mut progress).await;
        };
        let shorter = self
            .options()
            .unary_deadline
            .map_or(time_limit, |deadline| deadline.min(time_limit));
        let client = self.with_unary_deadline(Some(shorter));
        let mut progress = None;
        let until = Instant::now() + time_limit;
        let done = timeout_at(until, client.follow_to_the_end(request, &mut progress)).await;
        done.unwrap_or_else(|_| match Error::of(too_late()) {
            Error::DeadlineExceeded { details, .. } => Err(Error::DeadlineExceeded {
                details,
                progress: progress.map(Box::new),
            }),
            other => Err(other),
        })
    }

    async fn follow_to_the_end(
        &self,
        request: SubmitWorkHistoryRequest,
        progress: &mut Option<Progress>,
    ) -> Result<WorkHistoryJob, Error> {
        let limit = Some(request.limit);
        let submitted = self.submit_work_history(request).await?;
        let job_id = submitted.job.job_id.clone();
        *progress = Some(Progress {
            job_id: job_id.clone(),
            cursor: submitted.watch_cursor,
        });
        let mut watch = self.watch_work_history(job_id.as_str(), None, limit);
        let mut last = submitted.job;
        while let Some(update) = watch.next().await {
            let update = update?;
            *progress = Some(Progress {
                job_id: job_id.clone(),
                cursor: update.cursor.clone(),
            });
            if let Some(job) = update.job() {
                last = job.clone();
            }
        }
        match last.state {
            JobState::Succeeded => Ok(last),
            _ => Err(Error::JobNotSucceeded { job: Box::new(last) }),
        }
    }
}
