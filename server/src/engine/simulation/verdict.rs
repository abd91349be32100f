//! What must hold when everything has come to rest.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    fleet::{Fleet, Replica},
    scene::{curp, short},
};
use crate::{
    domain::{job::Job, outcome::Charge, provider_id::ProviderId, reason::Reason},
    store::model::Entry,
};

/// What a run came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    pub jobs: usize,
    pub charges: usize,
    pub unknown: usize,
}

/// Whether all jobs have ended, and what a loss took of the ledger has come back.
pub(super) fn is_quiet(fleet: &Fleet) -> bool {
    let has_ended = |entry: &Entry| entry.job.is_terminal();
    fleet
        .scene
        .model
        .look(|data| data.is_settled() && data.jobs.values().all(has_ended))
}

pub(super) fn check_jobs(fleet: &Fleet) -> Figures {
    let scene = &fleet.scene;
    let jobs: Vec<Job> = scene
        .model
        .look(|data| data.jobs.values().map(|entry| entry.job.clone()).collect());
    for id in scene.acknowledged_jobs() {
        let is_there = jobs.iter().any(|job| job.id == id) || scene.is_lost(&id);
        scene.check("I3", is_there, || {
            format!("{} was acknowledged and is gone", short(&id))
        });
    }
    for job in &jobs {
        let id = short(&job.id);
        scene.check("I7", job.is_terminal(), || {
            format!("{id} is still {}", job.state.name())
        });
        let is_due = scene.model.look(|data| data.jobs[&job.id].due.is_some());
        scene.check("I6", is_due != job.is_terminal(), || format!("{id} is due: {is_due}"));
        let ends = job.events.iter().filter(|event| event.view.stage.is_none()).count();
        scene.check("I5", ends == 1 || !job.is_terminal(), || {
            format!("{id} has {ends} ends")
        });
        let is_odd = job.failure().is_some_and(|failure| failure.reason == Reason::NoRoute);
        scene.check("I7", !is_odd, || format!("{id} found no route"));
    }
    check_ledger(fleet);
    let is_unknown = |job: &&Job| job.needs_settlement();
    let unknown = jobs.iter().filter(is_unknown).count();
    scene.check("I2", unknown == 0 || !scene.plan.is_fair, || {
        format!("{unknown} jobs are to be settled, for no reason")
    });
    Figures {
        jobs: jobs.len(),
        charges: fleet
            .bureaus
            .values()
            .map(|bureau| bureau.charges().values().sum::<usize>())
            .sum(),
        unknown,
    }
}

/// Every charge in a provider's books stands in a row, and no row says that one was made when none was. Rows that nobody could
/// settle may stand for either.
fn check_ledger(fleet: &Fleet) {
    let scene = &fleet.scene;
    let vault = super::fleet::vault();
    for (provider, bureau) in &fleet.bureaus {
        let books = bureau.charges();
        for person in 0..scene.plan.people {
            let key = vault.person_key(&curp(person)).as_str().to_owned();
            let rows = rows(fleet, *provider, &key);
            let count = |charge| rows.get(charge).copied().unwrap_or_default();
            let billed = books.get(&person).copied().unwrap_or_default();
            let (yes, unknown, open) = (count("yes"), count("unknown"), count("open"));
            let told = format!(
                "{} billed person {person} {billed} times; rows: {rows:?}",
                provider.as_str()
            );
            scene.check("I2", billed <= yes + unknown, || told.clone());
            // An operator's word covers all unknown charges of a job, and no more than one of them was asked about.
            scene.check("I2", yes <= billed || scene.plan.gives_leave, || told.clone());
            scene.check("I2", open == 0, || told.clone());
        }
    }
}

fn rows(fleet: &Fleet, provider: ProviderId, person: &str) -> BTreeMap<&'static str, usize> {
    fleet.scene.model.look(|data| {
        let mut rows = BTreeMap::new();
        let of_unit = |row: &&crate::store::model::Entered| row.row.provider == provider && row.person == person;
        for entered in data.charges.values().filter(of_unit) {
            let word = match entered.row.charge {
                Charge::Open => "open",
                Charge::Yes => "yes",
                Charge::No => "no",
                Charge::Unknown => "unknown",
            };
            *rows.entry(word).or_default() += 1;
        }
        rows
    })
}

/// A replica that has drained holds nothing (I14).
pub(super) fn check_drained(fleet: &Fleet, replica: &Arc<Replica>) {
    let inner = &replica.engine.inner;
    let options = &inner.options;
    let left = [
        ("tasks", inner.tasks.len()),
        ("workers", options.workers_max - inner.workers.available_permits()),
        ("streams", options.watch.streams_max - inner.streams.available_permits()),
        ("followed jobs", inner.hub.followed_count()),
    ];
    for (what, count) in left {
        fleet.scene.check("I14", count == 0, || {
            format!("{} left {count} {what} behind", replica.name)
        });
    }
}
