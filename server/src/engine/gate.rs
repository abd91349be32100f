//! Before and after a billed call: a place at the provider's gate, or only a glance at it.
//!
//! A gate that counts calls is entered and left for each of them. One that has a breaker alone, or nothing at all, is looked at
//! now and then, and told only of what changes something. What that makes of a breaker stands in `domain::gate`; here it is
//! decided how often a replica looks.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use futures::future;
use tokio::time::Instant;

use crate::{
    domain::{
        gate::{Breaker, Called, Entrant, GateLimits, GateReport, GateStatus, Passage, Waiter},
        ids::IntentId,
        job::{Job, State},
        outcome::Outcome,
        provider_id::ProviderId,
        reason::Reason,
    },
    engine::Engine,
    store::{Claim, StoreError},
};

/// Longer than it takes to leave a gate that was entered only to tell something.
const TELLING_TIME: Duration = Duration::from_secs(1);

/// For so long a replica believes what it saw of a gate. To a breaker, which stays open for seconds, that is nothing; of a
/// thousand calls a second it spares all but a few the look.
pub(super) const GLANCE_KEPT: Duration = Duration::from_millis(100);

/// What was seen so long ago is enough to begin a job with its first call. Of a gate that calls pass something newer is known anyway,
/// since each call looks when it leaves; of one that none has passed for longer, the worker looks.
const GLANCE_RECENT: Duration = Duration::from_millis(500);

/// What this replica last saw of each gate.
#[derive(Default)]
pub(super) struct Glances(Mutex<BTreeMap<ProviderId, Glance>>);

struct Glance {
    /// `None` = it could not be seen, or has been changed from here since.
    status: Option<GateStatus>,
    /// From before it was asked for.
    at: Instant,
}

/// How a call gets past a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It has a place, which is to be left.
    Place,
    /// The gate does not count it.
    Uncounted,
}

impl Engine {
    /// A lost reply is asked for again for as long as the lease lasts: a place that was given and that nobody knows of stays taken
    /// until its time is over, and the probe of a half-open breaker is the only one there is.
    pub(super) async fn enter(
        &self,
        claim: &Claim,
        provider: ProviderId,
        entrant: &Entrant,
        hold: Duration,
    ) -> Result<(Passage, Way), StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.enter_once(provider, entrant, hold).await {
                Err(error @ StoreError::Unavailable { .. }) => {
                    self.pause_or(tries, Some(claim.lease.expires_at), error).await?;
                }
                settled @ (Ok(_) | Err(StoreError::DataSetLost { .. } | StoreError::Unreadable { .. })) => {
                    return settled;
                }
            }
        }
    }

    async fn enter_once(
        &self,
        provider: ProviderId,
        entrant: &Entrant,
        hold: Duration,
    ) -> Result<(Passage, Way), StoreError> {
        let limits = &self.inner.options.providers[&provider].gate;
        if !limits.counts_calls() {
            let seen = match limits.breaker_failures {
                0 => GateStatus::default(),
                _ => self.glance(provider).await?,
            };
            if let Some(passage) = seen.passage_uncounted(self.inner.clock.now()) {
                return Ok((passage, Way::Uncounted));
            }
        }
        let passage = self.inner.store.enter_gate(provider, entrant, limits, hold).await?;
        Ok((passage, Way::Place))
    }

    /// Whether a call passes uncounted by what is known of the gate already: whoever creates a job does not wait for a look.
    pub(super) fn is_known_to_pass(&self, provider: ProviderId) -> bool {
        let limits = &self.inner.options.providers[&provider].gate;
        if limits.counts_calls() {
            return false;
        }
        let seen = match limits.breaker_failures {
            0 => Some(GateStatus::default()),
            _ => self.inner.glances.recent(provider),
        };
        let passage = seen.and_then(|seen| seen.passage_uncounted(self.inner.clock.now()));
        passage == Some(Passage::AT_ONCE)
    }

    /// Whoever leaves a place passes it on.
    pub(super) async fn leave(&self, provider: ProviderId, entrant: &Entrant, way: Way, report: GateReport) {
        let limits = &self.inner.options.providers[&provider].gate;
        let left = match way {
            Way::Place => {
                self.inner
                    .store
                    .leave_gate(provider, &entrant.intent, limits, report)
                    .await
            }
            Way::Uncounted if !self.is_news(provider, report).await => return,
            Way::Uncounted => self.tell(provider, entrant, limits, report).await,
        };
        self.inner.glances.forget(provider);
        match left {
            Ok(called) => {
                future::join_all(called.iter().map(|called| self.hasten(called))).await;
            }
            // A place that is not left comes free by itself when its hold is over.
            Err(error) => {
                tracing::debug!(provider = provider.as_str(), error = %error, "the gate was not left");
            }
        }
    }

    /// A poll has no place at the gate. What it learned of the contract is told all the same.
    pub(super) async fn tell_gate_of_poll(&self, provider: ProviderId, waiter: Waiter, outcome: &Outcome) {
        if gate_report(outcome) != GateReport::ContractChanged {
            return;
        }
        let teller = Entrant {
            intent: IntentId::new(self.inner.dice.name(self.inner.clock.now())),
            waiter,
        };
        let told = self.tell(provider, &teller, &GateLimits::NONE, GateReport::ContractChanged);
        if let Err(error) = told.await {
            tracing::debug!(provider = provider.as_str(), error = %error, "the gate was not told that the contract changed");
        }
        self.inner.glances.forget(provider);
    }

    pub(super) async fn is_down(&self, provider: ProviderId) -> bool {
        let seen = self.glance(provider).await;
        seen.is_ok_and(|status| matches!(status.breaker, Breaker::Open { .. }))
    }

    /// Whether a gate that does not count calls is to be told of this one.
    async fn is_news(&self, provider: ProviderId, report: GateReport) -> bool {
        match report {
            GateReport::Unused => false,
            GateReport::Bad | GateReport::CredentialsRefused | GateReport::ContractChanged => true,
            // What cannot be seen now is taken back by a later call.
            GateReport::Good => self.glance(provider).await.is_ok_and(|status| !status.is_clear()),
        }
    }

    /// Who has no place tells at a gate that is open to all what they learned.
    async fn tell(
        &self,
        provider: ProviderId,
        teller: &Entrant,
        limits: &GateLimits,
        report: GateReport,
    ) -> Result<Vec<Called>, StoreError> {
        let store = &self.inner.store;
        store
            .enter_gate(provider, teller, &GateLimits::NONE, TELLING_TIME)
            .await?;
        store.leave_gate(provider, &teller.intent, limits, report).await
    }

    /// What a gate was like at most [`GLANCE_KEPT`] ago, and as long again as it takes to look.
    async fn glance(&self, provider: ProviderId) -> Result<GateStatus, StoreError> {
        if let Some(status) = self.inner.glances.latest(provider) {
            return Ok(status);
        }
        let at = Instant::now();
        let seen = self.inner.store.gate_status(provider).await;
        // Of a gate that cannot be seen nothing old is believed.
        let status = seen.as_ref().ok().cloned();
        self.inner.glances.keep(provider, Glance { status, at });
        seen
    }

    async fn hasten(&self, called: &Called) {
        match self.inner.store.hasten(&called.job, called.within).await {
            Ok(()) => self.inner.alarm.set(Instant::now() + called.within),
            // It looks again by itself, only later.
            Err(error) => tracing::debug!(job.id = %called.job, error = %error, "a job was not called to the gate"),
        }
    }
}

// === impl Glances ===

impl Glances {
    /// Whoever finds it too old looks again. Until then the others go by it, so that one look is enough however long it takes.
    fn latest(&self, provider: ProviderId) -> Option<GateStatus> {
        let mut seen = self.lock();
        let glance = seen.get_mut(&provider)?;
        if glance.at.elapsed() < GLANCE_KEPT {
            return glance.status.clone();
        }
        glance.at = Instant::now();
        None
    }

    fn recent(&self, provider: ProviderId) -> Option<GateStatus> {
        let seen = self.lock();
        let glance = seen.get(&provider)?;
        let status = glance.status.clone();
        status.filter(|_| glance.at.elapsed() < GLANCE_RECENT)
    }

    /// Looks may overtake each other, and what was changed from here.
    fn keep(&self, provider: ProviderId, glance: Glance) {
        let mut seen = self.lock();
        if seen.get(&provider).is_none_or(|kept| kept.at <= glance.at) {
            seen.insert(provider, glance);
        }
    }

    fn forget(&self, provider: ProviderId) {
        let (status, at) = (None, Instant::now());
        self.keep(provider, Glance { status, at });
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ProviderId, Glance>> {
        self.0.lock().expect("no panic happens under this lock")
    }
}

pub(super) fn waiter(job: &Job) -> Waiter {
    Waiter {
        job: job.id.clone(),
        // A job that was put off is not changed by being put off again.
        since: (job.state == State::Queued { deferred: true }).then_some(job.updated_at),
        until: job.deadline_at,
    }
}

pub(super) fn gate_report(outcome: &Outcome) -> GateReport {
    match outcome {
        Outcome::Accepted { .. } | Outcome::Answered { .. } | Outcome::ReferenceLost { .. } => GateReport::Good,
        Outcome::NotSent | Outcome::Down { .. } | Outcome::Ambiguous => GateReport::Bad,
        Outcome::Rejected { failure } | Outcome::Unusable { failure } => match failure.reason {
            Reason::ProviderCredentials => GateReport::CredentialsRefused,
            Reason::ProviderContractChanged => GateReport::ContractChanged,
            Reason::ProviderUnavailable => GateReport::Bad,
            _ => GateReport::Good,
        },
    }
}
