//! `semanas.v1.OperationsService`: each handler parses, asks the engine, converts.

use semanas_proto::v1::{self, operations_service_server::OperationsService};
use tonic::{Request, Response, Status};

use crate::{
    api::{caller::caller, parse, status, to_proto},
    engine::Engine,
};

pub(super) struct Operations {
    engine: Engine,
}

impl Operations {
    pub(super) fn new(engine: Engine) -> Operations {
        Operations { engine }
    }
}

#[tonic::async_trait]
impl OperationsService for Operations {
    async fn list_charges(
        &self,
        request: Request<v1::ListChargesRequest>,
    ) -> Result<Response<v1::ListChargesResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let query = parse::charges(&request, caller).map_err(status::refused)?;
        let listed = self.engine.charges(query, &request.page_token).await;
        let (page, next_page_token) =
            listed.map_err(|error| status::of_engine(error.of_token_in("page_token"), None))?;
        Ok(Response::new(to_proto::charges(page, next_page_token)))
    }

    async fn get_provider_status(
        &self,
        _request: Request<v1::GetProviderStatusRequest>,
    ) -> Result<Response<v1::GetProviderStatusResponse>, Status> {
        let providers = self
            .engine
            .provider_status()
            .await
            .map_err(|error| status::of_engine(error, None))?;
        Ok(Response::new(to_proto::provider_status(providers)))
    }

    async fn resolve_work_history(
        &self,
        request: Request<v1::ResolveWorkHistoryRequest>,
    ) -> Result<Response<v1::ResolveWorkHistoryResponse>, Status> {
        let tenant = caller(&request).tenant;
        let word = parse::resolve(request.into_inner()).map_err(status::refused)?;
        let resolved = self.engine.resolve(&tenant, &word.job_id, word.charge, word.note).await;
        let snapshot = resolved.map_err(|error| status::of_engine(error, Some(&word.job_id)))?;
        Ok(Response::new(v1::ResolveWorkHistoryResponse {
            job: Some(to_proto::snapshot(snapshot)),
        }))
    }
}
