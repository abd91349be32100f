//! Creations that record the first intent of their job in the same step, or leave it when something stands in its way.

use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;

use super::{
    LONG, World, fixtures,
    money::{assert_free, assert_taken, outcome_now},
    world::{commit, done, found},
};
use crate::{
    domain::{
        job::{Event, Intent, Job, State},
        outcome::{Charge, Outcome},
    },
    store::{Claim, Created, Creation, FirstIntent, How, PersonDay},
};

/// Not how long a plain claim lasts.
const HOLD: Duration = Duration::from_secs(1800);

/// A creation that would begin a call at this time, in a dedupe record of its own.
fn creation_at(job: Job, intent: &Intent, at: Timestamp) -> Creation {
    let transition = job.apply(Event::IntentRecorded { intent: intent.clone() }, at).unwrap();
    let first_intent = FirstIntent {
        op: fixtures::next_uuid(),
        transition,
        hold: HOLD,
        person_day: None,
    };
    Creation {
        claim: Some(LONG),
        first_intent: Some(first_intent),
        product: job.id.to_string(),
        ..fixtures::creation(job)
    }
}

async fn with(world: &World, person: u8, intent: &Intent) -> Creation {
    let now = world.now().await;
    creation_at(fixtures::work_history(person, now), intent, now)
}

#[track_caller]
fn claimed(created: Created) -> Claim {
    match created.how {
        How::Started(Some(lease)) => Claim {
            stored: created.stored,
            lease,
        },
        How::Started(None) | How::Attached | How::Reused { .. } => panic!("a claimed job was expected: {created:?}"),
    }
}

/// The job is there, claimed, and nothing of the intent is.
async fn assert_created_alone(world: &World, creation: Creation, intent: &Intent) {
    let created = claimed(world.create(&creation).await);
    assert_eq!(created.stored.job, creation.job);
    assert_eq!(world.read(&creation.job.id).await, created.stored);
    assert!(world.rows(&creation.job.id).await.iter().all(|row| row.id != intent.id));
    // And it goes on as any other.
    let until = creation.job.created_at;
    let transition = created.stored.job.apply(Event::Deferred { until }, until).unwrap();
    done(
        world
            .try_commit(&commit(&created.stored, Some(created.lease.fence), transition))
            .await,
    );
}

pub(crate) async fn it_leaves_what_a_creation_and_the_commit_of_its_intent_leave(world: &World) {
    let (at_once, in_turn) = (fixtures::history_intent(), fixtures::history_intent());
    let creation = with(world, 1, &at_once).await;
    let sent_at = tokio::time::Instant::now();
    let begun = claimed(world.create(&creation).await);
    assert!(begun.lease.expires_at >= sent_at + HOLD && begun.lease.expires_at < sent_at + LONG);
    let expected = creation.first_intent.clone().unwrap().transition.job;
    assert_eq!(begun.stored.job, expected);
    assert!(matches!(&begun.stored.job.state, State::Calling { intent } if *intent == at_once));
    assert_eq!(world.read(&creation.job.id).await, begun.stored);
    let sealed = world.store.read_sealed(&creation.job.id).await.unwrap().unwrap();
    assert_eq!((sealed.subject, sealed.answer), (creation.subject.clone(), None));

    let other = with(world, 2, &in_turn).await;
    let plain = claimed(
        world
            .create(&Creation {
                first_intent: None,
                ..other.clone()
            })
            .await,
    );
    let intended = other
        .first_intent
        .unwrap()
        .commit(plain.stored.version, plain.lease.fence);
    let (version, lease) = done(world.try_commit(&intended).await);
    let lease = lease.unwrap();
    assert_eq!(begun.stored.version, version);
    assert_eq!(
        (begun.lease.fence, begun.lease.stalled_claims),
        (lease.fence, lease.stalled_claims)
    );
    let (row, twin) = (
        world.rows(&creation.job.id).await.remove(0),
        world.rows(&other.job.id).await.remove(0),
    );
    assert_eq!(
        (row.id, row.charge, row.opened_at),
        (at_once.id, Charge::Open, expected.updated_at)
    );
    assert_eq!(
        (row.provider, row.step, twin.charge),
        (twin.provider, twin.step, Charge::Open)
    );
    assert!(world.claim(LONG).await.claims.is_empty(), "both are leased");
}

pub(crate) async fn its_call_goes_on_as_any_other(world: &World) {
    let intent = fixtures::history_intent();
    let creation = with(world, 1, &intent).await;
    world.create(&creation).await;
    let other = super::money::start(world, 1).await;
    assert_taken(world, &other, Charge::Open).await;
    outcome_now(world, &creation.job.id, &intent, found()).await;
    assert_eq!(world.rows(&creation.job.id).await[0].charge, Charge::Yes);
    assert!(world.read(&creation.job.id).await.job.is_terminal());
    assert_taken(world, &other, Charge::Yes).await;

    let intent = fixtures::history_intent();
    let free = with(world, 2, &intent).await;
    world.create(&free).await;
    outcome_now(world, &free.job.id, &intent, Outcome::NotSent).await;
    assert_free(world, &super::money::start(world, 2).await).await;
}

pub(crate) async fn the_commit_of_its_intent_was_done(world: &World) {
    let creation = with(world, 1, &fixtures::history_intent()).await;
    let begun = claimed(world.create(&creation).await);
    let again = creation
        .first_intent
        .unwrap()
        .commit(begun.stored.version - 1, begun.lease.fence);
    assert_eq!(done(world.try_commit(&again).await).0, begun.stored.version);
    assert_eq!(world.rows(&creation.job.id).await.len(), 1);
}

pub(crate) async fn a_unit_that_is_taken_leaves_the_job_alone(world: &World) {
    let first = fixtures::history_intent();
    let holder = with(world, 1, &first).await;
    world.create(&holder).await;
    for charge in [Charge::Open, Charge::Unknown] {
        let intent = fixtures::history_intent();
        let creation = with(world, 1, &intent).await;
        assert_created_alone(world, creation, &intent).await;
        if charge == Charge::Open {
            outcome_now(world, &holder.job.id, &first, Outcome::Ambiguous).await;
        }
    }
    let now = world.now().await;
    let intent = fixtures::history_intent();
    let mut job = fixtures::work_history(1, now);
    job.ask.allow_repeat_charge = true;
    let leave = claimed(world.create(&creation_at(job, &intent, now)).await);
    assert!(leave.stored.job.live_intent().is_some(), "with leave it is had");
}

pub(crate) async fn a_day_that_is_full_leaves_the_job_alone(world: &World) {
    let day = jiff::civil::date(2026, 1, 2);
    let counted = |creation: Creation, max| Creation {
        first_intent: creation.first_intent.map(|first_intent| FirstIntent {
            person_day: Some(PersonDay { day, max }),
            ..first_intent
        }),
        ..creation
    };
    let first = fixtures::history_intent();
    let one = counted(with(world, 1, &first).await, 1);
    assert!(claimed(world.create(&one).await).stored.job.live_intent().is_some());
    outcome_now(
        world,
        &one.job.id,
        &first,
        Outcome::Unusable {
            failure: fixtures::failure(),
        },
    )
    .await;

    let intent = fixtures::intent(crate::domain::provider_id::ProviderId::TuIdentidad, first.step);
    let two = counted(with(world, 1, &intent).await, 1);
    assert_created_alone(world, two, &intent).await;
    let three = counted(with(world, 1, &intent).await, 2);
    assert!(claimed(world.create(&three).await).stored.job.live_intent().is_some());
}

pub(crate) async fn one_that_comes_when_its_sender_calls_no_more_leaves_the_job_alone(world: &World) {
    let intent = fixtures::history_intent();
    let long_ago = world.now().await - HOLD - Duration::from_secs(1);
    let creation = creation_at(fixtures::work_history(1, long_ago), &intent, long_ago);
    assert_created_alone(world, creation, &intent).await;
    assert_free(world, &super::money::start(world, 1).await).await;
}

pub(crate) async fn a_repetition_has_neither_lease_nor_intent(world: &World) {
    let intent = fixtures::history_intent();
    let creation = with(world, 1, &intent).await;
    let begun = claimed(world.create(&creation).await);
    // As another replica would propose it.
    let other = fixtures::history_intent();
    let elsewhere = creation_at(creation.job.clone(), &other, creation.job.created_at);
    for repetition in [creation.clone(), elsewhere] {
        let again = world.create(&repetition).await;
        assert!(matches!(again.how, How::Started(None)), "{:?}", again.how);
        assert_eq!(again.stored, begun.stored);
    }
    assert_eq!(world.rows(&creation.job.id).await.len(), 1);
    assert!(world.claim(LONG).await.claims.is_empty());
}

pub(crate) async fn one_that_another_job_serves_opens_no_charge(world: &World) {
    let product = |creation: Creation| Creation {
        product: fixtures::PRODUCT.to_owned(),
        ..creation
    };
    let first = fixtures::history_intent();
    let creation = product(with(world, 1, &first).await);
    world.create(&creation).await;
    let (second, third) = (fixtures::history_intent(), fixtures::history_intent());
    let attached = product(with(world, 1, &second).await);
    assert!(matches!(world.create(&attached).await.how, How::Attached));
    outcome_now(world, &creation.job.id, &first, found()).await;
    let reused = Creation {
        answered_since: creation.job.created_at - LONG,
        ..product(with(world, 1, &third).await)
    };
    assert!(matches!(world.create(&reused).await.how, How::Reused { .. }));
    let all = world.store.charges(super::world::all_charges()).await.unwrap().rows;
    assert_eq!(all.iter().map(|row| &row.id).collect::<Vec<_>>(), [&first.id]);
}

pub(crate) async fn of_many_at_once_for_one_unit_one_has_the_intent(world: &World) {
    let mut creations = Vec::new();
    for _ in 0..20 {
        creations.push(with(world, 1, &fixtures::history_intent()).await);
    }
    let created = join_all(creations.iter().map(|creation| world.create(creation))).await;
    let begun = created.into_iter().map(claimed);
    assert_eq!(
        begun.filter(|claim| claim.stored.job.live_intent().is_some()).count(),
        1
    );
}

pub(crate) async fn it_is_fed_and_listed_as_it_stands(world: &World) {
    let start = world.store.feed_end().await.unwrap();
    let creation = with(world, 1, &fixtures::history_intent()).await;
    world.create(&creation).await;
    let page = world.store.feed_after(&start, 100).await.unwrap();
    assert!(!page.jobs.is_empty() && page.jobs.iter().all(|id| *id == creation.job.id));
    let query = crate::store::ListQuery {
        tenant: creation.job.tenant.clone(),
        filter: crate::store::JobFilter::default(),
        before: None,
        page_size: 10,
    };
    let listed = world.store.list(query).await.unwrap().jobs;
    assert_eq!(listed, [creation.first_intent.unwrap().transition.job]);
}
