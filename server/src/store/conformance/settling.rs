//! What an operator's word does to charges and units.

use super::{
    World, fixtures,
    money::{assert_free, assert_taken, outcome_now, start, try_intent},
    world::{done, found},
};
use crate::{
    domain::{
        job::{Event, Intent, Step},
        outcome::{Charge, Outcome, Verdict},
        provider_id::ProviderId,
    },
    store::Committed,
};

pub(crate) async fn an_operator_settles_unknown_charges_and_frees_their_units(world: &World) {
    for (person, charge) in [(1, Charge::Yes), (2, Charge::No)] {
        let id = world
            .unknown(fixtures::creation(fixtures::work_history(person, world.now().await)))
            .await;
        assert_taken(world, &start(world, person).await, Charge::Unknown).await;
        world.settles(&id, charge).await;
        let row = world.rows(&id).await.remove(0);
        assert_eq!(
            (row.charge, row.note.as_deref()),
            (charge, Some("as the provider says"))
        );
        assert!(row.settled_at.is_some());
        let always_fresh = start(world, person).await;
        assert_free(world, &always_fresh).await;
    }

    // A job with a free call, an abandoned one and a paid one: the word is about the abandoned one only.
    let id = start(world, 3).await;
    let calls = [
        (ProviderId::Nubarium, Step::FindNss, Outcome::NotSent),
        (ProviderId::Kiban, Step::FetchHistory, Outcome::Ambiguous),
        (ProviderId::TuIdentidad, Step::FetchHistory, found()),
    ];
    for (provider, step, outcome) in calls {
        let intent = fixtures::intent(provider, step);
        world.intends(&id, &intent, world.now().await).await;
        let abandoned = outcome == Outcome::Ambiguous;
        outcome_now(world, &id, &intent, outcome).await;
        if abandoned {
            done(world.happens(&id, Event::AmbiguityAbandoned).await);
        }
    }
    world.settles(&id, Charge::No).await;
    let rows = world.rows(&id).await;
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.provider, row.charge, row.note.is_some()))
        .collect();
    assert_eq!(
        told,
        [
            (ProviderId::TuIdentidad, Charge::Yes, false),
            (ProviderId::Kiban, Charge::No, true),
            (ProviderId::Nubarium, Charge::No, false)
        ]
    );
    let fresh = || start(world, 3);
    let bought = fixtures::intent(ProviderId::TuIdentidad, Step::FetchHistory);
    let got = try_intent(world, &fresh().await, &bought).await;
    assert_eq!(
        got,
        Committed::UnitTaken { charge: Charge::Yes },
        "what was bought and kept is not bought again"
    );
    assert_free(world, &fresh().await).await;
}

pub(crate) async fn an_operator_frees_the_unit_of_a_lost_answer(world: &World) {
    let id = world
        .unknown(fixtures::creation(fixtures::work_history(1, world.now().await)))
        .await;
    let row = world.rows(&id).await.remove(0);
    let intent = Intent {
        id: row.id,
        provider: row.provider,
        step: row.step,
    };
    outcome_now(world, &id, &intent, found()).await;
    let fresh = || start(world, 1);
    assert_taken(world, &fresh().await, Charge::Yes).await;
    world.settles(&id, Charge::Yes).await;
    assert_eq!(world.rows(&id).await[0].charge, Charge::Yes);
    assert_free(world, &fresh().await).await;
}

pub(crate) async fn an_operator_frees_the_unit_of_an_answer_that_came_after_another_no(world: &World) {
    let id = start(world, 1).await;
    let kiban = fixtures::history_intent();
    world.intends(&id, &kiban, world.now().await).await;
    outcome_now(world, &id, &kiban, Outcome::Ambiguous).await;
    done(world.happens(&id, Event::AmbiguityAbandoned).await);
    let other = fixtures::intent(ProviderId::TuIdentidad, Step::FetchHistory);
    world.intends(&id, &other, world.now().await).await;
    let no = Outcome::Answered {
        verdict: Verdict::No(fixtures::failure()),
        reference: None,
    };
    outcome_now(world, &id, &other, no).await;
    outcome_now(world, &id, &kiban, found()).await;

    let fresh = || start(world, 1);
    assert_taken(world, &fresh().await, Charge::Yes).await;
    world.settles(&id, Charge::Yes).await;
    let again = fixtures::intent(ProviderId::TuIdentidad, Step::FetchHistory);
    let got = try_intent(world, &fresh().await, &again).await;
    assert_eq!(
        got,
        Committed::UnitTaken { charge: Charge::Yes },
        "the no was paid for and told"
    );
    assert_free(world, &fresh().await).await;
}
