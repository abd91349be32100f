//! A server that says what a test wrote down, and remembers what it was asked. It holds no logic of Semanas.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use futures::stream::BoxStream;
use hyper_util::rt::TokioIo;
use semanas_client::raw::client_over;
use semanas_client::raw::v1::work_history_service_server::{WorkHistoryService, WorkHistoryServiceServer};
use semanas_client::raw::v1::*;
use semanas_client::{Client, Options};
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Endpoint, Server, Uri};
use tonic::{Request, Response, Status};

/// What happens next in a stream.
pub enum Act<M> {
    Say(M),
    Fail(Status),
    /// Nothing more is ever said.
    Silence,
}

/// One call of a stream: it is refused, or opened and played; after the last act it ends with OK.
pub enum Call<M> {
    Refuse(Status),
    Play(Vec<Act<M>>),
}

#[derive(Default)]
pub struct Script {
    pub job_watches: Mutex<VecDeque<Call<WatchWorkHistoryResponse>>>,
    pub feeds: Mutex<VecDeque<Call<WatchWorkHistoriesResponse>>>,
    /// How many unary calls fail, and how; later ones succeed.
    pub unary_failures: Mutex<VecDeque<Status>>,
    pub unary_is_silent: bool,
    /// Cursors that streams were opened with.
    pub cursors: Mutex<Vec<String>>,
    pub request_ids: Mutex<Vec<String>>,
    pub unary_calls: Mutex<u32>,
    pub timeouts: Mutex<Vec<Option<String>>>,
    pub pages: Vec<(Vec<WorkHistoryJob>, String)>,
    /// Turns true when a silent stream is let go.
    pub released: watch::Sender<bool>,
}

#[derive(Clone)]
struct Service(Arc<Script>);

/// A client of a server that follows the script.
pub fn client(script: &Arc<Script>, options: Options) -> Client {
    let (dial, accept) = mpsc::channel::<DuplexStream>(4);
    let service = WorkHistoryServiceServer::new(Service(script.clone()));
    let incoming = ReceiverStream::new(accept).map(Ok::<_, std::io::Error>);
    tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
    let connector = tower::service_fn(move |_: Uri| {
        let dial = dial.clone();
        async move {
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            dial.send(theirs).await.map_err(std::io::Error::other)?;
            Ok::<_, std::io::Error>(TokioIo::new(ours))
        }
    });
    let channel = Endpoint::from_static("http://script").connect_with_connector_lazy(connector);
    client_over(channel, options)
}

struct Release(watch::Sender<bool>);

impl Drop for Release {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}

impl Service {
    fn play<M: Send + 'static>(&self, call: Option<Call<M>>) -> Result<BoxStream<'static, Result<M, Status>>, Status> {
        let acts = match call.unwrap_or_else(|| Call::Refuse(Status::failed_precondition("the script is over"))) {
            Call::Refuse(status) => return Err(status),
            Call::Play(acts) => acts,
        };
        let released = self.0.released.clone();
        let stream = futures::stream::iter(acts).then(move |act| {
            let released = released.clone();
            async move {
                match act {
                    Act::Say(message) => Ok(message),
                    Act::Fail(status) => Err(status),
                    Act::Silence => {
                        let _release = Release(released);
                        std::future::pending().await
                    }
                }
            }
        });
        Ok(stream.boxed())
    }

    async fn unary<Q, R>(&self, request: &Request<Q>, answer: R) -> Result<Response<R>, Status> {
        *self.0.unary_calls.lock().unwrap() += 1;
        let metadata = |name: &str| Some(request.metadata().get(name)?.to_str().unwrap().to_owned());
        self.0.timeouts.lock().unwrap().push(metadata("grpc-timeout"));
        if self.0.unary_is_silent {
            std::future::pending::<()>().await;
        }
        match self.0.unary_failures.lock().unwrap().pop_front() {
            Some(status) => Err(status),
            None => Ok(Response::new(answer)),
        }
    }
}

#[tonic::async_trait]
impl WorkHistoryService for Service {
    type WatchWorkHistoryStream = BoxStream<'static, Result<WatchWorkHistoryResponse, Status>>;
    type WatchWorkHistoriesStream = BoxStream<'static, Result<WatchWorkHistoriesResponse, Status>>;

    async fn lookup_nss(&self, request: Request<LookupNssRequest>) -> Result<Response<LookupNssResponse>, Status> {
        self.unary(&request, LookupNssResponse::default()).await
    }

    async fn submit_work_history(
        &self,
        request: Request<SubmitWorkHistoryRequest>,
    ) -> Result<Response<SubmitWorkHistoryResponse>, Status> {
        let request_id = request.get_ref().request_id.clone();
        self.0.request_ids.lock().unwrap().push(request_id);
        let job = Some(job(1, JobState::Queued));
        let answer = SubmitWorkHistoryResponse {
            job,
            ..SubmitWorkHistoryResponse::default()
        };
        self.unary(&request, answer).await
    }

    async fn watch_work_history(
        &self,
        request: Request<WatchWorkHistoryRequest>,
    ) -> Result<Response<Self::WatchWorkHistoryStream>, Status> {
        self.0.cursors.lock().unwrap().push(request.into_inner().cursor);
        let call = self.0.job_watches.lock().unwrap().pop_front();
        self.play(call).map(Response::new)
    }

    async fn get_work_history(
        &self,
        request: Request<GetWorkHistoryRequest>,
    ) -> Result<Response<GetWorkHistoryResponse>, Status> {
        let job = Some(job(1, JobState::Running));
        self.unary(&request, GetWorkHistoryResponse { job }).await
    }

    async fn list_work_histories(
        &self,
        request: Request<ListWorkHistoriesRequest>,
    ) -> Result<Response<ListWorkHistoriesResponse>, Status> {
        let index = request.get_ref().page_token.parse().unwrap_or(0);
        let (jobs, next_page_token) = self.0.pages.get(index).cloned().unwrap_or_default();
        self.unary(&request, ListWorkHistoriesResponse { jobs, next_page_token })
            .await
    }

    async fn cancel_work_history(
        &self,
        request: Request<CancelWorkHistoryRequest>,
    ) -> Result<Response<CancelWorkHistoryResponse>, Status> {
        self.unary(&request, CancelWorkHistoryResponse::default()).await
    }

    async fn watch_work_histories(
        &self,
        request: Request<WatchWorkHistoriesRequest>,
    ) -> Result<Response<Self::WatchWorkHistoriesStream>, Status> {
        self.0.cursors.lock().unwrap().push(request.into_inner().cursor);
        let call = self.0.feeds.lock().unwrap().pop_front();
        self.play(call).map(Response::new)
    }
}

pub fn job(event_sequence: i64, state: JobState) -> WorkHistoryJob {
    WorkHistoryJob {
        job_id: "wh_1".into(),
        state: state.into(),
        event_sequence,
        ..WorkHistoryJob::default()
    }
}
