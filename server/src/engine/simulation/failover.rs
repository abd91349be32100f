//! Failovers, and what else is in the way of every replica at once.
//!
//! A rewind takes back what was shown and not acknowledged; a loss what was acknowledged, and then some of it is remembered and put
//! back, and the store declares it. What a lost job means to those who knew of it: it is not found, and that is no violation. All
//! else must hold as ever.

use std::{sync::Mutex, time::Duration};

use tokio::time::sleep;

use super::{
    broken::Broken,
    chance::Chance,
    scene::{Scene, curp, short},
};

/// In percent: whether somebody lives who remembers the deeds of a person.
const REMEMBERED: u64 = 60;

/// What is in the way of everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sky {
    Clear,
    Unreachable,
    Mute,
    /// Before a rewind.
    Isolated,
    /// Before a loss: nobody notices anything.
    Doomed,
}

/// One sky for all replicas.
#[derive(Default)]
pub(super) struct Heaven(Mutex<Option<Sky>>);

impl Heaven {
    pub(super) fn turn(&self, to: Sky) {
        *self.0.lock().unwrap() = Some(to);
    }

    pub(super) fn sky(&self) -> Sky {
        self.0.lock().unwrap().unwrap_or(Sky::Clear)
    }
}

/// The data set before the isolation, put back after it.
pub(super) async fn rewind(scene: &Scene, heaven: &Heaven, isolated: Duration) {
    heaven.turn(Sky::Isolated);
    scene.rewind();
    let snapshot = scene.model.look(|data| data.clone());
    scene.note("-", "the store is isolated");
    sleep(isolated).await;
    heaven.turn(Sky::Clear);
    if scene.broken == Some(Broken::VersionsTwice) {
        scene.model.look(|data| *data = snapshot);
    } else {
        scene.model.rewind(snapshot);
    }
    scene.note("-", "and rewound");
}

pub(super) async fn lose(scene: &Scene, heaven: &Heaven, ends: Duration, pause: Duration) {
    heaven.turn(Sky::Doomed);
    let snapshot = scene.model.look(|data| data.clone());
    scene.note("-", "what is done from now on will be lost");
    sleep(ends).await;
    heaven.turn(Sky::Clear);
    let chance = Chance::of(scene.plan.seed, &format!("loss at {:?}", scene.elapsed()));
    let vault = super::fleet::vault();
    let people = (0..scene.plan.people).filter(|_| chance.percent(REMEMBERED));
    let remembered: Vec<_> = people.map(|person| vault.person_key(&curp(person))).collect();
    scene.rewind();
    let lost = scene.model.lose(snapshot, pause, |person| remembered.contains(person));
    for id in &lost {
        scene.note("-", format_args!("{} is lost", short(id)));
    }
    scene.note("-", "a loss is declared");
    scene.lost(lost);
}
