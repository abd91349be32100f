//! The calls of OperationsService, one method each.

use crate::calls::no_job;
use crate::client::{Client, Repeat};
use crate::error::Error;
use crate::pages::Pages;
use crate::v1::{
    Charge, GetProviderStatusRequest, ListChargesRequest, ListChargesResponse, ProviderStatus,
    ResolveWorkHistoryRequest, WorkHistoryJob,
};

impl Client {
    /// One page of the ledger of charges, newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn list_charges_page(&self, request: ListChargesRequest) -> Result<ListChargesResponse, Error> {
        let service = self.operations();
        let once = move |request| {
            let mut service = service.clone();
            async move { service.list_charges(request).await }
        };
        self.call(request, Repeat::Harmless, once).await
    }

    /// The ledger of charges from `request` on, newest first, one page fetched at a time as it is read.
    #[must_use]
    pub fn list_charges(&self, request: ListChargesRequest) -> Pages<Charge> {
        let client = self.clone();
        Pages::new(move |page_token| {
            let (client, mut request) = (client.clone(), request.clone());
            if !page_token.is_empty() {
                request.page_token = page_token;
            }
            async move {
                let page = client.list_charges_page(request).await?;
                Ok((page.charges, page.next_page_token))
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
        let answer = self.call(GetProviderStatusRequest {}, Repeat::Harmless, once).await?;
        Ok(answer.providers)
    }

    /// Settles a job whose outcome is unknown, after the provider's books were asked.
    ///
    /// # Errors
    /// `FailedPrecondition` when there is nothing to settle.
    pub async fn resolve_work_history(&self, request: ResolveWorkHistoryRequest) -> Result<WorkHistoryJob, Error> {
        let service = self.operations();
        let once = move |request| {
            let mut service = service.clone();
            async move { service.resolve_work_history(request).await }
        };
        // A repeat whose first try arrived would be refused as settled already, which would be wrong to report.
        let answer = self.call(request, Repeat::OnServersWord, once).await?;
        answer.job.ok_or_else(no_job)
    }
}
