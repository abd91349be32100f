//! The ledger's rows and units. What a change makes of them is decided in `store::ledger`.

use jiff::{Timestamp, civil::Date};

use super::Data;
use crate::{
    domain::{
        ids::IntentId,
        job::{Job, LedgerChange, Step},
        outcome::Charge,
        provider_id::ProviderId,
    },
    store::{
        ChargePage, ChargeQuery, ChargeRow, Commit, Committed, PersonDay,
        ledger::{self, Unit},
    },
};

/// Tenant, person, provider, step and sandbox case.
pub(crate) type UnitKey = (String, String, ProviderId, &'static str, String);

/// A row, and whose charges of which day it counts among.
#[derive(Clone)]
pub(crate) struct Entered {
    pub row: ChargeRow,
    pub person: String,
    day: Option<Date>,
}

impl Data {
    /// Why an intent must not be recorded, if so.
    pub(super) fn refusal(&self, commit: &Commit, now: Timestamp) -> Option<Committed> {
        let job = &commit.transition.job;
        let Some(LedgerChange::Open {
            intent,
            fresh_after,
            repeat_allowed,
        }) = &commit.transition.ledger
        else {
            return None;
        };
        if let Some(wait) = self.pause_left(now) {
            return Some(Committed::Postponed { wait });
        }
        let unit = self.units.get(&unit_key(job, intent.provider, intent.step));
        let is_own = |intent: &IntentId| {
            self.charges
                .get(intent)
                .is_some_and(|entered| entered.row.job == job.id)
        };
        if let Some(charge) = ledger::unit_blocks(unit, *fresh_after, *repeat_allowed, is_own) {
            return Some(Committed::UnitTaken { charge });
        }
        let PersonDay { day, max } = commit.person_day?;
        let is_counted = |entered: &&Entered| {
            let is_of_day = entered.day == Some(day) && entered.row.step == intent.step;
            is_of_day && entered.person == job.person.as_str() && entered.row.charge != Charge::No
        };
        let taken = self.charges.values().filter(is_counted).count();
        (taken >= max as usize).then_some(Committed::PersonDayFull)
    }

    /// Writes a change that was not refused.
    pub(super) fn enter(&mut self, commit: &Commit) {
        let job = &commit.transition.job;
        match &commit.transition.ledger {
            None => {}
            Some(LedgerChange::Open { intent, .. }) => {
                let row = ledger::opened(job, intent);
                let unit = Unit {
                    intent: row.id.clone(),
                    charge: row.charge,
                    at: row.opened_at,
                };
                self.units.insert(unit_key(job, row.provider, row.step), unit);
                let entered = Entered {
                    person: job.person.as_str().to_owned(),
                    day: commit.person_day.map(|person_day| person_day.day),
                    row,
                };
                self.charges.insert(intent.id.clone(), entered);
            }
            Some(change @ LedgerChange::Settle { intent, .. }) => {
                if let Some(entered) = self.charges.get(&intent.id).cloned() {
                    self.settle(job, entered, change);
                }
            }
            Some(change @ LedgerChange::Resolve { .. }) => {
                let of_job = |entered: &&Entered| entered.row.job == job.id;
                let rows: Vec<Entered> = self.charges.values().filter(of_job).cloned().collect();
                for entered in rows {
                    self.settle(job, entered, change);
                }
            }
        }
    }

    fn settle(&mut self, job: &Job, mut entered: Entered, change: &LedgerChange) {
        ledger::settle(&mut entered.row, job, change);
        let key = unit_key(job, entered.row.provider, entered.row.step);
        let is_its = |unit: &Unit| unit.intent == entered.row.id;
        if let Some(unit) = self.units.get(&key).filter(|unit| is_its(unit)).cloned() {
            match ledger::unit_after(unit, &entered.row, job, change) {
                Some(after) => self.units.insert(key, after),
                None => self.units.remove(&key),
            };
        }
        self.charges.insert(entered.row.id.clone(), entered);
    }

    /// A page of the ledger, newest first.
    pub(super) fn charges(&self, query: &ChargeQuery) -> ChargePage {
        let is_meant = |row: &&ChargeRow| {
            row.tenant == query.tenant
                && query.job.as_ref().is_none_or(|job| row.job == *job)
                && query.provider.is_none_or(|provider| row.provider == provider)
                && (query.charges.is_empty() || query.charges.contains(&row.charge))
                && query.opened_from.is_none_or(|from| row.opened_at >= from)
                && query.opened_until.is_none_or(|until| row.opened_at < until)
                && query.before.as_ref().is_none_or(|before| row.id < *before)
        };
        let rows = self.charges.values().rev().map(|entered| &entered.row).filter(is_meant);
        // One more than asked for tells whether there is a next page.
        let mut rows: Vec<ChargeRow> = rows.take(query.page_size + 1).cloned().collect();
        let is_more = rows.len() > query.page_size;
        rows.truncate(query.page_size);
        let next = rows.last().filter(|_| is_more).map(|row| row.id.clone());
        ChargePage {
            rows,
            unreadable: Vec::new(),
            next,
        }
    }
}

/// A sandbox case makes a unit of its own, as it makes a product of its own.
fn unit_key(job: &Job, provider: ProviderId, step: Step) -> UnitKey {
    (
        job.tenant.as_str().to_owned(),
        job.person.as_str().to_owned(),
        provider,
        step.as_str(),
        job.ask.test_case_id.clone().unwrap_or_default(),
    )
}
