//! The checker against histories with one planted defect each: every invariant is caught, and a sound history passes.

use semanas_client::ChargeState;
use semanas_sandbox::Provider;
use semanas_tests::harness::Succession;

mod knowledge;

use super::*;
use crate::history::{Booked, Fallen, FinalAttempt, Operation, Row, Sighting};
use crate::plan::What;
use crate::vitals::Vitals;

const JOB: &str = "wh_1";
const LEASE_MS: u64 = 4_000;

fn submit(request: &str, span_ms: (u64, u64), leave: bool, outcome: Outcome) -> Operation {
    let kind = Kind::Submit {
        person: 1,
        request_id: request.to_owned(),
        leave,
    };
    Operation {
        kind,
        began_ms: span_ms.0,
        ended_ms: span_ms.1,
        outcome,
    }
}

fn acknowledged(job: &str) -> Outcome {
    Outcome::Ok { job: job.to_owned() }
}

fn booked(reference: &str) -> Booked {
    Booked {
        provider: Provider::Kiban,
        person: 1,
        reference: reference.to_owned(),
        delivered: true,
        at_ms: 1_200,
    }
}

fn row(charge: &str, state: ChargeState) -> Row {
    Row {
        charge_id: charge.to_owned(),
        job: JOB.to_owned(),
        provider: Provider::Kiban,
        state,
        reference: String::new(),
    }
}

fn event(sequence: i64, state: JobState) -> Piece {
    Piece::Event {
        sequence,
        state,
        terminal: state == JobState::Succeeded,
    }
}

/// One person, one job, one charge, one watcher: all in order.
fn sound() -> History {
    let attempt = FinalAttempt {
        charge_id: "c1".to_owned(),
        provider: Provider::Kiban,
        charge: ChargeState::Yes,
        began_ms: 1_100,
        ended_ms: 1_400,
    };
    let job = FinalJob {
        person: 1,
        state: JobState::Succeeded,
        sequence: 3,
        ended_ms: 1_500,
        deadline_ms: 13_000,
        attempts: vec![attempt],
    };
    let start = Piece::Snapshot {
        sequence: 1,
        is_reset: false,
        state: JobState::Queued,
        terminal: false,
    };
    let pieces = vec![
        Piece::Opened { resumes: false },
        start,
        event(2, JobState::Running),
        Piece::Opened { resumes: true },
        event(3, JobState::Succeeded),
    ];
    History {
        operations: vec![submit("a", (1_000, 1_050), false, acknowledged(JOB))],
        sightings: vec![Sighting {
            job: JOB.to_owned(),
            pieces,
            resets_ms: Vec::new(),
        }],
        recoveries_ms: vec![900],
        looks: 1,
        booked: vec![booked("r1")],
        ledger: vec![row("c1", ChargeState::Yes)],
        jobs: BTreeMap::from([(JOB.to_owned(), job)]),
        ..History::default()
    }
}

/// Plants a defect; the checker names this invariant.
#[track_caller]
fn check_caught(invariant: &str, plant: impl FnOnce(&mut History)) -> Verdict {
    let mut history = sound();
    plant(&mut history);
    let verdict = check(&history, LEASE_MS);
    let named = |broken: &String| broken.starts_with(&format!("{invariant}:"));
    assert!(
        verdict.broken.iter().chain(&verdict.late).any(named),
        "{invariant} is not in {verdict:?}"
    );
    verdict
}

#[test]
fn a_sound_history_passes() {
    let verdict = check(&sound(), LEASE_MS);
    assert_eq!((verdict.broken, verdict.late), (Vec::new(), Vec::new()));
}

#[test]
fn a_second_charge_is_caught_and_counted() {
    let verdict = check_caught("I1", |history| history.booked.push(booked("r2")));
    assert_eq!(verdict.double_charges, 1);
}

#[test]
fn a_second_charge_with_leave_is_none_too_many() {
    let mut history = sound();
    history
        .operations
        .push(submit("b", (2_000, 2_050), true, acknowledged("wh_2")));
    history.jobs.insert(
        "wh_2".to_owned(),
        FinalJob {
            ended_ms: 2_500,
            ..history.jobs[JOB].clone()
        },
    );
    history.booked.push(booked("r2"));
    history.ledger.push(row("c2", ChargeState::Unknown));
    assert_eq!(check(&history, LEASE_MS).broken, Vec::<String>::new());
    history.booked.push(booked("r3"));
    assert_eq!(check(&history, LEASE_MS).double_charges, 1);
}

#[test]
fn a_refused_leave_allows_nothing() {
    let refused = Outcome::Failed {
        code: Code::Unavailable,
        reason: "STORE_UNAVAILABLE".into(),
        has_retry_delay: true,
    };
    check_caught("I1", |history| {
        history.operations.push(submit("b", (2_000, 2_050), true, refused));
        history.booked.push(booked("r2"));
    });
}

#[test]
fn a_charge_without_a_row_or_with_a_row_that_denies_it_is_caught() {
    check_caught("I2", |history| history.ledger.clear());
    check_caught("I2", |history| history.ledger[0].state = ChargeState::No);
    check_caught("I2", |history| history.ledger[0].state = ChargeState::Open);
    // Of a lookup that no job shares.
    check_caught("I2", |history| {
        let job = "nss_1".to_owned();
        history.ledger.push(Row {
            job,
            ..row("c9", ChargeState::Open)
        });
    });
}

#[test]
fn a_row_without_a_charge_is_caught() {
    check_caught("I2", |history| history.ledger.push(row("c2", ChargeState::Yes)));
    check_caught("I2", |history| history.ledger[0].reference = "nobody's".to_owned());
}

#[test]
fn a_lost_job_is_caught() {
    let verdict = check_caught("I3", |history| {
        history.jobs.clear();
        history.booked.clear();
        history.ledger.clear();
    });
    assert_eq!(verdict.lost, 1);
}

#[test]
fn a_gap_a_repeat_and_a_wrong_order_are_caught() {
    let verdict = check_caught("I4", |history| {
        history.sightings[0].pieces.remove(2);
    });
    assert_eq!(verdict.gaps, 1);
    check_caught("I4", |history| {
        history.sightings[0].pieces.insert(3, event(2, JobState::Running))
    });
    check_caught("I4", |history| history.sightings[0].pieces.swap(2, 4));
}

#[test]
fn watchers_who_see_different_things_are_caught() {
    check_caught("I4", |history| {
        let mut other = history.sightings[0].clone();
        other.pieces[2] = event(2, JobState::Queued);
        history.sightings.push(other);
    });
}

#[test]
fn a_second_end_is_caught_and_so_is_an_end_that_did_not_last() {
    let verdict = check_caught("I5", |history| {
        history.sightings[0].pieces.push(event(4, JobState::Succeeded))
    });
    assert_eq!(verdict.terminal_twice, 1);
    check_caught("I5", |history| {
        history.jobs.get_mut(JOB).unwrap().state = JobState::Failed
    });
}

#[test]
fn a_job_that_does_not_end_or_ends_late_is_caught() {
    check_caught("I7", |history| {
        history.jobs.get_mut(JOB).unwrap().state = JobState::Running
    });
    check_caught("I7", |history| history.jobs.get_mut(JOB).unwrap().ended_ms = 40_000);
}

fn failover(began_ms: u64, ended_ms: u64) -> Fallen {
    let (how, master) = (Succession::Kill, 0);
    Fallen {
        what: What::Failover { how, master },
        began_ms,
        ended_ms,
    }
}

#[test]
fn a_job_may_be_late_by_as_long_as_redis_had_no_master_and_no_longer() {
    let blow = failover;
    // From the deadline on 17 s are allowed, the master is away for 10, and the pause after it lasts 4.
    let ends = |ended_ms: u64, blows: &[Fallen]| {
        let mut history = sound();
        history.jobs.get_mut(JOB).unwrap().ended_ms = ended_ms;
        history.blows.extend(blows);
        check(&history, LEASE_MS).late.is_empty()
    };
    assert!(ends(44_000, &[blow(14_000, 24_000)]));
    assert!(!ends(44_001, &[blow(14_000, 24_000)]));
    assert!(
        !ends(44_001, &[blow(14_000, 24_000), blow(15_000, 23_000)]),
        "what overlaps counts once"
    );
    assert!(
        !ends(30_001, &[blow(1_000, 9_000)]),
        "what was over before the deadline does not count"
    );
}

#[test]
fn a_watch_that_never_ends_is_caught() {
    check_caught("I8", |history| {
        history.sightings[0].pieces.pop();
    });
}

fn reset_to(sequence: i64, state: JobState) -> Piece {
    Piece::Snapshot {
        sequence,
        is_reset: true,
        state,
        terminal: false,
    }
}

#[test]
fn a_failover_may_take_back_what_was_seen_if_it_says_so_and_never_an_end() {
    let mut history = sound();
    history.blows.push(failover(1_100, 1_200));
    let sighting = &mut history.sightings[0];
    sighting.resets_ms.push(1_300);
    sighting
        .pieces
        .splice(3..3, [reset_to(1, JobState::Queued), event(2, JobState::Queued)]);
    let verdict = check(&history, LEASE_MS);
    assert_eq!((verdict.broken, verdict.taken_back), (Vec::new(), 1));

    check_caught("I5", |history| {
        history.blows.push(failover(1_100, 1_200));
        history.jobs.get_mut(JOB).unwrap().state = JobState::OutcomeUnknown;
    });
    check_caught("I8", |history| {
        history.blows.push(failover(1_100, 1_200));
        let back = Piece::Snapshot {
            sequence: 1,
            is_reset: false,
            state: JobState::Queued,
            terminal: false,
        };
        history.sightings[0].pieces.insert(3, back);
    });
}

#[test]
fn a_reset_is_caught_that_no_failover_can_be_the_cause_of() {
    let is_caught = |at_ms| {
        let mut history = sound();
        history.blows.push(failover(10_000, 12_000));
        let sighting = &mut history.sightings[0];
        sighting.resets_ms.push(at_ms);
        sighting.pieces.insert(3, reset_to(2, JobState::Running));
        let verdict = check(&history, LEASE_MS);
        verdict.broken.iter().any(|broken| broken.starts_with("I8:"))
    };
    assert!(is_caught(9_999), "nothing had fallen yet");
    assert!(!is_caught(10_000));
    // The pause of 4 s and four leases.
    assert!(!is_caught(32_000));
    assert!(is_caught(32_001));
    check_caught("I8", |history| history.sightings[0].resets_ms.push(1_300));
}

#[test]
fn those_who_saw_the_same_after_the_last_reset_agree_on_it() {
    let is_caught = |place| {
        let mut history = sound();
        history.blows.push(failover(1_100, 1_200));
        let mut other = history.sightings[0].clone();
        other.resets_ms.push(1_300);
        let again = [reset_to(1, JobState::Queued), event(2, JobState::Running)];
        other.pieces.splice(3..3, again);
        // Before the reset, or after it.
        other.pieces[place] = event(2, JobState::Queued);
        history.sightings.push(other);
        let verdict = check(&history, LEASE_MS);
        verdict.broken.iter().any(|broken| broken.starts_with("I4:"))
    };
    assert!(!is_caught(2));
    assert!(is_caught(4));
}

#[test]
fn two_jobs_for_one_request_or_one_person_at_a_time_are_caught() {
    let other = |history: &mut History| {
        history.jobs.insert("wh_2".to_owned(), history.jobs[JOB].clone());
    };
    check_caught("I9", |history| {
        other(history);
        history
            .operations
            .push(submit("a", (5_000, 5_050), false, acknowledged("wh_2")));
    });
    check_caught("I9", |history| {
        other(history);
        history
            .operations
            .push(submit("b", (1_100, 1_200), false, acknowledged("wh_2")));
    });
}

#[test]
fn personal_data_in_a_log_is_caught() {
    check_caught("I12", |history| history.leaks.push(2));
}

#[test]
fn words_that_mislead_are_caught() {
    let failed = |code, reason: &str| Outcome::Failed {
        code,
        reason: reason.to_owned(),
        has_retry_delay: false,
    };
    let get = |outcome| Operation {
        kind: Kind::Get { job: JOB.to_owned() },
        began_ms: 1_600,
        ended_ms: 1_610,
        outcome,
    };
    check_caught("I13", |history| {
        history.operations.push(get(failed(Code::NotFound, "JOB_NOT_FOUND")))
    });
    check_caught("I13", |history| {
        history
            .operations
            .push(get(failed(Code::Unavailable, "STORE_UNAVAILABLE")))
    });
    check_caught("I13", |history| {
        history.operations.push(get(failed(Code::Internal, "INTERNAL")))
    });
    check_caught("I13", |history| {
        let (code, reason) = (Code::ResourceExhausted, "TOO_MANY_WATCHES".to_owned());
        let refused = Piece::Refused {
            code,
            reason,
            has_retry_delay: false,
        };
        history.sightings[0].pieces.insert(3, refused);
    });
}

#[test]
fn a_slow_recovery_and_a_crash_are_caught() {
    check_caught("I15", |history| history.recoveries_ms.push(2 * LEASE_MS + 1));
    check_caught("I15", |history| {
        history.crashes.push("replica 1 ended by itself".to_owned())
    });
}

#[test]
fn what_is_late_is_kept_apart_from_what_is_wrong() {
    let mut history = sound();
    history.recoveries_ms.push(2 * LEASE_MS + 1);
    history.jobs.get_mut(JOB).unwrap().ended_ms = 40_000;
    let verdict = check(&history, LEASE_MS);
    assert_eq!((verdict.broken, verdict.late.len()), (Vec::new(), 2));
}

#[test]
fn a_job_that_is_not_due_and_a_run_that_did_not_look_are_caught() {
    check_caught("I6", |history| {
        history.due_defects.push("wh_1 is calling and is not due".into())
    });
    check_caught("I6", |history| history.looks = 0);
}

#[test]
fn two_calls_of_one_job_at_a_time_are_caught() {
    let second = |history: &mut History, began_ms| {
        let attempt = FinalAttempt {
            charge_id: "c2".to_owned(),
            began_ms,
            ended_ms: 1_480,
            ..history.jobs[JOB].attempts[0].clone()
        };
        history.jobs.get_mut(JOB).unwrap().attempts.push(attempt);
    };
    let caught = |began_ms, job: &str| {
        let mut history = sound();
        second(&mut history, began_ms);
        history.ledger.push(Row {
            job: job.to_owned(),
            ..row("c2", ChargeState::No)
        });
        let verdict = check(&history, LEASE_MS);
        verdict.broken.iter().any(|broken| broken.starts_with("I10:"))
    };
    assert!(caught(1_300, JOB));
    assert!(!caught(1_400, JOB));
    assert!(!caught(1_300, "nss_1"), "a shared attempt had a time of its own");
    check_caught("I10", |history| {
        second(history, 1_450);
        history.ledger.push(row("c2", ChargeState::No));
        history.jobs.get_mut(JOB).unwrap().attempts[0].ended_ms = 0;
    });
}

/// Charges of other people, so many at once, at this time.
fn rush(history: &mut History, calls: usize, at_ms: u64) {
    for person in 0..calls {
        history.booked.push(Booked {
            person: 100 + person,
            at_ms,
            ..booked("rush")
        });
    }
}

#[test]
fn more_calls_than_the_quota_allows_are_caught_unless_a_fault_held_them_up() {
    let is_caught = |history: &History| {
        let verdict = check(history, LEASE_MS);
        verdict.broken.iter().any(|broken| broken.starts_with("I11:"))
    };
    let mut history = sound();
    rush(&mut history, 20, 5_000);
    assert!(!is_caught(&history));
    rush(&mut history, 20, 6_000);
    assert!(!is_caught(&history), "in a second come thirty more");
    rush(&mut history, 30, 6_100);
    assert!(is_caught(&history));
    history.blows.push(Fallen {
        what: What::Freeze { replica: 0 },
        began_ms: 5_500,
        ended_ms: 5_900,
    });
    assert!(!is_caught(&history));
    check_caught("I11", |history| history.nubarium_calls_max = 60);
}

#[test]
fn memory_and_files_without_bound_are_caught() {
    let vitals = Vitals {
        looks: 1,
        memory_bytes_max: 40 << 20,
        open_files_max: 50,
    };
    let mut history = sound();
    history.vitals.insert(0, vitals);
    assert_eq!(check(&history, LEASE_MS).broken, Vec::<String>::new());
    check_caught("I14", |history| {
        let memory_bytes_max = 900 << 20;
        history.vitals.insert(
            0,
            Vitals {
                memory_bytes_max,
                ..vitals
            },
        );
    });
    check_caught("I14", |history| {
        let open_files_max = 5_000;
        history.vitals.insert(
            0,
            Vitals {
                open_files_max,
                ..vitals
            },
        );
    });
}
