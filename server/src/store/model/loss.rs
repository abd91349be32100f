//! What a failover takes back, and what comes back of it: writes that nobody was told of, or, as a loss that is declared, deeds that
//! were acknowledged.
//!
//! It is the outcome of what the Redis store does by deeds, reigns and scripts. What somebody still remembers is there again at
//! once; of the rest the charges come back, as unknown, when everybody has had a turn. Until then nothing is claimed, no intent is
//! granted, no job begins, and what is not found may only be missing. Request ids and gates come back as they please in the real
//! store; here request ids stay, and gates are as they were.

#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::Timestamp;

use super::{Data, Entered, Model, UnitKey};
use crate::{
    domain::{
        ids::{JobId, PersonKey},
        outcome::Charge,
    },
    store::{Bell, StoreError, ledger::Unit},
};

/// The time after a loss in which whoever remembers something puts it back.
#[derive(Clone)]
pub(super) struct Pause {
    pub(super) until: Timestamp,
    /// Charges that nobody remembers more of.
    owed: Vec<(Entered, Option<UnitKey>)>,
}

/// Jobs that a loss took, for good.
pub(crate) type Lost = Vec<JobId>;

impl Model {
    /// Puts a snapshot back, as a failover does that loses writes. No version and no fence comes twice: what was read of the
    /// lost ones must not fit what follows.
    pub(crate) fn rewind(&self, snapshot: Data) {
        self.look(|data| {
            let lost = std::mem::replace(data, snapshot);
            data.never_again(&lost);
        });
    }

    /// Puts a snapshot back although what came after it had been acknowledged, and declares it. Everything of those people comes
    /// back whose deeds are remembered.
    pub(crate) fn lose(&self, snapshot: Data, pause: Duration, is_remembered: impl Fn(&PersonKey) -> bool) -> Lost {
        let lost = self.step(|data, now| {
            let lost = std::mem::replace(data, snapshot);
            data.never_again(&lost);
            data.put_back(&lost, &is_remembered);
            data.requests = lost.requests.clone();
            data.pause = Some(Pause {
                until: now + pause,
                owed: data.owed(&lost),
            });
            data.lost_at = u64::try_from(now.as_microsecond()).unwrap_or_default();
            let is_gone = |id: &&JobId| !data.jobs.contains_key(id);
            lost.jobs.keys().filter(is_gone).cloned().collect()
        });
        // Nobody listening is no error.
        drop(self.bells.send(Bell::Lost));
        lost
    }
}

impl Data {
    fn never_again(&mut self, lost: &Data) {
        for (id, entry) in &mut self.jobs {
            if let Some(lost) = lost.jobs.get(id).filter(|lost| lost.version > entry.version) {
                entry.version = lost.version + 1;
            }
            entry.fence = lost.jobs.get(id).map_or(entry.fence, |lost| lost.fence);
        }
        self.used = lost.used.clone();
        for (id, entry) in lost.jobs.iter().filter(|(id, _)| !self.jobs.contains_key(id)) {
            self.used.insert(id.clone(), (entry.version, entry.fence));
        }
    }

    fn put_back(&mut self, lost: &Data, is_remembered: &impl Fn(&PersonKey) -> bool) {
        let is_its = |person: &str| {
            let mut people = lost.jobs.values().map(|entry| &entry.job.person);
            people.any(|known| known.as_str() == person && is_remembered(known))
        };
        for (id, entry) in lost.jobs.iter().filter(|(_, entry)| is_remembered(&entry.job.person)) {
            let is_news = self
                .jobs
                .get(id)
                .is_none_or(|old| old.job.sequence != entry.job.sequence);
            let mut entry = entry.clone();
            entry.version = self
                .jobs
                .get(id)
                .map_or(entry.version, |old| old.version.max(entry.version));
            self.jobs.insert(id.clone(), entry);
            if is_news {
                self.feed_append(id);
            }
        }
        self.dedupe.retain(|key, _| !is_its(&key.1));
        let dedupe = lost.dedupe.iter().filter(|(key, _)| is_its(&key.1));
        self.dedupe
            .extend(dedupe.map(|(key, dedupe)| (key.clone(), dedupe.clone())));
        self.units.retain(|key, _| !is_its(&key.1));
        let units = lost.units.iter().filter(|(key, _)| is_its(&key.1));
        self.units.extend(units.map(|(key, unit)| (key.clone(), unit.clone())));
        let charges = lost.charges.iter().filter(|(_, entered)| is_its(&entered.person));
        self.charges
            .extend(charges.map(|(id, entered)| (id.clone(), entered.clone())));
        let served = lost.served.iter().filter(|(_, (job, _))| self.jobs.contains_key(job));
        self.served
            .extend(served.map(|(id, served)| (id.clone(), served.clone())));
    }

    /// The charges that are missing now.
    fn owed(&self, lost: &Data) -> Vec<(Entered, Option<UnitKey>)> {
        let missing = lost.charges.iter().filter(|(id, _)| !self.charges.contains_key(id));
        let owed = missing.map(|(id, entered)| {
            let mut entered = entered.clone();
            if entered.row.charge == Charge::Open {
                entered.row.charge = Charge::Unknown;
            }
            let unit = lost.units.iter().find(|(_, unit)| unit.intent == *id);
            (entered, unit.map(|(key, _)| key.clone()))
        });
        let owed_before = lost.pause.iter().flat_map(|pause| pause.owed.iter().cloned());
        owed.chain(owed_before).collect()
    }

    /// Everybody has had a turn.
    pub(super) fn end_pause(&mut self, now: Timestamp) {
        let Some(pause) = self.pause.take_if(|pause| pause.until <= now) else {
            return;
        };
        for (entered, unit) in pause.owed {
            if let Some(key) = unit {
                let unit = Unit {
                    intent: entered.row.id.clone(),
                    charge: entered.row.charge,
                    at: entered.row.opened_at,
                };
                // A newer intent may have been paid. An older one, which the loss brought back to life, must not free the unit.
                let is_newer = |taken: &Unit| taken.intent != unit.intent && taken.at > unit.at;
                if !self.units.get(&key).is_some_and(is_newer) {
                    self.units.insert(key, unit);
                }
            }
            self.charges.insert(entered.row.id.clone(), entered);
        }
    }

    /// Whether all that was lost and can come back is back.
    pub(crate) fn is_settled(&self) -> bool {
        self.pause.is_none()
    }

    /// What is left of the pause.
    pub(super) fn pause_left(&self, now: Timestamp) -> Option<Duration> {
        let pause = self.pause.as_ref()?;
        Some(Duration::try_from(pause.until.duration_since(now)).unwrap_or_default())
    }

    /// Refuses to say that something is not there, or to begin what may be there already.
    pub(super) fn demand_settled(&self, doing: &'static str) -> Result<(), StoreError> {
        match &self.pause {
            None => Ok(()),
            Some(_) => Err(StoreError::Unavailable {
                doing,
                why: "it is not certain yet that no job is missing".into(),
            }),
        }
    }
}
