//! Many calls for one person in a random but repeatable order, checked after each step against a model in its own words.

use std::{collections::BTreeMap, time::Duration};

use jiff::{Timestamp, civil::date};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::{
    World, fixtures,
    world::{all_charges, done, found},
};
use crate::{
    domain::{
        ids::{IntentId, JobId},
        job::{Event, Intent, Step},
        outcome::{Charge, Outcome},
        provider_id::ProviderId,
    },
    store::{ChargeQuery, Commit, Committed, PersonDay},
};

const MS: Duration = Duration::from_millis(1);
const PROVIDERS: [ProviderId; 2] = [ProviderId::Kiban, ProviderId::TuIdentidad];
const DAY_MAX: u32 = 6;

/// What must be true of the ledger.
#[derive(Default)]
struct Model {
    /// The call that each provider's unit belongs to, and when it last changed.
    units: BTreeMap<ProviderId, (IntentId, Timestamp)>,
    charges: BTreeMap<IntentId, (i8, Charge)>,
}

impl Model {
    fn charge(&self, intent: &IntentId) -> Charge {
        self.charges[intent].1
    }

    fn blocks(&self, provider: ProviderId, fresh_after: Timestamp, repeat_allowed: bool) -> Option<Charge> {
        let (intent, at) = self.units.get(&provider)?;
        let charge = self.charge(intent);
        let blocks = match charge {
            Charge::Open => true,
            Charge::Unknown => !repeat_allowed,
            Charge::Yes => *at > fresh_after,
            Charge::No => false,
        };
        blocks.then_some(charge)
    }

    fn is_full(&self, day: i8) -> bool {
        let taken = self
            .charges
            .values()
            .filter(|(on, charge)| *on == day && *charge != Charge::No);
        taken.count() >= DAY_MAX as usize
    }

    fn settled(&mut self, call: &Call, charge: Charge, at: Timestamp) {
        self.charges.get_mut(&call.intent.id).unwrap().1 = charge;
        if let Some(unit) = self
            .units
            .get_mut(&call.intent.provider)
            .filter(|unit| unit.0 == call.intent.id)
        {
            unit.1 = at;
        }
    }
}

/// A call whose charge is open or unknown.
struct Call {
    job: JobId,
    intent: Intent,
}

pub(crate) async fn calls_and_outcomes_agree_with_the_model(world: &World) {
    let mut dice = StdRng::seed_from_u64(11);
    let (mut model, mut calls) = (Model::default(), Vec::new());
    let start = world.now().await - Duration::from_secs(3600);
    let mut refused = BTreeMap::<&str, u32>::new();
    for step in 0..200_u32 {
        let at = start + MS * step;
        if calls.is_empty() || dice.random_bool(0.5) {
            let (call, why) = try_call(world, &mut model, &mut dice, (start, at)).await;
            *refused.entry(why).or_default() += 1;
            calls.extend(call);
        } else {
            let call = calls.swap_remove(dice.random_range(0..calls.len()));
            calls.extend(settle(world, &mut model, call, dice.random_range(0..4), at).await);
        }
    }
    assert!(
        ["done", "unit", "day"].iter().all(|why| refused[why] > 5),
        "the dice must show all sides: {refused:?}"
    );

    let all = ChargeQuery {
        page_size: 1000,
        ..all_charges()
    };
    let rows = world.store.charges(all).await.unwrap().rows;
    let told: BTreeMap<IntentId, Charge> = rows.into_iter().map(|row| (row.id, row.charge)).collect();
    let expected = model
        .charges
        .into_iter()
        .map(|(intent, (_, charge))| (intent, charge))
        .collect();
    assert_eq!(told, expected);
}

async fn try_call(
    world: &World,
    model: &mut Model,
    dice: &mut StdRng,
    (start, at): (Timestamp, Timestamp),
) -> (Option<Call>, &'static str) {
    let intent = fixtures::intent(PROVIDERS[dice.random_range(0..2)], Step::FetchHistory);
    let day = dice.random_range(1..4);
    let mut job = fixtures::work_history(1, at);
    job.ask.fresh_after = start + MS * dice.random_range(0..200);
    job.ask.allow_repeat_charge = dice.random_bool(0.3);
    let (fresh_after, repeat_allowed) = (job.ask.fresh_after, job.ask.allow_repeat_charge);
    let id = world.start_apart(job).await.stored.job.id;

    let stored = world.read(&id).await;
    let transition = stored
        .job
        .apply(Event::IntentRecorded { intent: intent.clone() }, at)
        .unwrap();
    let person_day = Some(PersonDay {
        day: date(2026, 3, day),
        max: DAY_MAX,
    });
    let commit = super::world::commit(&stored, None, transition);
    let got = world.try_commit(&Commit { person_day, ..commit }).await;

    if let Some(charge) = model.blocks(intent.provider, fresh_after, repeat_allowed) {
        assert_eq!(got, Committed::UnitTaken { charge });
        return (None, "unit");
    }
    if model.is_full(day) {
        assert_eq!(got, Committed::PersonDayFull);
        return (None, "day");
    }
    done(got);
    model.units.insert(intent.provider, (intent.id.clone(), at));
    model.charges.insert(intent.id.clone(), (day, Charge::Open));
    (Some(Call { job: id, intent }), "done")
}

/// Tells one fact about the call; gives it back while there is more to tell.
async fn settle(world: &World, model: &mut Model, call: Call, face: u32, at: Timestamp) -> Option<Call> {
    match face {
        0 => {
            world.outcome(&call.job, &call.intent, found(), at).await;
            model.settled(&call, Charge::Yes, at);
            None
        }
        1 => {
            world.outcome(&call.job, &call.intent, Outcome::NotSent, at).await;
            model.settled(&call, Charge::No, at);
            None
        }
        2 => {
            world.outcome(&call.job, &call.intent, Outcome::Ambiguous, at).await;
            model.settled(&call, Charge::Unknown, at);
            Some(call)
        }
        _ => {
            // The job ends without knowing, and an operator hears that it was free.
            world.outcome(&call.job, &call.intent, Outcome::Ambiguous, at).await;
            done(world.happened(&call.job, Event::TimeUp, at).await);
            world.settles(&call.job, Charge::No).await;
            model.settled(&call, Charge::No, at);
            None
        }
    }
}
