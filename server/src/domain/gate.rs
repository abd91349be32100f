//! The gate before a provider: rate, concurrency and breaker, as one pure state machine.
//!
//! The embedded store keeps a [`Gate`] in memory; the Redis store does the same in a script, and the conformance suite holds both
//! to it. A breaker never makes a call of its own: its probe is a real job that was due.

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use crate::domain::ids::IntentId;

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

/// Whether a call may be made now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    Granted,
    Denied { why: Denial, retry_after: Duration },
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
    /// Places taken, each until it is left or this time.
    places: BTreeMap<IntentId, Timestamp>,
    failures: u32,
    open_until: Option<Timestamp>,
    /// The call that tries a half-open breaker.
    probe: Option<IntentId>,
    credentials_refused: bool,
    contract_changed: bool,
}

// === impl Gate ===

impl Gate {
    pub(crate) fn enter(&mut self, intent: &IntentId, limits: &GateLimits, hold: Duration, now: Timestamp) -> Passage {
        self.places.retain(|_, until| *until > now);
        if self.places.contains_key(intent) {
            return Passage::Granted;
        }
        let denied = self
            .breaker_denies(limits, now)
            .or_else(|| self.in_flight_denies(limits))
            .or_else(|| self.rate_denies(limits, now));
        if let Some((why, retry_after)) = denied {
            return Passage::Denied { why, retry_after };
        }
        if self.open_until.is_some() {
            self.probe = Some(intent.clone());
        }
        if let Some(interval) = rate_interval(limits) {
            let from = self.next_at.filter(|at| *at > now).unwrap_or(now);
            self.next_at = Some(from + interval);
        }
        self.places.insert(intent.clone(), now + hold);
        Passage::Granted
    }

    pub(crate) fn leave(&mut self, intent: &IntentId, limits: &GateLimits, report: GateReport, now: Timestamp) {
        if self.places.remove(intent).is_none() {
            return;
        }
        let was_probe = self.probe.take_if(|probe| probe == intent).is_some();
        match report {
            GateReport::Unused => return self.give_rate_back(limits),
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

    fn breaker_denies(&self, limits: &GateLimits, now: Timestamp) -> Option<(Denial, Duration)> {
        let until = self.open_until.filter(|_| limits.breaker_failures > 0)?;
        if until > now {
            return Some((Denial::Breaker, wait(now, until)));
        }
        let probe_until = self.probe.as_ref().and_then(|probe| self.places.get(probe))?;
        Some((Denial::Breaker, wait(now, *probe_until).min(limits.breaker_open)))
    }

    fn in_flight_denies(&self, limits: &GateLimits) -> Option<(Denial, Duration)> {
        let max = usize::try_from(limits.in_flight_max).unwrap_or(usize::MAX);
        (max > 0 && self.places.len() >= max).then_some((Denial::InFlight, IN_FLIGHT_RETRY))
    }

    fn rate_denies(&self, limits: &GateLimits, now: Timestamp) -> Option<(Denial, Duration)> {
        let interval = rate_interval(limits)?;
        let ahead = interval * limits.rate_burst.max(1).saturating_sub(1);
        let next_at = self.next_at?;
        let allowed_at = next_at - ahead;
        (allowed_at > now).then(|| (Denial::Rate, wait(now, allowed_at)))
    }
}

/// A place comes free when a call ends, which nobody can foresee: look again soon, but not at once.
pub(crate) const IN_FLIGHT_RETRY: Duration = Duration::from_millis(500);

/// Rounded up, so that a window that does not divide evenly never holds one call more.
fn rate_interval(limits: &GateLimits) -> Option<Duration> {
    let rounding = Duration::from_nanos(u64::from(limits.rate_max.saturating_sub(1)));
    (limits.rate_max > 0).then(|| (limits.rate_window + rounding) / limits.rate_max)
}

fn wait(now: Timestamp, until: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(now))
        .unwrap_or_default()
        .max(Duration::from_millis(1))
}
