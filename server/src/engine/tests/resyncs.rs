//! What the hub finds out by itself, when nothing rings: every change, and without reading what stands still.
//!
//! Changes are made behind the back of the store, so that there is no bell to hear.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    faulty::Faulty,
    harness::{PATIENCE, until},
};
use crate::{
    clock::Clock,
    domain::ids::JobId,
    engine::hub::{Follow, Hub, Latest},
    store::{
        Bell, Change, Store,
        conformance::fixtures,
        model::{Data, Model},
    },
};

const RESYNC_INTERVAL: Duration = Duration::from_millis(5);
const RETENTION: Duration = Duration::from_secs(100 * 86_400);

/// A hub that runs, and the store beneath it.
struct World {
    hub: Arc<Hub>,
    store: Arc<Faulty>,
    model: Arc<Model>,
    stop: CancellationToken,
    run: JoinHandle<()>,
}

impl World {
    async fn new() -> World {
        let clock = Clock::manual(fixtures::EPOCH);
        let model = Arc::new(Model::new(clock.clone(), RETENTION, 40));
        let store = Faulty::new(Arc::clone(&model) as Arc<dyn Store>, None);
        let hub = Arc::new(Hub::new(Arc::clone(&store) as Arc<dyn Store>, clock));
        let stop = CancellationToken::new();
        let run = tokio::spawn({
            let (hub, stop) = (Arc::clone(&hub), stop.clone());
            async move { hub.run(RESYNC_INTERVAL, stop).await }
        });
        // With its first look it listens already.
        let mut rings = hub.rings();
        let listens = timeout(PATIENCE, rings.wait_for(|rings| *rings > 0)).await;
        listens.expect("a hub begins with a look").unwrap();
        World {
            hub,
            store,
            model,
            stop,
            run,
        }
    }

    /// Starts a job of this person and follows it.
    async fn follow(&self, person: u8) -> (JobId, Follow) {
        let creation = fixtures::creation(fixtures::work_history(person, fixtures::EPOCH));
        let id = self.model.create(creation).await.unwrap().stored.job.id;
        let mut follow = self.hub.follow(&id).await.unwrap().unwrap();
        follow.latest();
        (id, follow)
    }

    /// Returns when what was followed before has been asked for, and what came of it was done.
    async fn resyncs(&self) {
        let looks = || self.store.version_looks.load(Ordering::SeqCst);
        // Rounds may be under way, and the last one that is counted has only begun.
        let enough = looks() + 20;
        until("versions are asked for again and again", || async { looks() >= enough }).await;
    }

    fn reads(&self) -> usize {
        self.store.reads.load(Ordering::SeqCst)
    }

    fn behind_its_back<T>(&self, change: impl FnOnce(&mut Data) -> T) -> T {
        self.model.look(change)
    }

    async fn end(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.run).await.expect("it ends at once").unwrap();
    }
}

async fn shows(follow: &mut Follow, what: &str, wanted: impl Fn(&Latest) -> bool) {
    let shown = async {
        while !wanted(&follow.latest()) {
            follow.changed().await;
        }
    };
    let shown = timeout(PATIENCE, shown).await;
    assert!(shown.is_ok(), "waited in vain until {what}");
}

#[tokio::test]
async fn jobs_that_stand_still_are_not_read() {
    let world = World::new().await;
    let mut follows = Vec::new();
    for person in [1, 2, 17] {
        follows.push(world.follow(person).await);
    }
    let before = world.reads();
    world.resyncs().await;
    assert_eq!(world.reads(), before);
    world.end().await;
}

#[tokio::test]
async fn a_change_whose_bell_was_lost_is_found_and_nothing_else_is_read() {
    let world = World::new().await;
    let (id, mut follow) = world.follow(1).await;
    let _others = [world.follow(17).await, world.follow(2).await];
    let before = world.reads();
    let version = world.behind_its_back(|data| {
        let entry = data.jobs.get_mut(&id).unwrap();
        entry.version += 1;
        entry.job.stalls = 7;
        entry.version
    });
    shows(&mut follow, "it is shown", |latest| latest.stored.version == version).await;
    assert_eq!(follow.latest().stored.job.stalls, 7);
    world.resyncs().await;
    assert_eq!(world.reads() - before, 1);
    world.end().await;
}

#[tokio::test]
async fn a_job_that_vanished_without_a_bell_is_found() {
    let world = World::new().await;
    let (id, mut follow) = world.follow(1).await;
    world.behind_its_back(|data| data.jobs.remove(&id));
    shows(&mut follow, "it is gone", |latest| latest.is_gone).await;
    world.end().await;
}

#[tokio::test]
async fn a_job_that_could_not_be_read_is_read_again_though_its_version_is_known() {
    let world = World::new().await;
    let (id, mut follow) = world.follow(1).await;
    world.behind_its_back(|data| data.damage(&id));
    let by = Change::Untold;
    world.model.rings(Bell::Job { id: id.clone(), by });
    shows(&mut follow, "it is unreadable", |latest| {
        latest.unreadable_since.is_some()
    })
    .await;
    world.behind_its_back(|data| data.mend(&id));
    shows(&mut follow, "it is readable", |latest| {
        latest.unreadable_since.is_none()
    })
    .await;
    world.end().await;
}

#[tokio::test]
async fn what_was_read_before_a_loss_is_read_again_though_its_version_is_known() {
    let world = World::new().await;
    let (_, mut follow) = world.follow(1).await;
    world.store.goes_down();
    let before = world.reads();
    world.model.rings(Bell::Lost);
    until("the loss has it read, in vain", || async { world.reads() > before }).await;
    world.store.comes_back();
    shows(&mut follow, "it was read after the loss", |latest| {
        latest.known.count == 1
    })
    .await;
    world.end().await;
}

#[tokio::test]
async fn followers_hear_that_versions_cannot_be_asked_for_and_that_they_can_again() {
    let world = World::new().await;
    let _follow = world.follow(1).await;
    let before = world.reads();
    let mut stale = world.hub.stale();
    world.store.goes_down();
    let is_stale = timeout(PATIENCE, stale.wait_for(Option::is_some)).await;
    is_stale.expect("silence is no news").unwrap();
    world.store.comes_back();
    let is_fresh = timeout(PATIENCE, stale.wait_for(Option::is_none)).await;
    is_fresh.expect("the store answers").unwrap();
    assert_eq!(world.reads(), before);
    world.end().await;
}

#[tokio::test]
async fn bells_and_the_end_do_not_wait_for_versions() {
    let world = World::new().await;
    world.store.hangs_at_versions();
    // More shards than questions at a time.
    let mut follows = Vec::new();
    for person in 1..=8 {
        follows.push(world.follow(person).await);
    }
    until("it hangs", || async {
        world.store.version_looks.load(Ordering::SeqCst) >= 4
    })
    .await;
    let (id, follow) = &mut follows[7];
    let version = world.behind_its_back(|data| {
        let entry = data.jobs.get_mut(id).unwrap();
        entry.version += 1;
        entry.version
    });
    let by = Change::Untold;
    world.model.rings(Bell::Job { id: id.clone(), by });
    shows(follow, "it is shown", |latest| latest.stored.version == version).await;
    world.end().await;
}
