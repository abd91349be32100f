//! What the engine counts. Labels are closed sets: kinds, providers, states, reasons; never anything of a person.

use std::sync::atomic::AtomicI64;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use serde::Serialize;

use crate::{
    domain::{
        ids::JobKind,
        job::{Intent, Job, LedgerChange},
        outcome::{Charge, Outcome, OutcomeClass},
        reason::Reason,
    },
    engine::request::Disposition,
    store::Condition,
};

/// The engine's counters; clones count into the same.
#[derive(Clone, Default)]
pub(crate) struct Metrics {
    created: Family<Created, Counter>,
    ended: Family<Ended, Counter>,
    attempts: Family<Attempts, Counter>,
    charges: Family<Charges, Counter>,
    alarms: Family<Alarms, Counter>,
    store_errors: Counter,
    unreadable: Counter,
    streams: Gauge<i64, AtomicI64>,
    store_alarms: Family<StoreAlarm, Gauge<i64, AtomicI64>>,
    store_losses: Family<StoreLoss, Gauge<i64, AtomicI64>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Created {
    kind: &'static str,
    disposition: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    kind: &'static str,
    state: String,
    reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Attempts {
    provider: &'static str,
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Charges {
    provider: &'static str,
    charge: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StoreAlarm {
    alarm: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StoreLoss {
    what: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Alarms {
    provider: &'static str,
    alarm: &'static str,
}

/// Counts a stream for as long as it lives.
pub(super) struct StreamGauge(Gauge<i64, AtomicI64>);

impl Drop for StreamGauge {
    fn drop(&mut self) {
        self.0.dec();
    }
}

// === impl Metrics ===

impl Metrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("jobs_created", "Requests by how they were met", self.created.clone());
        registry.register("jobs_ended", "Jobs that ended, by state and reason", self.ended.clone());
        registry.register("attempts", "Provider calls by outcome class", self.attempts.clone());
        registry.register(
            "charges",
            "Changes of the ledger by what they say of the charge",
            self.charges.clone(),
        );
        registry.register(
            "provider_alarms",
            "Provider trouble that an operator must act on",
            self.alarms.clone(),
        );
        registry.register(
            "store_errors",
            "Calls to the store that did not succeed",
            self.store_errors.clone(),
        );
        registry.register(
            "unreadable_jobs",
            "Times that a job or a charge was met which this version cannot read",
            self.unreadable.clone(),
        );
        registry.register("watch_streams", "Open watch streams", self.streams.clone());
        registry.register(
            "store_alarms",
            "Whether an operator must act on the store: full, unfit, or journal (outcomes wait to be stored)",
            self.store_alarms.clone(),
        );
        registry.register(
            "store_losses",
            "Losses of acknowledged data that this replica found, and what it put back or could not",
            self.store_losses.clone(),
        );
    }

    pub(super) fn created(&self, kind: JobKind, disposition: Disposition) {
        let disposition = match disposition {
            Disposition::Started => "started",
            Disposition::Attached => "attached",
            Disposition::Reused => "reused",
        };
        self.created
            .get_or_create(&Created {
                kind: kind_name(kind),
                disposition,
            })
            .inc();
    }

    pub(super) fn job_ended(&self, job: &Job) {
        let reason = job.failure().map(|failure| word(failure.reason)).unwrap_or_default();
        self.ended
            .get_or_create(&Ended {
                kind: kind_name(job.id.kind()),
                state: word(job.view().state),
                reason,
            })
            .inc();
    }

    pub(super) fn outcome(&self, intent: &Intent, outcome: &Outcome) {
        let provider = intent.provider.as_str();
        let class = match outcome.settles().map(|(class, _)| class) {
            Some(OutcomeClass::NotSent) => "not_sent",
            Some(OutcomeClass::Rejected) => "rejected",
            Some(OutcomeClass::ProviderDown) => "provider_down",
            Some(OutcomeClass::Answered) => "answered",
            Some(OutcomeClass::Ambiguous) => "ambiguous",
            None => "accepted",
        };
        self.attempts.get_or_create(&Attempts { provider, class }).inc();
        let alarm = match outcome.failure().map(|failure| failure.reason) {
            Some(Reason::ProviderCredentials) => "credentials",
            Some(Reason::ProviderContractChanged) => "contract_changed",
            Some(_) | None => return,
        };
        self.alarms.get_or_create(&Alarms { provider, alarm }).inc();
    }

    pub(super) fn ledger(&self, change: &LedgerChange) {
        let (provider, charge) = match change {
            LedgerChange::Open { intent, .. } => (intent.provider.as_str(), Charge::Open),
            LedgerChange::Settle {
                charge: Charge::Open, ..
            } => return,
            LedgerChange::Settle { intent, charge, .. } => (intent.provider.as_str(), *charge),
            LedgerChange::Resolve { charge, .. } => ("settled", *charge),
        };
        let charge = match charge {
            Charge::Open => "open",
            Charge::Yes => "yes",
            Charge::No => "no",
            Charge::Unknown => "unknown",
        };
        self.charges.get_or_create(&Charges { provider, charge }).inc();
    }

    pub(super) fn store_condition(&self, condition: &Condition) {
        let Condition {
            is_full,
            is_unfit,
            losses,
            put_back,
            lost_for_good,
            unaccounted,
            lost_at: _,
        } = *condition;
        for (alarm, is_on) in [("full", is_full), ("unfit", is_unfit)] {
            self.store_alarm(alarm, is_on);
        }
        for (what, count) in [
            ("found", losses),
            ("put_back", put_back),
            ("lost_for_good", lost_for_good),
            ("unaccounted", unaccounted),
        ] {
            let gauge = self.store_losses.get_or_create(&StoreLoss { what });
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    pub(super) fn outcomes_wait(&self, any: bool) {
        self.store_alarm("journal", any);
    }

    fn store_alarm(&self, alarm: &'static str, is_on: bool) {
        self.store_alarms
            .get_or_create(&StoreAlarm { alarm })
            .set(i64::from(is_on));
    }

    pub(super) fn store_error(&self) {
        self.store_errors.inc();
    }

    #[cfg(test)]
    pub(super) fn store_errors_seen(&self) -> u64 {
        self.store_errors.get()
    }

    pub(super) fn unreadable(&self) {
        self.unreadable.inc();
    }

    pub(super) fn stream_opened(&self) -> StreamGauge {
        self.streams.inc();
        StreamGauge(self.streams.clone())
    }
}

/// The word that a value has in records and in the contract, so that a label can be searched for there.
fn word(value: impl Serialize) -> String {
    let word = serde_json::to_value(value).ok();
    word.as_ref()
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn kind_name(kind: JobKind) -> &'static str {
    match kind {
        JobKind::WorkHistory => "work_history",
        JobKind::NssLookup => "nss_lookup",
    }
}
