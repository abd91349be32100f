//! The engine: the only writer of job state.

mod options;
mod request;
mod vault;

use std::{sync::Arc, time::Duration};

use futures::stream::BoxStream;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(crate) use self::{options::*, request::*};
use crate::domain::{ids::Tenant, outcome::Charge};

/// Handle on the engine; cheap to clone.
#[derive(Clone)]
pub(crate) struct Engine;

impl Engine {
    pub(crate) async fn submit(&self, submit: Submit) -> Result<Submitted, EngineError> {
        todo!()
    }
    /// Waits for the answer until `deadline`, then says LOOKUP_IN_PROGRESS.
    pub(crate) async fn lookup_nss(&self, lookup: Lookup, deadline: Instant) -> Result<LookedUp, EngineError> {
        todo!()
    }
    pub(crate) async fn get(&self, tenant: &Tenant, job_id: &str, limit: Option<u32>) -> Result<Snapshot, EngineError> {
        todo!()
    }
    /// `page_token` as this returned it before; the filter must be the same.
    pub(crate) async fn list(
        &self,
        tenant: &Tenant,
        filter: JobFilter,
        page_size: usize,
        page_token: &str,
    ) -> Result<(ListPage, String), EngineError> {
        todo!()
    }
    pub(crate) async fn cancel(&self, tenant: &Tenant, job_id: &str) -> Result<Snapshot, EngineError> {
        todo!()
    }
    /// The stream ends after a terminal or draining message, or with one error. It minds the stop token and the stream age by itself.
    pub(crate) async fn watch(
        &self,
        watch: Watch,
    ) -> Result<BoxStream<'static, Result<WatchMessage, EngineError>>, EngineError> {
        todo!()
    }
    pub(crate) async fn watch_all(
        &self,
        watch: WatchAll,
    ) -> Result<BoxStream<'static, Result<FeedMessage, EngineError>>, EngineError> {
        todo!()
    }
    pub(crate) async fn charges(
        &self,
        query: ChargeQuery,
        page_token: &str,
    ) -> Result<(ChargePage, String), EngineError> {
        todo!()
    }
    pub(crate) async fn provider_status(&self) -> Result<Vec<ProviderStatus>, EngineError> {
        todo!()
    }
    pub(crate) async fn resolve(
        &self,
        tenant: &Tenant,
        job_id: &str,
        charge: Charge,
        note: String,
    ) -> Result<Snapshot, EngineError> {
        todo!()
    }
    pub(crate) async fn callback(&self, callback: Callback) -> Result<CallbackVerdict, EngineError> {
        todo!()
    }
    /// Whether the store answers, holds the expected data set, and the engine is not draining; the health service asks it.
    pub(crate) async fn ready(&self) -> bool {
        todo!()
    }
    /// Runs the background duties until `stop`, then drains: no more claims, streams end, billed calls finish, leases are released.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        todo!()
    }
}
