//! The life of a breaker step by step.

use super::*;

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

const REPORTS: [GateReport; 4] = [
    GateReport::Good,
    GateReport::Bad,
    GateReport::CredentialsRefused,
    GateReport::ContractChanged,
];

/// Gates that have heard of every four calls.
fn told_of_four() -> impl Iterator<Item = Tried> {
    let all = REPORTS.len();
    (0..all.pow(4)).map(move |number| {
        (0..4).fold(Tried::new(BREAKER), |mut gate, place: u32| {
            let (call, report) = (u128::from(place), REPORTS[number / all.pow(place) % all]);
            gate.enter(call);
            gate.leaves(call, report)
        })
    })
}

#[test]
fn who_only_looks_is_let_through_as_who_enters() {
    for now_ms in [0, 10_000, 29_999, 30_000, 60_000] {
        for mut gate in told_of_four().map(|gate| gate.at(now_ms)) {
            let seen = gate.gate.status(at_ms(now_ms)).passage_uncounted(at_ms(now_ms));
            let entered = gate.enter(9);
            match seen {
                Some(passage) => assert_eq!(passage, entered),
                None => assert_eq!(
                    gate.gate.probe,
                    Some(call(9)),
                    "only a breaker that is tried is entered"
                ),
            }
        }
    }
}

#[test]
fn a_good_call_changes_nothing_of_a_gate_that_is_clear() {
    for mut gate in told_of_four().map(|gate| gate.at(60_000)) {
        let before = gate.gate.status(at_ms(60_000));
        gate.enter(9);
        let after = gate.leaves(9, GateReport::Good).gate.status(at_ms(60_000));
        assert_eq!(before.is_clear(), before == after, "{before:?}");
        assert!(after.is_clear());
    }
}
