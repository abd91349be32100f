//! What callers and operators do with jobs that are there: get, list, cancel, settle; the ledger and the providers' state.

use futures::future;

use crate::{
    domain::{
        gate::GateStatus,
        ids::{IntentId, JobId, JobKind, Tenant},
        job::Event,
        outcome::Charge,
        provider_id::ProviderId,
        reason::Reason,
    },
    engine::{
        Engine, EngineError,
        commit::Recorded,
        cursor::PageToken,
        request::{ChargePage, ChargeQuery, JobFilter, ListPage, ProviderStatus, Snapshot},
        submit::WISH_PATIENCE,
    },
    store::{ListQuery, StoreError, Stored},
};

impl Engine {
    pub(crate) async fn get(&self, tenant: &Tenant, job_id: &str, limit: Option<u32>) -> Result<Snapshot, EngineError> {
        let stored = self.find(tenant, job_id, &[JobKind::WorkHistory]).await?;
        let limit = limit.unwrap_or(stored.job.ask.limit);
        Ok(self.snapshot(stored.job).await?.cut(limit))
    }

    /// A page and the token of the next one; the token is empty at the end.
    pub(crate) async fn list(
        &self,
        tenant: &Tenant,
        filter: JobFilter,
        page_size: usize,
        page_token: &str,
    ) -> Result<(ListPage, String), EngineError> {
        let stamp = self.stamp(&format!("list {tenant:?} {filter:?}"));
        let before = self.read_page_token(page_token, &stamp)?;
        let query = ListQuery {
            tenant: tenant.clone(),
            filter,
            before,
            page_size,
        };
        let page = self.inner.store.list(query).await?;
        page.unreadable.iter().for_each(|name| self.note_unreadable(name));
        let next = page
            .next
            .clone()
            .map(|before| self.write_cursor(PageToken { before, filter: stamp }));
        Ok((page, next.unwrap_or_default()))
    }

    pub(crate) async fn cancel(&self, tenant: &Tenant, job_id: &str) -> Result<Snapshot, EngineError> {
        let stored = self.find(tenant, job_id, &[JobKind::WorkHistory]).await?;
        let id = stored.job.id.clone();
        match self
            .record(&id, Some(stored), &Event::CancelAsked, None, Some(WISH_PATIENCE))
            .await?
        {
            Recorded::Done(stored) | Recorded::Illegal(stored, _) => {
                let limit = stored.job.ask.limit;
                Ok(self.snapshot(stored.job).await?.cut(limit))
            }
        }
    }

    /// Settles what a job's unknown charge was. `charge` is yes or no.
    pub(crate) async fn resolve(
        &self,
        tenant: &Tenant,
        job_id: &str,
        charge: Charge,
        note: String,
    ) -> Result<Snapshot, EngineError> {
        let stored = self
            .find(tenant, job_id, &[JobKind::WorkHistory, JobKind::NssLookup])
            .await?;
        let id = stored.job.id.clone();
        match self
            .record(
                &id,
                Some(stored),
                &Event::Settled { charge, note },
                None,
                Some(WISH_PATIENCE),
            )
            .await?
        {
            Recorded::Done(stored) => Ok(Snapshot {
                job: stored.job,
                answer: None,
            }),
            Recorded::Illegal(..) => Err(EngineError::new(Reason::JobNotResolvable)),
        }
    }

    /// A page of the ledger and the token of the next one; the token is empty at the end.
    pub(crate) async fn charges(
        &self,
        query: ChargeQuery,
        page_token: &str,
    ) -> Result<(ChargePage, String), EngineError> {
        let ChargeQuery {
            tenant,
            job,
            provider,
            charges,
            opened_from,
            opened_until,
            ..
        } = &query;
        let stamp = self.stamp(&format!(
            "charges {tenant:?} {job:?} {provider:?} {charges:?} {opened_from:?} {opened_until:?}"
        ));
        let before = self
            .read_page_token(page_token, &stamp)?
            .map(|before| IntentId::from_untrusted(&before));
        let page = self.inner.store.charges(ChargeQuery { before, ..query }).await?;
        page.unreadable.iter().for_each(|name| self.note_unreadable(name));
        let next = page.next.as_ref().map(|id| {
            self.write_cursor(PageToken {
                before: id.to_string(),
                filter: stamp,
            })
        });
        Ok((page, next.unwrap_or_default()))
    }

    pub(crate) async fn provider_status(&self) -> Result<Vec<ProviderStatus>, EngineError> {
        future::try_join_all(ProviderId::ALL.into_iter().map(|provider| self.status_of(provider))).await
    }

    async fn status_of(&self, provider: ProviderId) -> Result<ProviderStatus, EngineError> {
        let options = self.inner.options.providers.get(&provider);
        let gate = match options {
            Some(_) => self.inner.store.gate_status(provider).await?,
            None => GateStatus::default(),
        };
        let in_flight_max = options.map_or(0, |options| options.gate.in_flight_max);
        Ok(ProviderStatus {
            provider,
            configured: options.is_some(),
            in_flight_max,
            gate,
        })
    }

    /// The same words for a job that never was, one that is not this tenant's, and one of another kind.
    async fn find(&self, tenant: &Tenant, job_id: &str, kinds: &[JobKind]) -> Result<Stored, EngineError> {
        let not_found = || EngineError::new(Reason::JobNotFound);
        let id = JobId::parse(job_id).map_err(|_| not_found())?;
        let stored = self.inner.store.read(&id).await.inspect_err(|error| {
            // The edge logs the error; here it is only counted.
            if matches!(error, StoreError::Unreadable { .. }) {
                self.inner.metrics.unreadable();
            }
        })?;
        stored
            .filter(|stored| stored.job.tenant == *tenant && kinds.contains(&id.kind()))
            .ok_or_else(not_found)
    }

    /// Ties a page token to the question it belongs to.
    fn stamp(&self, question: &str) -> String {
        self.inner.vault.fingerprint(question.as_bytes())
    }

    fn read_page_token(&self, token: &str, stamp: &str) -> Result<Option<String>, EngineError> {
        if token.is_empty() {
            return Ok(None);
        }
        let position = self.read_cursor::<PageToken>(token)?;
        if position.at.filter != stamp || !position.is_of_this_data_set {
            return Err(EngineError::new(Reason::CursorInvalid));
        }
        Ok(Some(position.at.before))
    }
}
