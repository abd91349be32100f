//! The gate's laws over simulated time, and its turns step by step.

#![allow(clippy::unwrap_used)]

mod breaker;
mod crowds;

use proptest::{collection::vec, prelude::*};
use uuid::Uuid;

use super::*;
use crate::domain::ids::{JobKind, Shard};

const HOLD: Duration = Duration::from_secs(60);
const OPEN: Duration = Duration::from_secs(30);
const FREE: GateLimits = GateLimits {
    rate_max: 0,
    rate_window: Duration::from_secs(1),
    rate_burst: 1,
    in_flight_max: 0,
    breaker_failures: 0,
    breaker_open: OPEN,
};
const BREAKER: GateLimits = GateLimits {
    breaker_failures: 3,
    ..FREE
};

fn at_ms(ms: u64) -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap() + Duration::from_millis(ms)
}

fn call(number: u128) -> IntentId {
    IntentId::new(Uuid::from_u128(number))
}

fn job(number: u128) -> JobId {
    JobId::new(JobKind::WorkHistory, Uuid::from_u128(number), Shard::new(0).unwrap())
}

fn entrant(number: u128) -> Entrant {
    Entrant {
        intent: call(number),
        waiter: Waiter {
            job: job(number),
            since: None,
            until: at_ms(1_000_000_000),
        },
    }
}

/// A gate and its own time, in milliseconds.
struct Tried {
    gate: Gate,
    limits: GateLimits,
    now_ms: u64,
}

impl Tried {
    fn new(limits: GateLimits) -> Tried {
        Tried {
            gate: Gate::default(),
            limits,
            now_ms: 0,
        }
    }

    fn at(mut self, now_ms: u64) -> Tried {
        self.now_ms = now_ms;
        self
    }

    fn enter(&mut self, number: u128) -> Passage {
        self.gate
            .enter(&entrant(number), &self.limits, HOLD, at_ms(self.now_ms))
    }

    #[track_caller]
    fn enters(self, number: u128) -> Tried {
        self.enters_early(number, 0)
    }

    #[track_caller]
    fn enters_early(mut self, number: u128, start_in_ms: u64) -> Tried {
        let start_in = Duration::from_millis(start_in_ms);
        assert_eq!(
            self.enter(number),
            Passage::Granted { start_in },
            "call {number} at {} ms",
            self.now_ms
        );
        self
    }

    #[track_caller]
    fn denied(mut self, number: u128, why: Denial, retry_after_ms: u64) -> Tried {
        let retry_after = Duration::from_millis(retry_after_ms);
        assert_eq!(
            self.enter(number),
            Passage::Denied { why, retry_after },
            "call {number} at {} ms",
            self.now_ms
        );
        self
    }

    fn leaves(mut self, number: u128, report: GateReport) -> Tried {
        self.gate.leave(&call(number), &self.limits, report, at_ms(self.now_ms));
        self
    }

    /// Leaves well; the numbers of those who are called, and when each is to come.
    #[track_caller]
    fn calls<const N: usize>(mut self, number: u128, expected: [(u128, u64); N]) -> Tried {
        let called = self
            .gate
            .leave(&call(number), &self.limits, GateReport::Good, at_ms(self.now_ms));
        let expected = expected.map(|(number, within_ms)| Called {
            job: job(number),
            within: Duration::from_millis(within_ms),
        });
        assert_eq!(called, expected, "after call {number} at {} ms", self.now_ms);
        self
    }

    #[track_caller]
    fn check(self, breaker: Breaker, consecutive_failures: u32, in_flight: u32) -> Tried {
        let status = self.gate.status(at_ms(self.now_ms));
        assert_eq!(
            (status.breaker, status.consecutive_failures, status.in_flight),
            (breaker, consecutive_failures, in_flight)
        );
        self
    }
}

fn opened() -> Tried {
    (1..=3)
        .fold(Tried::new(BREAKER), |gate, number| {
            gate.enters(number).leaves(number, GateReport::Bad)
        })
        .check(Breaker::Open { until: at_ms(30_000) }, 3, 0)
}

// === Rate ===

fn rate(rate_max: u32, rate_burst: u32) -> GateLimits {
    GateLimits {
        rate_max,
        rate_burst,
        ..FREE
    }
}

#[test]
fn a_burst_passes_at_once_and_the_rest_evenly() {
    Tried::new(rate(10, 3))
        .enters(1)
        .enters(2)
        .enters(3)
        .enters_early(4, 100)
        .enters_early(5, 200)
        .enters_early(6, 300)
        .denied(7, Denial::Rate, 300)
        .at(300)
        .enters_early(7, 100)
        .at(10_000)
        .enters(8)
        .enters(9)
        .enters(10)
        .enters_early(11, 100);
}

#[test]
fn each_turn_is_an_interval_after_the_one_before_it() {
    Tried::new(rate(5, 1))
        .enters(1)
        .enters_early(2, 200)
        .denied(3, Denial::Rate, 300)
        .denied(4, Denial::Rate, 500)
        .denied(5, Denial::Rate, 700)
        .denied(4, Denial::Rate, 500)
        .at(320)
        .enters_early(3, 80)
        .denied(6, Denial::Rate, 580)
        .at(500)
        .enters_early(4, 100);
}

#[test]
fn who_was_turned_away_first_is_first_also_when_it_comes_late() {
    let mut tried = Tried::new(rate(5, 1))
        .at(500)
        .enters(1)
        .enters_early(2, 200)
        .denied(9, Denial::Rate, 300)
        .denied(8, Denial::Rate, 500);
    let mut late = entrant(7);
    late.waiter.since = Some(at_ms(400));
    let passage = tried.gate.enter(&late, &tried.limits, HOLD, at_ms(500));
    let retry_after = Duration::from_millis(300);
    assert_eq!(
        passage,
        Passage::Denied {
            why: Denial::Rate,
            retry_after
        }
    );
    tried.denied(9, Denial::Rate, 500).denied(8, Denial::Rate, 700);
}

#[test]
fn a_turn_that_is_not_taken_costs_its_own_interval() {
    Tried::new(rate(5, 1))
        .enters(1)
        .enters_early(2, 200)
        .denied(3, Denial::Rate, 300)
        .denied(4, Denial::Rate, 500)
        .at(500)
        .enters(4)
        .denied(5, Denial::Rate, 300)
        .at(1_299)
        .denied(6, Denial::Rate, 201)
        .at(1_300)
        .enters(6);
}

#[test]
fn who_comes_late_loses_nothing_but_time() {
    Tried::new(rate(5, 1))
        .enters(1)
        .enters_early(2, 200)
        .denied(3, Denial::Rate, 300)
        .denied(4, Denial::Rate, 500)
        .at(5_000)
        .enters(4)
        .enters_early(3, 200);
}

#[test]
fn nobody_is_told_to_wait_for_longer_than_a_minute_and_not_all_until_the_same_time() {
    let mut tried = Tried::new(rate(1, 1)).enters(0);
    let waits: Vec<Duration> = (1..=2_000u128)
        .map(|number| match tried.enter(number) {
            Passage::Denied { retry_after, .. } => retry_after,
            Passage::Granted { .. } => panic!("{number} is granted"),
        })
        .collect();
    assert!(waits.iter().all(|wait| *wait <= WAIT_MAX));
    let at_once = |wait: &Duration| waits.iter().filter(|other| *other == wait).count();
    assert!(waits.iter().map(at_once).max() <= Some(68), "2000 jobs over 30 seconds");
}

#[test]
fn an_interval_is_given_back_only_while_nobody_has_the_next() {
    Tried::new(rate(5, 1))
        .enters(1)
        .enters_early(2, 200)
        .leaves(1, GateReport::Unused)
        .denied(3, Denial::Rate, 300)
        .leaves(2, GateReport::Unused)
        .enters_early(3, 200);
}

#[test]
fn without_a_rate_everything_passes() {
    (0..1000).fold(Tried::new(FREE), Tried::enters);
}

#[test]
fn a_window_that_does_not_divide_evenly_holds_no_call_more() {
    let limits = rate(3, 1);
    let third = Duration::from_nanos(333_333_333);
    let last_ns = at_ms(1000) - Duration::from_nanos(1);
    let hasty = [at_ms(0), at_ms(0) + third, at_ms(0) + third * 2, at_ms(0) + third * 3];
    for times in [[at_ms(0), at_ms(334), at_ms(667), last_ns], hasty] {
        let mut gate = Gate::default();
        let starts =
            (0u128..)
                .zip(times)
                .filter_map(|(number, now)| match gate.enter(&entrant(number), &limits, HOLD, now) {
                    Passage::Granted { start_in } => Some(now + start_in),
                    Passage::Denied { .. } => None,
                });
        assert_eq!(starts.filter(|start| *start < at_ms(1000)).count(), 3);
    }
}

proptest! {
    /// The law of GCRA with interval T and burst b: the call that is k calls after another comes at least (k - b + 1) T after it.
    /// Hence any time span W that is open at its end sees at most b + ceil(W / T) - 1 calls: rate_max + b - 1 in a rate window.
    #[test]
    fn the_rate_holds_between_any_two_calls(
        rate_max in 1u32..50, rate_burst in 0u32..6, window_ms in 100u64..5000,
        steps in vec((0u64..200_000, 0u8..10, 0u128..40), 1..150),
    ) {
        let limits = GateLimits { rate_window: Duration::from_millis(window_ms), ..rate(rate_max, rate_burst) };
        let burst = rate_burst.max(1);
        let interval_ns = u128::from(window_ms * 1_000_000).div_ceil(u128::from(rate_max));
        let mut gate = Gate::default();
        let (mut now, mut calls) = (Duration::ZERO, BTreeMap::new());
        for (attempt, (gap_us, what, number)) in steps.into_iter().enumerate() {
            now += Duration::from_micros(gap_us);
            let mut entrant = entrant(number);
            entrant.intent = call(attempt as u128);
            let Passage::Granted { start_in } = gate.enter(&entrant, &limits, HOLD, at_ms(0) + now) else {
                continue;
            };
            prop_assert!(start_in <= EARLY_MAX);
            prop_assert_eq!(gate.enter(&entrant, &limits, HOLD, at_ms(0) + now), Passage::Granted { start_in });
            calls.insert(attempt as u128, (now + start_in).as_nanos());
            // Some calls are not made, and it is told at once or only when others have been granted.
            let not_made = (attempt as u128).saturating_sub(u128::from(what));
            if what < 3 && calls.remove(&not_made).is_some() {
                gate.leave(&call(not_made), &limits, GateReport::Unused, at_ms(0) + now);
            }
        }
        let passed_ns: Vec<u128> = calls.into_values().collect();
        for (first, from_ns) in passed_ns.iter().enumerate() {
            for (ahead, then_ns) in passed_ns[first..].iter().enumerate() {
                let least_ns = (ahead as u128 + 1).saturating_sub(u128::from(burst)) * interval_ns;
                prop_assert!(then_ns - from_ns >= least_ns, "{ahead} calls in {} ns", then_ns - from_ns);
            }
            let window_end_ns = from_ns + u128::from(window_ms * 1_000_000);
            let within = passed_ns[first..].iter().filter(|then_ns| **then_ns < window_end_ns).count();
            prop_assert!(within <= (rate_max + burst - 1) as usize);
        }
    }

    /// Nobody who asks all the time gets fewer calls than the rate allows.
    #[test]
    fn the_rate_is_used_up_by_who_asks_all_the_time(rate_max in 1u32..40, rate_burst in 1u32..5) {
        let mut tried = Tried::new(rate(rate_max, rate_burst));
        let mut passed = 0;
        for ms in 0..2000u64 {
            tried.now_ms = ms;
            passed += u32::from(matches!(tried.enter(u128::from(passed)), Passage::Granted { .. }));
        }
        // Asked every millisecond, never more than one call is missed to the interval's fraction of a millisecond.
        prop_assert!(passed + 1 >= rate_max * 2 * 95 / 100, "{passed} of {}", rate_max * 2);
    }

    /// Places, probe and breaker under any order of coming and going.
    #[test]
    fn bounds_hold_in_any_order(
        in_flight_max in 0u32..4, breaker_failures in 0u32..4,
        steps in vec((0u8..7, 0u128..6, 0u64..20_000), 1..200),
    ) {
        let limits = GateLimits { in_flight_max, breaker_failures, ..FREE };
        let mut tried = Tried::new(limits);
        for (what, number, gap_ms) in steps {
            tried.now_ms += gap_ms;
            let before = tried.gate.status(at_ms(tried.now_ms));
            let held = tried.gate.places.get(&call(number)).is_some_and(|until| *until > at_ms(tried.now_ms));
            let report = match what {
                0..=2 => None,
                3 => Some(GateReport::Good),
                4 => Some(GateReport::Bad),
                5 => Some(GateReport::CredentialsRefused),
                _ => Some(GateReport::Unused),
            };
            match report {
                Some(report) => {
                    tried = tried.leaves(number, report);
                }
                None => {
                    let passage = tried.enter(number);
                    let open = matches!(before.breaker, Breaker::Open { .. }) && breaker_failures > 0;
                    prop_assert!(!held || passage == Passage::AT_ONCE, "idempotent");
                    prop_assert!(held || !open || passage != Passage::AT_ONCE, "an open breaker lets nobody in");
                }
            }
            let status = tried.gate.status(at_ms(tried.now_ms));
            prop_assert!(in_flight_max == 0 || status.in_flight <= in_flight_max);
            prop_assert!(breaker_failures > 0 || status.breaker == Breaker::Closed);
            prop_assert!(status.breaker != Breaker::Closed || breaker_failures == 0 || status.consecutive_failures < breaker_failures);
            if held && report.is_none() {
                prop_assert_eq!(before, status, "coming again changes nothing");
            }
        }
    }
}

// === Places ===

fn places(in_flight_max: u32) -> GateLimits {
    GateLimits { in_flight_max, ..FREE }
}

#[test]
fn a_place_is_taken_until_it_is_left_and_then_passed_on() {
    Tried::new(places(2))
        .enters(1)
        .enters(2)
        .denied(3, Denial::InFlight, 5_000)
        .denied(4, Denial::InFlight, 5_200)
        .calls(1, [(3, 0)])
        .denied(5, Denial::InFlight, 5_200)
        .enters(3)
        .check(Breaker::Closed, 0, 2)
        .calls(2, [(4, 0)])
        .calls(3, [(5, 0)])
        .enters(5)
        .enters(4);
}

#[test]
fn a_called_job_that_does_not_come_keeps_a_place_empty_for_a_moment_only() {
    Tried::new(places(1))
        .enters(1)
        .denied(2, Denial::InFlight, 5_000)
        .denied(3, Denial::InFlight, 5_200)
        .calls(1, [(2, 0)])
        .at(999)
        .denied(4, Denial::InFlight, 5_201)
        .at(1_000)
        .enters(3)
        .calls(3, [(4, 0)]);
}

#[test]
fn a_job_whose_time_is_up_is_not_called() {
    let mut tried = Tried::new(places(1)).enters(1);
    let mut late = entrant(2);
    late.waiter.until = at_ms(4_000);
    let passage = tried.gate.enter(&late, &tried.limits, HOLD, at_ms(0));
    assert!(matches!(passage, Passage::Denied { .. }));
    tried.denied(3, Denial::InFlight, 5_200).at(4_000).calls(1, [(3, 0)]);
}

#[test]
fn nobody_is_called_to_an_open_breaker() {
    let limits = GateLimits {
        breaker_failures: 1,
        ..places(1)
    };
    let mut tried = Tried::new(limits).enters(1).denied(2, Denial::InFlight, 5_000);
    let called = tried.gate.leave(&call(1), &tried.limits, GateReport::Bad, at_ms(0));
    assert_eq!(called, []);
    tried.denied(2, Denial::Breaker, 30_000).at(30_000).enters(3);
}

#[test]
fn who_is_called_comes_when_the_rate_allows_it() {
    let both = GateLimits {
        in_flight_max: 2,
        ..rate(1, 1)
    };
    Tried::new(both)
        .enters(1)
        .denied(2, Denial::Rate, 900)
        .denied(3, Denial::InFlight, 5_000)
        .calls(1, [(3, 1_900)]);
}

#[test]
fn a_place_that_nobody_leaves_is_given_up_by_itself() {
    Tried::new(places(1))
        .enters(1)
        .at(59_999)
        .denied(2, Denial::InFlight, 4_901)
        .at(60_000)
        .check(Breaker::Closed, 0, 0)
        .enters(2);
}

#[test]
fn a_place_is_held_from_when_the_call_may_begin() {
    let both = GateLimits {
        in_flight_max: 2,
        ..rate(5, 1)
    };
    Tried::new(both)
        .enters(1)
        .enters_early(2, 200)
        .at(150)
        .enters_early(2, 50)
        .at(60_199)
        .check(Breaker::Closed, 0, 1)
        .at(60_200)
        .check(Breaker::Closed, 0, 0);
}

#[test]
fn entering_again_takes_neither_a_place_nor_a_turn() {
    let both = GateLimits {
        in_flight_max: 2,
        ..rate(10, 2)
    };
    Tried::new(both)
        .enters(1)
        .enters(1)
        .enters(1)
        .check(Breaker::Closed, 0, 1)
        .enters(2)
        .enters(2)
        .denied(3, Denial::InFlight, 5_000)
        .denied(3, Denial::InFlight, 5_000);
}

#[test]
fn who_is_denied_uses_up_no_rate() {
    let both = GateLimits {
        in_flight_max: 1,
        ..rate(10, 2)
    };
    Tried::new(both)
        .enters(1)
        .denied(2, Denial::InFlight, 5_000)
        .denied(3, Denial::InFlight, 5_200)
        .leaves(1, GateReport::Good)
        .enters(2);
}

#[test]
fn who_never_entered_cannot_leave() {
    Tried::new(BREAKER)
        .enters(1)
        .leaves(9, GateReport::Bad)
        .leaves(1, GateReport::Bad)
        .leaves(1, GateReport::Bad)
        .check(Breaker::Closed, 1, 0);
}
