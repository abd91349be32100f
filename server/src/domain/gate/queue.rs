//! Who waits before a gate, and whose turn it is: whoever was turned away first.
//!
//! A job is *called* once there is a place for it, and told when to come; the others wait until they are. A turn is worth nothing
//! without its job: who does not come when expected has none any more, and who comes after all knows how long it has waited. So all
//! of this may be forgotten at any time, and nobody has to give a turn back.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use crate::domain::ids::JobId;

/// So long after the time at which it was expected a job has no turn any more. It must outlast a slow store, and be short next
/// to a call, since for so long a place may stay empty for a job that was cancelled.
pub(crate) const ABSENCE: Duration = Duration::from_secs(1);

/// Most turns that are kept. Whoever comes beyond that is told when to come back, and asks again then.
pub(crate) const TURNS_MAX: usize = 10_000;

/// A job as the queue knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiter {
    pub job: JobId,
    /// When it was turned away for the first time, which is the order of the queue. `None` = it has not been: it goes last.
    pub since: Option<Timestamp>,
    /// From when on it will not come any more.
    pub until: Timestamp,
}

/// The turns, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    turns: BTreeMap<Key, Turn>,
}

/// Who waits longest first, and of those of one instant whose id comes first.
type Key = (Timestamp, JobId);

#[derive(Clone, Debug)]
struct Turn {
    is_called: bool,
    expected_at: Timestamp,
}

// === impl Queue ===

impl Queue {
    pub(super) fn forget_absent(&mut self, now: Timestamp) {
        self.turns.retain(|_, turn| turn.expected_at + ABSENCE > now);
    }

    /// Turns before this one. Who has been called waits for nobody who has not.
    pub(super) fn ahead_of(&self, waiter: &Waiter, now: Timestamp) -> usize {
        let key = self.key(waiter, now);
        let is_called = self.turns.get(&key).is_some_and(|turn| turn.is_called);
        let before = self.turns.range(..key);
        before.filter(|(_, turn)| turn.is_called || !is_called).count()
    }

    pub(super) fn called(&self) -> usize {
        self.turns.values().filter(|turn| turn.is_called).count()
    }

    pub(super) fn expect(&mut self, waiter: &Waiter, is_called: bool, at: Timestamp, now: Timestamp) {
        let key = self.key(waiter, now);
        if self.turns.len() >= TURNS_MAX && !self.turns.contains_key(&key) {
            return;
        }
        let turn = Turn {
            is_called,
            // A job whose time is up before that must not be called any more.
            expected_at: at.min(waiter.until - ABSENCE),
        };
        self.turns.insert(key, turn);
    }

    pub(super) fn remove(&mut self, waiter: &Waiter) {
        self.turns.retain(|(_, job), _| *job != waiter.job);
    }

    /// Calls the first who has not been called, for a time that depends on how many called ones are before it.
    pub(super) fn call_next(&mut self, come_at: impl FnOnce(usize) -> Timestamp) -> Option<(JobId, Timestamp)> {
        let key = self.turns.iter().find(|(_, turn)| !turn.is_called)?.0.clone();
        let ahead = self.turns.range(..&key).filter(|(_, turn)| turn.is_called).count();
        let at = come_at(ahead);
        let turn = self.turns.get_mut(&key)?;
        turn.is_called = true;
        turn.expected_at = turn.expected_at.min(at);
        Some((key.1, at))
    }

    fn key(&self, waiter: &Waiter, now: Timestamp) -> Key {
        let known = self.turns.keys().find(|(_, job)| *job == waiter.job);
        let last = || {
            self.turns
                .keys()
                .last()
                .map_or(now, |(since, _)| now.max(*since + INSTANT))
        };
        known
            .cloned()
            .unwrap_or_else(|| (waiter.since.unwrap_or_else(last), waiter.job.clone()))
    }
}

/// Tells those apart who come at one reading of the clock.
const INSTANT: Duration = Duration::from_nanos(1);
