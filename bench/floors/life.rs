//! F5: the whole life of a job without an engine: a handler, a task, one call to the provider, two Redis writes, a channel to the
//! watcher. Nothing survives the process, and nothing is ever tried again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use futures::{StreamExt as _, stream};
use redis::Script;
use redis::aio::MultiplexedConnection;
use reqwest::multipart::Form;
use semanas_client::raw::v1::{
    JobState, Person, SubmitWorkHistoryRequest, SubmitWorkHistoryResponse, WatchWorkHistoryRequest,
    WatchWorkHistoryResponse, WorkHistory,
};
use tokio::sync::oneshot;
use tonic::Status;

use crate::answers;
use crate::script::{self, OneScript};
use crate::service::{Floor, Messages};

const PATH: &str = "/api/WorkHistory/workhistory";
const STORE_ANSWER: &str = "redis.call('HSET', KEYS[1], 'answer', ARGV[1]) return 1";

pub struct Life {
    creation: OneScript,
    upstream: Arc<Upstream>,
    ends: Ends,
}

/// Where the end of a job is waited for, by the job's name.
type Ends = Arc<Mutex<HashMap<String, oneshot::Receiver<WatchWorkHistoryResponse>>>>;

struct Upstream {
    http: reqwest::Client,
    url: String,
    api_key: String,
    redis: MultiplexedConnection,
    store_answer: Script,
}

impl Life {
    pub async fn connect(redis: &str, upstream: &str, api_key: String) -> anyhow::Result<Life> {
        let upstream = Upstream {
            http: reqwest::Client::new(),
            url: format!("{upstream}{PATH}"),
            api_key,
            redis: script::connect(redis).await?,
            store_answer: Script::new(STORE_ANSWER),
        };
        Ok(Life {
            creation: OneScript::connect(redis).await?,
            upstream: Arc::new(upstream),
            ends: Ends::default(),
        })
    }

    fn ends(&self) -> MutexGuard<'_, HashMap<String, oneshot::Receiver<WatchWorkHistoryResponse>>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upstream {
    async fn ask_and_store(&self, job_id: &str, request: &SubmitWorkHistoryRequest) -> anyhow::Result<String> {
        let subject = request.subject.as_ref().context("a request names a person")?;
        let form = Form::new()
            .text("CURP", subject.curp.clone())
            .text("NSS", subject.nss.clone())
            .text("Limit", "0");
        let call = self
            .http
            .post(&self.url)
            .header("apikey", &self.api_key)
            .multipart(form);
        let body = call.send().await?.error_for_status()?.text().await?;
        let mut redis = self.redis.clone();
        let mut write = self.store_answer.key(format!("floor:{job_id}"));
        write.arg(&body).invoke_async::<u8>(&mut redis).await?;
        Ok(body)
    }
}

impl Floor for Life {
    async fn submit(&self, request: SubmitWorkHistoryRequest) -> Result<SubmitWorkHistoryResponse, Status> {
        let job_id = answers::new_job_id();
        self.creation.run(&job_id).await?;
        let (end, ends) = oneshot::channel();
        self.ends().insert(job_id.clone(), ends);
        let (upstream, id) = (Arc::clone(&self.upstream), job_id.clone());
        tokio::spawn(async move {
            let Ok(body) = upstream.ask_and_store(&id, &request).await else {
                return;
            };
            let mut job = answers::job(id, JobState::Succeeded);
            job.work_history = Some(WorkHistory {
                person: Some(Person {
                    full_name: body,
                    ..Person::default()
                }),
                ..WorkHistory::default()
            });
            // Nobody may be watching.
            let _ = end.send(answers::ended(job));
        });
        Ok(answers::submitted(job_id))
    }

    fn watch(&self, request: WatchWorkHistoryRequest) -> Result<Messages<WatchWorkHistoryResponse>, Status> {
        let end = self.ends().remove(&request.job_id);
        let end = end.ok_or_else(|| Status::not_found("no such job, or it is watched already"))?;
        let message = async move { end.await.map_err(|_| Status::internal("the job failed")) };
        Ok(stream::once(message).boxed())
    }
}
