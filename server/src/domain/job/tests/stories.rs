//! Lives of jobs as they happen, told step by step: what each step writes, and what the end means for the next request.

use super::*;

const KIBAN: ProviderId = ProviderId::Kiban;
const TU_IDENTIDAD: ProviderId = ProviderId::TuIdentidad;

fn calling() -> (Intent, Life) {
    let call = intent(1, KIBAN);
    let life = Life::new().calls(&call);
    (call, life)
}

fn waiting() -> (Intent, Life) {
    let (call, life) = calling();
    let life = life.learns(&call, accepted());
    (call, life)
}

fn ambiguous() -> (Intent, Life) {
    let (call, life) = calling();
    (call, life.loses_its_caller())
}

fn awaiting_nss() -> Life {
    Life::new().then(Event::NssRequested {
        lookup: lookup(),
        sweep_at: at(50),
    })
}

/// A call that was ambiguous, and that the operator's settings let the job walk away from.
fn abandoned() -> (Intent, Life) {
    let (call, life) = ambiguous();
    (call, life.then(Event::AmbiguityAbandoned))
}

// === The ways ===

#[test]
fn the_kiban_way() {
    let (call, life) = calling();
    let life = life
        .check("Calling", Due::Held, Some(Charge::Open), None)
        .learns(&call, accepted())
        .check("Waiting", Due::At(at(31)), Some(Charge::Open), None)
        .then(Event::Deferred { until: at(40) })
        .check("Waiting", Due::At(at(40)), None, None)
        .learns(&call, found())
        .check("Succeeded", Due::Never, Some(Charge::Yes), Some(Reuse::Answer(KIBAN)))
        .check_charges(&[Charge::Yes]);
    let stages: Vec<Option<Stage>> = life.job.events.iter().map(|event| event.view.stage).collect();
    let expected = [
        Some(Stage::Queued),
        Some(Stage::AskingProvider),
        Some(Stage::WaitingForProvider),
        None,
    ];
    assert_eq!(stages, expected, "a poll that brings nothing is no news");
}

#[test]
fn the_nss_way_with_a_shared_attempt() {
    let fetch = intent(2, TU_IDENTIDAD);
    let life = awaiting_nss()
        .check("AwaitingNss", Due::At(at(50)), None, None)
        .then(Event::NssFound {
            attempts: vec![lookup_attempt(Charge::Yes)],
        })
        .check("Queued", Due::Held, None, None)
        .calls(&fetch)
        .learns(&fetch, found())
        .check(
            "Succeeded",
            Due::Never,
            Some(Charge::Yes),
            Some(Reuse::Answer(TU_IDENTIDAD)),
        )
        .check_charges(&[Charge::Yes, Charge::Yes]);
    let shared: Vec<bool> = life.job.attempts.iter().map(|attempt| attempt.shared).collect();
    assert_eq!((shared, life.job.nss_from), (vec![true, false], Some(lookup())));
}

#[test]
fn a_lookup_that_costs_money_and_brings_nothing_is_not_this_jobs_bill() {
    let missed = |fall_back| Event::NssMissed {
        failure: failure(Reason::NssNotFound),
        attempts: vec![lookup_attempt(Charge::Unknown)],
        fall_back,
    };
    let life = awaiting_nss()
        .then(missed(false))
        .check("Failed", Due::Never, None, Some(Reuse::Never));
    assert!(!life.job.needs_settlement(), "the lookup job is the one to settle");
    let twice = awaiting_nss()
        .then(missed(true))
        .check("Queued", Due::Held, None, None)
        .then(Event::NssRequested {
            lookup: lookup(),
            sweep_at: at(90),
        })
        .then(missed(true));
    assert_eq!(twice.job.attempts.len(), 1, "an attempt is shared once");
    assert!(twice.job.nss_missed, "the route by NSS is spent");
}

#[test]
fn callback_before_the_acknowledgement() {
    let (call, life) = calling();
    life.then(hinted(&call))
        .check("Waiting", Due::At(at(2)), None, None)
        .learns(&call, accepted())
        .check("Waiting", Due::Unchanged, None, None)
        .learns(&call, found())
        .check("Succeeded", Due::Never, Some(Charge::Yes), Some(Reuse::Answer(KIBAN)));
}

#[test]
fn callback_before_the_loss_of_the_acknowledgement() {
    let (call, life) = calling();
    life.then(hinted(&call))
        .learns(&call, Outcome::Ambiguous)
        .check("Waiting", Due::Unchanged, None, None)
        .check_charges(&[Charge::Open]);
}

#[test]
fn acknowledgement_before_the_callback() {
    let (call, life) = waiting();
    let forged = Event::Hinted {
        intent: call.id.clone(),
        reference: "another".to_owned(),
    };
    life.then(hinted(&call))
        .check("Waiting", Due::At(at(3)), None, None)
        .then(forged)
        .check("Waiting", Due::Unchanged, None, None);
}

// === Money in doubt ===

#[test]
fn caller_lost_then_the_fact_comes_late() {
    let (call, life) = ambiguous();
    life.check("Ambiguous", Due::At(at(61)), Some(Charge::Unknown), None)
        .learns(&call, found())
        .check("Succeeded", Due::Never, Some(Charge::Yes), Some(Reuse::Answer(KIBAN)));
}

#[test]
fn caller_lost_then_it_turns_out_that_nothing_was_sent() {
    let (call, life) = ambiguous();
    life.learns(&call, Outcome::NotSent)
        .check("Queued", Due::At(at(32)), Some(Charge::No), None)
        .check_charges(&[Charge::No]);
}

#[test]
fn ambiguous_then_hinted_then_answered() {
    let (call, life) = ambiguous();
    life.then(hinted(&call))
        .check("Waiting", Due::At(at(3)), None, None)
        .learns(&call, answered_no())
        .check("Failed", Due::Never, Some(Charge::Yes), Some(Reuse::Answer(KIBAN)));
}

#[test]
fn a_late_acceptance_leaves_ledger_and_job_in_agreement() {
    let (call, life) = ambiguous();
    life.learns(&call, accepted())
        .check("Waiting", Due::At(at(32)), Some(Charge::Unknown), None)
        .check_charges(&[Charge::Unknown]);
}

#[test]
fn the_poll_says_that_the_reference_is_lost() {
    let (call, life) = waiting();
    life.learns(&call, reference_lost()).check(
        "OutcomeUnknown",
        Due::Never,
        Some(Charge::Unknown),
        Some(Reuse::UntilSettled),
    );
}

#[test]
fn an_answer_that_cannot_be_used_may_have_been_charged() {
    let (call, life) = waiting();
    let life = life.learns(&call, unusable());
    let life = life.check("Failed", Due::Never, Some(Charge::Unknown), Some(Reuse::UntilSettled));
    assert!(life.job.needs_settlement());
}

#[test]
fn the_deadline_passes_while_waiting() {
    let (_, life) = waiting();
    life.then(Event::TimeUp).check(
        "OutcomeUnknown",
        Due::Never,
        Some(Charge::Unknown),
        Some(Reuse::UntilSettled),
    );
}

#[test]
fn an_operator_settles_as_charged_or_not() {
    for charge in [Charge::Yes, Charge::No] {
        let (call, life) = ambiguous();
        let life = life.then(Event::TimeUp).then(settled(charge)).check(
            "OutcomeUnknown",
            Due::Unchanged,
            Some(charge),
            Some(Reuse::Never),
        );
        let life = life
            .learns(&call, found())
            .check("OutcomeUnknown", Due::Unchanged, None, None);
        let life = life.check_charges(&[charge]);
        assert!(!life.job.needs_settlement());
        assert!(life.job.apply(settled(Charge::No), at(99)).is_err(), "settled once");
    }
}

#[test]
fn a_settlement_must_settle() {
    let (_, life) = ambiguous();
    let life = life.then(Event::TimeUp);
    for charge in [Charge::Open, Charge::Unknown] {
        assert!(life.job.apply(settled(charge), at(99)).is_err());
    }
}

#[test]
fn an_answer_after_outcome_unknown_is_lost_and_still_to_be_settled() {
    let (call, life) = ambiguous();
    let life = life
        .then(Event::TimeUp)
        .learns(&call, found())
        .check("OutcomeUnknown", Due::Unchanged, Some(Charge::Yes), None)
        .check_charges(&[Charge::Yes]);
    assert!(life.job.needs_settlement());
    life.then(settled(Charge::No))
        .check("OutcomeUnknown", Due::Unchanged, Some(Charge::No), Some(Reuse::Never))
        .check_charges(&[Charge::Yes]);
}

#[test]
fn a_call_that_proves_free_after_outcome_unknown_frees_the_person() {
    let (call, life) = ambiguous();
    let life = life.then(Event::TimeUp).learns(&call, down());
    let life = life.check("OutcomeUnknown", Due::Unchanged, Some(Charge::No), Some(Reuse::Never));
    assert!(!life.job.needs_settlement());
    assert!(matches!(
        life.last.unwrap().ledger,
        Some(LedgerChange::Settle { late: true, .. })
    ));
}

// === The other route ===

#[test]
fn failover_after_down() {
    let (first, life) = calling();
    let second = intent(2, TU_IDENTIDAD);
    life.learns(&first, down())
        .check("Queued", Due::At(at(31)), Some(Charge::No), None)
        .calls(&second)
        .learns(&second, found())
        .check(
            "Succeeded",
            Due::Never,
            Some(Charge::Yes),
            Some(Reuse::Answer(TU_IDENTIDAD)),
        )
        .check_charges(&[Charge::No, Charge::Yes]);
}

#[test]
fn credentials_rejected_and_no_other_route() {
    let (call, life) = calling();
    let exhausted = Event::Exhausted {
        failure: failure(Reason::ProviderCredentials),
    };
    let life = life
        .learns(&call, rejected())
        .check("Queued", Due::At(at(31)), Some(Charge::No), None);
    let life = life
        .then(exhausted)
        .check("Failed", Due::Never, None, Some(Reuse::Never));
    assert_eq!(life.job.failure(), Some(&failure(Reason::ProviderCredentials)));
}

#[test]
fn time_up_in_the_queue_repeats_the_last_failure() {
    let (call, life) = calling();
    let life = life.learns(&call, down()).then(Event::TimeUp);
    assert_eq!(life.job.failure(), Some(&failure(Reason::ProviderUnavailable)));
    let untried = Life::new().then(Event::TimeUp);
    assert_eq!(untried.job.failure(), Some(&Failure::own(Reason::ProviderUnavailable)));
}

#[test]
fn a_definite_no_is_a_paid_answer() {
    let (call, life) = calling();
    life.learns(&call, answered_no())
        .check("Failed", Due::Never, Some(Charge::Yes), Some(Reuse::Answer(KIBAN)));
}

#[test]
fn an_abandoned_call_still_decides_the_end_without_an_answer() {
    let endings = [
        Event::Exhausted {
            failure: Failure::own(Reason::NoRoute),
        },
        Event::TimeUp,
        Event::Stalled,
        Event::CancelAsked,
    ];
    for ending in endings {
        let life = abandoned().1.then(ending);
        let life = life.check("OutcomeUnknown", Due::Never, None, Some(Reuse::UntilSettled));
        assert_eq!(
            life.job.failure().map(|failure| failure.reason),
            Some(Reason::OutcomeUnknown)
        );
    }
}

#[test]
fn an_abandoned_call_that_answers_in_time_is_the_answer() {
    let (call, life) = abandoned();
    life.check("Queued", Due::At(at(3)), None, None)
        .learns(&call, found())
        .check("Succeeded", Due::Never, Some(Charge::Yes), Some(Reuse::Answer(KIBAN)));
}

#[test]
fn an_abandoned_call_that_answers_after_a_no_is_lost() {
    let (first, life) = abandoned();
    let second = intent(2, TU_IDENTIDAD);
    let life = life
        .calls(&second)
        .learns(&second, answered_no())
        .check("Failed", Due::Never, Some(Charge::Yes), Some(Reuse::UntilSettled))
        .learns(&first, found())
        .check("Failed", Due::Unchanged, Some(Charge::Yes), None);
    assert!(life.job.needs_settlement(), "a paid history that nobody holds");
    life.then(settled(Charge::Yes)).check(
        "Failed",
        Due::Unchanged,
        Some(Charge::Yes),
        Some(Reuse::Answer(TU_IDENTIDAD)),
    );
}

// === Cancel and stall ===

#[test]
fn a_cancel_before_a_call_ends_the_job_at_once() {
    for life in [Life::new(), awaiting_nss()] {
        life.then(Event::CancelAsked)
            .check("Cancelled", Due::Never, None, Some(Reuse::Never));
    }
}

#[test]
fn a_cancel_during_a_call_collects_what_is_being_paid() {
    for (call, life) in [calling(), waiting(), ambiguous()] {
        let state = life.job.state.name();
        let cancelled = || {
            life.clone()
                .then(Event::CancelAsked)
                .check(state, Due::Unchanged, None, None)
        };
        let answer = Some(Reuse::Answer(KIBAN));
        cancelled()
            .learns(&call, found())
            .check("Succeeded", Due::Never, Some(Charge::Yes), answer);
        cancelled()
            .learns(&call, answered_no())
            .check("Failed", Due::Never, Some(Charge::Yes), answer);
        let free = Some(Reuse::Never);
        cancelled()
            .learns(&call, down())
            .check("Cancelled", Due::Never, Some(Charge::No), free);
    }
}

#[test]
fn a_cancel_forbids_the_other_route() {
    let (_, life) = ambiguous();
    life.then(Event::CancelAsked).then(Event::AmbiguityAbandoned).check(
        "OutcomeUnknown",
        Due::Never,
        Some(Charge::Unknown),
        Some(Reuse::UntilSettled),
    );
}

#[test]
fn a_cancel_after_the_end_changes_nothing() {
    let (call, life) = calling();
    let ended = life.learns(&call, found());
    let again = ended
        .clone()
        .then(Event::CancelAsked)
        .check("Succeeded", Due::Unchanged, None, None);
    assert_eq!(again.job, ended.job);
}

#[test]
fn taking_up_counts_until_the_job_moves() {
    for life in [Life::new(), awaiting_nss(), waiting().1, ambiguous().1] {
        let life = life.then(Event::TakenUp).then(Event::TakenUp);
        let state = life.job.state.name();
        let life = life.check(state, Due::Unchanged, None, None);
        assert_eq!(life.job.stalls, 2);
        let joined = Event::Joined {
            limit: 0,
            dependent: None,
        };
        let life = life.then(joined);
        assert_eq!(life.job.stalls, 2, "what callers do moves nothing");
        assert_eq!(life.then(Event::Deferred { until: at(200) }).job.stalls, 0);
    }
}

#[test]
fn a_stalled_job_ends_as_the_money_says() {
    for life in [Life::new(), awaiting_nss()] {
        let life = life.then(Event::Stalled);
        let life = life.check("Failed", Due::Never, None, Some(Reuse::Never));
        assert_eq!(life.job.failure(), Some(&Failure::own(Reason::Internal)));
    }
    for (_, life) in [calling(), waiting(), ambiguous()] {
        life.then(Event::Stalled).check(
            "OutcomeUnknown",
            Due::Never,
            Some(Charge::Unknown),
            Some(Reuse::UntilSettled),
        );
    }
}

// === Joining, and what is kept ===

#[track_caller]
fn check_limit(own: u32, asked: u32, expected: u32) {
    let mut life = Life::new();
    life.job.ask.limit = own;
    let joined = Event::Joined {
        limit: asked,
        dependent: None,
    };
    assert_eq!(life.then(joined).job.ask.limit, expected, "{own} joined by {asked}");
}

#[test]
fn limits_widen_and_zero_is_the_widest() {
    check_limit(5, 3, 5);
    check_limit(5, 9, 9);
    check_limit(5, 0, 0);
    check_limit(0, 9, 0);
}

#[test]
fn a_dependent_is_woken_once() {
    let dependent = |number| Event::Joined {
        limit: 5,
        dependent: Some(job_id(JobKind::WorkHistory, number)),
    };
    let life = Life::new().then(dependent(2)).then(dependent(3)).then(dependent(2));
    assert_eq!(life.job.dependents.len(), 2);
    assert_eq!(life.job.sequence, 1, "joining is no news to a watcher");
}

#[test]
fn only_so_many_dependents_are_woken_and_the_newest_of_them() {
    let mut life = Life::new();
    for number in 2..1000 {
        let dependent = Some(job_id(JobKind::WorkHistory, number));
        life = life.then(Event::Joined { limit: 5, dependent });
    }
    assert_eq!(life.job.dependents.len(), 64);
    assert_eq!(life.job.dependents.last(), Some(&job_id(JobKind::WorkHistory, 999)));
}

#[test]
fn waiting_on_is_no_news() {
    let life = Life::new().then(Event::Deferred { until: at(10) });
    let life = life
        .then(Event::Deferred { until: at(20) })
        .check("Queued", Due::At(at(20)), None, None);
    assert_eq!(life.job.sequence, 2);
}

#[test]
fn a_job_that_retries_all_its_life_keeps_the_newest_and_what_money_hangs_on() {
    let (first, mut life) = abandoned();
    for number in 2..100 {
        let call = intent(number, KIBAN);
        life = life.calls(&call).learns(&call, down());
    }
    assert_eq!(
        (life.job.attempts.len(), life.job.events.len()),
        (ATTEMPTS_MAX, EVENTS_MAX)
    );
    assert_eq!(
        life.job.attempts[0].id, first.id,
        "the unknown charge is never forgotten"
    );
    assert_eq!(life.job.attempts[1].id, intent(69, KIBAN).id);
    assert_eq!(life.job.events[0].sequence, life.job.sequence + 1 - EVENTS_MAX as u64);
    life.then(Event::TimeUp)
        .check("OutcomeUnknown", Due::Never, None, Some(Reuse::UntilSettled));
}
