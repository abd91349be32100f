//! What a floor may answer of the contract; the rest is refused. It knows no floor.

use std::pin::Pin;

use futures::Stream;
use semanas_client::raw::v1::work_history_service_server::WorkHistoryService;
use semanas_client::raw::v1::{
    CancelWorkHistoryRequest, CancelWorkHistoryResponse, GetWorkHistoryRequest, GetWorkHistoryResponse,
    ListWorkHistoriesRequest, ListWorkHistoriesResponse, LookupNssRequest, LookupNssResponse, SubmitWorkHistoryRequest,
    SubmitWorkHistoryResponse, WatchWorkHistoriesRequest, WatchWorkHistoriesResponse, WatchWorkHistoryRequest,
    WatchWorkHistoryResponse,
};
use tonic::{Request, Response, Status};

/// Messages of a server stream.
pub type Messages<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The part of the contract that some floor needs.
pub trait Floor: Send + Sync + 'static {
    fn submit(
        &self,
        _request: SubmitWorkHistoryRequest,
    ) -> impl Future<Output = Result<SubmitWorkHistoryResponse, Status>> + Send {
        async { Err(refused()) }
    }

    fn watch(&self, _request: WatchWorkHistoryRequest) -> Result<Messages<WatchWorkHistoryResponse>, Status> {
        Err(refused())
    }

    fn cancel(&self, _request: CancelWorkHistoryRequest) -> Result<CancelWorkHistoryResponse, Status> {
        Err(refused())
    }
}

/// A floor as a service of the contract.
pub struct Served<F>(pub F);

fn refused() -> Status {
    Status::unimplemented("this floor has no such call")
}

#[tonic::async_trait]
impl<F: Floor> WorkHistoryService for Served<F> {
    type WatchWorkHistoryStream = Messages<WatchWorkHistoryResponse>;
    type WatchWorkHistoriesStream = Messages<WatchWorkHistoriesResponse>;

    async fn submit_work_history(
        &self,
        request: Request<SubmitWorkHistoryRequest>,
    ) -> Result<Response<SubmitWorkHistoryResponse>, Status> {
        self.0.submit(request.into_inner()).await.map(Response::new)
    }

    async fn watch_work_history(
        &self,
        request: Request<WatchWorkHistoryRequest>,
    ) -> Result<Response<Self::WatchWorkHistoryStream>, Status> {
        self.0.watch(request.into_inner()).map(Response::new)
    }

    async fn cancel_work_history(
        &self,
        request: Request<CancelWorkHistoryRequest>,
    ) -> Result<Response<CancelWorkHistoryResponse>, Status> {
        self.0.cancel(request.into_inner()).map(Response::new)
    }

    async fn lookup_nss(&self, _: Request<LookupNssRequest>) -> Result<Response<LookupNssResponse>, Status> {
        Err(refused())
    }

    async fn get_work_history(
        &self,
        _: Request<GetWorkHistoryRequest>,
    ) -> Result<Response<GetWorkHistoryResponse>, Status> {
        Err(refused())
    }

    async fn list_work_histories(
        &self,
        _: Request<ListWorkHistoriesRequest>,
    ) -> Result<Response<ListWorkHistoriesResponse>, Status> {
        Err(refused())
    }

    async fn watch_work_histories(
        &self,
        _: Request<WatchWorkHistoriesRequest>,
    ) -> Result<Response<Self::WatchWorkHistoriesStream>, Status> {
        Err(refused())
    }
}
