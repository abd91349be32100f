//! Committing transitions: versions, fences, leases and due times.

use std::{collections::HashSet, time::Duration};

use futures::future::join_all;
use tokio::time::Instant;

use super::{
    LONG, SHORT, World, fixtures,
    world::{commit, done, found, moved},
};
use crate::{
    domain::{
        ids::JobId,
        job::{Due, Event, Source},
    },
    store::{Bell, Change, Commit, Committed},
};

const HOUR: Duration = Duration::from_secs(3600);

pub(crate) async fn a_commit_is_read_back_under_the_next_version(world: &World) {
    let claim = world.start(1).await;
    let id = &claim.stored.job.id;
    let until = world.now().await + HOUR;
    let commit = world
        .commit_of(id, Some(claim.lease.fence), Event::Deferred { until })
        .await;
    let (version, lease) = done(world.try_commit(&commit).await);
    assert!(version > claim.stored.version);
    assert_eq!(lease, None);
    let stored = world.read(id).await;
    assert_eq!((stored.job, stored.version), (commit.transition.job, version));
}

pub(crate) async fn a_stale_version_changes_nothing(world: &World) {
    let claim = world.start(1).await;
    let id = &claim.stored.job.id;
    let late = world.commit_of(id, Some(claim.lease.fence), Event::CancelAsked).await;
    done(
        world
            .happens(
                id,
                Event::Joined {
                    limit: 5,
                    dependent: None,
                },
            )
            .await,
    );
    let before = world.read(id).await;
    assert_eq!(world.try_commit(&late).await, Committed::Conflict);
    assert_eq!(world.read(id).await, before);
    assert_eq!(
        world.claim(LONG).await.next_due_in.map(|next| next > LONG / 2),
        Some(true),
        "still leased"
    );
}

pub(crate) async fn a_stale_fence_changes_nothing(world: &World) {
    let id = world.start(1).await.stored.job.id;
    world.store.release(&id, 1).await.unwrap();
    assert_eq!(world.claim(LONG).await.claims[0].lease.fence, 2);
    let before = world.read(&id).await;
    let intent = Event::IntentRecorded {
        intent: fixtures::history_intent(),
    };
    let stale = world.commit_of(&id, Some(1), intent).await;
    assert_eq!(world.try_commit(&stale).await, Committed::Conflict);
    assert_eq!(world.read(&id).await, before);
    assert!(world.rows(&id).await.is_empty());
}

pub(crate) async fn a_missing_job_is_a_conflict(world: &World) {
    let stored = crate::store::Stored {
        job: fixtures::work_history(1, world.now().await),
        version: 1,
    };
    let commit = commit(&stored, None, moved(&stored, Due::Unchanged));
    assert_eq!(world.try_commit(&commit).await, Committed::Conflict);
    assert!(world.store.read(&stored.job.id).await.unwrap().is_none());
}

pub(crate) async fn without_a_fence_the_version_decides(world: &World) {
    let claim = world.start(1).await;
    let id = &claim.stored.job.id;
    let (version, _) = done(
        world
            .happens(
                id,
                Event::Joined {
                    limit: 0,
                    dependent: None,
                },
            )
            .await,
    );
    assert!(version > claim.stored.version);
}

pub(crate) async fn of_many_commits_at_once_one_is_done(world: &World) {
    let id = world.start(1).await.stored.job.id;
    let mut commits = Vec::new();
    for limit in 0..20 {
        commits.push(
            world
                .commit_of(&id, None, Event::Joined { limit, dependent: None })
                .await,
        );
    }
    let committed = join_all(commits.iter().map(|commit| world.try_commit(commit))).await;
    assert_eq!(
        committed
            .iter()
            .filter(|it| matches!(it, Committed::Done { .. }))
            .count(),
        1
    );
    assert_eq!(committed.iter().filter(|it| **it == Committed::Conflict).count(), 19);
}

pub(crate) async fn a_repeated_commit_is_done_again_and_once(world: &World) {
    let claim = world.start(1).await;
    let id = &claim.stored.job.id;
    let until = world.now().await + HOUR;
    let deferred = world
        .commit_of(id, Some(claim.lease.fence), Event::Deferred { until })
        .await;
    let first = world.try_commit(&deferred).await;
    let (before, end) = (world.read(id).await, world.store.feed_end().await.unwrap());
    assert_eq!(world.try_commit(&deferred).await, first);
    assert_eq!(world.read(id).await, before);
    assert_eq!(world.store.feed_end().await.unwrap(), end);

    // Also when it ended the job.
    let cancel = world.commit_of(id, None, Event::CancelAsked).await;
    let ended = world.try_commit(&cancel).await;
    assert_eq!(world.try_commit(&cancel).await, ended);
    assert_eq!(
        world.try_commit(&deferred).await,
        Committed::Conflict,
        "only the last operation is remembered"
    );
}

pub(crate) async fn a_held_lease_is_renewed(world: &World) {
    world
        .create(&fixtures::creation(fixtures::work_history(1, world.now().await)))
        .await;
    let claim = world.claim(SHORT).await.claims.remove(0);
    let intent = Event::IntentRecorded {
        intent: fixtures::history_intent(),
    };
    let commit = world
        .commit_of(&claim.stored.job.id, Some(claim.lease.fence), intent)
        .await;
    assert_eq!(commit.transition.due, Due::Held);
    let before = Instant::now();
    let lease = done(world.try_commit(&Commit { hold: LONG, ..commit }).await)
        .1
        .expect("the lease is held");
    assert_eq!(lease.fence, claim.lease.fence);
    assert!(lease.expires_at >= before + LONG && lease.expires_at <= Instant::now() + LONG);
    world.advance(SHORT).await;
    assert!(world.claimed_ids(LONG).await.is_empty());
}

pub(crate) async fn a_repeated_hold_still_has_its_lease(world: &World) {
    let claim = world.start(1).await;
    let intent = Event::IntentRecorded {
        intent: fixtures::history_intent(),
    };
    let commit = world
        .commit_of(&claim.stored.job.id, Some(claim.lease.fence), intent)
        .await;
    let (version, _) = done(world.try_commit(&commit).await);
    let (again, lease) = done(world.try_commit(&commit).await);
    assert_eq!(again, version);
    assert_eq!(lease.expect("the lease is still held").fence, claim.lease.fence);
    assert_eq!(world.rows(&claim.stored.job.id).await.len(), 1);
}

pub(crate) async fn a_repeated_hold_does_not_bring_back_a_lost_lease(world: &World) {
    world
        .create(&fixtures::creation(fixtures::work_history(1, world.now().await)))
        .await;
    let claim = world.claim(LONG).await.claims.remove(0);
    let intent = Event::IntentRecorded {
        intent: fixtures::history_intent(),
    };
    let id = &claim.stored.job.id;
    let commit = Commit {
        hold: SHORT,
        ..world.commit_of(id, Some(claim.lease.fence), intent).await
    };
    done(world.try_commit(&commit).await);
    world.advance(SHORT).await;
    let other = world.claim(LONG).await.claims.remove(0);
    // With a lease in hand the first caller would send the billed request.
    assert_eq!(world.try_commit(&commit).await, Committed::Conflict);
    assert_eq!(world.read(id).await, other.stored);
}

pub(crate) async fn a_due_time_gives_up_the_lease(world: &World) {
    let claim = world.start(1).await;
    let id = &claim.stored.job.id;
    done(
        world
            .happens(
                id,
                Event::Deferred {
                    until: world.now().await + HOUR * 5,
                },
            )
            .await,
    );
    let claims = world.claim(LONG).await;
    assert!(claims.claims.is_empty());
    let next = claims.next_due_in.unwrap();
    assert!(next <= HOUR * 5 && next > HOUR * 4, "{next:?}");

    done(
        world
            .happens(
                id,
                Event::Deferred {
                    until: world.now().await,
                },
            )
            .await,
    );
    assert_eq!(world.claimed_ids(LONG).await, std::slice::from_ref(id));
}

pub(crate) async fn an_unchanged_due_time_keeps_the_lease(world: &World) {
    let claim = world.start(1).await;
    let id = &claim.stored.job.id;
    done(
        world
            .happens(
                id,
                Event::Joined {
                    limit: 5,
                    dependent: None,
                },
            )
            .await,
    );
    assert!(world.claimed_ids(LONG).await.is_empty());
    let deferred = Event::Deferred {
        until: world.now().await,
    };
    let commit = world.commit_of(id, Some(claim.lease.fence), deferred).await;
    done(world.try_commit(&commit).await);
    assert_eq!(world.claimed_ids(LONG).await, std::slice::from_ref(id));
}

pub(crate) async fn an_ended_job_is_never_due(world: &World) {
    let claim = world.start(1).await;
    done(world.happens(&claim.stored.job.id, Event::CancelAsked).await);
    let claims = world.claim(LONG).await;
    assert!(claims.claims.is_empty());
    assert_eq!(claims.next_due_in, None);
    done(
        world
            .happens(
                &claim.stored.job.id,
                Event::Joined {
                    limit: 5,
                    dependent: None,
                },
            )
            .await,
    );
    assert_eq!(
        world.claim(LONG).await.next_due_in,
        None,
        "a later change does not bring it back"
    );
}

pub(crate) async fn exactly_the_living_jobs_are_due(world: &World) {
    let now = world.now().await;
    let mut living = HashSet::new();
    for number in 0..24 {
        let id = world.start(number).await.stored.job.id;
        match number % 4 {
            0 => drop(done(world.happens(&id, Event::CancelAsked).await)),
            1 => {
                let intent = fixtures::history_intent();
                world.intends(&id, &intent, now).await;
                world.outcome(&id, &intent, found(), now).await;
            }
            2 => {
                done(world.happens(&id, Event::Deferred { until: now }).await);
                living.insert(id);
            }
            _ => {
                world.store.release(&id, 1).await.unwrap();
                living.insert(id);
            }
        }
    }
    let due: HashSet<JobId> = world.claimed_ids(LONG).await.into_iter().collect();
    assert_eq!(due, living);
}

pub(crate) async fn the_answer_is_kept_sealed(world: &World) {
    let id = world.start(1).await.stored.job.id;
    let now = world.now().await;
    let intent = fixtures::history_intent();
    world.intends(&id, &intent, now).await;
    let fact = Event::OutcomeKnown {
        from: Source::Poll,
        intent: intent.id,
        outcome: found(),
        next_at: now,
    };
    let commit = world.commit_of(&id, None, fact).await;
    done(
        world
            .try_commit(&Commit {
                answer: Some(vec![0, 255, 7]),
                ..commit
            })
            .await,
    );
    let sealed = world.store.read_sealed(&id).await.unwrap().unwrap();
    assert_eq!(
        (sealed.subject, sealed.answer),
        (b"sealed subject".to_vec(), Some(vec![0, 255, 7]))
    );

    done(
        world
            .happens(
                &id,
                Event::Joined {
                    limit: 5,
                    dependent: None,
                },
            )
            .await,
    );
    assert!(
        world.store.read_sealed(&id).await.unwrap().unwrap().answer.is_some(),
        "a later commit keeps it"
    );
}

pub(crate) async fn commits_and_creations_ring(world: &World) {
    let mut bells = world.store.bells();
    let id = world.start(1).await.stored.job.id;
    wait_for(&mut bells, &id, Change::Creation).await;
    let event = Event::Joined {
        limit: 5,
        dependent: None,
    };
    let commit = world.commit_of(&id, None, event).await;
    done(world.try_commit(&commit).await);
    wait_for(&mut bells, &id, Change::Commit(commit.op)).await;
}

/// A doorbell may ring more often than asked, and a ring may stand for many.
async fn wait_for(bells: &mut tokio::sync::broadcast::Receiver<Bell>, id: &JobId, expected: Change) {
    let rung = async {
        loop {
            match bells.recv().await {
                Ok(Bell::Job { id: job, by }) if job == *id && by == expected => return,
                Ok(Bell::Job { .. }) => {}
                Ok(Bell::Resync | Bell::Lost) | Err(_) => return,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), rung)
        .await
        .expect("the bell rings");
}
