//! Laws that hold in every life of a job, whatever happens to it and in whatever order.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::*;

/// One thing that happens: which event, and a number that picks its details.
type Happening = (u8, u8);

/// The kinds of events, those that lead on more often than those that end.
const KINDS: [&str; 35] = [
    "NssRequested",
    "NssFound",
    "NssMissed",
    "Deferred",
    "IntentRecorded",
    "IntentRecorded",
    "IntentRecorded",
    "IntentRecorded",
    "NotSent",
    "Rejected",
    "Down",
    "Down",
    "Accepted",
    "Accepted",
    "Found",
    "No",
    "Unusable",
    "ReferenceLost",
    "Ambiguous",
    "Ambiguous",
    "Hinted",
    "Hinted",
    "CallerLost",
    "CallerLost",
    "AmbiguityAbandoned",
    "AmbiguityAbandoned",
    "AmbiguityAbandoned",
    "Exhausted",
    "CancelAsked",
    "TimeUp",
    "Stalled",
    "Joined",
    "Settled",
    "Settled",
    "TakenUp",
];

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let kinds = u8::try_from(KINDS.len()).unwrap();
    // Half of the lives have only what neither ends a job nor answers it, so that they grow long.
    let mixed = vec((0..kinds, any::<u8>()), 0..120);
    let long = vec((prop_oneof![4u8..13, 18u8..27], any::<u8>()), 200..330);
    prop_oneof![4 => mixed, 1 => long]
}

/// The event that a happening means to this job. Mostly it is about the newest attempt, at times about any other or none.
fn event(job: &Job, (kind, pick): Happening, fresh: u128) -> Event {
    let attempts = &job.attempts;
    let own = if pick < 180 {
        attempts.iter().rev().find(|attempt| !attempt.shared)
    } else {
        attempts.get(usize::from(pick) % attempts.len().max(1))
    };
    let of = own.map_or(IntentId::new(Uuid::from_u128(u128::MAX)), |attempt| attempt.id.clone());
    let soon = at(100_000 + i64::from(pick));
    let known = |outcome| Event::OutcomeKnown {
        from: Source::Poll,
        intent: of.clone(),
        outcome,
        next_at: soon,
    };
    let provider = ProviderId::ALL[usize::from(pick) % 3];
    match KINDS[usize::from(kind)] {
        "NssRequested" => Event::NssRequested {
            lookup: lookup(),
            sweep_at: soon,
        },
        "NssFound" => Event::NssFound {
            attempts: vec![lookup_attempt(Charge::Yes)],
        },
        "NssMissed" => Event::NssMissed {
            failure: failure(Reason::NssNotFound),
            attempts: vec![lookup_attempt(Charge::Unknown)],
            fall_back: pick % 4 > 0,
        },
        "Deferred" => Event::Deferred { until: soon },
        "IntentRecorded" => Event::IntentRecorded {
            intent: intent(fresh, provider),
        },
        "NotSent" => known(Outcome::NotSent),
        "Rejected" => known(rejected()),
        "Down" => known(down()),
        "Accepted" => known(accepted()),
        "Found" => known(found()),
        "No" => known(answered_no()),
        "Unusable" => known(unusable()),
        "ReferenceLost" => known(reference_lost()),
        "Ambiguous" => known(Outcome::Ambiguous),
        "Hinted" => Event::Hinted {
            intent: of,
            reference: format!("ref-{}", pick % 2),
        },
        "CallerLost" => Event::CallerLost { until: soon },
        "AmbiguityAbandoned" => Event::AmbiguityAbandoned,
        "Exhausted" => Event::Exhausted {
            failure: Failure::own(Reason::NoRoute),
        },
        "CancelAsked" => Event::CancelAsked,
        "TimeUp" => Event::TimeUp,
        "Stalled" => Event::Stalled,
        "TakenUp" => Event::TakenUp,
        "Joined" => Event::Joined {
            limit: u32::from(pick),
            dependent: (pick % 2 == 0).then(|| job_id(JobKind::WorkHistory, u128::from(pick % 8))),
        },
        "Settled" => settled([Charge::Yes, Charge::No, Charge::Unknown, Charge::Open][usize::from(pick) % 4]),
        other => unreachable!("{other}"),
    }
}

/// What the books say, kept beside the job from the transitions alone.
#[derive(Default)]
struct Books {
    charges: BTreeMap<String, Charge>,
    /// Attempts that the ledger calls unknown and that nobody has given up on.
    unsettled: BTreeSet<String>,
    cancelled: bool,
    terminal_events: usize,
}

fn live(happenings: Vec<Happening>, mut see: impl FnMut(&Job)) {
    let mut job = new_job();
    let mut books = Books::default();
    for (number, happening) in happenings.into_iter().enumerate() {
        let event = event(&job, happening, 1000 + number as u128);
        let now = at(i64::try_from(number).unwrap());
        let Ok(next) = job.apply(event.clone(), now) else {
            continue;
        };
        check_events(&job, &next, &mut books);
        check_due_and_end(&job, &event, &next);
        check_money(&job, &event, &next, &mut books);
        check_cancel(&event, &next, &mut books);
        if next.job.state != job.state || number % 16 == 0 {
            check_stored(&next.job);
        }
        check_record(&next.job);
        job = next.job;
        see(&job);
    }
}

fn check_events(before: &Job, next: &Transition, books: &mut Books) {
    let job = &next.job;
    let newest = job.events.last().unwrap();
    assert_eq!(newest.sequence, job.sequence);
    assert!(job.events.is_sorted_by(|a, b| a.sequence + 1 == b.sequence), "a gap");
    assert!(
        job.events[0].sequence == 1 || job.events.len() == EVENTS_MAX,
        "one is missing"
    );
    assert!(job.events.len() <= EVENTS_MAX && job.attempts.len() <= ATTEMPTS_MAX);
    assert!(job.sequence - before.sequence <= 1);
    assert_eq!(newest.view, job.view(), "the last event shows the job as it is");
    assert!(
        before.state == job.state || before.sequence < job.sequence || before.view() == job.view(),
        "unseen move"
    );
    if before.sequence < job.sequence && newest.view.stage.is_none() {
        books.terminal_events += 1;
    }
    assert_eq!(books.terminal_events, usize::from(job.is_terminal()));
}

fn check_due_and_end(before: &Job, event: &Event, next: &Transition) {
    let job = &next.job;
    let ends = !before.is_terminal() && job.is_terminal();
    assert_eq!(next.due == Due::Never, ends);
    assert!(!ends || next.ending.is_some());
    assert!(next.ending.is_none() || job.is_terminal());
    if before.is_terminal() {
        assert_eq!(before.state, job.state, "an end is final");
        assert_eq!(next.due, Due::Unchanged);
    }
    if let Some(ending) = &next.ending {
        let money = job.needs_settlement();
        let succeeded = matches!(job.state, State::Succeeded { .. });
        assert_eq!(
            ending.reuse == Reuse::UntilSettled,
            money && !succeeded,
            "{:?} {event:?}",
            ending.reuse
        );
        if let Reuse::Answer(provider) = ending.reuse {
            let gave =
                |attempt: &Attempt| attempt.provider == provider && attempt.charge == Charge::Yes && !attempt.shared;
            assert!(job.attempts.iter().any(gave), "only a paid answer is given again");
            assert!(matches!(job.state, State::Succeeded { .. } | State::Failed { .. }));
        }
        assert!(!succeeded || matches!(ending.reuse, Reuse::Answer(_)));
    }
}

fn check_money(before: &Job, event: &Event, next: &Transition, books: &mut Books) {
    let job = &next.job;
    match &next.ledger {
        Some(LedgerChange::Open { intent, .. }) => {
            assert!(matches!(before.state, State::Queued { .. }));
            assert!(books.unsettled.is_empty(), "a second call while a first is unknown");
            let known = books.charges.insert(intent.id.as_str().to_owned(), Charge::Open);
            assert_eq!(known, None, "opened twice");
        }
        Some(LedgerChange::Settle {
            intent, charge, late, ..
        }) => {
            let id = intent.id.as_str().to_owned();
            let known = books.charges.insert(id.clone(), *charge).expect("opened first");
            assert!(
                matches!(known, Charge::Open | Charge::Unknown),
                "{known:?} became {charge:?}"
            );
            assert_eq!(*late, before.is_terminal());
            match charge {
                Charge::Unknown => books.unsettled.insert(id),
                Charge::Open | Charge::Yes | Charge::No => books.unsettled.remove(&id),
            };
        }
        Some(LedgerChange::Resolve { charge, .. }) => {
            assert!(before.is_terminal() && matches!(charge, Charge::Yes | Charge::No));
            books
                .charges
                .values_mut()
                .filter(|known| **known == Charge::Unknown)
                .for_each(|known| *known = *charge);
        }
        None => assert_eq!(
            before.attempts.iter().filter(|a| !a.shared).collect::<Vec<_>>(),
            own(job)
        ),
    }
    if *event == Event::AmbiguityAbandoned {
        books.unsettled.clear();
    }
    for attempt in own(job) {
        assert_eq!(
            books.charges.get(attempt.id.as_str()),
            Some(&attempt.charge),
            "ledger and job disagree: {event:?}"
        );
    }
    let unknown = books.charges.values().any(|charge| *charge == Charge::Unknown);
    let shown = own(job).iter().any(|attempt| attempt.charge == Charge::Unknown);
    assert_eq!(unknown, shown, "an unknown charge is never forgotten");
    let open: Vec<_> = own(job)
        .into_iter()
        .filter(|attempt| attempt.charge == Charge::Open)
        .collect();
    let calling = matches!(job.state, State::Calling { .. } | State::Waiting { .. });
    assert!(open.len() <= usize::from(calling), "{open:?} in {}", job.state.name());
    assert!(
        open.iter()
            .all(|attempt| Some(&attempt.id) == job.live_intent().map(|live| &live.id))
    );
    if !before.is_terminal() && matches!(job.state, State::Succeeded { .. }) {
        assert!(matches!(
            event,
            Event::OutcomeKnown {
                from: Source::Poll,
                outcome: Outcome::Answered {
                    verdict: Verdict::Found,
                    ..
                },
                ..
            }
        ));
    }
}

fn own(job: &Job) -> Vec<&Attempt> {
    job.attempts.iter().filter(|attempt| !attempt.shared).collect()
}

fn check_cancel(event: &Event, next: &Transition, books: &mut Books) {
    let opens = matches!(next.ledger, Some(LedgerChange::Open { .. }));
    assert!(!(books.cancelled && opens), "a call after a cancel");
    if books.cancelled {
        assert!(!matches!(
            next.job.state,
            State::Queued { .. } | State::AwaitingNss { .. }
        ));
    }
    books.cancelled |= *event == Event::CancelAsked;
}

fn check_stored(job: &Job) {
    let text = serde_json::to_string(job).unwrap();
    assert_eq!(serde_json::from_str::<Job>(&text).unwrap(), *job);
}

fn check_record(job: &Job) {
    assert_eq!(job.view().stage.is_none(), job.is_terminal());
    assert_eq!(job.ended_at().is_some(), job.is_terminal());
    assert_eq!(job.view().provider, job.live_intent().map(|intent| intent.provider));
    assert!(
        job.live_intent()
            .is_none_or(|live| job.attempts.iter().any(|attempt| attempt.id == live.id))
    );
    let distinct: BTreeSet<&str> = job.dependents.iter().map(JobId::as_str).collect();
    assert_eq!(distinct.len(), job.dependents.len());
}

proptest! {
    #[test]
    fn hold_in_every_life(happenings in happenings()) {
        live(happenings, |_| ());
    }
}

/// The laws say little about lives that never come anywhere.
#[test]
fn lives_reach_every_state_and_every_bound() {
    let mut runner = TestRunner::deterministic();
    let mut states = BTreeSet::new();
    let (mut events_max, mut attempts_max, mut settled) = (0, 0, false);
    for _ in 0..100 {
        let happenings = happenings().new_tree(&mut runner).unwrap().current();
        live(happenings, |job| {
            states.insert(job.state.name());
            events_max = events_max.max(job.sequence);
            attempts_max = attempts_max.max(job.attempts.len());
            settled |= job.settlement.is_some();
        });
    }
    assert_eq!(states.len(), 9, "{states:?}");
    assert!(
        events_max > EVENTS_MAX as u64 && attempts_max == ATTEMPTS_MAX && settled,
        "{events_max} {attempts_max}"
    );
}
