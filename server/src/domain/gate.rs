//! The gate before a provider: rate, concurrency and breaker, as one pure state machine.
//!
//! The embedded store keeps a [`Gate`] in memory; the Redis store does the same in a script, and the conformance suite holds both
//! to it. A breaker never makes a call of its own: its probe is a real job that was due.
//!
//! Whoever finds the gate full gets a turn. For a rate it is a time: each turn is one interval after the one before it, and the
//! job is told to come a little earlier and to begin its call at the very moment, so that no interval is lost to its way here.
//! For places it is a call: whoever leaves is told who is next. The rate is kept by what was granted and never by turns, so that
//! a turn which is not taken costs its own interval and one which is taken late costs no quota.
//!
//! Without a rate and without places a gate has nothing to count, and only the breaker may shut it. So a replica does not enter it
//! for each call: it looks at the gate every now and then ([`GateStatus::passage_uncounted`]) and enters only to try a breaker that
//! is half open. Bad calls are told one by one. A good call is told when the last look found something that it takes back
//! ([`GateStatus::is_clear`]); otherwise it would change nothing. What differs from telling all of them: failures between two looks
//! of a replica count as failures in a row even though good calls of its own came between them, and a breaker that opens is seen
//! one look later.

mod pace;
mod queue;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

pub(crate) use self::{
    pace::{CALL_LOST_FIRST, CALL_LOST_STEP, CALLS_MAX, EARLY, EARLY_MAX, ROUND, WAIT_MAX, WAIT_MIN},
    queue::{ABSENCE, TURNS_MAX, Waiter},
};
use self::{
    pace::{appointment, call_lost_after, rate_interval},
    queue::Queue,
};
use crate::domain::ids::{IntentId, JobId};

/// What an operator allows at one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GateLimits {
    /// Calls allowed in each `rate_window`; 0 = unlimited. Spread evenly (GCRA), with `rate_burst` at once.
    pub rate_max: u32,
    pub rate_window: Duration,
    pub rate_burst: u32,
    /// Calls at a time; 0 = unlimited.
    pub in_flight_max: u32,
    /// Failures in a row that open the breaker; 0 = it never opens.
    pub breaker_failures: u32,
    /// How long it stays open before one call may try.
    pub breaker_open: Duration,
}

impl GateLimits {
    /// Whether each call must be known to the gate.
    pub(crate) fn counts_calls(&self) -> bool {
        self.rate_max > 0 || self.in_flight_max > 0
    }

    /// Lets everybody through, and its breaker never opens.
    pub(crate) const NONE: GateLimits = GateLimits {
        rate_max: 0,
        rate_window: Duration::ZERO,
        rate_burst: 0,
        in_flight_max: 0,
        breaker_failures: 0,
        breaker_open: Duration::ZERO,
    };
}

/// Who wants to make a call, and which one.
#[derive(Clone, Debug)]
pub(crate) struct Entrant {
    pub intent: IntentId,
    pub waiter: Waiter,
}

/// Whether a call may be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// It may, but not before `start_in`, which is at most [`EARLY_MAX`].
    Granted {
        start_in: Duration,
    },
    Denied {
        why: Denial,
        retry_after: Duration,
    },
}

impl Passage {
    pub(crate) const AT_ONCE: Passage = Passage::Granted {
        start_in: Duration::ZERO,
    };
}

/// A job whose turn has come: it is to look again within that time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Called {
    pub job: JobId,
    pub within: Duration,
}

/// What stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    Rate,
    InFlight,
    Breaker,
}

/// How a call went, in the breaker's eyes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GateReport {
    /// The provider answered, whatever it said.
    Good,
    /// It is down, or nobody knows.
    Bad,
    /// It refuses our credentials.
    CredentialsRefused,
    /// It answers in a shape that is not its contract.
    ContractChanged,
    /// Nothing was learned: the call was not made.
    Unused,
}

/// What an operator sees of a gate.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct GateStatus {
    pub breaker: Breaker,
    pub consecutive_failures: u32,
    pub in_flight: u32,
    pub credentials_refused: bool,
    pub contract_changed: bool,
}

/// State of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Breaker {
    #[default]
    Closed,
    /// Calls wait until then.
    Open { until: Timestamp },
    /// The time is over, and one call tries or may try.
    HalfOpen,
}

/// The gate of one provider.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate {
    /// GCRA: the theoretical arrival time of the next call.
    next_at: Option<Timestamp>,
    /// The call that moved it last. Only this one can give its interval back: after another that is promised already.
    last: Option<IntentId>,
    /// Places taken, each until it is left or this time.
    places: BTreeMap<IntentId, Timestamp>,
    queue: Queue,
    failures: u32,
    open_until: Option<Timestamp>,
    /// The call that tries a half-open breaker.
    probe: Option<IntentId>,
    credentials_refused: bool,
    contract_changed: bool,
}

// === impl GateStatus ===

impl GateStatus {
    /// Whether a call may be made that is not counted; `None` = only the gate itself can tell, since a breaker is to be tried.
    pub(crate) fn passage_uncounted(&self, now: Timestamp) -> Option<Passage> {
        match self.breaker {
            Breaker::Closed => Some(Passage::AT_ONCE),
            Breaker::Open { until } if until > now => Some(Passage::Denied {
                why: Denial::Breaker,
                retry_after: wait(now, until),
            }),
            Breaker::Open { .. } | Breaker::HalfOpen => None,
        }
    }

    /// Whether a good call would change nothing.
    pub(crate) fn is_clear(&self) -> bool {
        self.breaker == Breaker::Closed
            && self.consecutive_failures == 0
            && !self.credentials_refused
            && !self.contract_changed
    }
}

// === impl Gate ===

impl Gate {
    pub(crate) fn enter(&mut self, entrant: &Entrant, limits: &GateLimits, hold: Duration, now: Timestamp) -> Passage {
        let Entrant { intent, waiter } = entrant;
        self.places.retain(|_, until| *until > now);
        self.queue.forget_absent(now);
        if let Some(until) = self.places.get(intent) {
            let start_in = span(now, *until - hold);
            return Passage::Granted { start_in };
        }
        if let Some(retry_after) = self.breaker_denies(limits, now) {
            // The job may go elsewhere, and nobody is called while a breaker is open.
            self.queue.remove(waiter);
            let why = Denial::Breaker;
            return Passage::Denied { why, retry_after };
        }
        let (ahead, free) = (self.queue.ahead_of(waiter, now), self.free(limits));
        let slot_in = self.slot_in(limits, ahead, now);
        let has_place = ahead < free;
        if has_place && slot_in <= EARLY_MAX {
            return self.grant(entrant, limits, hold, now);
        }
        let (why, wait) = if has_place {
            (Denial::Rate, Duration::ZERO)
        } else {
            (Denial::InFlight, call_lost_after(ahead - free))
        };
        let come_at = appointment(now, wait.max(slot_in.saturating_sub(EARLY)));
        self.queue.expect(waiter, has_place, come_at, now);
        let retry_after = span(now, come_at);
        Passage::Denied { why, retry_after }
    }

    fn grant(&mut self, entrant: &Entrant, limits: &GateLimits, hold: Duration, now: Timestamp) -> Passage {
        let Entrant { intent, waiter } = entrant;
        // Among those who were called, the first to come has the first call: the others are on their way.
        let start_in = self.slot_in(limits, 0, now);
        self.queue.remove(waiter);
        if self.open_until.is_some() {
            self.probe = Some(intent.clone());
        }
        if let Some(interval) = rate_interval(limits) {
            let from = self.next_at.filter(|at| *at > now).unwrap_or(now);
            self.next_at = Some(from + interval);
            self.last = Some(intent.clone());
        }
        self.places.insert(intent.clone(), now + start_in + hold);
        Passage::Granted { start_in }
    }

    /// Says who is called because of it.
    pub(crate) fn leave(
        &mut self,
        intent: &IntentId,
        limits: &GateLimits,
        report: GateReport,
        now: Timestamp,
    ) -> Vec<Called> {
        if self.places.remove(intent).is_none() {
            return Vec::new();
        }
        let was_probe = self.probe.take_if(|probe| probe == intent).is_some();
        self.hear(report, was_probe, limits, now);
        if report == GateReport::Unused && self.last.take_if(|last| last == intent).is_some() {
            self.give_rate_back(limits);
        }
        self.call_up(limits, now)
    }

    fn hear(&mut self, report: GateReport, was_probe: bool, limits: &GateLimits, now: Timestamp) {
        match report {
            GateReport::Unused => return,
            GateReport::Good => {
                self.credentials_refused = false;
                self.contract_changed = false;
            }
            GateReport::CredentialsRefused => self.credentials_refused = true,
            GateReport::ContractChanged => self.contract_changed = true,
            GateReport::Bad => {}
        }
        if report == GateReport::Bad || report == GateReport::CredentialsRefused {
            self.failures += 1;
            if limits.breaker_failures > 0 && (was_probe || self.failures >= limits.breaker_failures) {
                self.open_until = Some(now + limits.breaker_open);
            }
        } else {
            self.failures = 0;
            self.open_until = None;
        }
    }

    /// Calls one for each place that is free and that nobody was called for. Before a breaker that is not closed one more caller
    /// would only be refused.
    fn call_up(&mut self, limits: &GateLimits, now: Timestamp) -> Vec<Called> {
        if limits.in_flight_max == 0 || self.open_until.is_some() {
            return Vec::new();
        }
        self.places.retain(|_, until| *until > now);
        self.queue.forget_absent(now);
        let room = self.free(limits).saturating_sub(self.queue.called()).min(CALLS_MAX);
        let mut queue = std::mem::take(&mut self.queue);
        let come_at = |ahead| self.come_at(limits, ahead, now);
        let called = (0..room).map_while(|_| queue.call_next(come_at));
        let called = called.map(|(job, at)| Called {
            job,
            within: span(now, at),
        });
        let called = called.collect();
        self.queue = queue;
        called
    }

    fn give_rate_back(&mut self, limits: &GateLimits) {
        self.next_at = self
            .next_at
            .zip(rate_interval(limits))
            .map(|(at, interval)| at - interval);
    }

    pub(crate) fn status(&self, now: Timestamp) -> GateStatus {
        let breaker = match self.open_until {
            None => Breaker::Closed,
            Some(until) if until > now => Breaker::Open { until },
            Some(_) => Breaker::HalfOpen,
        };
        let in_flight = self.places.values().filter(|until| **until > now).count();
        GateStatus {
            breaker,
            consecutive_failures: self.failures,
            in_flight: u32::try_from(in_flight).unwrap_or(u32::MAX),
            credentials_refused: self.credentials_refused,
            contract_changed: self.contract_changed,
        }
    }

    fn breaker_denies(&self, limits: &GateLimits, now: Timestamp) -> Option<Duration> {
        let until = self.open_until.filter(|_| limits.breaker_failures > 0)?;
        if until > now {
            return Some(wait(now, until));
        }
        let probe_until = self.probe.as_ref().and_then(|probe| self.places.get(probe))?;
        Some(wait(now, *probe_until).min(limits.breaker_open))
    }

    fn free(&self, limits: &GateLimits) -> usize {
        match usize::try_from(limits.in_flight_max).unwrap_or(usize::MAX) {
            0 => usize::MAX,
            max => max.saturating_sub(self.places.len()),
        }
    }

    /// When the rate allows a call that so many others go before.
    fn slot_in(&self, limits: &GateLimits, ahead: usize, now: Timestamp) -> Duration {
        let Some(interval) = rate_interval(limits) else {
            return Duration::ZERO;
        };
        let taken = self.next_at.map(|at| span(now, at)).unwrap_or_default();
        let before = interval.saturating_mul(u32::try_from(ahead).unwrap_or(u32::MAX));
        let burst = interval.saturating_mul(limits.rate_burst.max(1) - 1);
        taken.saturating_add(before).saturating_sub(burst)
    }

    /// When to come for that call.
    fn come_at(&self, limits: &GateLimits, ahead: usize, now: Timestamp) -> Timestamp {
        let slot_in = self.slot_in(limits, ahead, now);
        if slot_in <= EARLY_MAX {
            now
        } else {
            appointment(now, slot_in - EARLY)
        }
    }
}

fn wait(now: Timestamp, until: Timestamp) -> Duration {
    span(now, until).max(WAIT_MIN)
}

/// Zero when it is over.
fn span(now: Timestamp, until: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(now)).unwrap_or_default()
}
