//! What nobody could have known: only what a fault hid, or the provider itself.

use super::*;
use crate::history::Errand;
use crate::plan::{Far, Ill};

#[test]
fn an_unknown_outcome_is_unknowable_only_where_something_hid_the_answer() {
    let mut history = sound();
    let job = history.jobs.get_mut(JOB).unwrap();
    job.state = JobState::OutcomeUnknown;
    job.attempts[0].charge = ChargeState::Unknown;
    let counts = |history: &History| {
        let verdict = check(history, LEASE_MS);
        (verdict.unknown_outcomes, verdict.truly_unknowable)
    };
    assert_eq!(counts(&history), (1, 0));
    let kill = Fallen {
        what: What::Kill { replica: 0 },
        began_ms: 1_300,
        ended_ms: 1_350,
    };
    history.blows.push(kill);
    assert_eq!(counts(&history), (1, 1));
    history.blows[0].began_ms = 1_450;
    history.blows[0].ended_ms = 1_900;
    assert_eq!(counts(&history), (1, 0));
    // The answer came after the job had ended without it.
    let job = history.jobs.get_mut(JOB).unwrap();
    (job.attempts[0].charge, job.attempts[0].ended_ms) = (ChargeState::Yes, 1_950);
    assert_eq!(counts(&history), (1, 1));
    history.blows.clear();
    assert_eq!(counts(&history), (1, 0));
    history.troubled.push((1, Provider::Kiban));
    assert_eq!(counts(&history), (1, 1));
}

#[test]
fn a_fault_hides_what_it_touches_and_nothing_that_another_replica_did() {
    let is_unknowable = |what, (began_ms, ended_ms): (u64, u64), callers: &[(u64, usize)]| {
        let mut history = sound();
        let job = history.jobs.get_mut(JOB).unwrap();
        job.state = JobState::OutcomeUnknown;
        job.attempts[0].charge = ChargeState::Unknown;
        history.blows.push(Fallen {
            what,
            began_ms,
            ended_ms,
        });
        let errand = |(at_ms, replica): &(u64, usize)| Errand {
            at_ms: *at_ms,
            replica: *replica,
            provider: Provider::Kiban,
            person: 1,
        };
        history.errands.extend(callers.iter().map(errand));
        check(&history, LEASE_MS).truly_unknowable == 1
    };
    // The attempt lasts from 1100 to 1400; connections are made anew within 200.
    let kill = What::Kill { replica: 0 };
    assert!(is_unknowable(kill, (800, 900), &[]));
    assert!(!is_unknowable(kill, (800, 899), &[]));
    assert!(is_unknowable(kill, (1_400, 1_900), &[]));
    assert!(!is_unknowable(kill, (1_401, 1_900), &[]));
    // Who called counts, and not who called before or after.
    let around = (1_200, 1_300);
    assert!(is_unknowable(kill, around, &[(1_100, 0), (1_150, 1)]));
    assert!(!is_unknowable(kill, around, &[(1_100, 1), (1_150, 0)]));
    assert!(is_unknowable(kill, around, &[(1_099, 1), (1_401, 1)]));
    let link = |far| What::Link {
        replica: 0,
        far,
        ill: Ill::Cut,
    };
    for far in [Far::Redis, Far::Provider(Provider::Kiban)] {
        assert!(is_unknowable(link(far), around, &[(1_100, 0)]));
        assert!(!is_unknowable(link(far), around, &[(1_100, 1)]));
    }
    for far in [Far::Provider(Provider::Nubarium), Far::Callers, Far::Callbacks] {
        assert!(!is_unknowable(link(far), around, &[(1_100, 0)]));
    }
    assert!(is_unknowable(What::RedisKill, around, &[(1_100, 1)]));
}
