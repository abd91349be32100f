//! The gate's laws over simulated time, and the life of a breaker step by step.

#![allow(clippy::unwrap_used)]

use proptest::{collection::vec, prelude::*};
use uuid::Uuid;

use super::*;

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
        self.gate.enter(&call(number), &self.limits, HOLD, at_ms(self.now_ms))
    }

    #[track_caller]
    fn enters(mut self, number: u128) -> Tried {
        assert_eq!(
            self.enter(number),
            Passage::Granted,
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
        .denied(4, Denial::Rate, 100)
        .at(99)
        .denied(4, Denial::Rate, 1)
        .at(100)
        .enters(4)
        .denied(5, Denial::Rate, 100)
        .at(10_000)
        .enters(5)
        .enters(6)
        .enters(7)
        .denied(8, Denial::Rate, 100);
}

#[test]
fn without_a_rate_everything_passes() {
    (0..1000).fold(Tried::new(FREE), Tried::enters);
}

#[test]
fn a_window_that_does_not_divide_evenly_holds_no_call_more() {
    let limits = rate(3, 1);
    let mut gate = Gate::default();
    let last_ns = at_ms(1000) - Duration::from_nanos(1);
    let times = [at_ms(0), at_ms(334), at_ms(667), last_ns];
    let passed = (0u128..)
        .zip(times)
        .filter(|(number, now)| gate.enter(&call(*number), &limits, HOLD, *now) == Passage::Granted);
    assert_eq!(passed.count(), 3);
    let mut hasty = Gate::default();
    let third = Duration::from_nanos(333_333_333);
    let passed = (0..4u32).filter(|number| {
        hasty.enter(&call(u128::from(*number)), &limits, HOLD, at_ms(0) + third * *number) == Passage::Granted
    });
    assert!(passed.count() < 4, "four calls in less than a second");
}

proptest! {
    /// The law of GCRA with interval T and burst b: the call that is k calls after another comes at least (k - b + 1) T after it.
    /// Hence any time span W that is open at its end sees at most b + ceil(W / T) - 1 calls: rate_max + b - 1 in a rate window.
    #[test]
    fn the_rate_holds_between_any_two_calls(
        rate_max in 1u32..50, rate_burst in 0u32..6, window_ms in 100u64..5000, gaps_us in vec(0u64..200_000, 1..150),
    ) {
        let limits = GateLimits { rate_window: Duration::from_millis(window_ms), ..rate(rate_max, rate_burst) };
        let burst = rate_burst.max(1);
        let interval_ns = u128::from(window_ms * 1_000_000).div_ceil(u128::from(rate_max));
        let mut gate = Gate::default();
        let (mut now, mut passed_ns) = (Duration::ZERO, Vec::new());
        for (number, gap_us) in gaps_us.into_iter().enumerate() {
            now += Duration::from_micros(gap_us);
            match gate.enter(&call(number as u128), &limits, HOLD, at_ms(0) + now) {
                Passage::Granted => passed_ns.push(now.as_nanos()),
                Passage::Denied { why, retry_after } => {
                    prop_assert_eq!(why, Denial::Rate);
                    let mut later = gate.clone();
                    let passage = later.enter(&call(9999), &limits, HOLD, at_ms(0) + now + retry_after);
                    prop_assert_eq!(passage, Passage::Granted, "who waits as told may pass");
                }
            }
        }
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
            passed += u32::from(tried.enter(u128::from(ms)) == Passage::Granted);
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
                    prop_assert!(!held || passage == Passage::Granted, "idempotent");
                    prop_assert!(held || !open || passage != Passage::Granted, "an open breaker lets nobody in");
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
fn a_place_is_taken_until_it_is_left() {
    Tried::new(places(2))
        .enters(1)
        .enters(2)
        .denied(3, Denial::InFlight, 500)
        .leaves(1, GateReport::Good)
        .enters(3)
        .check(Breaker::Closed, 0, 2);
}

#[test]
fn a_place_that_nobody_leaves_is_given_up_by_itself() {
    Tried::new(places(1))
        .enters(1)
        .at(59_999)
        .denied(2, Denial::InFlight, 500)
        .at(60_000)
        .check(Breaker::Closed, 0, 0)
        .enters(2);
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
        .denied(3, Denial::InFlight, 500);
}

#[test]
fn who_is_denied_takes_no_turn() {
    let both = GateLimits {
        in_flight_max: 1,
        ..rate(10, 2)
    };
    Tried::new(both)
        .enters(1)
        .denied(2, Denial::InFlight, 500)
        .denied(3, Denial::InFlight, 500)
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

// === Breaker ===

#[test]
fn it_opens_after_failures_in_a_row_only() {
    Tried::new(BREAKER)
        .enters(1)
        .leaves(1, GateReport::Bad)
        .enters(2)
        .leaves(2, GateReport::Bad)
        .enters(3)
        .leaves(3, GateReport::Good)
        .enters(4)
        .leaves(4, GateReport::Bad)
        .check(Breaker::Closed, 1, 0);
    opened()
        .at(10_000)
        .denied(4, Denial::Breaker, 20_000)
        .at(29_999)
        .denied(4, Denial::Breaker, 1);
}

#[test]
fn it_never_opens_when_no_number_is_set() {
    (0..100)
        .fold(Tried::new(FREE), |gate, number| {
            gate.enters(number).leaves(number, GateReport::Bad)
        })
        .check(Breaker::Closed, 100, 0)
        .enters(100);
}

#[test]
fn half_open_it_lets_exactly_one_in_and_a_good_one_closes_it() {
    opened()
        .at(30_000)
        .check(Breaker::HalfOpen, 3, 0)
        .enters(4)
        .enters(4)
        .denied(5, Denial::Breaker, 30_000)
        .at(31_000)
        .leaves(4, GateReport::Good)
        .check(Breaker::Closed, 0, 0)
        .enters(5)
        .enters(6);
}

#[test]
fn half_open_one_bad_call_opens_it_again() {
    opened()
        .at(30_000)
        .enters(4)
        .at(31_000)
        .leaves(4, GateReport::Bad)
        .check(Breaker::Open { until: at_ms(61_000) }, 4, 0)
        .denied(5, Denial::Breaker, 30_000);
}

#[test]
fn half_open_one_bad_call_is_enough_even_when_more_are_allowed_meanwhile() {
    let mut gate = opened().at(30_000);
    gate.limits.breaker_failures = 100;
    gate.enters(4)
        .leaves(4, GateReport::Bad)
        .check(Breaker::Open { until: at_ms(60_000) }, 4, 0);
}

#[test]
fn half_open_a_call_that_was_not_made_leaves_the_try_to_the_next() {
    opened()
        .at(30_000)
        .enters(4)
        .leaves(4, GateReport::Unused)
        .check(Breaker::HalfOpen, 3, 0)
        .enters(5)
        .denied(6, Denial::Breaker, 30_000);
}

#[test]
fn half_open_a_caller_that_died_leaves_the_try_to_the_next() {
    opened()
        .at(30_000)
        .enters(4)
        .at(89_000)
        .denied(5, Denial::Breaker, 1_000)
        .at(90_000)
        .enters(5)
        .denied(6, Denial::Breaker, 30_000);
}

#[test]
fn a_call_that_was_not_made_says_nothing() {
    let once = || Tried::new(BREAKER).enters(1).leaves(1, GateReport::Bad);
    once()
        .enters(2)
        .leaves(2, GateReport::Unused)
        .check(Breaker::Closed, 1, 0);
}

#[test]
fn refused_credentials_and_a_changed_contract_are_shown_until_a_good_call() {
    let gate = Tried::new(BREAKER)
        .enters(1)
        .leaves(1, GateReport::CredentialsRefused)
        .enters(2)
        .leaves(2, GateReport::ContractChanged);
    let status = gate.gate.status(at_ms(0));
    assert!(status.credentials_refused && status.contract_changed);
    assert_eq!(
        status.consecutive_failures, 0,
        "whoever answers is up, whatever the answer looks like"
    );
    let status = gate.enters(3).leaves(3, GateReport::Good).gate.status(at_ms(0));
    assert!(!status.credentials_refused && !status.contract_changed);
}

#[test]
fn refused_credentials_open_it() {
    (1..=3)
        .fold(Tried::new(BREAKER), |gate, number| {
            gate.enters(number).leaves(number, GateReport::CredentialsRefused)
        })
        .check(Breaker::Open { until: at_ms(30_000) }, 3, 0);
}
