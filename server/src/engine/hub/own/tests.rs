//! What followers are shown of a commit of their own replica, when all goes well and when it does not. There is no resync here.
#![allow(clippy::unwrap_used)]

use std::{sync::Arc, time::Duration};

use tokio::{
    task::{JoinHandle, yield_now},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::super::{Follow, Hub};
use crate::{
    clock::Clock,
    domain::job::Event,
    engine::hub::own::AWAITED_MAX,
    store::{Bell, Change, Commit, Committed, Store, Stored, conformance::fixtures, model::Model},
};

const NEVER: Duration = Duration::from_secs(100 * 86_400);
const PATIENCE: Duration = Duration::from_secs(10);

/// A hub that runs, and a job in its store.
struct World {
    hub: Arc<Hub>,
    model: Arc<Model>,
    job: Stored,
    stop: CancellationToken,
    run: JoinHandle<()>,
}

impl World {
    async fn new() -> World {
        let clock = Clock::manual(fixtures::EPOCH);
        let model = Arc::new(Model::new(clock.clone(), NEVER, 40));
        let hub = Arc::new(Hub::new(Arc::clone(&model) as Arc<dyn Store>, clock));
        let creation = fixtures::creation(fixtures::work_history(1, fixtures::EPOCH));
        let job = model.create(creation).await.unwrap().stored;
        let stop = CancellationToken::new();
        let run = tokio::spawn({
            let (hub, stop) = (Arc::clone(&hub), stop.clone());
            async move { hub.run(NEVER, stop).await }
        });
        let world = World {
            hub,
            model,
            job,
            stop,
            run,
        };
        while !world.model.rings(Bell::Resync) {
            yield_now().await;
        }
        world.has_heard_all().await;
        // What rang, and the look with which every hub begins.
        let mut rings = world.hub.rings();
        rings.wait_for(|rings| *rings == 3).await.unwrap();
        world
    }

    /// Returns when the hub has heard all that has rung until now: of the last ring it is told that it waits for it.
    async fn has_heard_all(&self) {
        let last = fixtures::next_uuid();
        self.hub.own.awaited().insert(last);
        let id = fixtures::work_history(2, fixtures::EPOCH).id;
        let mut rings = self.hub.rings();
        self.model.rings(Bell::Job {
            id,
            by: Change::Commit(last),
        });
        let heard = async {
            while self.hub.own.awaited().contains(&last) {
                rings.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, heard).await.expect("rings are heard");
    }

    /// A follower who has seen what there is.
    async fn follow(&self) -> Follow {
        let mut follow = self.hub.follow(&self.job.job.id).await.unwrap().unwrap();
        follow.latest();
        follow
    }

    fn commit(&self, stored: &Stored, event: Event) -> Commit {
        Commit {
            op: fixtures::next_uuid(),
            expected_version: stored.version,
            fence: None,
            transition: stored.job.apply(event, fixtures::EPOCH).unwrap(),
            hold: Duration::ZERO,
            answer: None,
            person_day: None,
        }
    }

    async fn store(&self, commit: &Commit) -> u64 {
        match self.model.commit(commit.clone()).await.unwrap() {
            Committed::Done { version, .. } => version,
            other => panic!("{other:?}"),
        }
    }

    async fn end(self) {
        self.stop.cancel();
        self.run.await.unwrap();
    }
}

fn has_news(follow: &mut Follow) -> bool {
    follow.receiver().has_changed().unwrap()
}

async fn shows(follow: &mut Follow, version: u64) {
    let shown = async {
        while follow.latest().stored.version < version {
            follow.changed().await;
        }
    };
    timeout(PATIENCE, shown).await.expect("followers are shown it");
}

#[tokio::test]
async fn a_commit_is_shown_when_it_is_acknowledged_and_not_before() {
    let world = World::new().await;
    let mut follow = world.follow().await;
    let commit = world.commit(&world.job, Event::TakenUp);
    let own = world.hub.commits(&world.job.job.id, commit.op);
    let version = world.store(&commit).await;
    world.has_heard_all().await;
    assert!(!has_news(&mut follow));
    assert_eq!(world.hub.own.awaited().len(), 0, "its ring was heard");
    own.done(&commit.transition.job, version, None);
    shows(&mut follow, version).await;
    assert_eq!(follow.latest().stored.job, commit.transition.job);
    world.end().await;
}

#[tokio::test]
async fn a_commit_of_whose_end_nobody_tells_is_read() {
    let world = World::new().await;
    let mut follow = world.follow().await;
    let commit = world.commit(&world.job, Event::TakenUp);
    let own = world.hub.commits(&world.job.job.id, commit.op);
    let version = world.store(&commit).await;
    world.has_heard_all().await;
    assert!(!has_news(&mut follow), "its own ring causes no read");
    drop(own);
    shows(&mut follow, version).await;
    world.end().await;
}

#[tokio::test]
async fn a_commit_that_arrives_after_it_was_given_up_is_read() {
    let world = World::new().await;
    let commit = world.commit(&world.job, Event::TakenUp);
    drop(world.hub.commits(&world.job.job.id, commit.op));
    let mut follow = world.follow().await;
    let version = world.store(&commit).await;
    shows(&mut follow, version).await;
    world.end().await;
}

#[tokio::test]
async fn what_another_replica_commits_is_read() {
    let world = World::new().await;
    let mut follow = world.follow().await;
    let (own, other) = (
        world.commit(&world.job, Event::TakenUp),
        world.commit(&world.job, Event::CancelAsked),
    );
    let own = world.hub.commits(&world.job.job.id, own.op);
    let version = world.store(&other).await;
    shows(&mut follow, version).await;
    assert!(follow.latest().stored.job.is_terminal());
    drop(own);
    world.end().await;
}

#[tokio::test]
async fn a_watch_that_opens_during_a_commit_is_shown_it_once() {
    let world = World::new().await;
    let commit = world.commit(&world.job, Event::TakenUp);
    let own = world.hub.commits(&world.job.job.id, commit.op);
    let mut before = world.follow().await;
    assert_eq!(before.latest().stored.version, world.job.version);
    let version = world.store(&commit).await;
    let mut after = world.follow().await;
    assert_eq!(after.latest().stored.version, version);
    own.done(&commit.transition.job, version, None);
    shows(&mut before, version).await;
    assert!(!has_news(&mut after), "it has been shown that version");
    world.end().await;
}

#[tokio::test]
async fn an_own_commit_never_takes_the_place_of_a_newer_version() {
    let world = World::new().await;
    let mut follow = world.follow().await;
    let commit = world.commit(&world.job, Event::TakenUp);
    let own = world.hub.commits(&world.job.job.id, commit.op);
    let version = world.store(&commit).await;
    let next = Stored {
        job: commit.transition.job.clone(),
        version,
    };
    let newer = world.store(&world.commit(&next, Event::TakenUp)).await;
    shows(&mut follow, newer).await;
    own.done(&commit.transition.job, version, None);
    assert!(!has_news(&mut follow));
    world.end().await;
}

#[tokio::test]
async fn after_a_loss_a_commit_is_not_believed_but_read() {
    let world = World::new().await;
    let mut follow = world.follow().await;
    let before = world.model.look(|data| data.clone());
    let commit = world.commit(&world.job, Event::TakenUp);
    let own = world.hub.commits(&world.job.job.id, commit.op);
    let version = world.store(&commit).await;
    world.model.lose(before, Duration::ZERO, |_| false);
    world.has_heard_all().await;
    own.done(&commit.transition.job, version, None);
    let told = async {
        while follow.latest().known.count == 0 {
            follow.changed().await;
        }
    };
    timeout(PATIENCE, told)
        .await
        .expect("a loss has every followed job read");
    assert_eq!(follow.latest().stored.job.stalls, 0, "what was lost is not shown");
    world.end().await;
}

#[tokio::test]
async fn a_commit_during_which_something_else_was_lost_is_shown_after_all() {
    let world = World::new().await;
    let mut follow = world.follow().await;
    let commit = world.commit(&world.job, Event::TakenUp);
    let own = world.hub.commits(&world.job.job.id, commit.op);
    world.model.rings(Bell::Lost);
    world.has_heard_all().await;
    let losses = world.hub.losses_until_now().count;
    timeout(PATIENCE, async {
        while follow.latest().known.count < losses {
            follow.changed().await;
        }
    })
    .await
    .expect("a loss has every followed job read");
    let version = world.store(&commit).await;
    world.has_heard_all().await;
    assert!(!has_news(&mut follow), "its own ring causes no read");
    own.done(&commit.transition.job, version, None);
    shows(&mut follow, version).await;
    world.end().await;
}

#[tokio::test]
async fn rings_that_never_come_are_forgotten() {
    let world = World::new().await;
    for _ in 0..=AWAITED_MAX {
        let own = world.hub.commits(&world.job.job.id, fixtures::next_uuid());
        own.done(&world.job.job, world.job.version, None);
    }
    assert!(world.hub.own.awaited().len() <= AWAITED_MAX);
    world.end().await;
}
