//! The calls of OperationsService, one method each.

use crate::calls::no_job;
use crate::client::{Client, Repeat};
use crate::error::Error;
use crate::model::{Charge, ListChargesRequest, ProviderStatus, ResolveWorkHistoryRequest, WorkHistoryJob};
use crate::pages::Pages;
use crate::raw::v1;

impl Client {
    /// The ledger of charges, newest first, one page fetched at a time as it is read.
    #[must_use]
    pub fn list_charges(&self, request: impl Into<ListChargesRequest>) -> Pages<Charge> {
        let (client, request) = (self.clone(), v1::ListChargesRequest::from(request.into()));
        Pages::new(move |page_token| {
            let (client, request) = (
                client.clone(),
                v1::ListChargesRequest {
                    page_token,
                    ..request.clone()
                },
            );
            async move {
                let service = client.operations();
                let once = move |request| {
                    let mut service = service.clone();
                    async move { service.list_charges(request).await }
                };
                let page = client.call("ListCharges", request, Repeat::Harmless, once).await?;
                Ok((
                    page.charges.into_iter().map(Charge::from).collect(),
                    page.next_page_token,
                ))
            }
        })
    }

    /// Each provider's state as this deployment sees it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get_provider_status(&self) -> Result<Vec<ProviderStatus>, Error> {
        let service = self.operations();
        let once = move |request| {
            let mut service = service.clone();
            async move { service.get_provider_status(request).await }
        };
        let answer = self
            .call(
                "GetProviderStatus",
                v1::GetProviderStatusRequest {},
                Repeat::Harmless,
                once,
            )
            .await?;
        Ok(answer.providers.into_iter().map(ProviderStatus::from).collect())
    }

    /// Settles a job whose outcome is unknown, after the provider's books were asked.
    ///
    /// # Errors
    /// `FailedPrecondition` when there is nothing to settle.
    pub async fn resolve_work_history(
        &self,
        request: impl Into<ResolveWorkHistoryRequest>,
    ) -> Result<WorkHistoryJob, Error> {
        let service = self.operations();
        let once = move |request| {
            let mut service = service.clone();
            async move { service.resolve_work_history(request).await }
        };
        // A repeat whose first try arrived would be refused as settled already, which would be wrong to report.
        let request = v1::ResolveWorkHistoryRequest::from(request.into());
        let answer = self
            .call("ResolveWorkHistory", request, Repeat::OnServersWord, once)
            .await?;
        Ok(answer.job.ok_or_else(no_job)?.into())
    }
}
