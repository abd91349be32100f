//! Provider callbacks: a hint that an answer is ready, never the answer.
//!
//! The token in the path and the key in the header are keyed hashes of the attempt, so any replica can check them and nothing is
//! stored for them. A forged callback, a wrong job and a wrong key get the same words.

use crate::{
    domain::{
        ids::{IntentId, JobId},
        job::Event,
    },
    engine::{
        Engine, EngineError, Vault,
        request::{Callback, CallbackVerdict},
        submit::WISH_PATIENCE,
    },
    failpoint, providers,
};

impl Engine {
    pub(crate) async fn callback(&self, callback: Callback) -> Result<CallbackVerdict, EngineError> {
        let Some((job, intent)) = genuine(&self.inner.vault, &callback) else {
            return Ok(CallbackVerdict::Forged);
        };
        let Some(stored) = self.inner.store.read(&job).await? else {
            return Ok(CallbackVerdict::Forged);
        };
        let is_its_attempt =
            |attempt: &crate::domain::job::Attempt| attempt.id == intent && attempt.provider == callback.provider;
        if !stored.job.attempts.iter().any(is_its_attempt) {
            return Ok(CallbackVerdict::Forged);
        }
        // Without a reference there is nothing to look up; the poll will find the answer all the same.
        let Some(reference) = providers::callback_reference(callback.provider, &callback.body) else {
            tracing::warn!(job.id = %job, provider = callback.provider.as_str(), "a callback names no reference");
            return Ok(CallbackVerdict::Accepted);
        };
        failpoint::reach(failpoint::CALLBACK_RECEIVED, job.as_str()).await;
        let event = Event::Hinted { intent, reference };
        self.record(&job, Some(stored), &event, None, Some(WISH_PATIENCE))
            .await?;
        Ok(CallbackVerdict::Accepted)
    }
}

/// Whom a callback is about, if token and key were made for them with this secret.
pub(super) fn genuine(vault: &Vault, callback: &Callback) -> Option<(JobId, IntentId)> {
    let job = JobId::parse(&callback.job_id).ok()?;
    let intent = IntentId::from_untrusted(&callback.intent_id);
    let is_token = vault.is_callback_token(&job, &intent, &callback.token);
    let key = callback.key.as_deref().unwrap_or_default();
    let is_key = vault.is_callback_key(&job, &intent, key);
    (is_token && is_key).then_some((job, intent))
}
