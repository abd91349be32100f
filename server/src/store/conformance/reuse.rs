//! Giving earlier jobs again.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::{
    World, fixtures,
    world::{commit, done, found},
};
use crate::{
    domain::{
        ids::JobId,
        job::{Due, Ending, Event, Intent, Reuse, Source, Transition},
        outcome::{Charge, Outcome, Verdict},
        provider_id::ProviderId,
    },
    store::{
        Commit, Created, Creation, How,
        dedupe::{Dedupe, Serves},
    },
};

const MS: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A request of person 1 that takes answers since then.
async fn ask(world: &World, answered_since: Timestamp) -> Creation {
    Creation {
        answered_since,
        ..fixtures::creation(fixtures::work_history(1, world.now().await))
    }
}

#[track_caller]
fn assert_reused(created: &Created, id: &JobId) {
    assert!(matches!(created.how, How::Reused { .. }), "{:?}", created.how);
    assert_eq!(created.stored.job.id, *id);
}

#[track_caller]
fn assert_started(created: &Created) {
    assert!(matches!(created.how, How::Started(_)), "{:?}", created.how);
}

pub(crate) async fn a_paid_answer_is_reused_while_it_is_young_enough(world: &World) {
    let at = world.now().await;
    let id = world.answered(1, ProviderId::Kiban, at).await;
    assert_reused(&world.create(&ask(world, at - MINUTE).await).await, &id);
    assert_reused(&world.create(&ask(world, at).await).await, &id);
    assert_started(&world.create(&ask(world, at + MS).await).await);
}

pub(crate) async fn the_newest_paid_answer_is_reused_or_that_of_the_asked_provider(world: &World) {
    let now = world.now().await;
    let old = now - MINUTE * 2;
    let kiban = world.answered(1, ProviderId::Kiban, old).await;
    let tuidentidad = world.answered(1, ProviderId::TuIdentidad, now - MINUTE).await;
    let any = ask(world, old).await;
    assert_reused(&world.create(&any).await, &tuidentidad);
    let by = |provider| Creation {
        answered_by: Some(provider),
        ..any.clone()
    };
    assert_reused(&world.create(&by(ProviderId::Kiban)).await, &kiban);
    assert_reused(&world.create(&by(ProviderId::TuIdentidad)).await, &tuidentidad);
    assert_started(&world.create(&by(ProviderId::Nubarium)).await);
}

pub(crate) async fn a_definite_no_is_reused(world: &World) {
    let at = world.now().await;
    let id = world.start(1).await.stored.job.id;
    let intent = fixtures::history_intent();
    world.intends(&id, &intent, at).await;
    let no = Outcome::Answered {
        verdict: Verdict::No(fixtures::failure()),
        reference: None,
    };
    world.outcome(&id, &intent, no, at).await;
    assert_reused(&world.create(&ask(world, at).await).await, &id);
}

pub(crate) async fn a_job_with_an_unknown_charge_comes_back_until_it_is_settled(world: &World) {
    let since = world.now().await + MINUTE;
    let id = world.unknown(ask(world, since).await).await;
    assert_reused(&world.create(&ask(world, since).await).await, &id);
    world.settles(&id, Charge::Yes).await;
    assert_started(&world.create(&ask(world, since).await).await);
}

pub(crate) async fn a_paid_answer_goes_before_an_unknown_charge(world: &World) {
    let at = world.now().await - MINUTE;
    let answered = world.answered(1, ProviderId::TuIdentidad, at).await;
    let unknown = world.unknown(ask(world, at + MINUTE * 2).await).await;
    assert_reused(&world.create(&ask(world, at).await).await, &answered);
    assert_reused(&world.create(&ask(world, at + MINUTE * 2).await).await, &unknown);
}

pub(crate) async fn a_living_job_goes_before_an_unknown_charge(world: &World) {
    let since = world.now().await + MINUTE;
    let unknown = world.unknown(ask(world, since).await).await;
    let repeated = Creation {
        repeat_allowed: true,
        ..ask(world, since).await
    };
    let live = world.start_creation(repeated).await.stored.job.id;
    let created = world.create(&ask(world, since).await).await;
    assert!(matches!(created.how, How::Attached));
    assert_eq!(created.stored.job.id, live);

    done(world.happens(&live, Event::CancelAsked).await);
    assert_reused(&world.create(&ask(world, since).await).await, &unknown);
}

pub(crate) async fn a_job_that_cost_nothing_leaves_no_trace(world: &World) {
    let since = world.now().await - MINUTE;
    let id = world.start(1).await.stored.job.id;
    done(
        world
            .happens(
                &id,
                Event::Exhausted {
                    failure: fixtures::failure(),
                },
            )
            .await,
    );
    assert_started(&world.create(&ask(world, since).await).await);
}

pub(crate) async fn an_older_answer_does_not_hide_a_newer_one(world: &World) {
    let now = world.now().await;
    let older = world.answered(1, ProviderId::Kiban, now - MINUTE * 2).await;
    let newer = world.start(1).await.stored.job.id;
    let intent = Intent {
        provider: ProviderId::TuIdentidad,
        ..fixtures::history_intent()
    };
    world.intends(&newer, &intent, now).await;
    world.outcome(&newer, &intent, found(), now).await;
    // Both as answers of one provider; the older one is said again.
    for id in [&newer, &older] {
        let stored = world.read(id).await;
        let ending = Some(Ending {
            reuse: Reuse::Answer(ProviderId::Kiban),
        });
        let transition = Transition {
            job: stored.job.clone(),
            due: Due::Unchanged,
            ledger: None,
            ending,
        };
        done(world.try_commit(&commit(&stored, None, transition)).await);
    }
    let asked = Creation {
        answered_by: Some(ProviderId::Kiban),
        ..ask(world, now - MINUTE * 3).await
    };
    assert_reused(&world.create(&asked).await, &newer);
}

pub(crate) async fn an_answer_past_the_retention_is_forgotten(world: &World) {
    let now = world.now().await;
    let long_ago = now - world.harness.retention() - MINUTE;
    world.answered(1, ProviderId::Kiban, long_ago).await;
    assert_started(&world.create(&ask(world, long_ago - MINUTE).await).await);
}

pub(crate) async fn a_job_that_is_given_again_brings_its_answer(world: &World) {
    let at = world.now().await;
    let id = world.start(1).await.stored.job.id;
    let joined = Creation {
        remember: Some(MINUTE),
        ..ask(world, at).await
    };
    assert!(matches!(world.create(&joined).await.how, How::Attached));
    let intent = fixtures::history_intent();
    world.intends(&id, &intent, at).await;
    let fact = Event::OutcomeKnown {
        from: Source::Poll,
        intent: intent.id,
        outcome: found(),
        next_at: at,
    };
    let ends = Commit {
        answer: Some(vec![0, 255, 7]),
        ..world.commit_of(&id, None, fact).await
    };
    done(world.try_commit(&ends).await);

    // Both whoever asks now and whoever had joined it and asks once more.
    for creation in [&ask(world, at).await, &joined] {
        let created = world.create(creation).await;
        assert_reused(&created, &id);
        assert!(created.stored.job.brings_answer());
        assert_eq!(created.how.into_answer(), Some(vec![0, 255, 7]));
    }
}

pub(crate) async fn a_job_with_an_unknown_charge_brings_no_answer(world: &World) {
    let since = world.now().await;
    let id = world.unknown(ask(world, since).await).await;
    let created = world.create(&ask(world, since).await).await;
    assert_reused(&created, &id);
    assert_eq!(created.how.into_answer(), None);
}

/// Many small lives of one person, checked after each step against the pure model.
pub(crate) async fn random_requests_and_ends_agree_with_the_model(world: &World) {
    let mut dice = StdRng::seed_from_u64(7);
    let start = world.now().await - MINUTE * 30;
    let mut model = Dedupe::default();
    let mut endings: HashMap<JobId, usize> = HashMap::new();
    for step in 0..120_u32 {
        let at = start + MS * step;
        let creation = Creation {
            answered_since: start + MS * dice.random_range(0..step + 2),
            answered_by: [None, Some(ProviderId::Kiban), Some(ProviderId::TuIdentidad)][dice.random_range(0..3)],
            repeat_allowed: dice.random_range(0..3) == 0,
            ..fixtures::creation(fixtures::work_history(1, at))
        };
        let created = world.create(&creation).await;
        let got = (std::mem::discriminant(&created.how), created.stored.job.id.clone());
        let expected = match model.serves(&creation) {
            None => (std::mem::discriminant(&How::Started(None)), creation.job.id.clone()),
            Some(Serves::Attached(id)) => (std::mem::discriminant(&How::Attached), id),
            Some(Serves::Reused(id)) => (std::mem::discriminant(&How::Reused { answer: None }), id),
        };
        assert_eq!(got, expected, "step {step}, {model:?}");
        if matches!(created.how, How::Started(_)) {
            model.started(&creation.job.id);
        }
        // The job goes on living every third time; an ended one may have its end said anew.
        if dice.random_range(0..3) > 0 {
            let reuse = [
                Reuse::Answer(ProviderId::Kiban),
                Reuse::Answer(ProviderId::TuIdentidad),
                Reuse::UntilSettled,
                Reuse::Never,
            ][dice.random_range(0..4)];
            *endings.entry(got.1.clone()).or_default() += 1;
            end(world, &mut model, &got.1, reuse, at).await;
        }
    }
    assert!(endings.len() > 10, "the dice must make many jobs end");
}

async fn end(world: &World, model: &mut Dedupe, id: &JobId, reuse: Reuse, at: Timestamp) {
    let stored = world.read(id).await;
    let mut transition = if stored.job.is_terminal() {
        Transition {
            job: stored.job.clone(),
            due: Due::Unchanged,
            ledger: None,
            ending: None,
        }
    } else {
        stored
            .job
            .apply(
                Event::Exhausted {
                    failure: fixtures::failure(),
                },
                at,
            )
            .unwrap()
    };
    transition.ending = Some(Ending { reuse });
    model.ended(&transition.job, reuse);
    done(world.try_commit(&commit(&stored, None, transition)).await);
}
