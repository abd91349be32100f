//! The sandbox's own books: one line for every call that a provider would bill.
//!
//! This file only keeps the lines. When a call is billed is decided once per provider, in `kiban::is_billed`,
//! `tuidentidad::is_billed` and `nubarium::is_billed`. The books are the measure of the project's first promise
//! (never two charges for one answer), so nothing but a reset ever removes a line.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The three upstream APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    Kiban,
    #[serde(rename = "tuidentidad")]
    TuIdentidad,
    Nubarium,
}

impl Provider {
    pub const ALL: [Self; 3] = [Self::Kiban, Self::TuIdentidad, Self::Nubarium];

    /// The name used in the control API, in the options and in logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kiban => "kiban",
            Self::TuIdentidad => "tuidentidad",
            Self::Nubarium => "nubarium",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.name() == name)
    }
}

/// What was bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Product {
    WorkHistory,
    Nss,
}

/// One billed call. `reference` is the provider's own id of it (document id, verification id, validation code).
/// `delivered` turns true when the whole answer was handed to the socket.
#[derive(Clone, Serialize)]
pub struct Charge {
    pub seq: u64,
    pub time: Timestamp,
    pub provider: Provider,
    pub product: Product,
    pub curp: String,
    pub reference: String,
    pub delivered: bool,
}

/// Counts over the whole book. `max_per_person` is the largest number of charges of one person at that provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub total: usize,
    pub by_provider: BTreeMap<Provider, ProviderSummary>,
    pub max_per_provider_and_person: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ProviderSummary {
    pub charges: usize,
    pub undelivered: usize,
    pub people: usize,
    pub max_per_person: usize,
}

/// The books themselves; share them behind an `Arc`.
#[derive(Default)]
pub struct Books {
    lines: Mutex<Vec<Charge>>,
}

impl Books {
    /// Every charge, oldest first.
    #[must_use]
    pub fn charges(&self) -> Vec<Charge> {
        self.lines().clone()
    }

    /// The charges that match; `None` matches all.
    #[must_use]
    pub fn matching(&self, provider: Option<Provider>, curp: Option<&str>) -> Vec<Charge> {
        let wanted = |line: &&Charge| {
            provider.is_none_or(|provider| line.provider == provider) && curp.is_none_or(|curp| line.curp == curp)
        };
        self.lines().iter().filter(wanted).cloned().collect()
    }

    /// The number of charges of one person at one provider.
    #[must_use]
    pub fn count(&self, provider: Provider, curp: &str) -> usize {
        self.matching(Some(provider), Some(curp)).len()
    }

    #[must_use]
    pub fn summary(&self) -> Summary {
        let lines = self.lines();
        let by_provider: BTreeMap<Provider, ProviderSummary> = Provider::ALL
            .into_iter()
            .map(|provider| (provider, summarise(&lines, provider)))
            .collect();
        let max = by_provider
            .values()
            .map(|summary| summary.max_per_person)
            .max()
            .unwrap_or(0);
        Summary {
            total: lines.len(),
            by_provider,
            max_per_provider_and_person: max,
        }
    }

    pub(crate) fn record(&self, time: Timestamp, provider: Provider, product: Product, curp: &str, id: &str) -> u64 {
        let mut lines = self.lines();
        let seq = lines.len() as u64 + 1;
        let (curp, reference) = (curp.to_owned(), id.to_owned());
        lines.push(Charge {
            seq,
            time,
            provider,
            product,
            curp,
            reference,
            delivered: false,
        });
        seq
    }

    pub(crate) fn mark_delivered(&self, reference: &str) {
        // The newest lines are the likely ones, and a reset may have removed the line in the meantime.
        if let Some(line) = self.lines().iter_mut().rev().find(|line| line.reference == reference) {
            line.delivered = true;
        }
    }

    pub(crate) fn clear(&self) {
        self.lines().clear();
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, Vec<Charge>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn summarise(lines: &[Charge], provider: Provider) -> ProviderSummary {
    let mut per_person: BTreeMap<&str, usize> = BTreeMap::new();
    let mut summary = ProviderSummary::default();
    for line in lines.iter().filter(|line| line.provider == provider) {
        summary.charges += 1;
        summary.undelivered += usize::from(!line.delivered);
        *per_person.entry(&line.curp).or_default() += 1;
    }
    summary.people = per_person.len();
    summary.max_per_person = per_person.values().copied().max().unwrap_or(0);
    summary
}
