//! The ledger: one charge per unit, and so many per person and day.

use std::time::Duration;

use futures::future::join_all;
use jiff::{Timestamp, civil::date};

use super::{
    World, fixtures,
    world::{commit, done, found},
};
use crate::{
    domain::{
        ids::JobId,
        job::{Event, Intent, Job, Source, Step},
        outcome::{Charge, Outcome, OutcomeClass},
        provider_id::ProviderId,
    },
    store::{Claim, Commit, Committed, PersonDay},
};

const MS: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A job that shares a person, and so its units, with others, but no dedupe record.
pub(super) async fn start(world: &World, person: u8) -> JobId {
    start_with(world, person, |_| {}).await
}

pub(super) async fn start_with(world: &World, person: u8, change: impl FnOnce(&mut Job)) -> JobId {
    let mut job = fixtures::work_history(person, world.now().await);
    change(&mut job);
    world.start_apart(job).await.stored.job.id
}

pub(super) async fn try_intent(world: &World, id: &JobId, intent: &Intent) -> Committed {
    world
        .happens(id, Event::IntentRecorded { intent: intent.clone() })
        .await
}

pub(super) async fn assert_taken(world: &World, id: &JobId, charge: Charge) {
    let got = try_intent(world, id, &fixtures::history_intent()).await;
    assert_eq!(got, Committed::UnitTaken { charge });
}

pub(super) async fn assert_free(world: &World, id: &JobId) {
    done(try_intent(world, id, &fixtures::history_intent()).await);
}

pub(super) async fn outcome_now(world: &World, id: &JobId, intent: &Intent, outcome: Outcome) {
    world.outcome(id, intent, outcome, world.now().await).await;
}

pub(crate) async fn an_intent_opens_a_row(world: &World) {
    let id = start(world, 1).await;
    let intent = fixtures::history_intent();
    let now = world.now().await;
    world.intends(&id, &intent, now).await;
    let rows = world.rows(&id).await;
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!(
        (&row.id, &row.job, row.provider, row.step),
        (&intent.id, &id, intent.provider, intent.step)
    );
    assert_eq!(
        (row.charge, row.class, row.opened_at, row.settled_at),
        (Charge::Open, None, now, None)
    );
    assert!(!row.late && row.reference.is_none() && row.note.is_none() && row.provider_code.is_none());
}

pub(crate) async fn an_open_charge_blocks_its_unit(world: &World) {
    let (first, second) = (start(world, 1).await, start(world, 1).await);
    assert_free(world, &first).await;
    assert_taken(world, &second, Charge::Open).await;
}

pub(crate) async fn of_many_intents_at_once_one_is_recorded(world: &World) {
    let mut commits = Vec::new();
    for _ in 0..20 {
        let id = start(world, 1).await;
        let intent = fixtures::history_intent();
        commits.push(world.commit_of(&id, Some(1), Event::IntentRecorded { intent }).await);
    }
    let committed = join_all(commits.iter().map(|commit| world.try_commit(commit))).await;
    assert_eq!(
        committed
            .iter()
            .filter(|it| matches!(it, Committed::Done { .. }))
            .count(),
        1
    );
    let taken = Committed::UnitTaken { charge: Charge::Open };
    assert_eq!(committed.iter().filter(|it| **it == taken).count(), 19);
}

pub(crate) async fn an_unknown_charge_blocks_unless_a_repeat_is_allowed(world: &World) {
    let id = start(world, 1).await;
    let intent = fixtures::history_intent();
    world.intends(&id, &intent, world.now().await).await;
    outcome_now(world, &id, &intent, Outcome::Ambiguous).await;
    let row = world.rows(&id).await.remove(0);
    assert_eq!(
        (row.charge, row.class),
        (Charge::Unknown, Some(OutcomeClass::Ambiguous))
    );

    assert_taken(world, &start(world, 1).await, Charge::Unknown).await;
    let leave = start_with(world, 1, |job| job.ask.allow_repeat_charge = true).await;
    assert_free(world, &leave).await;
    let again = start_with(world, 1, |job| job.ask.allow_repeat_charge = true).await;
    assert_taken(world, &again, Charge::Open).await;
}

pub(crate) async fn leave_for_a_repeat_is_spent_once(world: &World) {
    let id = start_with(world, 1, |job| job.ask.allow_repeat_charge = true).await;
    let intent = fixtures::history_intent();
    world.intends(&id, &intent, world.now().await).await;
    outcome_now(world, &id, &intent, Outcome::Ambiguous).await;
    done(world.happens(&id, Event::AmbiguityAbandoned).await);
    assert_taken(world, &id, Charge::Unknown).await;
    let other = start_with(world, 1, |job| job.ask.allow_repeat_charge = true).await;
    assert_free(world, &other).await;
}

pub(crate) async fn a_paid_charge_blocks_while_it_is_fresh(world: &World) {
    let paid_at = world.now().await - MINUTE;
    let id = start(world, 1).await;
    let intent = fixtures::history_intent();
    world.intends(&id, &intent, paid_at - MINUTE).await;
    world.outcome(&id, &intent, found(), paid_at).await;
    let row = world.rows(&id).await.remove(0);
    assert_eq!(
        (row.charge, row.class, row.settled_at),
        (Charge::Yes, Some(OutcomeClass::Answered), Some(paid_at))
    );
    assert_eq!((row.reference.as_deref(), row.late), (Some("ref-9"), false));

    let fresh_after = |at: Timestamp| start_with(world, 1, move |job| job.ask.fresh_after = at);
    assert_taken(world, &fresh_after(paid_at - MS).await, Charge::Yes).await;
    assert_free(world, &fresh_after(paid_at).await).await;
}

pub(crate) async fn a_charge_that_was_not_made_frees_its_unit(world: &World) {
    let id = start(world, 1).await;
    for outcome in [
        Outcome::NotSent,
        Outcome::Down {
            failure: fixtures::failure(),
            retry_after: None,
        },
    ] {
        let intent = fixtures::history_intent();
        world.intends(&id, &intent, world.now().await).await;
        outcome_now(world, &id, &intent, outcome).await;
    }
    let rows = world.rows(&id).await;
    assert!(
        rows.iter()
            .all(|row| row.charge == Charge::No && row.settled_at.is_some())
    );
    assert_eq!(rows[0].provider_code.as_deref(), Some("WH007"));
    assert_free(world, &start(world, 1).await).await;
}

pub(crate) async fn every_part_of_a_unit_tells_units_apart(world: &World) {
    assert_free(world, &start(world, 1).await).await;
    assert_free(world, &start(world, 2).await).await;
    assert_free(world, &start(world, 17).await).await;
    assert_free(
        world,
        &start_with(world, 1, |job| job.tenant = fixtures::tenant("other")).await,
    )
    .await;
    assert_free(
        world,
        &start_with(world, 1, |job| job.ask.test_case_id = Some("empty".to_owned())).await,
    )
    .await;
    let others = [
        (ProviderId::TuIdentidad, Step::FetchHistory),
        (ProviderId::Kiban, Step::FindNss),
    ];
    for (provider, step) in others {
        done(try_intent(world, &start(world, 1).await, &fixtures::intent(provider, step)).await);
    }
    assert_taken(world, &start(world, 1).await, Charge::Open).await;
}

pub(crate) async fn a_reference_is_noted_while_the_charge_stays_open(world: &World) {
    let id = start(world, 1).await;
    let intent = fixtures::history_intent();
    world.intends(&id, &intent, world.now().await).await;
    outcome_now(
        world,
        &id,
        &intent,
        Outcome::Accepted {
            reference: "ref-1".to_owned(),
        },
    )
    .await;
    let row = world.rows(&id).await.remove(0);
    assert_eq!((row.charge, row.class, row.settled_at), (Charge::Open, None, None));
    assert_eq!(row.reference.as_deref(), Some("ref-1"));
    assert_taken(world, &start(world, 1).await, Charge::Open).await;

    outcome_now(
        world,
        &id,
        &intent,
        Outcome::Unusable {
            failure: fixtures::failure(),
        },
    )
    .await;
    let row = world.rows(&id).await.remove(0);
    assert_eq!(
        (row.charge, row.reference.as_deref()),
        (Charge::Unknown, Some("ref-1")),
        "the reference is kept"
    );
}

pub(crate) async fn a_late_fact_is_recorded_as_late(world: &World) {
    let id = world.start(1).await.stored.job.id;
    let (intent, now) = (fixtures::history_intent(), world.now().await);
    world.intends(&id, &intent, now).await;
    world.outcome(&id, &intent, Outcome::Ambiguous, now).await;
    done(world.happens(&id, Event::TimeUp).await);
    assert!(!world.rows(&id).await[0].late);
    outcome_now(world, &id, &intent, found()).await;
    let row = world.rows(&id).await.remove(0);
    assert_eq!(
        (row.charge, row.class, row.late),
        (Charge::Yes, Some(OutcomeClass::Answered), true)
    );
}

pub(crate) async fn a_paid_charge_never_becomes_unknown_again(world: &World) {
    let id = start(world, 1).await;
    let (intent, now) = (fixtures::history_intent(), world.now().await);
    world.intends(&id, &intent, now).await;
    let open = world.read(&id).await;
    world.outcome(&id, &intent, found(), now).await;
    let paid = world.rows(&id).await;

    // The domain does not say this; a store must not do it either.
    let unknown = Event::OutcomeKnown {
        from: Source::Poll,
        intent: intent.id.clone(),
        outcome: Outcome::Ambiguous,
        next_at: now,
    };
    let mut transition = open.job.apply(unknown, now).unwrap();
    let stored = world.read(&id).await;
    transition.job = stored.job.clone();
    transition.due = crate::domain::job::Due::Unchanged;
    done(world.try_commit(&commit(&stored, None, transition)).await);
    assert_eq!(world.rows(&id).await, paid);
    let fresh = start_with(world, 1, |job| job.ask.fresh_after = now - MS).await;
    assert_taken(world, &fresh, Charge::Yes).await;
}

pub(crate) async fn a_fact_about_an_older_intent_leaves_the_unit_alone(world: &World) {
    let older = start(world, 1).await;
    let (intent, now) = (fixtures::history_intent(), world.now().await);
    world.intends(&older, &intent, now).await;
    world.outcome(&older, &intent, Outcome::Ambiguous, now).await;
    let newer = start_with(world, 1, |job| job.ask.allow_repeat_charge = true).await;
    assert_free(world, &newer).await;

    outcome_now(world, &older, &intent, Outcome::NotSent).await;
    assert_eq!(world.rows(&older).await[0].charge, Charge::No);
    assert_taken(world, &start(world, 1).await, Charge::Open).await;
}

/// Tries to record an intent of this day, of at most two.
async fn on_day(world: &World, claim: &Claim, intent: &Intent, day: i8) -> Committed {
    let event = Event::IntentRecorded { intent: intent.clone() };
    let commit = world
        .commit_of(&claim.stored.job.id, Some(claim.lease.fence), event)
        .await;
    let person_day = Some(PersonDay {
        day: date(2026, 3, day),
        max: 2,
    });
    world.try_commit(&Commit { person_day, ..commit }).await
}

async fn claim(world: &World, person: u8) -> Claim {
    world
        .start_apart(fixtures::work_history(person, world.now().await))
        .await
}

pub(crate) async fn a_day_has_so_many_charges_per_person_and_step(world: &World) {
    let history = |provider| fixtures::intent(provider, Step::FetchHistory);
    done(on_day(world, &claim(world, 1).await, &history(ProviderId::Kiban), 1).await);
    done(on_day(world, &claim(world, 1).await, &history(ProviderId::TuIdentidad), 1).await);
    let third = claim(world, 1).await;
    let before = world.read(&third.stored.job.id).await;
    let got = on_day(world, &third, &history(ProviderId::Nubarium), 1).await;
    assert_eq!(got, Committed::PersonDayFull);
    assert_eq!(world.read(&third.stored.job.id).await, before);
    assert!(world.rows(&third.stored.job.id).await.is_empty());

    let other_step = fixtures::intent(ProviderId::Nubarium, Step::FindNss);
    done(on_day(world, &claim(world, 1).await, &other_step, 1).await);
    done(on_day(world, &claim(world, 17).await, &history(ProviderId::Nubarium), 1).await);
    done(on_day(world, &third, &history(ProviderId::Nubarium), 2).await);
}

pub(crate) async fn a_charge_that_was_not_made_gives_its_place_in_the_day_back(world: &World) {
    let intents: Vec<Intent> = ProviderId::ALL
        .into_iter()
        .map(|provider| fixtures::intent(provider, Step::FetchHistory))
        .collect();
    let (first, second, third) = (claim(world, 1).await, claim(world, 1).await, claim(world, 1).await);
    done(on_day(world, &first, &intents[0], 1).await);
    done(on_day(world, &second, &intents[1], 1).await);
    // Paid or unknown keeps the place, free gives it back, be it known late.
    outcome_now(world, &first.stored.job.id, &intents[0], found()).await;
    outcome_now(world, &second.stored.job.id, &intents[1], Outcome::Ambiguous).await;
    assert_eq!(on_day(world, &third, &intents[2], 1).await, Committed::PersonDayFull);
    outcome_now(world, &second.stored.job.id, &intents[1], Outcome::NotSent).await;
    done(on_day(world, &third, &intents[2], 1).await);
    let fourth = claim(world, 1).await;
    let again = fixtures::intent(intents[1].provider, Step::FetchHistory);
    assert_eq!(on_day(world, &fourth, &again, 1).await, Committed::PersonDayFull);

    // So does an operator's word.
    let third = third.stored.job.id;
    outcome_now(world, &third, &intents[2], Outcome::Ambiguous).await;
    done(world.happens(&third, Event::TimeUp).await);
    world.settles(&third, Charge::No).await;
    done(on_day(world, &fourth, &again, 1).await);
}

pub(crate) async fn a_repeated_intent_takes_one_place(world: &World) {
    let first = claim(world, 1).await;
    let event = Event::IntentRecorded {
        intent: fixtures::history_intent(),
    };
    let commit = world
        .commit_of(&first.stored.job.id, Some(first.lease.fence), event)
        .await;
    let commit = Commit {
        person_day: Some(PersonDay {
            day: date(2026, 3, 1),
            max: 2,
        }),
        ..commit
    };
    let (version, _) = done(world.try_commit(&commit).await);
    assert_eq!(done(world.try_commit(&commit).await).0, version);
    assert_eq!(world.rows(&first.stored.job.id).await.len(), 1);
    let other = fixtures::intent(ProviderId::TuIdentidad, Step::FetchHistory);
    done(on_day(world, &claim(world, 1).await, &other, 1).await);
}

pub(crate) async fn a_refused_intent_changes_nothing(world: &World) {
    assert_free(world, &start(world, 1).await).await;
    let refused = claim(world, 1).await.stored;
    let end = world.store.feed_end().await.unwrap();
    assert_taken(world, &refused.job.id, Charge::Open).await;
    assert_eq!(world.read(&refused.job.id).await, refused);
    assert_eq!(world.store.feed_end().await.unwrap(), end);
    assert!(world.rows(&refused.job.id).await.is_empty());
    assert!(world.claimed_ids(super::LONG).await.is_empty(), "its lease stands");
}
